"""Dacon 235655 (2020, the Korean deepfake competition that KoDF grew from): frames of clips as single JPEG files.

One Sample an image; its video_id is the clip, its target the person's folder, so that frames of a clip and clips of a
person stay together. Pictures may be upside down. The leaderboard's images have no published label and are left out.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import groupby

from dfdetect.data.readers.reader import CountCheck, DatasetReader, Reading
from dfdetect.data.sample import Sample
from dfdetect.data.tree import IMAGE_SUFFIXES, NamedFile, Tree
from dfdetect.values import Label

NAME = "dacon"
METHODS = ("dffs", "dfl", "fo", "fsgan")  # FaceSwap, DeepFaceLab, First Order Motion, FSGAN: the codes of KoDF

LAYOUT = """
deepfake_1st/fake/CW/20200819/PERSON/dffs/output_PERSON_001_1/image_00001.jpg    (CW or EQ; dffs, dfl, fo, fsgan)
deepfake_1st/real/CW/20201012/PERSON/image1/image_00001.jpg                      (one folder less: no method)
deepfake_1st/leaderboard/image_00001.jpg                                         (4,100 without labels: left out)
"""

_CLIP = re.compile(
    r"(?:.*/)?(?:(real)/(CW|EQ)/(\d{8})/([^/]+)/([^/]+)"
    rf"|(fake)/(CW|EQ)/(\d{{8}})/([^/]+)/({'|'.join(METHODS)})/([^/]+))",
    re.IGNORECASE,
)
_OURS = re.compile(r"(?:^|/)(?:real|fake)/(?:CW|EQ)/\d{8}/[^/]+/[^/]+/", re.IGNORECASE)
_LEADERBOARD = re.compile(r"(?:.*/)?leaderboard", re.IGNORECASE)


def matches(tree: Tree) -> bool:
    """real or fake, then CW or EQ, then a date."""
    return any(_OURS.search(file.path) for file in tree.files)


def read(reading: Reading) -> Iterator[Sample]:
    """Images by path."""
    for folder, files in groupby(reading.tree.files, key=lambda file: file.folder):
        images = [file for file in files if file.suffix in IMAGE_SUFFIXES]
        if not images:
            continue
        match = _CLIP.fullmatch(folder)
        if match:
            yield from _images(reading, images, match)
        elif _LEADERBOARD.fullmatch(folder):
            reading.problem("no_label", folder, f"{len(images)} test images have no published label and are left out")
        else:
            text = f"{len(images)} images are left out: expected real/CW/DATE/PERSON/CLIP or one folder more for fakes"
            reading.problem("unknown_name", folder, text)


def _images(reading: Reading, images: Sequence[NamedFile], match: re.Match[str]) -> Iterator[Sample]:
    """All keys but the path are those of the clip: worked out once for its images."""
    parts = [part for part in match.groups() if part]
    fake, person = parts[0].lower() == "fake", parts[3]
    video_id = "dacon/" + "/".join(parts)
    target = f"dacon:{person}"
    method = parts[4].lower() if fake else ""
    root = reading.tree.absolute("")
    for file in images:
        if reading.usable(file):
            yield Sample(
                path=f"{root.rstrip('/')}/{file.path}",
                root=root,
                label=Label.FAKE if fake else Label.REAL,
                dataset=NAME,
                video_id=video_id,
                kind="image",
                method=method,
                target_id=target,
                pair_key="" if fake else video_id,
                source_key="" if fake else video_id,
                bytes=file.bytes,
            )


def check(samples: Sequence[Sample]) -> list[CountCheck]:
    """Nothing: no count a class was published (about 1.3 million images in all)."""
    return []


READER = DatasetReader(
    name=NAME,
    title="Dacon 235655",
    layout=LAYOUT,
    source="paths in the winning entry, SONG-WONHO/dacon_deepfake",
    matches=matches,
    read=read,
    check=check,
)
