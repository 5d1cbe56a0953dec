"""FaceForensics++ as face crops in the layout of GenD (Yermakov et al. 2025, arXiv:2508.06248), FF/DF/CLIP/FRAME.png.

The clips have the names and keys of FaceForensics++, so both meet in an audit. Which compression the crops were cut
from, the folders do not say.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from dfdetect.data.names import faceforensics as parse
from dfdetect.data.readers import faceforensics
from dfdetect.data.readers.reader import CountCheck, DatasetReader, Reading, in_order
from dfdetect.data.sample import Sample
from dfdetect.data.tree import IMAGE_SUFFIXES, Tree
from dfdetect.values import Label

NAME = "gend"
METHODS = {"df": "Deepfakes", "f2f": "Face2Face", "fs": "FaceSwap", "nt": "NeuralTextures", "real": ""}

LAYOUT = """
FF/real/033/000.png
FF/DF/033_097/000.png                    (DF, F2F, FS, NT)
train.json val.json test.json            (optional, of FaceForensics++; also with --lists FOLDER)
conversion_dict.json                     (optional)
"""

_CLIP = re.compile(r"(?:.*/)?(DF|F2F|FS|NT|real)/([^/]+)", re.IGNORECASE)
_OURS = re.compile(r"(?:^|/)(?:(?:DF|F2F|FS|NT)/\d{3}_\d{3}|FF/real/\d{3})/[^/]+$", re.IGNORECASE)


def matches(tree: Tree) -> bool:
    """Pairs of numbers under a short name of a method, or FF/real."""
    return any(_OURS.search(file.path) for file in tree.files)


def read(reading: Reading) -> Iterator[Sample]:
    """Clips, each a folder of crops."""
    return in_order(reading, _samples(reading))


def _samples(reading: Reading) -> Iterator[Sample]:
    splits, uploads = faceforensics.official_splits(reading), faceforensics.uploads(reading)
    for folder, files in reading.tree.by_folder().items():
        images = [file for file in files if file.suffix in IMAGE_SUFFIXES]
        if not images:
            continue
        match = _CLIP.fullmatch(folder)
        method = METHODS[match[1].lower()] if match else ""
        keys = parse(match[2]) if match else None
        if keys is None or keys.is_fake != bool(method):
            reading.problem("unknown_name", folder, "expected real/NNN, or DF, F2F, FS, NT and NNN_NNN")
            continue
        usable = [file.bytes for file in images if reading.usable(file)]
        if usable:
            yield Sample(
                path=reading.tree.absolute(folder),
                root=reading.tree.absolute(""),
                label=Label.FAKE if method else Label.REAL,
                dataset=NAME,
                video_id=faceforensics.video_id(keys.video, method),
                kind="crop",
                method=method,
                target_id=f"ffpp:{keys.target}",
                donor_id=f"ffpp:{keys.donor}" if keys.donor else "",
                pair_key=faceforensics.video_id(keys.target, ""),
                source_key=uploads.get(keys.target, f"ffpp:{keys.target}"),
                split=splits.get(keys.video, ""),
                bytes=sum(usable),
            )


def check(samples: Sequence[Sample]) -> list[CountCheck]:
    """1,000 originals and 1,000 fakes a method, as FaceForensics++ has them."""
    return faceforensics.check(samples)


READER = DatasetReader(
    name=NAME,
    title="FaceForensics++ crops as GenD lays them out",
    layout=LAYOUT,
    source="README of yermandy/GenD",
    matches=matches,
    read=read,
    check=check,
)
