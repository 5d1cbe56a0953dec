"""KoDF (Kwon et al. 2021, arXiv:2103.10094): 403 Korean actors and fakes by five methods, as AI-Hub hands it out.

Names tell actor, donor and method; the lists of the label packages, where they are there, tell the clip that a fake was
made from and the split. Folders may nest as they like.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from dfdetect.data.names import NameKeys, kodf
from dfdetect.data.readers.reader import CountCheck, DatasetReader, Reading, clips, in_order
from dfdetect.data.sample import Sample, Split
from dfdetect.data.tree import Tree
from dfdetect.errors import DataError
from dfdetect.values import Label

NAME = "kodf"
METHODS = {"1": "dfl", "2": "dffs", "3": "fsgan", "4": "fo", "5": "audio-driven"}
SPLITS: dict[str, Split] = {"training": "train", "validation": "val", "test": "test"}

LAYOUT = """
ACTOR/ACTOR_003.mp4                                  a real; ACTOR is 20 hexadecimal characters or six digits
dffs/DATE/TARGET/TARGET_SOURCE_2_0001.mp4            a fake; 1 dfl, 2 dffs, 3 fsgan, 4 fo, 5 audio-driven
원본영상_training_메타데이터.csv  변조영상_training_메타데이터.csv    (optional, and _validation_: pairs and splits)
(folders may nest in any way: names count)
"""

_LIST = re.compile(r"(원본|변조)영상_(training|validation|test)_메타데이터\.csv")
_OURS = re.compile(
    r"(?:^|/)(?:(?:[0-9a-f]{20}|\d{6})_(?:[0-9a-f]{20}|\d{6})_[1-5]_\d+(?:/|\.(?:mp4|avi|mov|mkv)$)"
    r"|([0-9a-f]{20}|\d{6})/\1_\d+\.(?:mp4|avi|mov|mkv)$"
    rf"|{_LIST.pattern}$)",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class _Listed:
    """What the lists say of one clip. original: stem of the clip that a fake was made from, "" for a real."""

    split: Split
    original: str
    is_fake: bool


def matches(tree: Tree) -> bool:
    """Fakes named TARGET_SOURCE_CODE_NUMBER, actors' own folders, or the lists."""
    return any(_OURS.search(file.path) for file in tree.files)


def read(reading: Reading) -> Iterator[Sample]:
    """Videos or folders of crops."""
    return in_order(reading, _samples(reading, _lists(reading)))


def _samples(reading: Reading, listed: Mapping[str, _Listed]) -> Iterator[Sample]:
    for path, files, kind in clips(reading):
        stem = path.rpartition("/")[2]
        stem = stem.rpartition(".")[0] if kind == "video" else stem
        keys, entry = kodf(stem), listed.get(stem)
        if keys is None:
            reading.problem("unknown_name", path, "expected ACTOR_NNN or TARGET_SOURCE_CODE_NNNN")
            continue
        if entry and entry.is_fake != keys.is_fake:
            said = "fake" if entry.is_fake else "original"
            reading.problem("label_conflict", path, f"the lists say {said}, the name does not; left out")
            continue
        yield _sample(reading, path, kind, keys, entry, sum(file.bytes for file in files))


def _sample(reading: Reading, path: str, kind: str, keys: NameKeys, entry: _Listed | None, n_bytes: int) -> Sample:
    video_id = f"kodf/{keys.video}"
    original = video_id if not keys.is_fake else f"kodf/{entry.original}" if entry and entry.original else ""
    return Sample(
        path=reading.tree.absolute(path),
        root=reading.tree.absolute(""),
        label=Label.FAKE if keys.is_fake else Label.REAL,
        dataset=NAME,
        video_id=video_id,
        kind=kind,  # type: ignore[arg-type]
        method=METHODS[keys.video.split("_")[2]] if keys.is_fake else "",
        target_id=f"kodf:{keys.target}",
        donor_id=f"kodf:{keys.donor}" if keys.donor else "",
        pair_key=original,
        source_key=original,
        split=entry.split if entry else "",
        bytes=n_bytes,
    )


def _lists(reading: Reading) -> dict[str, _Listed]:
    """Stem of a clip -> what the label packages say of it."""
    found: dict[str, _Listed] = {}
    paths = [Path(reading.tree.absolute(file.path)) for file in reading.tree.files if _LIST.fullmatch(file.file_name)]
    if reading.lists is not None:
        paths.extend(path for path in sorted(reading.lists.rglob("*.csv")) if _LIST.fullmatch(path.name))
    for path in paths:
        match = _LIST.fullmatch(path.name)
        assert match is not None
        fake, split = match[1] == "변조", SPLITS[match[2]]
        for row in _rows(path):
            original = _stem(row.get("타겟영상", "")) if fake else ""
            found[_stem(row["영상ID"])] = _Listed(split, original, fake)
    return found


def _rows(path: Path) -> list[dict[str, str]]:
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file)
            if "영상ID" not in (reader.fieldnames or []):
                raise DataError(f"{path}: expected a list of KoDF with a column 영상ID; got {reader.fieldnames}")
            return [{name: value or "" for name, value in row.items() if isinstance(name, str)} for row in reader]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise DataError(f"{path}: expected a list of KoDF in UTF-8; {error}") from error


def _stem(name: str) -> str:
    return name.strip().partition(".")[0]


def check(samples: Sequence[Sample]) -> list[CountCheck]:
    """62,166 originals and 175,776 fakes in all."""
    fakes = sum(sample.label is Label.FAKE for sample in samples)
    return [CountCheck("originals", len(samples) - fakes, 62166), CountCheck("fakes", fakes, 175776)]


READER = DatasetReader(
    name=NAME,
    title="KoDF",
    layout=LAYOUT,
    source="notes of two users who downloaded parts of it, and the reader of dfwb-research/deepfake-workbench",
    matches=matches,
    read=read,
    check=check,
    verified=False,
)
