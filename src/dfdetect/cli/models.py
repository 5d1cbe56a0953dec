"""`dfdetect models list | show | verify | ensemble | import`: the models on this computer."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from dfdetect.calibration import NOT_CALIBRATED
from dfdetect.detect.wording import percent, plain
from dfdetect.errors import ModelUnusable, UsageError

if TYPE_CHECKING:
    from dfdetect.models.bundle import Bundle
    from dfdetect.models.manifest import ExportFacts

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)

Name = Annotated[str, typer.Argument(metavar="NAME|FOLDER", help="A model by name, or the folder of one.")]
Json = Annotated[bool, typer.Option("--json", help="Data instead of text.")]
_MAPS = {
    "mask": "where it takes a face for pasted",
    "cam": "where it read its evidence",
    None: "none: a network without a map of its evidence",
}


@app.command("list")
def list_models(json_flag: Json = False) -> None:
    """Every model that `--model` takes by name."""
    from dfdetect.models.bundle import list_bundles, load_bundle

    rows: list[dict[str, Any]] = []
    for name, folder in list_bundles().items():
        try:
            rows.append(_facts(load_bundle(folder)) | {"name": name, "usable": True})
        except ModelUnusable as error:
            rows.append({"name": name, "folder": str(folder), "usable": False, "error": error.message})
    if json_flag:
        _write(json.dumps(rows, indent=2))
        return
    for row in rows:
        state = f"{row['version']}  {row['megabytes']:.1f} MB" if row["usable"] else f"UNUSABLE: {row['error']}"
        marks = ("experimental" if row.get("experimental") else "", "imported" if row.get("imported_from") else "")
        members = f"ensemble of {len(row['networks'])}" if row.get("ensemble") else ""
        note = "".join(f"  {mark}" for mark in (*marks, members) if mark)
        _write(f"{row['name']}  {state}{note}\n    {row['folder']}")
    if not rows:
        raise ModelUnusable(
            "no model is installed; install dfdetect again, or name folders of models in DFDETECT_MODELS"
        )


@app.command()
def show(
    name: Name = "default",
    json_flag: Json = False,
    html: Annotated[
        Path | None, typer.Option("--html", metavar="FILE", help="Write it as a page, and no text.")
    ] = None,
) -> None:
    """What a model is: licence, sources, thresholds with their measured error, and its card."""
    bundle = _load(name)
    if html is not None:
        from dfdetect.batch.whole_file import whole_file
        from dfdetect.detect.card_html import render_card

        with whole_file(html) as part:
            part.write_text(render_card(bundle), encoding="utf-8")
        _write(f"{html}: the card of {bundle.manifest.name} {bundle.manifest.version}")
        return
    facts = _facts(bundle)
    if json_flag:
        _write(json.dumps(facts | {"card": bundle.card}, indent=2))
        return
    _write(f"{facts['name']} {facts['version']}{'  (experimental)' if facts['experimental'] else ''}")
    _write(f"  folder    {facts['folder']}\n  sha256    {facts['sha256']}\n  weights   {facts['weights_licence']}")
    for source in facts["sources"]:
        use = f", for {source['used_for']}" if source["used_for"] else ""
        _write(f"  made from {source['name']} ({source['licence']}){use}")
    if facts["imported_from"]:
        _write(f"  imported  from {facts['imported_from']}: not ours, not measured by us")
    for network in facts["networks"]:
        _write(f"  network   {_network_text(network, named=facts['ensemble'])}")
    for kind in facts["not_covered"]:
        _write(f"  misses    {kind}: does not tell these from real faces")
    _write(f"  heatmap   {_MAPS[facts['heatmap']]}")
    for point in facts["operating_points"] if bundle.calibration.is_measured else ():
        _write(f"  {_point_text(point)}")
    if bundle.calibration.record is not None:
        for line in bundle.calibration.record.lines():
            _write(f"  {line}")
    if not bundle.calibration.is_measured:
        _write(f"  verdicts  {NOT_CALIBRATED}; run `dfdetect calibrate {facts['folder']}`")
    _write("\n" + bundle.card.strip())


@app.command()
def verify(name: Name = "default") -> None:
    """Check every file of a model against its SHA-256, and that the network loads and answers."""
    bundle = _load(name)
    try_network(bundle)
    manifest = bundle.manifest
    n_files = len(manifest.files) + sum(len(member.manifest.files) for member in bundle.members)
    ran = "the network runs" if not bundle.members else f"its {len(bundle.members)} networks run"
    _write(f"{manifest.name} {manifest.version}: {n_files} files as sealed; {ran}")


@app.command()
def ensemble(
    members: Annotated[list[str], typer.Argument(metavar="MEMBER...", help="Calibrated models, by name or folder.")],
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder of the ensemble; must be new or empty.")],
    name: Annotated[str, typer.Option(help="Name of the ensemble.")] = "ensemble",
    version: Annotated[str, typer.Option(help="Version of the ensemble.")] = "0.1",
) -> None:
    """Make one model of several: the mean of their calibrated logits, each with its own crop of every face.

    The members are copied into OUT/members. The ensemble answers "inconclusive" to everything until `dfdetect
    calibrate` has given it thresholds of its own: those of its members say nothing of their mean.
    """
    from dfdetect.models.bundle import find_bundle
    from dfdetect.models.ensemble import write_ensemble

    bundle = write_ensemble(out, [find_bundle(member) for member in members], name=name, version=version)
    try_network(bundle)
    for network in bundle.networks:
        spec = network.spec
        _write(f"{network.name}: {spec.architecture}, faces of {spec.input_size_px} px, margin {spec.margin:g}")
    _write(f"{out}: {len(bundle.networks)} networks, {bundle.model_bytes / 1e6:.1f} MB")
    _write(f"next: dfdetect calibrate {out} --photos LIST.csv --clips LIST.csv")


@app.command("import")
def import_model(
    model: Annotated[Path, typer.Argument(metavar="MODEL.onnx", help="A classifier of faces, as one ONNX file.")],
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder of the bundle; must be new or empty.")],
    input_size: Annotated[int, typer.Option(help="Side of the face picture in pixels.")],
    margin: Annotated[float, typer.Option(help="Added on each side of the face box, as a part of its longer side.")],
    mean: Annotated[str, typer.Option(metavar="A,B,C", help="Per channel, in the order of --channels.")],
    std: Annotated[str, typer.Option(metavar="A,B,C", help="Likewise: it is fed (pixel - mean) / std.")],
    pixels: Annotated[str, typer.Option(metavar="0-1|0-255", help="Range of the pixels that mean and std are of.")],
    channels: Annotated[str, typer.Option(metavar="RGB|BGR", help="Order of the colours.")],
    layout: Annotated[str, typer.Option(metavar="NCHW|NHWC", help="Order of the axes.")],
    output: Annotated[
        str,
        typer.Option(
            metavar="FORM:fake=WHICH",
            help="What it answers: logit:fake=high, probability:fake=low, class-logits:fake=1, "
            "class-probabilities:fake=0,2, ...",
        ),
    ],
    source: Annotated[str, typer.Option(help="Where the network is from: project, address, paper.")],
    licence: Annotated[str, typer.Option(help="Licence of its weights, or 'not stated'.")],
    output_name: Annotated[str, typer.Option(help="Which output is read, where it has several.")] = "",
    name: Annotated[str, typer.Option(help="Name of the model (default: of the file).")] = "",
    version: Annotated[str, typer.Option(help="Version of the model.")] = "0.1",
) -> None:
    """Wrap somebody else's ONNX classifier, so that it scans, is calibrated and takes part in ensembles.

    Everything that a file does not say must be stated: colours in the wrong order or a reversed class give scores that
    look like any other. It answers "inconclusive" to everything until `dfdetect calibrate` has measured it.
    """
    from dfdetect.export.foreign import Statement, import_onnx
    from dfdetect.models.spec import NetworkIO

    stated = Statement(
        name=name or model.stem,
        version=version,
        input_size_px=input_size,
        margin=margin,
        mean=_three_numbers("--mean", mean),
        std=_three_numbers("--std", std),
        pixel_range=pixels,
        io=NetworkIO(layout, channels, output, output_name),
        source=source,
        licence=licence,
    )
    found = import_onnx(model, out, stated)
    for note in found.notes:
        sys.stderr.write(f"dfdetect: look: {note}\n")
    _write(f"{out}: {found.bundle.model_bytes / 1e6:.1f} MB, marked as theirs in its card; it has no evidence map")
    _write(f"next: dfdetect calibrate {out} --photos LIST.csv --clips LIST.csv")


def _three_numbers(flag: str, text: str) -> tuple[float, float, float]:
    try:
        first, second, third = (float(part) for part in text.split(","))
    except ValueError as error:
        raise UsageError(
            f"{flag}: expected three numbers with commas between, as in 0.5,0.5,0.5; got {text!r}"
        ) from error
    return first, second, third


def _load(name: str) -> Bundle:
    from dfdetect.models.bundle import find_bundle, load_bundle

    return load_bundle(find_bundle(name))


def try_network(bundle: Bundle) -> None:
    """Load every network as a scan does and run it once. Raises ModelUnusable where ONNX Runtime refuses one."""
    import numpy as np

    from dfdetect.detect.backend import make_backend
    from dfdetect.detect.scorer import Scorer

    scorer = Scorer(bundle, [make_backend(network) for network in bundle.networks])
    scorer([tuple(np.zeros((view.size_px, view.size_px, 3), np.uint8) for view in bundle.views)])


def _facts(bundle: Bundle) -> dict[str, Any]:
    from dataclasses import asdict, replace

    manifest, calibration = bundle.manifest, bundle.calibration
    points = [
        {"kind": kind, "faces": bucket, **asdict(point), "target_fpr": point.target_fpr or calibration.target_fpr}
        for kind, by_bucket in calibration.thresholds.items()
        for bucket, point in by_bucket.items()
    ]
    return {
        "name": manifest.name,
        "version": manifest.version,
        "folder": str(bundle.folder),
        "sha256": bundle.sha256,
        "megabytes": round(bundle.model_bytes / 1e6, 3),
        "experimental": manifest.experimental,
        "not_covered": list(manifest.not_covered or ()),
        "weights_licence": manifest.weights_licence,
        "sources": [source.model_dump() for source in manifest.sources],
        "imported_from": manifest.imported_from,
        "ensemble": bool(bundle.members),
        "heatmap": bundle.heatmap,
        "networks": [
            {"name": network.name, "spec": asdict(network.spec), "export": facts and facts.model_dump()}
            for network, facts in zip(bundle.networks, _exports(bundle), strict=True)
        ],
        "operating_points": points,
        "probability_scale": "isotonic" if calibration.curve else "sigmoid",
        "calibrated_on": asdict(replace(calibration.record, file_keys="")) if calibration.record else None,
    }


def _exports(bundle: Bundle) -> list[ExportFacts | None]:
    """How each network was exported, where it was here."""
    return [one.manifest.export for one in bundle.members or (bundle,)]


def _network_text(network: dict[str, Any], *, named: bool) -> str:
    spec, export = network["spec"], network["export"]
    text = f"{spec['architecture']}, faces of {spec['input_size_px']} px, margin {spec['margin']:g}"
    if export is not None:
        text += (
            f"; {export['precision']} ({export['layers']}), within {export['parity_probability']:.1e} of the trained "
            f"network's probability ({export['probability']}) on {export['parity_crops']} crops"
        )
    return f"{network['name']}: {text}" if named else text


def _point_text(point: dict[str, Any]) -> str:
    bounds = (
        f"flagged above {point['likely_manipulated']:.2f}, nothing found below {point['no_manipulation_found']:.2f}"
    )
    if point["measured_fpr"] is None:
        measured = "false positives not measured"
    else:
        measured = f"{percent(point['measured_fpr'])} of real files flagged ({point['measured_on']})"
    faces = "1 face" if point["faces"] == "1" else f"{point['faces']} faces"
    return f"{point['kind']}, {faces}: {bounds}; {measured}"


def _write(text: str) -> None:
    encoding = sys.stdout.encoding or "utf-8"
    safe = "\n".join(plain(line) for line in text.split("\n"))
    sys.stdout.write(safe.encode(encoding, "backslashreplace").decode(encoding) + "\n")
