"""WildDeepfake (Zi et al. 2020, arXiv:2101.01456): face crops of clips from the internet, in archives.

Shard numbers repeat over the four folders, so a sequence is named by folder, shard and number. No person is known, and
not which sequences come from one upload: a split other than the official one cannot be shown to be free of leaks.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence

from dfdetect.data.readers.reader import CountCheck, DatasetReader, Reading, in_order
from dfdetect.data.sample import Sample
from dfdetect.data.tree import IMAGE_SUFFIXES, Tree
from dfdetect.values import Label

NAME = "wilddeepfake"
PUBLISHED = {"real_train": 3409, "fake_train": 3099, "real_test": 396, "fake_test": 410}

LAYOUT = """
real_train/3.tar.gz                          as downloaded: unpack every archive where it lies (also `real train`)
real_train/3/real/27/0.png                   unpacked: shard, label, sequence, frame
fake_train  real_test  fake_test             the same
"""

_SET = r"(?:.*/)?(real|fake)[ _-](train|test)/"
_SEQUENCE = re.compile(_SET + r"(?:(\d+)/)?(?:(real|fake)/)?([^/]+)", re.IGNORECASE)
_ARCHIVE = re.compile(_SET + r"(\d+)\.(?:tar\.gz|tgz|tar)", re.IGNORECASE)
_OURS = re.compile(r"(?:^|/)(?:real|fake)[ _-](?:train|test)/\d+(?:\.tar|\.tgz|/)", re.IGNORECASE)


def matches(tree: Tree) -> bool:
    """A folder of the four with a numbered shard in it, packed or not."""
    return any(_OURS.search(file.path) for file in tree.files)


def read(reading: Reading) -> Iterator[Sample]:
    """Sequences, each a folder of crops."""
    return in_order(reading, _sequences(reading))


def _sequences(reading: Reading) -> Iterator[Sample]:
    unpacked: set[tuple[str, str]] = set()
    for folder, files in reading.tree.by_folder().items():
        images = [file for file in files if file.suffix in IMAGE_SUFFIXES]
        match = _SEQUENCE.fullmatch(folder) if images else None
        if match is None:
            if images:
                text = f"{len(images)} images are left out: expected real_train/SHARD/real/SEQUENCE or the like"
                reading.problem("unknown_name", folder, text)
            continue
        label, split = match[1].lower(), match[2].lower()
        unpacked.add((f"{label}_{split}", match[3] or ""))
        if (match[4] or label).lower() != label:
            reading.problem("label_conflict", folder, f"a {match[4]} folder in {match[1]} {match[2]}; left out")
            continue
        usable = [file.bytes for file in images if reading.usable(file)]
        if usable:
            name = "/".join(part for part in (f"{label}_{split}", match[3], match[5]) if part)
            yield Sample(
                path=reading.tree.absolute(folder),
                root=reading.tree.absolute(""),
                label=Label.FAKE if label == "fake" else Label.REAL,
                dataset=NAME,
                video_id=f"wilddeepfake/{name}",
                kind="crop",
                pair_key="" if label == "fake" else f"wilddeepfake/{name}",
                split=split,  # type: ignore[arg-type]
                bytes=sum(usable),
            )
    _name_archives(reading, unpacked)


def _name_archives(reading: Reading, unpacked: set[tuple[str, str]]) -> None:
    packed: dict[str, list[str]] = defaultdict(list)
    for file in reading.tree.files:
        match = _ARCHIVE.fullmatch(file.path)
        if match and (f"{match[1]}_{match[2]}".lower(), match[3]) not in unpacked:
            packed[file.folder].append(file.file_name)
    for folder, names in packed.items():
        text = f"{len(names)} archives ({', '.join(names[:3])}...): unpack each of them into a folder of its number"
        reading.problem("archive", folder, text)


def check(samples: Sequence[Sample]) -> list[CountCheck]:
    """Sequences of the four folders, for those that are there."""
    counts = Counter(sample.video_id.split("/")[1] for sample in samples)
    return [CountCheck(name, counts[name], published) for name, published in PUBLISHED.items() if counts[name]]


READER = DatasetReader(
    name=NAME,
    title="WildDeepfake",
    layout=LAYOUT,
    source="README of OpenTAI/wild-deepfake for the folders; what is in the archives, and the counts, from its users",
    matches=matches,
    read=read,
    check=check,
    verified=False,
)
