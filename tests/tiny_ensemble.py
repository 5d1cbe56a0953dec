"""Ensembles of tiny bundles: every member scores the brightness of its own cut of the face."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from dfdetect.calibration import Calibration
from dfdetect.models.bundle import seal
from dfdetect.models.calibration_file import calibration_to_json
from dfdetect.models.ensemble import write_ensemble


def make_tiny_ensemble(
    folder: Path, members: Sequence[Path], *, name: str = "both", calibration: Calibration | None = None
) -> Path:
    """Write an ensemble into `folder` and return it. calibration: given to it; None leaves it uncalibrated."""
    write_ensemble(folder, members, name=name, version="0.1")
    if calibration is not None:
        (folder / "calibration.json").write_text(calibration_to_json(calibration))
        seal(folder)
    return folder
