"""dfdetect tells whether a face in an image or a video was manipulated, where, and how sure it is.

The way through the rooms, in reading order:

    media     bytes  -> frames        (sniff, probe, decode, sample)
    faces     frames -> face crops    (detect, track, align, mesh, quality)
    models    crops  -> network input (bundle, spec, preprocessing)
    detect    crops  -> logits        (backends, Scanner, heatmap)
    scoring   logits -> track -> file -> verdict   (the only place that pools)

    >>> from dfdetect import Scanner
    >>> Scanner().scan("clip.mp4").verdict              # doctest: +SKIP

`data`, `train` and `export` make the model; `cli` shows it all. Importing this package does nothing else.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dfdetect.detect.detector import Scanner
    from dfdetect.errors import DfdetectError, MediaError, ModelUnusable, UsageError
    from dfdetect.values import FaceScore, Label, ScanResult, TrackResult, Verdict

__version__ = "0.1.0"

__all__ = [
    "DfdetectError",
    "FaceScore",
    "Label",
    "MediaError",
    "ModelUnusable",
    "ScanResult",
    "Scanner",
    "TrackResult",
    "UsageError",
    "Verdict",
    "__version__",
]

_HOME = {
    "Scanner": "dfdetect.detect.detector",
    "DfdetectError": "dfdetect.errors",
    "MediaError": "dfdetect.errors",
    "ModelUnusable": "dfdetect.errors",
    "UsageError": "dfdetect.errors",
    "FaceScore": "dfdetect.values",
    "Label": "dfdetect.values",
    "ScanResult": "dfdetect.values",
    "TrackResult": "dfdetect.values",
    "Verdict": "dfdetect.values",
}


def __getattr__(name: str) -> object:
    """Load a public name on first use, so that `import dfdetect` stays light."""
    import importlib

    if name in _HOME:
        return getattr(importlib.import_module(_HOME[name]), name)
    raise AttributeError(f"module 'dfdetect' has no attribute {name!r}; public names: {', '.join(__all__)}")
