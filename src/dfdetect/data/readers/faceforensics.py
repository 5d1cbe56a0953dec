"""FaceForensics++ as downloaded (Rössler et al. 2019, arXiv:1901.08971), all methods and compressions, masks."""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Literal

from dfdetect.data.names import faceforensics
from dfdetect.data.readers.reader import CountCheck, DatasetReader, Reading, clips, in_order, stem_of
from dfdetect.data.sample import Sample, Split
from dfdetect.data.tree import IMAGE_SUFFIXES, VIDEO_SUFFIXES, Tree
from dfdetect.errors import DataError
from dfdetect.values import Label

NAME = "faceforensics"
METHODS = ("Deepfakes", "Face2Face", "FaceSwap", "NeuralTextures", "FaceShifter")
MASK_FOLDER = re.compile(r"(^|/)masks/", re.IGNORECASE)
MaskKey = tuple[str, str, Literal["crop", "video"]]
COMPRESSIONS = {"raw": "raw", "c0": "raw", "c23": "c23", "c40": "c40"}

LAYOUT = """
original_sequences/youtube/c23/videos/033.mp4                 (also original_sequences/c23/videos/033.mp4)
manipulated_sequences/Deepfakes/c23/videos/033_097.mp4        (raw = c0, c23, c40; `videos/` may be left out)
manipulated_sequences/Deepfakes/masks/videos/033_097.mp4      (optional)
train.json val.json test.json                                 (optional: splits; also with --lists FOLDER)
conversion_dict.json                                          (optional: which YouTube upload a clip was cut from)
cropped: frames/033_097/000.png in place of videos/033_097.mp4, masks/033_097/000.png beside it
whole frames: images/033_097/0000.png in place of videos/033_097.mp4
"""

_ORIGINAL = re.compile(r"original_sequences/(?:youtube/)?(raw|c0|c23|c40)/(.+)", re.IGNORECASE)
_FAKE = re.compile(rf"manipulated_sequences/({'|'.join(METHODS)})/(raw|c0|c23|c40)/(.+)", re.IGNORECASE)
_CANONICAL = {method.lower(): method for method in METHODS}
_MASK = re.compile(
    r"manipulated_sequences/([^/]+)/(?:masks/(?:videos/)?|(?:raw|c0|c23|c40)/masks/(?:videos/)?)([^/.]+)(/|\.)[^/]+",
    re.IGNORECASE,
)


def matches(tree: Tree) -> bool:
    """Its own method folders, or original_sequences with three-digit names."""
    return any(
        _FAKE.match(file.path) or ((m := _ORIGINAL.match(file.path)) and re.search(r"(^|/)\d{3}(/|\.)", m[2]))
        for file in tree.files
    )


def read(reading: Reading) -> Iterator[Sample]:
    """Videos, folders of frames and folders of crops, in order of path."""
    splits = official_splits(reading)
    if not splits:
        text = "train.json, val.json and test.json are not here, so no clip has a split; name their folder with --lists"
        reading.problem("no_split_list", "", text)
    return in_order(reading, _samples(reading, splits, uploads(reading), masks(reading.tree)))


def _samples(
    reading: Reading, splits: Mapping[str, Split], sources: Mapping[str, str], mask_paths: Mapping[MaskKey, str]
) -> Iterator[Sample]:
    for path, files, kind in clips(reading):
        original, fake = _ORIGINAL.match(path), _FAKE.match(path)
        if not (original or fake) or MASK_FOLDER.search(path):
            continue
        stem = stem_of(path, kind)
        keys = faceforensics(stem)
        if keys is None or keys.is_fake != bool(fake):
            reading.problem("unknown_name", path, "expected NNN for an original, NNN_NNN for a fake")
            continue
        method = _CANONICAL[fake[1].lower()] if fake else ""
        mask = mask_paths.get((method.lower(), stem, "crop" if kind == "crop" else "video"), "")
        yield Sample(
            path=reading.tree.absolute(path),
            root=reading.tree.absolute(""),
            label=Label.FAKE if fake else Label.REAL,
            dataset=NAME,
            video_id=video_id(stem, method),
            kind=kind,
            method=method,
            compression=COMPRESSIONS[(fake[2] if fake else original[1]).lower()],  # type: ignore[index]
            target_id=f"ffpp:{keys.target}",
            donor_id=f"ffpp:{keys.donor}" if keys.donor else "",
            pair_key=video_id(keys.target, ""),
            source_key=sources.get(keys.target, f"ffpp:{keys.target}"),
            split=splits.get(stem, ""),
            mask_path=reading.tree.absolute(mask) if mask else "",
            bytes=sum(file.bytes for file in files),
        )


