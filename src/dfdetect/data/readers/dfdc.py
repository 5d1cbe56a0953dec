"""DFDC (Dolhansky et al. 2020, arXiv:2006.07397): the 50 training parts, Kaggle's sample and the test set.

Labels come from the metadata.json or labels.csv of the folder that a clip lies in, or of a folder above. Nobody in it
is named: what ties clips together is the original that a fake was made from. Up to two people are in a clip and not all
of them are faked, which the label does not say; nor is it published which of its methods made a clip.
"""

from __future__ import annotations

import csv
import io
import json
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from dfdetect.data.readers.reader import CountCheck, DatasetReader, Reading, clips, in_order, stem_of
from dfdetect.data.sample import Sample, SampleKind, Split
from dfdetect.data.tree import IMAGE_SUFFIXES, VIDEO_SUFFIXES, NamedFile, Tree
from dfdetect.errors import DataError
from dfdetect.values import Label

NAME = "dfdc"
N_PARTS, N_TRAIN, N_SAMPLE, N_TEST = 50, 119_146, 400, 5_000

LAYOUT = """
dfdc_train_part_7/metadata.json  dfdc_train_part_7/abarnvbtwb.mp4       (parts 0..49, as many as there are; _07 is 7)
train_sample_videos/metadata.json  train_sample_videos/abarnvbtwb.mp4   (Kaggle's sample of 400)
test/labels.csv  test/abarnvbtwb.mp4                                    (also test/metadata.json; `videos/` between)
(metadata.json: {"abarnvbtwb.mp4": {"label": "FAKE", "original": "....mp4"}}; labels.csv: filename,label with 1 = fake)
cropped: dfdc_train_part_7/frames/abarnvbtwb/000.png
"""

_LISTS = ("metadata.json", "labels.csv")
_PART = re.compile(r"(?:^|/)dfdc_train_part_(\d+)(?=/|$)", re.IGNORECASE)
_OURS = re.compile(r"(?:^|/)(?:dfdc_train_part_\d+|train_sample_videos)/", re.IGNORECASE)
_SAMPLE = re.compile(r"(?:^|/)train_sample_videos(?=/|$)", re.IGNORECASE)
_TEST = re.compile(r"(?:^|/)test(?:_videos)?(?=/|$)", re.IGNORECASE)
_CLIP = re.compile(r"(?:^|/)[a-z]{10}(?:\.mp4|/[^/]+\.(?:png|jpe?g))$", re.IGNORECASE)
_MEDIA = (*VIDEO_SUFFIXES, *IMAGE_SUFFIXES)
_SPLITS: dict[str, Split] = {"train": "train", "test": "test"}
_LABELS = {"REAL": Label.REAL, "FAKE": Label.FAKE, "0": Label.REAL, "1": Label.FAKE}


@dataclass(frozen=True, slots=True)
class _Listed:
    """What a list says of one clip. label: None where it is listed as REAL and as FAKE.

    original: stem, "" where it is not told, as of every real one. split: "" where it is not told.
    """

    label: Label | None
    original: str
    split: Split


def matches(tree: Tree) -> bool:
    """Folders of its parts, or a metadata.json or labels.csv over clips that are mostly named by ten letters."""
    if _PART.search(tree.root.name) or any(_OURS.search(file.path) for file in tree.files):
        return any(_CLIP.search(file.path) for file in tree.files)
    homes = {file.folder for file in tree.files if file.file_name.lower() in _LISTS}
    if not homes:
        return False
    below = [file.path for file in tree.files if file.suffix in _MEDIA and _home(file.folder, homes) is not None]
    return sum(_CLIP.search(path) is not None for path in below) > len(below) / 2


def _home(folder: str, homes: Mapping[str, Any] | set[str]) -> str | None:
    """The folder itself or the nearest one above that is in `homes`."""
    while folder not in homes:
        if not folder:
            return None
        folder = folder.rpartition("/")[0]
    return folder


