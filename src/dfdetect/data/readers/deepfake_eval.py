"""Deepfake-Eval-2024 (Chandra et al. 2025, arXiv:2503.02857): videos and images from social media, labelled by hand.

The label is of the picture (`Video Ground Truth`), not of the sound. Its terms: to evaluate, not to train.
"""

from __future__ import annotations

import csv
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

from dfdetect.data.readers.reader import CountCheck, DatasetReader, Reading, in_order
from dfdetect.data.sample import Sample, Split
from dfdetect.data.tree import IMAGE_SUFFIXES, VIDEO_SUFFIXES, Tree
from dfdetect.errors import DataError
from dfdetect.values import Label

NAME = "deepfake_eval"

LAYOUT = """
video-data/NAME.mp4   video-metadata-publish.csv     columns Filename, Video Ground Truth, Finetuning Set
image-data/NAME.jpg   image-metadata-publish.csv     columns Filename, Ground Truth, Finetuning Set
audio-data/           not read
"""

_OURS = re.compile(r"(?:^|/)(?:video|image)-metadata-publish[^/]*\.csv$", re.IGNORECASE)
_MEDIA = re.compile(r"(?:.*/)?(video|image)[-_]data/(?:.*/)?[^/]+", re.IGNORECASE)
_LABELS = {"real": Label.REAL, "fake": Label.FAKE}
_SPLITS: dict[str, Split] = {"train": "train", "val": "val", "validation": "val", "test": "test"}


def matches(tree: Tree) -> bool:
    """Its metadata lists."""
    return any(_OURS.search(file.path) for file in tree.files)


def read(reading: Reading) -> Iterator[Sample]:
    """Videos and images that the lists label."""
    return in_order(reading, _samples(reading))


def _samples(reading: Reading) -> Iterator[Sample]:
    listed = {kind: _listed(reading, kind) for kind in ("video", "image")}
    seen: Counter[str] = Counter()
    for file in reading.tree.files:
        match = _MEDIA.fullmatch(file.path)
        kind = match[1].lower() if match else ""
        if kind == "" or file.suffix not in (VIDEO_SUFFIXES if kind == "video" else IMAGE_SUFFIXES):
            continue
        label, split = listed[kind].get(file.file_name.lower(), (None, ""))
        if not reading.usable(file):
            continue
        if label is None:
            reading.problem("no_label", file.path, f"the {kind} list has no real or fake for it; left out")
            continue
        seen[kind] += 1
        video_id = f"deepfake_eval/{kind}/{file.file_name}"
        yield Sample(
            path=reading.tree.absolute(file.path),
            root=reading.tree.absolute(""),
            label=label,
            dataset=NAME,
            video_id=video_id,
            kind="video" if kind == "video" else "image",
            pair_key="" if label is Label.FAKE else video_id,
            split=split,  # type: ignore[arg-type]
            bytes=file.bytes,
        )
    for kind, rows in listed.items():
        missing = sum(label is not None for label, _ in rows.values()) - seen[kind]
        if missing > 0:
            reading.problem("missing_file", f"{kind}-data", f"{missing} files of the {kind} list are not here")


def _listed(reading: Reading, kind: str) -> dict[str, tuple[Label | None, str]]:
    """File name in lower case -> (label of the picture, split); None where the list says neither real nor fake."""
    path = reading.find_list(f"{kind}-metadata-publish.csv") or reading.find_list(
        f"{kind}-metadata-publish-with-links.csv"
    )
    if path is None:
        return {}
    column = "Video Ground Truth" if kind == "video" else "Ground Truth"
    return {
        row["Filename"].strip().lower(): (
            _LABELS.get(row[column].strip().lower()),
            _SPLITS.get(row.get("Finetuning Set", "").strip().lower(), ""),
        )
        for row in _rows(path, column)
    }


def _rows(path: Path, column: str) -> list[dict[str, str]]:
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file)
            missing = {"Filename", column} - set(reader.fieldnames or [])
            if missing:
                raise DataError(f"{path}: expected columns Filename and {column}; missing {sorted(missing)}")
            return [{name: value or "" for name, value in row.items() if isinstance(name, str)} for row in reader]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise DataError(f"{path}: expected a CSV list in UTF-8; {error}") from error


def check(samples: Sequence[Sample]) -> list[CountCheck]:
    """1,975 images; no count of videos is known to us."""
    images = sum(sample.kind == "image" for sample in samples)
    return [CountCheck("images", images, 1975)] if images else []


READER = DatasetReader(
    name=NAME,
    title="Deepfake-Eval-2024",
    layout=LAYOUT,
    source="four independent readers of it agree on the columns; the dataset is gated and was not seen",
    matches=matches,
    read=read,
    check=check,
    verified=False,
)
