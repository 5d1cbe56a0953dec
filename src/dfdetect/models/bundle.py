"""A model as it is shipped: one folder, every file named with its SHA-256, nothing in it that can run code.

    model.onnx         logit and, where the network allows, a CAM output; weights inside, never in another file
    spec.json          what the network wants to be fed (models.spec)
    calibration.json   logit -> probability -> bounds of the verdicts (calibration)
    card.md            what it was trained on, how good it is, where it fails
    manifest.json      name, version, licence of the weights, sources, hashes of the four files above

A pickle is never loaded: opening one runs whatever it holds.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from importlib.resources import files
from pathlib import Path
from typing import Any, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from dfdetect.calibration import BUCKETS, Calibration, OperatingPoint
from dfdetect.errors import ModelUnusable
from dfdetect.models.onnx_scan import uses_external_data
from dfdetect.models.spec import ModelSpec
from dfdetect.values import ModelInfo

DEFAULT_MODEL = "default"
MODELS_ENV = "DFDETECT_MODELS"  # folders that hold bundles, separated as in PATH
SEALED_FILES = ("model.onnx", "spec.json", "calibration.json", "card.md")
MANIFEST = "manifest.json"
SCHEMA = "dfdetect.bundle/1"
POLARITY = "1 = manipulated"
_PICKLE_SUFFIXES = (".pt", ".pth", ".pkl", ".pickle", ".ckpt", ".bin", ".joblib")
_PICKLE_MAGIC = (b"PK\x03\x04", b"\x80\x02", b"\x80\x03", b"\x80\x04", b"\x80\x05")  # PyTorch's zip; bare pickles


class Source(BaseModel):
    """Something the weights were made from: a dataset, or weights that they started from."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    name: str
    licence: str
    used_for: str = ""


class Manifest(BaseModel):
    """manifest.json. An unknown key is refused: it may be a misspelt one."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)
    schema_: str = Field(alias="schema")
    name: str = Field(min_length=1)
    version: str = Field(min_length=1)
    files: dict[str, str]
    weights_licence: str = Field(min_length=1)
    sources: list[Source]
    label_polarity: str
    experimental: bool


class _Bounds(BaseModel):
    model_config = ConfigDict(extra="forbid")
    likely_manipulated: float = Field(ge=0, le=1)
    no_manipulation_found: float = Field(ge=0, le=1)
    measured_fpr: float | None = Field(ge=0, le=1)
    measured_on: str
    n_reals: int = Field(ge=0)


class _CalibrationFile(BaseModel):
    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)
    scale: float = Field(gt=0)
    offset: float
    target_fpr: float = Field(gt=0, lt=1)
    thresholds: dict[Literal["image", "video"], dict[Literal["1", "2", "3+"], _Bounds]]


@dataclass(frozen=True, slots=True)
class Bundle:
    """A verified bundle. sha256: of manifest.json, which names the hash of every other file, so it names them all."""

    folder: Path
    manifest: Manifest
    sha256: str
    spec: ModelSpec
    calibration: Calibration
    card: str
    model: bytes = field(repr=False)

    @property
    def info(self) -> ModelInfo:
        return ModelInfo(self.manifest.name, self.manifest.version, self.sha256)


def load_bundle(folder: Path | str) -> Bundle:
    """Read a bundle and verify it whole: files, hashes, formats, polarity.

    Raises:
        ModelUnusable: a file is missing, altered (the message has both hashes), one too many, of a format that can run
            code, or does not say what it must.
    """
    folder = Path(folder)
    manifest, manifest_bytes = _read_manifest(folder)
    _check_listing(folder, manifest)
    contents = {name: _verified(folder / name, manifest.files[name]) for name in SEALED_FILES}
    if uses_external_data(contents["model.onnx"]):
        raise ModelUnusable(
            f"{folder / 'model.onnx'}: expected one file; its weights lie in other files (external_data)"
        )
    return Bundle(
        folder=folder,
        manifest=manifest,
        sha256=hashlib.sha256(manifest_bytes).hexdigest(),
        spec=ModelSpec.from_json(_text(contents["spec.json"], "spec.json")),
        calibration=calibration_from_json(_text(contents["calibration.json"], "calibration.json")),
        card=_text(contents["card.md"], "card.md"),
        model=contents["model.onnx"],
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
) -> Bundle:
    """Write a bundle and read it back, so that what is written is known to load."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "model.onnx").write_bytes(model)
    texts = {"spec.json": spec.to_json(), "calibration.json": calibration_to_json(calibration), "card.md": card}
    for file_name, text in texts.items():
        (folder / file_name).write_text(text, encoding="utf-8", newline="\n")
    manifest = {
        "schema": SCHEMA,
        "name": name,
        "version": version,
        "files": {},
        "weights_licence": weights_licence,
        "sources": [source.model_dump() for source in sources],
        "label_polarity": POLARITY,
        "experimental": experimental,
    }
    _write_json(folder / MANIFEST, manifest)
    return seal(folder)