def read(reading: Reading) -> Iterator[Sample]:
    """Videos and folders of crops, in order of path; clips without a list above them become one problem a folder."""
    return in_order(reading, _samples(reading))


def _samples(reading: Reading) -> Iterator[Sample]:
    listed = _lists(reading)
    unlabelled: Counter[str] = Counter()
    seen: dict[str, set[str]] = defaultdict(set)
    unpaired = 0
    for path, files, kind in clips(reading):
        folder, stem = path.rpartition("/")[0], stem_of(path, kind)
        home = _home(folder, listed)
        if home is None:
            unlabelled[folder] += 1
            continue
        entry = listed[home].get(stem)
        if entry is None:
            reading.problem("unknown_name", path, f"its label is not known: not in the list of {home or 'the root'}")
            continue
        seen[home].add(stem)
        if entry.label is None:
            text = (
                f"it is listed as REAL and as FAKE in {home or 'the root'}: left out, as nothing tells which is right"
            )
            reading.problem("label_conflict", path, text)
            continue
        sample = _sample(reading, path, files, kind, entry, entry.label)
        unpaired += sample.split != "test" and not sample.pair_key
        yield sample
    for folder, count in sorted(unlabelled.items()):
        text = f"{count} clips are left out: no metadata.json or labels.csv in {folder or 'the root'} or above it"
        reading.problem("missing_metadata", folder, text)
    if unpaired:
        text = f"{unpaired} fakes of training parts whose metadata names no original: they have no pair"
        reading.problem("no_original", "", text)
    _report_missing(reading, listed, seen)


def _sample(
    reading: Reading, path: str, files: Sequence[NamedFile], kind: SampleKind, entry: _Listed, label: Label
) -> Sample:
    stem, fake = stem_of(path, kind), label is Label.FAKE
    original = entry.original if fake else stem  # that of a "real" one is a contradiction, named elsewhere
    return Sample(
        path=reading.tree.absolute(path),
        root=reading.tree.absolute(""),
        label=label,
        dataset=NAME,
        video_id=f"{NAME}/{stem}",
        kind=kind,
        pair_key=f"{NAME}/{original}" if original else "",
        source_key=f"{NAME}/{original or stem}",
        split=_split(f"{reading.tree.root.name}/{path}", entry),
        bytes=sum(file.bytes for file in files),
    )


def _split(path: str, entry: _Listed) -> Split:
    """By the published name of a part, else by the list, as a part may have another name or lie below a `test/`."""
    if _OURS.search(path):
        return "train"
    return entry.split or ("test" if _TEST.search(path.rpartition("/")[0]) else "")


def _report_missing(
    reading: Reading, listed: Mapping[str, Mapping[str, _Listed]], seen: Mapping[str, set[str]]
) -> None:
    """Listed clips that are not here; one that another list stands for, as a copy nearer to it does, is."""
    everywhere = set().union(*seen.values())
    for home, entries in sorted(listed.items()):
        absent = sorted(set(entries) - seen.get(home, everywhere))
        if absent:
            text = f"{len(absent)} of {len(entries)} listed clips are not here: {', '.join(absent[:3])}"
            reading.problem("missing_file", home, text)


def _lists(reading: Reading) -> dict[str, dict[str, _Listed]]:
    """Folder of a list -> stem -> what it says. A list given with --lists holds for the root."""
    found: dict[str, dict[str, _Listed]] = defaultdict(dict)
    for file in reading.tree.files:
        if file.file_name.lower() in _LISTS and reading.usable(file):
            _add(found[file.folder], _read_list(Path(reading.tree.absolute(file.path))))
    if reading.lists is not None and "" not in found:
        for name in _LISTS:
            path = reading.find_list(name)
            if path is not None and path.is_relative_to(reading.lists):
                _add(found[""], _read_list(path))
    for folder, entries in sorted(found.items()):
        _name_contradictions(reading, folder, entries)
    return dict(found)


def _add(entries: dict[str, _Listed], lines: Iterable[tuple[str, _Listed]]) -> None:
    """Take in what lists say, of clips named twice the most of it; of two labels neither."""
    for name, line in lines:
        before = entries.setdefault(name, line)
        label = line.label if line.label is before.label else None
        entries[name] = _Listed(label, before.original or line.original, before.split or line.split)


