"""DFDC preview (Dolhansky et al. 2019, arXiv:1910.08854): 1,131 real and 4,119 fake clips of 66 actors, two methods."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from dfdetect.data import names
from dfdetect.data.readers.reader import CountCheck, DatasetReader, Reading, clips, in_order, stem_of
from dfdetect.data.sample import Sample, Split
from dfdetect.data.tree import Tree
from dfdetect.errors import DataError
from dfdetect.values import Label

NAME = "dfdc_preview"
N_CLIPS = {"original_videos": 1131, "fakes": 4119}

LAYOUT = """
original_videos/1260311/1260311_C_001.mp4                        (actor, scene, number)
method_A/1260311/1260311_C/1255229_1260311_C_001.mp4             (and method_B; the face of actor 1255229 in that clip)
dataset.json     {"original_videos/...mp4": {"label": "real", "set": "train"}, ...}    (optional: the split)
cropped: original_videos/frames/1260311_C_001/000.png  method_A/frames/1255229_1260311_C_001/000.png
"""

_CLIP = re.compile(r"(?:dfdc_preview_set/)?(original_videos|method_A|method_B)/(?:.*/)?[^/]+", re.IGNORECASE)
_OURS = re.compile(
    r"(?:dfdc_preview_set/)?(?:original_videos|method_[AB])/(?:.*/)?(?:\d+_)?\d+_[A-Z]_\d+(?:\.|/)", re.IGNORECASE
)
_SPLITS: dict[str, Split] = {"train": "train", "test": "test"}


def matches(tree: Tree) -> bool:
    """original_videos, method_A or method_B with clips named by actors, scene and number."""
    return any(_OURS.match(file.path) for file in tree.files)


def read(reading: Reading) -> Iterator[Sample]:
    """Videos and folders of crops, in order of path. Folders give the labels, dataset.json the split."""
    return in_order(reading, _samples(reading))


def _samples(reading: Reading) -> Iterator[Sample]:
    listed = _listed(reading)
    unlisted: list[str] = []
    for path, files, kind in clips(reading):
        match, stem = _CLIP.fullmatch(path), stem_of(path, kind)
        if match is None:
            continue
        folder = match[1].lower().replace("method_a", "method_A").replace("method_b", "method_B")
        keys, fake = names.dfdc_preview(stem), folder != "original_videos"
        if keys is None or keys.is_fake != fake:
            reading.problem(
                "unknown_name", path, "expected ACTOR_S_NNN in original_videos, DONOR_ACTOR_S_NNN in method_A, _B"
            )
            continue
        entry = listed.get((folder.lower(), stem)) if listed is not None else None
        if listed is not None and entry is None:
            unlisted.append(path)
        if entry is not None and (entry.get("label") == "fake") != fake:
            text = f"dataset.json says {entry.get('label')!r}, its folder says {'fake' if fake else 'real'}; left out"
            reading.problem("label_conflict", path, text)
            continue
        original = f"dfdcp/{keys.original or stem}"
        yield Sample(
            path=reading.tree.absolute(path),
            root=reading.tree.absolute(""),
            label=Label.FAKE if fake else Label.REAL,
            dataset=NAME,
            video_id=f"dfdcp/{folder}/{stem}" if fake else original,
            kind=kind,
            method=folder if fake else "",
            target_id=f"dfdcp:{keys.target}",
            donor_id=f"dfdcp:{keys.donor}" if keys.donor else "",
            pair_key=original,
            source_key=original,
            split=_SPLITS.get(str(entry.get("set")), "") if entry else "",
            bytes=sum(file.bytes for file in files),
        )
    if unlisted:
        text = f"{len(unlisted)} clips are not in dataset.json, so they have no split: {', '.join(unlisted[:3])}"
        reading.problem("not_listed", "", text)


def _listed(reading: Reading) -> dict[tuple[str, str], Mapping[str, Any]] | None:
    """(first folder in lower case, stem) -> what dataset.json says of the clip; None, and a problem, without one."""
    path = reading.find_list("dataset.json")
    if path is None:
        text = "dataset.json is not here, so no clip has a split; name its folder with --lists"
        reading.problem("no_split_list", "", text)
        return None
    try:
        entries = json.loads(path.read_text(encoding="utf-8"))
        odd = sorted({str(value["label"]) for value in entries.values()} - {"real", "fake"})
        if odd:
            raise ValueError(f"labels {odd[:5]}")
        return {
            (match[1].lower(), _stem(name)): value
            for name, value in entries.items()
            if (match := _CLIP.fullmatch(name.removeprefix("./")))
        }
    except (OSError, ValueError, KeyError, AttributeError, TypeError) as error:
        raise DataError(
            f'{path}: expected {{"original_videos/ACTOR/NAME.mp4": {{"label": "real" or "fake", "set": "train"}}}}; '
            f"{type(error).__name__}: {error}"
        ) from error


def _stem(path: str) -> str:
    return path.rpartition("/")[2].rpartition(".")[0]


def check(samples: Sequence[Sample]) -> list[CountCheck]:
    """1,131 originals and 4,119 fakes; missing are originals that fakes here were made from."""
    reals = {sample.video_id for sample in samples if sample.label is Label.REAL}
    missing = tuple(sorted(key.partition("/")[2] for key in {sample.pair_key for sample in samples} - reals))
    return [
        CountCheck("originals", len(reals), N_CLIPS["original_videos"], missing),
        CountCheck("fakes", len(samples) - len(reals), N_CLIPS["fakes"]),
    ]


READER = DatasetReader(
    name=NAME,
    title="DFDC preview",
    layout=LAYOUT,
    source="data/datasets.md of mapooon/SelfBlendedImages and its readers; the order of actors in names is second-hand",
    matches=matches,
    read=read,
    check=check,
)
