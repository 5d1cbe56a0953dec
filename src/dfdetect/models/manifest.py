"""manifest.json of a bundle: what it is, what it was made from, and the SHA-256 of everything in it."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from dfdetect.errors import ModelUnusable, UsageError
from dfdetect.models.calibration_file import parse
from dfdetect.models.sealed import as_text, read_plain
from dfdetect.models.trained_on import TrainedOn

MANIFEST = "manifest.json"
SCHEMA = "dfdetect.bundle/1"
POLARITY = "1 = manipulated"
MEMBERS = "members"  # folder of an ensemble's networks
TEXT_FILES = ("spec.json", "calibration.json", "card.md")
SEALED_FILES = ("model.onnx", *TEXT_FILES)
MOST_MEMBERS = 16
_MEMBER_FILE = re.compile(rf"{MEMBERS}/([A-Za-z0-9][A-Za-z0-9_-]*(?:\.[A-Za-z0-9_-]+)*)/{re.escape(MANIFEST)}")
_MOST_NAME = 64  # characters of a member's name


class Source(BaseModel):
    """Something the weights were made from: a dataset, or weights that they started from."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    name: str
    licence: str
    used_for: str = ""


class ExportFacts(BaseModel):
    """How model.onnx was made, and how far it is from the trained network on so many crops.

    parity_probability: largest difference of P(manipulated); parity_logit: of the logit. probability: how P was read
    from the logit. layers: how many are in this precision, counted from the last.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")
    precision: Literal["fp32", "fp16", "int8"]
    opset: int
    parity_crops: int
    parity_probability: float
    parity_logit: float
    probability: str
    layers: str


class Manifest(BaseModel):
    """An unknown key is refused: it may be a misspelt one.

    files: path inside the bundle -> SHA-256. export, trained_on: of a network that was trained here. imported_from:
    where somebody else's network came from. not_covered: kinds of fakes on which it was measured to be at chance, each
    with its figure ("whole generated faces (AUC .40)"); every scan says them.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)
    schema_: str = Field(alias="schema")
    name: str = Field(min_length=1)
    version: str = Field(min_length=1)
    files: dict[str, str]
    weights_licence: str = Field(min_length=1)
    sources: list[Source]
    label_polarity: str
    experimental: bool
    export: ExportFacts | None = None
    trained_on: TrainedOn | None = None
    imported_from: str | None = None
    not_covered: tuple[str, ...] | None = None

    @property
    def member_names(self) -> tuple[str, ...]:
        """Of an ensemble, else empty. Read them only from a manifest of `read_manifest`, which has checked them."""
        return tuple(found[1] for path in self.files if (found := _MEMBER_FILE.fullmatch(path)))

    def to_json(self) -> str:
        """manifest.json; what does not apply is left out."""
        return json.dumps(self.model_dump(by_alias=True, exclude_none=True), indent=2) + "\n"


def make_manifest(
    *, name: str, version: str, weights_licence: str, sources: Sequence[Source], experimental: bool, **more: object
) -> Manifest:
    """A manifest whose files are not named yet. UsageError: a name, version or licence is empty."""
    fields = {
        "schema": SCHEMA,
        "name": name,
        "version": version,
        "files": {},
        "weights_licence": weights_licence,
        "sources": list(sources),
        "label_polarity": POLARITY,
        "experimental": experimental,
        **more,
    }
    try:
        return Manifest.model_validate(fields)
    except ValidationError as error:
        wrong = "; ".join(f"{one['loc'][0]}: {one['msg']}" for one in error.errors())
        raise UsageError(f"a model needs a name, a version and a licence ('not stated' is one): {wrong}") from error


def read_manifest(folder: Path) -> tuple[Manifest, bytes]:
    """The manifest of a bundle and its bytes. Nothing that it names is opened yet.

    Raises:
        ModelUnusable: none, another schema, reversed polarity, or names that are not those of a bundle.
    """
    path = folder / MANIFEST
    data = read_plain(path)
    manifest = parse(Manifest, as_text(data, MANIFEST), str(path))
    if manifest.schema_ != SCHEMA:
        raise ModelUnusable(f"{path}: expected schema {SCHEMA!r}; found {manifest.schema_!r}")
    if manifest.label_polarity != POLARITY:
        raise ModelUnusable(
            f"{path}: expected label_polarity {POLARITY!r}; found {manifest.label_polarity!r}. "
            "Scores of a reversed model would mean the opposite: export it again"
        )
    names = manifest.member_names
    ours = set(SEALED_FILES) if not names else {*TEXT_FILES, *map(member_file, names)}
    if set(manifest.files) != ours:
        raise ModelUnusable(
            f"{path}: expected hashes of {', '.join(SEALED_FILES)} (of an ensemble: {', '.join(TEXT_FILES)} and "
            f"{MEMBERS}/NAME/{MANIFEST}); found {', '.join(manifest.files) or 'none'}"
        )
    check_member_names(names)
    return manifest, data


def member_file(name: str) -> str:
    """The file of an ensemble that names the hashes of one member's files, so its hash covers them all."""
    return f"{MEMBERS}/{name}/{MANIFEST}"


def check_member_names(names: tuple[str, ...]) -> None:
    """ModelUnusable for too many, two alike on a file system that does not tell cases apart, or no plain name."""
    bad = [name for name in names if not _MEMBER_FILE.fullmatch(member_file(name)) or len(name) > _MOST_NAME]
    if bad:
        raise ModelUnusable(
            f"member name {bad[0]!r}: expected letters, digits, '-', '_' and single '.' inside, at most {_MOST_NAME}"
        )
    if len({name.lower() for name in names}) < len(names) or len(names) > MOST_MEMBERS:
        raise ModelUnusable(f"expected at most {MOST_MEMBERS} members of different names; found {', '.join(names)}")
