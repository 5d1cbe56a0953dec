"""`dfdetect models list | show | verify`: the models on this computer."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Annotated, Any

import typer

from dfdetect.detect.wording import percent, plain
from dfdetect.errors import ModelUnusable

if TYPE_CHECKING:
    from dfdetect.models.bundle import Bundle

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)

Name = Annotated[str, typer.Argument(metavar="NAME|FOLDER", help="A model by name, or the folder of one.")]
Json = Annotated[bool, typer.Option("--json", help="Data instead of text.")]


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
        note = "  experimental" if row.get("experimental") else ""
        _write(f"{row['name']}  {state}{note}\n    {row['folder']}")
    if not rows:
        raise ModelUnusable(
            "no model is installed; install dfdetect again, or name folders of models in DFDETECT_MODELS"
        )


@app.command()
def show(name: Name = "default", json_flag: Json = False) -> None:
    """What a model is: licence, sources, thresholds with their measured error, and its card."""
    bundle = _load(name)
    facts = _facts(bundle)
    if json_flag:
        _write(json.dumps(facts | {"card": bundle.card}, indent=2))
        return
    _write(f"{facts['name']} {facts['version']}{'  (experimental)' if facts['experimental'] else ''}")
    _write(f"  folder    {facts['folder']}\n  sha256    {facts['sha256']}\n  weights   {facts['weights_licence']}")
    for source in facts["sources"]:
        use = f", for {source['used_for']}" if source["used_for"] else ""
        _write(f"  made from {source['name']} ({source['licence']}){use}")
    spec = facts["spec"]
    _write(f"  network   {spec['architecture']}, faces of {spec['input_size_px']} px")
    for point in facts["operating_points"]:
        _write(f"  {_point_text(point)}")
    _write("\n" + bundle.card.strip())


@app.command()
def verify(name: Name = "default") -> None:
    """Check every file of a model against its SHA-256, and that the network loads and answers."""
    bundle = _load(name)
    try_network(bundle)
    manifest = bundle.manifest
    _write(f"{manifest.name} {manifest.version}: {len(manifest.files)} files as sealed; the network runs")


def _load(name: str) -> Bundle:
    from dfdetect.models.bundle import find_bundle, load_bundle

    return load_bundle(find_bundle(name))


def try_network(bundle: Bundle) -> None:
    """Load the network as a scan does and run it once. Raises ModelUnusable where ONNX Runtime refuses it."""
    import numpy as np

    from dfdetect.detect.backend import make_backend

    side_px = bundle.spec.input_size_px
    make_backend(bundle).logits_and_cams(np.zeros((1, 3, side_px, side_px), np.float32))


def _facts(bundle: Bundle) -> dict[str, Any]:
    from dataclasses import asdict

    manifest, calibration = bundle.manifest, bundle.calibration
    points = [
        {"kind": kind, "faces": bucket, "target_fpr": calibration.target_fpr, **asdict(point)}
        for kind, by_bucket in calibration.thresholds.items()
        for bucket, point in by_bucket.items()
    ]
    return {
        "name": manifest.name,
        "version": manifest.version,
        "folder": str(bundle.folder),
        "sha256": bundle.sha256,
        "megabytes": round(len(bundle.model) / 1e6, 3),
        "experimental": manifest.experimental,
        "weights_licence": manifest.weights_licence,
        "sources": [source.model_dump() for source in manifest.sources],
        "spec": asdict(bundle.spec),
        "operating_points": points,
    }


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
