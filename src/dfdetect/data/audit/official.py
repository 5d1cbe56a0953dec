"""Official lists of public datasets without the datasets: what is known of the split from the names in them alone."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from pathlib import Path

from dfdetect.data.audit.report import Note
from dfdetect.data.audit.source import Source
from dfdetect.data.names import celeb_df
from dfdetect.data.readers import READERS, faceforensics
from dfdetect.data.readers.reader import Reading
from dfdetect.data.sample import Sample, to_table
from dfdetect.data.tree import NamedFile, Tree

FF_LISTS = ("train.json", "val.json", "test.json")
CELEB_LIST = "List_of_testing_videos.txt"

_CELEB_LINE = re.compile(r"[01]\s+((?:Celeb-real|YouTube-real|Celeb-synthesis)/\S+)", re.IGNORECASE)


def from_samples(samples: Iterable[Sample], name: str) -> Source:
    """Samples of a dataset's reader: all keys are known, so nothing is told from paths."""
    return Source(name, to_table(samples), is_index=True)


def faceforensics_lists(folder: Path) -> Source:
    """train.json, val.json, test.json and conversion_dict.json alone: the clips that they name, each method's fakes."""
    names: dict[str, None] = {}
    for file in FF_LISTS:
        for pair in json.loads((folder / file).read_text(encoding="utf-8")):
            a, b = (str(name).zfill(3) for name in pair)
            names |= dict.fromkeys((a, b, f"{a}_{b}", f"{b}_{a}"))
    fakes = [f"manipulated_sequences/{method}/c23/videos" for method in faceforensics.METHODS]
    places = [
        f"{above}/{name}.mp4"
        for name in names
        for above in (fakes if "_" in name else ["original_sequences/youtube/c23/videos"])
    ]
    tree = Tree(Path("/FaceForensics++"), [NamedFile(place, 1) for place in sorted(places)])
    return from_samples(faceforensics.read(Reading(tree, folder)), f"{folder} (official lists of FaceForensics++)")


def is_celeb_list(path: Path) -> bool:
    """By its first line: `1 YouTube-real/00170.mp4`."""
    try:
        with path.open(encoding="utf-8") as file:
            return _CELEB_LINE.match(file.readline()) is not None
    except (OSError, UnicodeDecodeError):
        return False


def celeb_list(path: Path) -> Source:
    """Celeb-DF's list of test clips alone. Of train it proves the originals that a listed fake was made from and that
    are not listed themselves; everything else that is not listed is train too, but its names are not in the list."""
    listed = {match[1] for line in path.read_text(encoding="utf-8").splitlines() if (match := _CELEB_LINE.match(line))}
    fakes = (celeb_df(place.rpartition("/")[2].rpartition(".")[0]) for place in listed)
    originals = {f"Celeb-real/{keys.original}.mp4" for keys in fakes if keys is not None and keys.is_fake}
    tree = Tree(Path("/Celeb-DF-v2"), [NamedFile(place, 1) for place in sorted(listed | originals)])
    source = from_samples(
        READERS["celeb_df_v2"].read(Reading(tree, path.parent)), f"{path} (official list of Celeb-DF)"
    )
    text = (
        f"train is known from the list's names only: {len(originals - listed):,} originals of listed fakes. More of it "
        "leaks than is shown here; audit an index of the dataset to see all"
    )
    source.notes.append(Note("part_of_train", text))
    return source
