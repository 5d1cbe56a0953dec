"""What Celeb-DF v1, v2 (Li et al. 2020, arXiv:1909.12962) and Celeb-DF++ (Li et al. 2025) have in common.

All three hold clips of the same celebrities, so their keys share one namespace. Folders give the labels: the list of
test clips says 1 for REAL and 0 for fake, the reverse of nearly every loader.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from dfdetect.data.names import NameKeys, celeb_df
from dfdetect.data.readers.reader import CountCheck, Reading, clips, in_order, stem_of
from dfdetect.data.sample import Sample, Split
from dfdetect.data.tree import Tree
from dfdetect.errors import DataError
from dfdetect.values import Label

Version = Literal["v1", "v2", "pp"]

LIST_NAME = "List_of_testing_videos.txt"
N_V2_LIST = 518
N_V1 = {"Celeb-real": 158, "YouTube-real": 250, "Celeb-synthesis": 795}
N_V2 = {"Celeb-real": 590, "YouTube-real": 300, "Celeb-synthesis": 5639}
SCENARIOS = ("FaceSwap", "FaceReenact", "TalkingFace")
ORIGINAL_METHODS = ("Celeb-DF", "Celeb-DF-v2")  # the folder of v2's own fakes in Celeb-DF++

_FOLDERS = {"celeb-real": "Celeb-real", "youtube-real": "YouTube-real", "celeb-synthesis": "Celeb-synthesis"}
_CLIP = re.compile(
    rf"(?P<folder>{'|'.join(_FOLDERS)})/(?:(?P<scenario>{'|'.join(SCENARIOS)})/(?P<method>[^/]+)/)?"
    r"(?:(?:videos|frames|faces|crops|images)/)?[^/]+",
    re.IGNORECASE,
)
_NAMED = re.compile(r"/(id\d+_(?:id\d+_)?\d{4}|\d{5})(?:\.|/)")
_LINE = re.compile(r"([01])\s+(.+)")


@dataclass(frozen=True, slots=True)
class FakeKeys:
    """How a version names a fake. video_id: unique. original: name of the real clip, "" where there is none.

    aligned: whether it was made from that clip frame by frame.
    """

    video_id: str
    method: str
    target: str
    donor: str
    original: str
    aligned: bool = True


NameFake = Callable[[str, str, str], FakeKeys | None]
"""(scenario, method folder, stem) -> keys; both folders are "" in v1 and v2."""


def version_of(tree: Tree) -> Version | None:
    """Which version a tree is: by the folders of Celeb-DF++, the root's name, the length of the list, or counts.

    None where nothing tells v1 from v2, as with a small part of either without its list.
    """
    clips_in: dict[str, set[str]] = {folder: set() for folder in _FOLDERS.values()}
    for file in tree.files:
        match = _CLIP.match(file.path)
        if match and match["scenario"]:
            return "pp"
        if match and (clip := _NAMED.search(file.path)):
            clips_in[_FOLDERS[match["folder"].lower()]].add(clip[1])
    if named := re.search(r"celeb[ _-]?df[ _-]*\(?v([12])", tree.root.name, re.IGNORECASE):
        return "v1" if named[1] == "1" else "v2"
    counts = {folder: len(clips) for folder, clips in clips_in.items()}
    if len(_lines(_list_in(tree))) == N_V2_LIST or any(counts[folder] > number for folder, number in N_V1.items()):
        return "v2"
    return "v1" if counts == N_V1 else None


def matches(tree: Tree, version: Version) -> bool:
    """A folder of its own with names of its own; both v1 and v2 where nothing tells which."""
    ours = any(
        (match := _CLIP.match(file.path)) and (match["scenario"] or _NAMED.search(file.path)) for file in tree.files
    )
    found = version_of(tree) if ours else None
    return ours and (found == version or (found is None and version != "pp"))


def read(reading: Reading, dataset: str, name_fake: NameFake) -> Iterator[Sample]:
    """Videos, folders of frames and of crops, in order of path; what the test list names is test, the rest train.

    Without the list no clip has a split.
    """
    listed = _test_list(reading, strict=dataset != "celeb_df_pp")
    samples = list(in_order(reading, _samples(reading, dataset, name_fake, listed)))
    absent = set(listed or ()) - {_list_key(sample.name, sample.kind == "video") for sample in samples}
    if absent:
        text = f"{len(absent)} of {len(listed or ())} test clips are not here: {', '.join(sorted(absent)[:3])}"
        reading.problem("missing_file", LIST_NAME, text)
    return iter(samples)


def _samples(
    reading: Reading, dataset: str, name_fake: NameFake, listed: Mapping[str, Label] | None
) -> Iterator[Sample]:
    for path, files, kind in clips(reading):
        match = _CLIP.fullmatch(path)
        if match is None:
            continue
        folder, stem = _FOLDERS[match["folder"].lower()], stem_of(path, kind)
        fake = folder == "Celeb-synthesis"
        keys = name_fake(match["scenario"] or "", match["method"] or "", stem) if fake else _real_keys(folder, stem)
        if keys is None:
            reading.problem("unknown_name", path, f"expected {_EXPECTED[folder]} in {folder}")
            continue
        original = f"celeb_df/Celeb-real/{keys.original}" if fake else keys.video_id
        split: Split = "" if listed is None else "test" if _list_key(path, kind == "video") in listed else "train"
        yield Sample(
            path=reading.tree.absolute(path),
            root=reading.tree.absolute(""),
            label=Label.FAKE if fake else Label.REAL,
            dataset=dataset,
            video_id=keys.video_id,
            kind=kind,
            method=keys.method,
            target_id=f"celeb_df:{keys.target}" if keys.target else "",
            donor_id=f"celeb_df:{keys.donor}" if keys.donor else "",
            pair_key=original if keys.aligned else "",
            source_key=original,
            split=split,
            bytes=sum(file.bytes for file in files),
        )


_EXPECTED = {
    "Celeb-real": "idA_CCCC",
    "YouTube-real": "NNNNN",
    "Celeb-synthesis": "idA_idB_CCCC (talking faces of Celeb-DF++: idA_CCCC_...)",
}


def _real_keys(folder: str, stem: str) -> FakeKeys | None:
    """People of YouTube-real are unknown: each clip is a source of its own."""
    keys = celeb_df(stem)
    if keys is None or keys.is_fake or bool(keys.target) != (folder == "Celeb-real"):
        return None
    return FakeKeys(f"celeb_df/{folder}/{stem}", "", keys.target, "", "")


def swapped(video_id: str, method: str, keys: NameKeys | None, *, aligned: bool = True) -> FakeKeys | None:
    """Keys of a fake named idA_idB_CCCC; None for another name."""
    if keys is None or not keys.is_fake:
        return None
    return FakeKeys(video_id, method, keys.target, keys.donor, keys.original, aligned)


def _list_key(path: str, is_video: bool) -> str:
    """A path as the list has it, but for case, suffix and the levels that copies add."""
    stem = path.rpartition(".")[0] if is_video else path
    return re.sub(r"/(videos|frames|faces|crops|images)/", "/", stem.lower())


def _list_in(tree: Tree) -> Path | None:
    found = [file.path for file in tree.files if file.file_name.lower() == LIST_NAME.lower()]
    return Path(tree.absolute(min(found, key=lambda path: path.count("/")))) if found else None


def _lines(path: Path | None) -> list[str]:
    try:
        return [line for line in path.read_text(encoding="utf-8-sig").splitlines() if line.strip()] if path else []
    except (OSError, UnicodeDecodeError):
        return []


def _test_list(reading: Reading, *, strict: bool) -> dict[str, Label] | None:
    """`_list_key` of every clip in the list of test clips; None, and a problem, where there is no list.

    strict: 1 = real is known for this version, so the reverse is explained. Labels come from the folders either way.
    """
    path = reading.find_list(LIST_NAME)
    if path is None:
        text = f"{LIST_NAME} is not here, so no clip has a split; name its folder with --lists"
        reading.problem("no_split_list", "", text)
        return None
    lines = _lines(path)
    if not lines:
        raise DataError(f"{path}: expected lines such as `1 YouTube-real/00170.mp4`; the file is empty or unreadable")
    listed: dict[str, Label] = {}
    said: Counter[tuple[str, Label]] = Counter()
    for line in lines:
        match = _LINE.fullmatch(line.strip())
        folder = _FOLDERS.get(match[2].partition("/")[0].lower()) if match else None
        if match is None or folder is None:
            raise DataError(f"{path}: expected lines such as `1 YouTube-real/00170.mp4`; got {line!r}")
        label = Label.FAKE if folder == "Celeb-synthesis" else Label.REAL
        listed[_list_key(match[2].strip(), is_video=True)] = label
        said[match[1], label] += 1
    _explain_polarity(reading, said, strict=strict)
    return listed


def _explain_polarity(reading: Reading, said: Mapping[tuple[str, Label], int], *, strict: bool) -> None:
    as_published = said.get(("1", Label.REAL), 0) + said.get(("0", Label.FAKE), 0)
    reversed_lines = said.get(("1", Label.FAKE), 0) + said.get(("0", Label.REAL), 0)
    if reversed_lines and as_published:
        text = (
            f"{min(as_published, reversed_lines)} of {as_published + reversed_lines} lines contradict the others "
            "about which label real clips have; labels are taken from the folders"
        )
        reading.problem("label_conflict", LIST_NAME, text)
    elif reversed_lines and strict:
        text = (
            "lists Celeb-synthesis as 1 and the real folders as 0; the published list has 1 = real, 0 = fake, so this "
            "copy was turned round by somebody. Labels are taken from the folders, so nothing is wrong here"
        )
        reading.problem("label_polarity", LIST_NAME, text)


def check(samples: Sequence[Sample], published: Mapping[str, int]) -> list[CountCheck]:
    """Clips a folder against the published counts; missing are reals that fakes here were made from."""
    found: dict[str, set[str]] = {folder: set() for folder in _FOLDERS.values()}
    for sample in samples:
        found[_FOLDERS[sample.name.partition("/")[0].lower()]].add(sample.video_id)
    named = {sample.source_key for sample in samples if sample.label is Label.FAKE}
    gone = tuple(sorted(name.rpartition("/")[2] for name in named - found["Celeb-real"]))
    missing = {"Celeb-real": gone, "YouTube-real": _numbers_missing(found["YouTube-real"], published["YouTube-real"])}
    return [
        CountCheck(folder, len(found[folder]), number, missing.get(folder, ()))
        for folder, number in published.items()
        if found[folder] or folder == "Celeb-real"
    ]


def _numbers_missing(video_ids: set[str], published: int) -> tuple[str, ...]:
    """Of YouTube-real, numbered from 00000; none where the numbers here do not bear that out."""
    missing = {f"{number:05d}" for number in range(published)} - {name.rpartition("/")[2] for name in video_ids}
    return tuple(sorted(missing)) if len(missing) == published - len(video_ids) else ()
