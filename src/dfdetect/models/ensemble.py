"""Several bundles as one: the mean of their calibrated logits, each network with its own crop of the same face.

An ensemble is a bundle with `members/NAME/`, each a whole bundle, in place of model.onnx. Logits of two networks have
no common scale, so each is read through its member's own calibration first (scale and offset, Platt 1999); the mean
then goes through the ensemble's. Networks that learnt differently partly cancel each other's errors, as the winners
of the Deepfake Detection Challenge relied on (Dolhansky et al. 2020, arXiv:2006.07397).
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from pathlib import Path

from dfdetect.calibration import uncalibrated
from dfdetect.errors import UsageError
from dfdetect.models.bundle import Bundle, load_bundle, write_files
from dfdetect.models.calibration_file import calibration_to_json
from dfdetect.models.ensemble_spec import ensemble_spec
from dfdetect.models.manifest import MANIFEST, MEMBERS, SEALED_FILES, Source, check_member_names, make_manifest
from dfdetect.models.sealed import read_plain


def write_ensemble(folder: Path, members: Sequence[Path], *, name: str, version: str) -> Bundle:
    """Copy verified, calibrated bundles into a new folder, as one bundle that is not calibrated yet.

    members: their folders; named after their bundles, the second of one name with -2, and so on.

    Raises:
        ModelUnusable: a member fails its checks.
        UsageError: no member, an ensemble or an uncalibrated bundle among them, or a folder that is not empty.
    """
    if not members:
        raise UsageError("an ensemble needs members: name the folders of calibrated bundles")
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise UsageError(f"{folder} already holds something; name a new folder")
    bundles = [_usable_member(path) for path in members]
    names = _names(bundles)
    contents = {
        "spec.json": ensemble_spec(names).encode(),
        "calibration.json": calibration_to_json(uncalibrated()).encode(),
        "card.md": _card(name, version, names, bundles).encode(),
    }
    for member_name, bundle in zip(names, bundles, strict=True):
        for file in (*SEALED_FILES, MANIFEST):
            contents[f"{MEMBERS}/{member_name}/{file}"] = read_plain(bundle.folder / file)
    manifest = make_manifest(
        name=name,
        version=version,
        weights_licence="; ".join(dict.fromkeys(bundle.manifest.weights_licence for bundle in bundles)),
        sources=_sources(bundles),
        experimental=True,
    )
    return write_files(folder, contents, manifest)


def _usable_member(path: Path) -> Bundle:
    bundle = load_bundle(path)
    if bundle.members:
        raise UsageError(f"{path} is an ensemble itself; name its members ({path}/{MEMBERS}/...) one by one")
    if not bundle.calibration.is_measured:
        raise UsageError(
            f"{path} is not calibrated, so its logits have no scale in common with the others; "
            f"run `dfdetect calibrate {path}` first"
        )
    return bundle


def _names(bundles: Sequence[Bundle]) -> tuple[str, ...]:
    """Plain and different names for folders."""
    names: list[str] = []
    for bundle in bundles:
        plain = "".join(c if c.isascii() and (c.isalnum() or c in "-_") else "-" for c in bundle.manifest.name)
        plain = plain.strip("-_")[:50] or "member"
        tries = (plain if n == 1 else f"{plain}-{n}" for n in itertools.count(1))
        taken = {name.lower() for name in names}
        names.append(next(name for name in tries if name.lower() not in taken))
    check_member_names(tuple(names))
    return tuple(names)


def _sources(bundles: Sequence[Bundle]) -> list[Source]:
    found = [source for bundle in bundles for source in bundle.manifest.sources]
    return [source for n, source in enumerate(found) if source not in found[:n]]


def _card(name: str, version: str, names: Sequence[str], bundles: Sequence[Bundle]) -> str:
    lines = [f"# {name} {version}", "", f"An ensemble of {len(bundles)}: the mean of their calibrated logits.", ""]
    for member_name, bundle in zip(names, bundles, strict=True):
        spec = bundle.networks[0].spec
        lines.append(
            f"- `{member_name}`: {bundle.manifest.name} {bundle.manifest.version}, {spec.architecture}, "
            f"{spec.input_size_px} px, margin {spec.margin:g}; its card: `{MEMBERS}/{member_name}/card.md`"
        )
    lines += ["", "Not calibrated yet, and nothing was measured: run `dfdetect calibrate`.", ""]
    return "\n".join(lines)