def masks(tree: Tree) -> dict[MaskKey, str]:
    """(method in lower case, clip, for crops or for whole frames) -> a folder of cropped masks, or a mask video."""
    found: dict[MaskKey, str] = {}
    for file in tree.files:
        match = _MASK.fullmatch(file.path)
        if match is None:
            continue
        if match[3] == "/" and file.suffix in IMAGE_SUFFIXES:
            found[match[1].lower(), match[2], "crop"] = file.folder
        elif match[3] == "." and file.suffix in VIDEO_SUFFIXES:
            found[match[1].lower(), match[2], "video"] = file.path
    return found


def video_id(stem: str, method: str) -> str:
    """`ffpp/youtube/033` or `ffpp/Deepfakes/033_097`: the same in every dataset that is built on these clips."""
    return f"ffpp/{method or 'youtube'}/{stem}"


def official_splits(reading: Reading) -> dict[str, Split]:
    """Clip name -> official split, from train.json, val.json, test.json: lists of pairs [a, b]."""
    found: dict[str, Split] = {}
    names: tuple[Split, ...] = ("train", "val", "test")
    for split in names:
        path = reading.find_list(f"{split}.json")
        if path is None:
            continue
        for first, second in _read_pairs(path):
            found |= dict.fromkeys((first, second, f"{first}_{second}", f"{second}_{first}"), split)
    return found


def _read_pairs(path: Path) -> list[tuple[str, str]]:
    try:
        return [(str(a).zfill(3), str(b).zfill(3)) for a, b in json.loads(path.read_text(encoding="utf-8"))]
    except (ValueError, TypeError) as error:
        raise DataError(f'{path}: expected a JSON list of pairs such as ["071", "054"]; {error}') from error


def uploads(reading: Reading) -> dict[str, str]:
    """Clip number -> the YouTube upload that it was cut from, from conversion_dict.json ("id k" or lists of that)."""
    path = reading.find_list("conversion_dict.json")
    if path is None:
        return {}
    try:
        entries = json.loads(path.read_text(encoding="utf-8"))
        return {name: f"youtube:{text.rpartition(' ')[0]}" for name, text in entries.items() if "_" not in name}
    except (ValueError, AttributeError) as error:
        raise DataError(f'{path}: expected {{"NNN": "<YouTube id> <number>"}}; {error}') from error


def check(samples: Sequence[Sample]) -> list[CountCheck]:
    """1,000 originals and 1,000 fakes a method, for every compression that is there."""
    groups: dict[tuple[str, str], set[str]] = defaultdict(set)
    for sample in samples:
        groups[sample.compression, sample.method].add(sample.video_id.rpartition("/")[2])
    everyone = {f"{number:03d}" for number in range(1000)}
    out = []
    for (compression, method), names in sorted(groups.items()):
        missing = tuple(sorted(everyone - {name[:3] for name in names}))
        out.append(CountCheck(f"{compression} {method or 'originals'}".strip(), len(names), 1000, missing))
    return out


READER = DatasetReader(
    name=NAME,
    title="FaceForensics++",
    layout=LAYOUT,
    source="dataset/README.md and splits of ondyari/FaceForensics",
    matches=matches,
    read=read,
    check=check,
)