def _name_contradictions(reading: Reading, folder: str, entries: Mapping[str, _Listed]) -> None:
    """Only a fake has an original, and that is real: where a list says otherwise, its labels may be turned round."""
    odd = sorted(
        name
        for name, entry in entries.items()
        if entry.original
        and (entry.label is Label.REAL or (entry.original in entries and entries[entry.original].label is Label.FAKE))
    )
    if odd:
        text = (
            f"{len(odd)} of {len(entries)} clips are labelled REAL though an original of theirs is named, or FAKE with "
            f"an original that is FAKE: {', '.join(odd[:3])}. Labels are as the list says; it may be turned round: "
            "download it again"
        )
        reading.problem("label_conflict", folder, text)


def _read_list(path: Path) -> list[tuple[str, _Listed]]:
    """(stem, what is said of it) line by line; a clip may come again."""
    try:
        text = path.read_text(encoding="utf-8-sig")
        if path.suffix.lower() == ".csv":
            rows = csv.DictReader(io.StringIO(text, newline=""))
            return [
                (_stem(row["filename"]), _Listed(_LABELS[row["label"].strip().upper()], "", "test")) for row in rows
            ]
        entries = json.loads(text, object_pairs_hook=tuple)  # a dict would keep the last of two of one name
        if not isinstance(entries, tuple):
            raise TypeError(f"got a JSON {type(entries).__name__}")
        return [(_stem(name), _entry(dict(value))) for name, value in entries]
    except (OSError, ValueError, KeyError, AttributeError, TypeError) as error:
        raise DataError(
            f'{path}: expected {{"NAME.mp4": {{"label": "REAL" or "FAKE", "original": ...}}}} in metadata.json, or '
            f"filename,label with 0 = real and 1 = fake in labels.csv; {type(error).__name__}: {error}"
        ) from error


def _entry(value: Mapping[str, Any]) -> _Listed:
    """Of training clips `label`, `split` ("train" of every one) and `original`; of the test set `is_fake`."""
    said = value["label"] if "label" in value else value["is_fake"]
    label = _LABELS[str(int(said) if isinstance(said, bool) else said).upper()]
    told = value.get("split", "" if "label" in value else "test")
    return _Listed(label, _stem(value.get("original") or ""), _SPLITS.get(told, ""))


def _stem(name: str) -> str:
    return name.rpartition("/")[2].rpartition(".")[0] or name


def check(samples: Sequence[Sample]) -> list[CountCheck]:
    """119,146 clips in 50 training parts, 400 in the sample, 5,000 in the test set, for those that are there."""
    parts: set[int] = set()
    counts: Counter[str] = Counter()  # training clips of parts under other names count as such
    for sample in samples:
        match = _PART.search(sample.name) or _PART.search(sample.root)
        if match:
            parts.add(int(match[1]))
        in_sample = _SAMPLE.search(f"{PurePosixPath(sample.root).name}/{sample.name}")
        counts["train" if match else "sample" if in_sample else sample.split] += 1
    out = []
    if parts:
        missing = tuple(f"dfdc_train_part_{part}" for part in range(N_PARTS) if part not in parts)
        out = [CountCheck("train parts", len(parts), N_PARTS, missing)]
    if counts["train"]:
        out.append(CountCheck("train", counts["train"], N_TRAIN))
    elif counts["sample"] and not counts["train"]:
        out = [CountCheck("sample", counts["sample"], N_SAMPLE)]
    return [*out, CountCheck("test", counts["test"], N_TEST)] if counts["test"] else out


READER = DatasetReader(
    name=NAME,
    title="DFDC (training parts, sample, test)",
    layout=LAYOUT,
    source="metadata.json in aaronchong888/DeepFake-Detect and polimi-ispl/icpr2020dfdc; readers of its test set",
    matches=matches,
    read=read,
    check=check,
)
