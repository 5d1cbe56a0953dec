"""A model with other bounds: every file of a bundle as it is, but its calibration and what its card adds to it."""

from __future__ import annotations

import shutil
from pathlib import Path

from dfdetect.calibration import Calibration
from dfdetect.errors import UsageError
from dfdetect.models.bundle import Bundle, load_bundle, write_files
from dfdetect.models.calibration_file import calibration_to_json
from dfdetect.models.manifest import MEMBERS, SEALED_FILES
from dfdetect.models.sealed import read_sealed


def check_new_folder(folder: Path) -> None:
    """UsageError, before hours of work, where a new bundle could not be written; a bundle is never changed in place."""
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise UsageError(f"-o {folder}: it already holds something; name a new folder, no model is changed in place")
    if not folder.absolute().parent.is_dir():
        raise UsageError(f"-o {folder}: there is no folder {folder.absolute().parent}; make it first")


def write_recalibrated(base: Bundle, folder: Path, calibration: Calibration, *, name: str, card_section: str) -> Bundle:
    """Write `base` into a new folder with another calibration, under another name; there whole or not at all.

    Raises:
        UsageError: the folder holds something.
        ModelUnusable: a file of the base was altered since it was loaded.
    """
    check_new_folder(folder)
    files = base.manifest.files
    contents = {file: read_sealed(base.folder / file, sha256) for file, sha256 in files.items()}
    for member in base.manifest.member_names:
        inside = f"{MEMBERS}/{member}"
        for file in SEALED_FILES:
            sha256 = next(one for one in base.members if one.folder.name == member).manifest.files[file]
            contents[f"{inside}/{file}"] = read_sealed(base.folder / inside / file, sha256)
    contents |= {
        "calibration.json": calibration_to_json(calibration).encode(),
        "card.md": f"{base.card.rstrip()}\n\n{card_section.strip()}\n".encode(),
    }
    part = folder.absolute().with_name(f".{folder.name}.part")
    shutil.rmtree(part, ignore_errors=True)  # of a run that was killed here
    try:
        write_files(part, contents, base.manifest.model_copy(update={"name": name}))
        if folder.exists():
            folder.rmdir()
        part.rename(folder)
    finally:
        shutil.rmtree(part, ignore_errors=True)
    return load_bundle(folder)
