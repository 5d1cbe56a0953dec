"""Google's DeepFakeDetection (Dufour & Gully 2019), given out with FaceForensics++ in the same two folders.

Paid actors in 16 scenes; a fake puts the face of one actor into the clip of another. There is no official split.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Sequence

from dfdetect.data.names import google_dfd
from dfdetect.data.readers.faceforensics import COMPRESSIONS, MASK_FOLDER, masks
from dfdetect.data.readers.reader import CountCheck, DatasetReader, Reading, clips, in_order, stem_of
from dfdetect.data.sample import Sample
from dfdetect.data.tree import Tree
from dfdetect.values import Label

NAME = "dfd"
METHOD = "DeepFakeDetection"
N_ORIGINALS, N_FAKES = 363, 3068

LAYOUT = """
original_sequences/actors/c23/videos/24__outside_talking.mp4
manipulated_sequences/DeepFakeDetection/c23/videos/24_23__outside_talking__YR5OVD4S.mp4   (raw = c0, c23, c40)
manipulated_sequences/DeepFakeDetection/masks/videos/24_23__outside_talking__YR5OVD4S.mp4 (optional)
DFD_original sequences/24__...mp4  DFD_manipulated_sequences/...   (the copy on Kaggle; its compression is not told)
cropped: frames/NAME/000.png in place of videos/NAME.mp4, masks/NAME/000.png beside it
"""

_ORIGINAL = re.compile(
    r"(?:original_sequences/actors/(?:(?P<c>raw|c0|c23|c40)/)?|DFD_original[ _]sequences/).+", re.IGNORECASE
)
_FAKE = re.compile(
    rf"(?:manipulated_sequences/{METHOD}/(?:(?P<c>raw|c0|c23|c40)/)?|DFD_manipulated[ _]sequences/).+", re.IGNORECASE
)


def matches(tree: Tree) -> bool:
    """Its folder of actors or of fakes."""
    return any(_ORIGINAL.match(file.path) or _FAKE.match(file.path) for file in tree.files)


def read(reading: Reading) -> Iterator[Sample]:
    """Videos, folders of frames and folders of crops, in order of path."""
    return in_order(reading, _samples(reading))


def _samples(reading: Reading) -> Iterator[Sample]:
    mask_paths = masks(reading.tree)
    for path, files, kind in clips(reading):
        match = _ORIGINAL.match(path) or _FAKE.match(path)
        if match is None or MASK_FOLDER.search(path):
            continue
        stem, fake = stem_of(path, kind), match.re is _FAKE
        keys = google_dfd(stem)
        if keys is None or keys.is_fake != fake:
            text = "expected NN__scene for an original, NN_NN__scene__ABCD1234 for a fake"
            reading.problem("unknown_name", path, text)
            continue
        original = f"{NAME}/{keys.original or stem}"
        mask = mask_paths.get((METHOD.lower(), stem, "crop" if kind == "crop" else "video"), "")
        yield Sample(
            path=reading.tree.absolute(path),
            root=reading.tree.absolute(""),
            label=Label.FAKE if fake else Label.REAL,
            dataset=NAME,
            video_id=f"{NAME}/{stem}",
            kind=kind,
            method=METHOD if fake else "",
            compression=COMPRESSIONS[match["c"].lower()] if match["c"] else "",
            target_id=f"{NAME}:{keys.target}",
            donor_id=f"{NAME}:{keys.donor}" if keys.donor else "",
            pair_key=original,
            source_key=original,
            mask_path=reading.tree.absolute(mask) if mask else "",
            bytes=sum(file.bytes for file in files),
        )


def check(samples: Sequence[Sample]) -> list[CountCheck]:
    """363 originals and 3,068 fakes for every compression that is there; missing are originals that fakes here name."""
    groups: dict[str, list[Sample]] = defaultdict(list)
    for sample in samples:
        groups[sample.compression].append(sample)
    out = []
    for compression, group in sorted(groups.items()):
        originals = {sample.video_id for sample in group if sample.label is Label.REAL}
        missing = {sample.pair_key for sample in group} - originals
        names = tuple(sorted(name.partition("/")[2] for name in missing))
        out.append(CountCheck(f"{compression} originals".strip(), len(originals), N_ORIGINALS, names))
        out.append(CountCheck(f"{compression} fakes".strip(), len(group) - len(originals), N_FAKES))
    return out


READER = DatasetReader(
    name=NAME,
    title="Google DeepFakeDetection (DFD)",
    layout=LAYOUT,
    source="dataset/README.md of ondyari/FaceForensics; file names in polimi-ispl/icpr2020dfdc",
    matches=matches,
    read=read,
    check=check,
)