def seal(folder: Path, **changes: object) -> Bundle:
    """Write the hashes of the files as they are now into manifest.json, with `changes` to its other keys.

    For whoever makes a bundle, after editing the card or the calibration. Never to be run to silence a failed check.
    """
    manifest, _ = _read_manifest(folder)
    hashes = {name: hashlib.sha256(_read(folder / name)).hexdigest() for name in SEALED_FILES}
    _write_json(folder / MANIFEST, {**manifest.model_dump(by_alias=True), **changes, "files": hashes})
    return load_bundle(folder)


def calibration_to_json(calibration: Calibration) -> str:
    """calibration.json; `calibration_from_json` reads it back to an equal value."""
    rows = {
        kind: {bucket: asdict(by_bucket[bucket]) for bucket in BUCKETS if bucket in by_bucket}
        for kind, by_bucket in calibration.thresholds.items()
    }
    head = {"scale": calibration.scale, "offset": calibration.offset, "target_fpr": calibration.target_fpr}
    return json.dumps({**head, "thresholds": rows}, indent=2) + "\n"


def calibration_from_json(text: str) -> Calibration:
    """Read calibration.json. Unknown keys, a falling scale, and bounds out of order or missing are ModelUnusable."""
    found = _parse(_CalibrationFile, text, "calibration.json")
    rows: dict[str, Mapping[str, OperatingPoint]] = {}
    for kind, by_bucket in found.thresholds.items():
        rows[kind] = {bucket: OperatingPoint(**bounds.model_dump()) for bucket, bounds in by_bucket.items()}
        for bucket, bounds in by_bucket.items():
            if bounds.no_manipulation_found > bounds.likely_manipulated:
                raise ModelUnusable(f"calibration.json: {kind} {bucket}: the lower bound is above the upper one")
    if not any(rows.values()):
        raise ModelUnusable("calibration.json: expected bounds for at least one kind of media; found none")
    return Calibration(found.scale, found.offset, found.target_fpr, rows)


# ---- checks ----


def _read_manifest(folder: Path) -> tuple[Manifest, bytes]:
    if not folder.is_dir():
        raise ModelUnusable(f"{folder}: expected the folder of a model bundle; there is none")
    _refuse_pickles(folder)
    data = _read(folder / MANIFEST)
    manifest = _parse(Manifest, _text(data, MANIFEST), str(folder / MANIFEST))
    if manifest.schema_ != SCHEMA:
        raise ModelUnusable(f"{folder / MANIFEST}: expected schema {SCHEMA!r}; found {manifest.schema_!r}")
    if manifest.label_polarity != POLARITY:
        raise ModelUnusable(
            f"{folder / MANIFEST}: expected label_polarity {POLARITY!r}; found {manifest.label_polarity!r}. "
            "Scores of a reversed model would mean the opposite: export it again"
        )
    return manifest, data


def _refuse_pickles(folder: Path) -> None:
    for path in sorted(folder.iterdir()):
        pickled = path.suffix.lower() in _PICKLE_SUFFIXES
        if not pickled and path.is_file():
            with path.open("rb") as opened:
                pickled = opened.read(4).startswith(_PICKLE_MAGIC)
        if pickled:
            raise ModelUnusable(
                f"{path}: a pickle (PyTorch checkpoint) can run code when it is opened and is never loaded; "
                "export the model with `dfdetect export` and use that folder"
            )


def _check_listing(folder: Path, manifest: Manifest) -> None:
    if set(manifest.files) != set(SEALED_FILES):
        raise ModelUnusable(
            f"{folder / MANIFEST}: expected hashes of {', '.join(SEALED_FILES)}; found {', '.join(manifest.files)}"
        )
    present = {path.name for path in folder.iterdir() if not path.name.startswith(".")}
    if extra := sorted(present - {*SEALED_FILES, MANIFEST}):
        raise ModelUnusable(f"{folder}: files that the manifest does not name: {', '.join(extra)}; remove them")


def _verified(path: Path, expected: str) -> bytes:
    """The bytes of a file, once read and once hashed, so what was checked is what is used."""
    data = _read(path)
    actual = hashlib.sha256(data).hexdigest()
    if actual != expected.lower():
        raise ModelUnusable(
            f"{path}: expected SHA-256 {expected}, found {actual}; the file was altered: get the bundle again"
        )
    return data


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise ModelUnusable(f"{path}: expected a file of the bundle; {error.strerror or error}") from error


def _text(data: bytes, name: str) -> str:
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise ModelUnusable(f"{name}: expected UTF-8 text; {error}") from error


_T = TypeVar("_T", bound=BaseModel)


def _parse(kind: type[_T], text: str, name: str) -> _T:
    try:
        return TypeAdapter(kind).validate_json(text)
    except ValidationError as error:
        found = "; ".join(f"{'.'.join(map(str, e['loc'])) or 'file'}: {e['msg']}" for e in error.errors())
        raise ModelUnusable(f"{name}: {found}") from error


def _write_json(path: Path, content: Mapping[str, Any]) -> None:
    path.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8", newline="\n")
