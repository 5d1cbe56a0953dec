"""Datasets as downloaded -> samples: one layout a file, and the dict of them by name."""

from __future__ import annotations

from dfdetect.data.readers import faceforensics
from dfdetect.data.readers.reader import DatasetReader

READERS: dict[str, DatasetReader] = {module.READER.name: module.READER for module in (faceforensics,)}
