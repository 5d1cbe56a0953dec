"""CSV lists as a dataset: `path,label` and what else is known, one line a file or a folder of frames.

The labels 0 and 1 are read as 1 = fake, as everywhere here. Some lists have it the other way round (Celeb-DF: 1 =
real); where the folders' names say the opposite of the labels, the list is refused.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from dfdetect.data.lists import ListRow, read_rows, to_sample
from dfdetect.data.readers.folders import FAKE_WORDS, REAL_WORDS
from dfdetect.data.readers.reader import CountCheck, DatasetReader, Reading
from dfdetect.data.sample import Sample
from dfdetect.data.tree import Tree
from dfdetect.errors import DataError
from dfdetect.values import Label

NAME = "list"

LAYOUT = """
list.csv      name the file, or its folder where it is called list.csv
              path,label[,dataset or source,method,compression,video_id,person,donor_id,pair_key,source_key,split,kind]
              label: real or fake, or 0 and 1 with 1 = fake; paths are taken from the list's folder
"""

_HINTS = {**dict.fromkeys(REAL_WORDS, Label.REAL), **dict.fromkeys((*FAKE_WORDS, "synthesis"), Label.FAKE)}
_REVERSED_FROM = 0.9  # of the lines whose folders tell a label


def matches(tree: Tree) -> bool:
    """The root is a CSV file, or a folder with list.csv in it."""
    return _list_in(tree) is not None


def _list_in(tree: Tree) -> str | None:
    if len(tree.files) == 1 and tree.files[0].suffix == ".csv":
        return tree.files[0].path
    return next((file.path for file in tree.files if file.path.lower() == "list.csv"), None)


def read(reading: Reading) -> Iterator[Sample]:
    """Lines in order of path; files that are not there or are empty become problems."""
    name = _list_in(reading.tree)
    if name is None:
        raise DataError(
            f"{reading.tree.root}: expected a CSV file, or a folder with list.csv; found {reading.tree.top()}"
        )
    rows = read_rows(Path(reading.tree.absolute(name)))
    _refuse_reversed(rows)
    if any(row.cells["label"] in ("0", "1") for row in rows):
        reading.problem("label_polarity", name, "labels are 0 and 1: read as 1 = fake; write real and fake to be sure")
    samples = (_measured(reading, to_sample(row, reading.tree.root)) for row in rows)
    return iter(sorted((sample for sample in samples if sample is not None), key=lambda sample: sample.path))


def _measured(reading: Reading, sample: Sample) -> Sample | None:
    """With its size, and as frames where the path is a folder; None and a problem where there is nothing to read."""
    try:
        with os.scandir(sample.path) as listing:
            sizes = [entry.stat().st_size for entry in listing if entry.is_file()]
        sample = replace(sample, kind="crop" if sample.kind == "crop" else "frames", bytes=sum(sizes))
    except NotADirectoryError:
        sample = replace(sample, bytes=Path(sample.path).stat().st_size)
    except OSError as error:
        reading.problem("missing_file", sample.name, f"is in the list but cannot be read: {error.strerror}")
        return None
    if sample.bytes == 0:
        reading.problem("zero_bytes", sample.name, "the file is empty; download it again")
        return None
    return sample


def _refuse_reversed(rows: Sequence[ListRow]) -> None:
    """DataError where nearly all folders that tell a label tell the other one, and labels are numbers."""
    told = [(hint, row) for row in rows if row.cells["label"] in ("0", "1") and (hint := _hint(row)) is not None]
    wrong = [row for hint, row in told if int(row.cells["label"]) != hint]
    if told and len(wrong) >= _REVERSED_FROM * len(told):
        row = wrong[0]
        raise DataError(
            f"{row.where}: {row.cells['path']} has label {row.cells['label']}, and {len(wrong)} of {len(told)} lines "
            "say the opposite of their folder's name: the list seems to have 1 = real (as Celeb-DF's has). Here 1 = "
            "fake; write the words real and fake into its label column"
        )


def _hint(row: ListRow) -> Label | None:
    """What the names of the folders above say, None where they say nothing or both."""
    folder = row.cells["path"].replace("\\", "/").rpartition("/")[0].lower()
    said = {_HINTS[word] for word in re.split(r"[^a-z]+", folder) if word in _HINTS}
    return said.pop() if len(said) == 1 else None


def check(samples: Sequence[Sample]) -> list[CountCheck]:
    """Nothing: nobody published counts of your own list."""
    return []


READER = DatasetReader(
    name=NAME,
    title="CSV list",
    layout=LAYOUT,
    source="this project",
    matches=matches,
    read=read,
    check=check,
)
