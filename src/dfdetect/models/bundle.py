"""A model as it is shipped: one folder, every file named with its SHA-256, nothing in it that can run code.

    model.onnx         logit and, where the network allows, a CAM output; weights inside, never in another file
    spec.json          what the network wants to be fed (models.spec)
    calibration.json   logit -> probability -> bounds of the verdicts (calibration)
    card.md            what it was trained on, how good it is, where it fails
    manifest.json      name, version, licence of the weights, sources, hashes of the four files above

An ensemble has `members/NAME/`, each a bundle like this, in place of model.onnx (models.ensemble).
A pickle is never loaded: opening one runs whatever it holds. docs/models.md tells users the format.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from importlib.resources import files
from pathlib import Path

from dfdetect.calibration import Calibration
from dfdetect.errors import ModelUnusable
from dfdetect.faces.align import CropView
from dfdetect.models.calibration_file import calibration_from_json, calibration_to_json
from dfdetect.models.ensemble_spec import check_ensemble_spec
from dfdetect.models.manifest import (
    MANIFEST,
    MEMBERS,
    SEALED_FILES,
    TEXT_FILES,
    ExportFacts,
    Manifest,
    Source,
    make_manifest,
    member_file,
    read_manifest,
)
from dfdetect.models.onnx_scan import refuse_unsafe
from dfdetect.models.sealed import (
    as_text,
    check_folder,
    read_plain,
    read_sealed,
    refuse_link,
    refuse_pickles,
    sha256_of,
)
from dfdetect.models.spec import ModelSpec
from dfdetect.models.trained_on import TrainedOn
from dfdetect.values import ModelInfo

DEFAULT_MODEL = "default"
MAP_KINDS = ("mask", "cam")  # outputs of a network that say where; the first that there is, is shown
MODELS_ENV = "DFDETECT_MODELS"  # folders that hold bundles, separated as in PATH


@dataclass(frozen=True, slots=True)
class Network:
    """One network of a bundle.

    scale, offset: its logit times scale plus offset is what the bundle's logit is the mean of: a member's own
    calibration, and 1 and 0 in a bundle of one network. maps: the kinds of maps that it gives, of MAP_KINDS.
    """

    name: str
    spec: ModelSpec
    model: bytes = field(repr=False)
    maps: tuple[str, ...]
    scale: float = 1.0
    offset: float = 0.0


@dataclass(frozen=True, slots=True)
class Bundle:
    """A verified bundle. sha256: of manifest.json, which names the hash of every other file, so it names them all.

    networks: one, or those of an ensemble's `members`, in their order.
    """

    folder: Path
    manifest: Manifest
    sha256: str
    networks: tuple[Network, ...]
    calibration: Calibration
    card: str
    members: tuple[Bundle, ...] = ()

    @property
    def info(self) -> ModelInfo:
        return ModelInfo(self.manifest.name, self.manifest.version, self.sha256, self.heatmap)

    @property
    def views(self) -> tuple[CropView, ...]:
        """Every way in which its networks want a face cut, once each; the widest is the first, and is shown."""
        wanted = {network.spec.view for network in self.networks}
        return tuple(sorted(wanted, key=lambda view: (-view.margin, -view.size_px)))

    @property
    def heatmap(self) -> str | None:
        """The kind of map that is shown: the first of MAP_KINDS that every network gives; None: there is none."""
        return next((kind for kind in MAP_KINDS if all(kind in network.maps for network in self.networks)), None)

    @property
    def model_bytes(self) -> int:
        return sum(len(network.model) for network in self.networks)


def load_bundle(folder: Path | str) -> Bundle:
    """Read a bundle, or an ensemble of bundles, and verify it whole: files, hashes, formats, polarity.

    Raises:
        ModelUnusable: a file is missing, altered (the message has both hashes), one too many, a link, too large, of
            a format that can run code, or does not say what it must.
    """
    folder = Path(folder)
    manifest, manifest_bytes = _open(folder)
    names = manifest.member_names
    expected = (*TEXT_FILES, MEMBERS) if names else SEALED_FILES
    check_folder(folder, (*expected, MANIFEST))
    texts = {name: as_text(read_sealed(folder / name, manifest.files[name]), name) for name in TEXT_FILES}
    members = tuple(_load_member(folder, name, manifest) for name in names)
    if names:
        check_ensemble_spec(texts["spec.json"], names)
        check_folder(folder / MEMBERS, names)
        networks = tuple(_member_network(name, member) for name, member in zip(names, members, strict=True))
    else:
        networks = (_only_network(folder, manifest, texts["spec.json"]),)
    return Bundle(
        folder=folder,
        manifest=manifest,
        sha256=sha256_of(manifest_bytes),
        networks=networks,
        calibration=calibration_from_json(texts["calibration.json"]),
        card=texts["card.md"],
        members=members,
    )


def find_bundle(name_or_folder: str | Path) -> Path:
    """The folder of a bundle, by its name (`list_bundles`) or by its path. Nothing is verified yet.

    Raises:
        ModelUnusable: neither; the message lists the names, or says what was found at the path.
    """
    known = list_bundles()
    if str(name_or_folder) in known:
        return known[str(name_or_folder)]
    path = Path(name_or_folder)
    if path.is_dir():
        return path
    if path.exists():
        raise ModelUnusable(f"{path}: expected the folder of a model bundle (with {MANIFEST}); found a file")
    names = ", ".join(sorted(known)) or "none are installed"
    raise ModelUnusable(f"no model {str(name_or_folder)!r}: expected the folder of a bundle or one of: {names}")


def list_bundles() -> dict[str, Path]:
    """Name -> folder of every bundle that is shipped or lies in a folder of DFDETECT_MODELS (which comes first)."""
    shipped = Path(str(files("dfdetect.models"))) / "bundles"
    own = [Path(part) for part in os.environ.get(MODELS_ENV, "").split(os.pathsep) if part]
    found: dict[str, Path] = {}
    for shelf in (*own, shipped):
        if shelf.is_dir():
            for folder in sorted(shelf.iterdir()):
                if (folder / MANIFEST).is_file():
                    found.setdefault(folder.name, folder)
    return found


def write_bundle(
    folder: Path,
    *,
    model: bytes,
    spec: ModelSpec,
    calibration: Calibration,
    card: str,
    name: str,
    version: str,
    weights_licence: str,
    sources: Sequence[Source],
    experimental: bool,
    export: ExportFacts | None = None,
    trained_on: TrainedOn | None = None,
    imported_from: str | None = None,
) -> Bundle:
    """Write a bundle and read it back, so that what is written is known to load."""
    texts = {"spec.json": spec.to_json(), "calibration.json": calibration_to_json(calibration), "card.md": card}
    manifest = make_manifest(
        name=name,
        version=version,
        weights_licence=weights_licence,
        sources=sources,
        experimental=experimental,
        export=export,
        trained_on=trained_on,
        imported_from=imported_from,
    )
    contents = {"model.onnx": model, **{file: text.encode() for file, text in texts.items()}}
    return write_files(folder, contents, manifest)


def write_files(folder: Path, contents: Mapping[str, bytes], manifest: Manifest) -> Bundle:
    """Write the files of a bundle, by their path in it, with the manifest that names their hashes; read it back.

    Of a member only its manifest is named, which names the rest of it.
    """
    named = {*SEALED_FILES, *(file for file in contents if file.startswith(MEMBERS) and file.endswith(MANIFEST))}
    hashes = {file: sha256_of(data) for file, data in contents.items() if file in named}
    sealed = manifest.model_copy(update={"files": hashes})
    for file, data in {**contents, MANIFEST: sealed.to_json().encode()}.items():
        (folder / file).parent.mkdir(parents=True, exist_ok=True)
        (folder / file).write_bytes(data)
    return load_bundle(folder)


def seal(folder: Path, **changes: object) -> Bundle:
    """Write the hashes of the files as they are now into manifest.json, with `changes` to its other keys.

    For whoever makes a bundle, after editing the card or the calibration. Never to be run to silence a failed check.
    The members of an ensemble are not sealed again: they must be as they were.
    """
    manifest, _ = _open(folder)
    hashes = {file: sha256_of(read_plain(folder / file)) for file in manifest.files}
    changed = Manifest.model_validate({**manifest.model_dump(by_alias=True), **changes, "files": hashes})
    (folder / MANIFEST).write_bytes(changed.to_json().encode())
    return load_bundle(folder)


def _open(folder: Path) -> tuple[Manifest, bytes]:
    refuse_pickles(folder)
    return read_manifest(folder)


def _only_network(folder: Path, manifest: Manifest, spec: str) -> Network:
    path = folder / "model.onnx"
    model = read_sealed(path, manifest.files["model.onnx"])
    facts = refuse_unsafe(model, path)
    ours = ModelSpec.from_json(spec)
    maps = () if manifest.imported_from else tuple(kind for kind in MAP_KINDS if kind in facts.outputs)
    return Network(manifest.name, ours, model, maps)


def _load_member(folder: Path, name: str, manifest: Manifest) -> Bundle:
    inside, sealed = folder / MEMBERS / name, manifest.files[member_file(name)]
    for part in (folder / MEMBERS, inside):
        refuse_link(part)
    read_sealed(inside / MANIFEST, sealed)
    if read_manifest(inside)[0].member_names:
        raise ModelUnusable(f"{inside}: an ensemble inside an ensemble; make one of its members instead")
    member = load_bundle(inside)
    if member.sha256 != sealed.lower():
        raise ModelUnusable(f"{inside / MANIFEST}: it changed while it was read")
    return member


def _member_network(name: str, member: Bundle) -> Network:
    (network,) = member.networks
    own = member.calibration
    return Network(name, network.spec, network.model, network.maps, own.scale, own.offset)
