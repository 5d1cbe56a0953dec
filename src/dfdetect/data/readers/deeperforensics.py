"""DeeperForensics-1.0 (Jiang et al. 2020, arXiv:2001.03024): actors' faces in clips of FaceForensics++, 11 variants.

Its reals are the clips of FaceForensics++ at c23, which it does not hold: read that dataset too. `source_videos` are
studio recordings of the actors and, as its authors say, not the real class; they are not read.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence

from dfdetect.data.names import deeperforensics
from dfdetect.data.readers import faceforensics
from dfdetect.data.readers.reader import CountCheck, DatasetReader, Reading, clips, in_order
from dfdetect.data.sample import Sample, Split
from dfdetect.data.tree import VIDEO_SUFFIXES, Tree
from dfdetect.values import Label

NAME = "deeperforensics"

LAYOUT = """
manipulated_videos/end_to_end/033_M101.mp4      clip 033 of FaceForensics++ with the face of actor M101
manipulated_videos/end_to_end_level_3/...       11 variants: the same fakes with distortions
lists/splits/train.txt val.txt test.txt         (optional)
source_videos/...                               not read: not the real class
cropped: manipulated_videos/end_to_end/frames/033_M101/000.png
"""

_CLIP = re.compile(r"(?:.*/)?((?:end_to_end|reenact)[^/]*)/(?:(?:videos|frames|faces|crops)/)?([^/]+)", re.IGNORECASE)
_OURS = re.compile(
    r"(?:^|/)(?:(?:end_to_end|reenact)[^/]*/(?:\w+/)?\d{3}_[MW]\d{3}[./]|source_videos/[MW]\d{3}/)", re.IGNORECASE
)
_SOURCE = re.compile(r"(?:^|.*/)source_videos/.*", re.IGNORECASE)


def matches(tree: Tree) -> bool:
    """Names TTT_M004 under a variant's folder, or actors' recordings under source_videos."""
    return any(_OURS.search(file.path) for file in tree.files)


def read(reading: Reading) -> Iterator[Sample]:
    """Fakes only: videos or folders of crops."""
    return in_order(reading, _samples(reading, _splits(reading), faceforensics.uploads(reading)))


def _samples(reading: Reading, splits: dict[str, Split], uploads: dict[str, str]) -> Iterator[Sample]:
    sources = sum(bool(_SOURCE.fullmatch(file.path)) and file.suffix in VIDEO_SUFFIXES for file in reading.tree.files)
    if sources:
        text = f"{sources} recordings are left out: not the real class; the reals are FaceForensics++ originals at c23"
        reading.problem("not_the_reals", "source_videos", text)
    for path, files, kind in clips(reading):
        if _SOURCE.fullmatch(path):
            continue
        match = _CLIP.fullmatch(path.rpartition(".")[0] if kind == "video" else path)
        keys = deeperforensics(match[2]) if match else None
        if match is None or keys is None:
            reading.problem("unknown_name", path, "expected manipulated_videos/VARIANT/NNN_MNNN.mp4 (or _WNNN)")
            continue
        variant = match[1].lower()
        yield Sample(
            path=reading.tree.absolute(path),
            root=reading.tree.absolute(""),
            label=Label.FAKE,
            dataset=NAME,
            video_id=f"deeperforensics/{variant}/{keys.target}_{keys.donor}",
            kind=kind,
            method=f"DF-VAE/{variant}",
            target_id=f"ffpp:{keys.target}",
            donor_id=f"deeperforensics:{keys.donor}",
            pair_key=faceforensics.video_id(keys.target, ""),
            source_key=uploads.get(keys.target, f"ffpp:{keys.target}"),
            split=splits.get(f"{keys.target}_{keys.donor}", ""),
            bytes=sum(file.bytes for file in files),
        )


def _splits(reading: Reading) -> dict[str, Split]:
    """TTT_MNNN -> official split, from lists of fake names, with or without folder and suffix."""
    found: dict[str, Split] = {}
    names: tuple[Split, ...] = ("train", "val", "test")
    for split in names:
        path = reading.find_list(f"{split}.txt")
        if path is None:
            continue
        for line in path.read_text(encoding="utf-8").split():
            keys = deeperforensics(line.rpartition("/")[2].partition(".")[0])
            if keys is None:
                reading.problem("unknown_name", path.name, f"{line!r}: expected a name such as 033_M101.mp4")
            else:
                found[f"{keys.target}_{keys.donor}"] = split
    return found


def check(samples: Sequence[Sample]) -> list[CountCheck]:
    """1,000 fakes a variant."""
    counts = Counter(sample.method.partition("/")[2] for sample in samples)
    return [CountCheck(variant, count, 1000) for variant, count in sorted(counts.items())]


READER = DatasetReader(
    name=NAME,
    title="DeeperForensics-1.0",
    layout=LAYOUT,
    source="dataset/README.md of EndlessSora/DeeperForensics-1.0",
    matches=matches,
    read=read,
    check=check,
)
