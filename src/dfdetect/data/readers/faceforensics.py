"""FaceForensics++ as downloaded (Rössler et al. 2019, arXiv:1901.08971), all methods and compressions, masks."""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from dfdetect.data.names import faceforensics
from dfdetect.data.readers.reader import CountCheck, DatasetReader, Reading
from dfdetect.data.sample import Sample, SampleKind, Split
from dfdetect.data.tree import VIDEO_SUFFIXES, NamedFile, Tree
from dfdetect.errors import DataError
from dfdetect.values import Label

NAME = "faceforensics"
METHODS = ("Deepfakes", "Face2Face", "FaceSwap", "NeuralTextures", "FaceShifter")
COMPRESSIONS = {"raw": "raw", "c0": "raw", "c23": "c23", "c40": "c40"}

LAYOUT = """
original_sequences/youtube/c23/videos/033.mp4                 (also original_sequences/c23/videos/033.mp4)
manipulated_sequences/Deepfakes/c23/videos/033_097.mp4        (raw = c0, c23, c40; `videos/` may be left out)
manipulated_sequences/Deepfakes/masks/videos/033_097.mp4      (optional)
train.json val.json test.json                                 (optional: splits; also with --lists FOLDER)
conversion_dict.json                                          (optional: which YouTube upload a clip was cut from)
cropped: the same with frames/033_097/000.png in place of videos/033_097.mp4
"""

_ORIGINAL = re.compile(r"original_sequences/(?:youtube/)?(raw|c0|c23|c40)/(.+)", re.IGNORECASE)
_FAKE = re.compile(rf"manipulated_sequences/({'|'.join(METHODS)})/(raw|c0|c23|c40|masks)/(.+)", re.IGNORECASE)
_CANONICAL = {method.lower(): method for method in METHODS}


def matches(tree: Tree) -> bool:
    """Its own method folders, or original_sequences with three-digit names."""
    return any(
        _FAKE.match(file.path) or ((m := _ORIGINAL.match(file.path)) and re.search(r"(^|/)\d{3}(/|\.)", m[2]))
        for file in tree.files
    )


def read(reading: Reading) -> Iterator[Sample]:
    """Videos and pre-cropped frame folders, in order of path."""
    splits = official_splits(reading)
    sources = uploads(reading)
    masks = {
        (m[1].lower(), f.stem): f.path
        for f in reading.tree.files
        if (m := _FAKE.match(f.path)) and m[2].lower() == "masks" and f.suffix in VIDEO_SUFFIXES
    }
    seen: dict[tuple[str, str], str] = {}
    for path, files, kind in clips(reading):
        sample = _sample(reading, path, files, kind, splits, sources, masks)
        if sample is None:
            continue
        before = seen.setdefault((sample.video_id, sample.compression), path)
        if before == path:
            yield sample
        else:
            reading.problem("duplicate", path, f"the same clip as {before}, which is used")


def clips(reading: Reading) -> Iterator[tuple[str, Sequence[NamedFile], SampleKind]]:
    """(path inside the root, its files, kind) of every video file and every folder of crops (`.../frames/NAME/`)."""
    for folder, files in sorted(reading.tree.by_folder().items()):
        if re.search(r"(^|/)(frames|faces|crops)/[^/]+$", folder):
            kept = [file for file in files if file.suffix not in VIDEO_SUFFIXES and reading.usable(file)]
            if kept:
                yield folder, kept, "crop"
            continue
        for file in files:
            if file.suffix in VIDEO_SUFFIXES and reading.usable(file):
                yield file.path, [file], "video"


def _sample(
    reading: Reading,
    path: str,
    files: Sequence[NamedFile],
    kind: SampleKind,
    splits: Mapping[str, Split],
    sources: Mapping[str, str],
    masks: Mapping[tuple[str, str], str],
) -> Sample | None:
    original, fake = _ORIGINAL.match(path), _FAKE.match(path)
    stem = path.rpartition("/")[2].rpartition(".")[0] if kind == "video" else path.rpartition("/")[2]
    keys = faceforensics(stem)
    if fake and fake[2].lower() == "masks":
        return None
    if not (original or fake) or keys is None or keys.is_fake != bool(fake):
        if original or fake:
            reading.problem("unknown_name", path, "expected NNN for an original, NNN_NNN for a fake")
        return None
    method = _CANONICAL[fake[1].lower()] if fake else ""
    compression = COMPRESSIONS[(fake[2] if fake else original[1]).lower()]  # type: ignore[index]
    mask = masks.get((method.lower(), stem), "")
    return Sample(
        path=reading.tree.absolute(path),
        root=reading.tree.absolute(""),
        label=Label.FAKE if fake else Label.REAL,
        dataset=NAME,
        video_id=video_id(stem, method),
        kind=kind,
        method=method,
        compression=compression,
        target_id=f"ffpp:{keys.target}",
        donor_id=f"ffpp:{keys.donor}" if keys.donor else "",
        pair_key=video_id(keys.target, ""),
        source_key=sources.get(keys.target, f"ffpp:{keys.target}"),
        split=splits.get(stem, ""),
        mask_path=reading.tree.absolute(mask) if mask else "",
        bytes=sum(file.bytes for file in files),
    )


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
        out.append(CountCheck(f"{compression} {method or 'originals'}", len(names), 1000, missing))
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
