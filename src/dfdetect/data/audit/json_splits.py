"""Splits in JSON: DeepfakeBench's nested dictionaries, lists a split, lists of objects, FaceForensics++ pairs.

    {"FaceForensics++": {"FF-DF": {"train": {"c23": {"000_003": {"label": "FF-DF", "frames": ["...png", ...]}}}}}}
    {"Celeb-DF-v2": {"CelebDFv2_real": {"train": {"id0_0000": {"label": "CelebDFv2_real", "frames": [...]}}}}}
    {"train": ["a.png", ...], "test": [...]}       [{"path": "a.png", "label": "real", "split": "train"}, ...]
    [["071", "054"], ...]                          (with --split train=train.json)

Levels are told by what they hold, not by their number, so that variants of the first form are read too (DF40).
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from dfdetect.data.audit.source import LABEL_WORDS, Source
from dfdetect.data.audit.tables import ReadOptions, from_memory
from dfdetect.data.lists import SPLIT_WORDS
from dfdetect.errors import DataError

if TYPE_CHECKING:
    import pyarrow as pa

_COMPRESSIONS = ("raw", "c0", "c23", "c40")
_SHAPES = (
    'DeepfakeBench\'s {"DATASET": {"CLASS": {"train": {"VIDEO": {"label": ..., "frames": [...]}}}}}, '
    '{"train": [paths], "test": [paths]}, or a list of objects with path, label and split'
)


@dataclass(frozen=True, slots=True)
class _Clip:
    """keys: on the way to it, the video's name last. frames: paths. label: as written."""

    keys: tuple[str, ...]
    frames: Sequence[str]
    label: str


def read_json(path: Path, split: str | None, options: ReadOptions) -> Source:
    """DataError for JSON of another shape, which says what was expected."""
    try:
        data = json.loads(path.read_bytes())
    except (OSError, ValueError) as error:
        raise DataError(f"{path}: expected JSON; {error}") from error
    if isinstance(data, list) and data and all(isinstance(row, Mapping) for row in data):
        return from_memory(data, str(path), options)
    if isinstance(data, list) and data and all(_is_pair(row) for row in data):
        return _from_clips(
            [_Clip(("FaceForensics++", name), [name], "") for name in _pair_names(data)], str(path), split
        )
    if isinstance(data, list) and data and all(isinstance(row, str) for row in data):
        return from_memory({"path": data}, str(path), options)
    clips = list(_clips(data, ())) if isinstance(data, Mapping) else []
    if not clips:
        raise DataError(f"{path}: expected {_SHAPES}; found none of these")
    return _from_clips(clips, str(path), split)


def _is_pair(row: Any) -> bool:
    return isinstance(row, list) and len(row) == 2 and all(re.fullmatch(r"\d{1,3}", str(name)) for name in row)


def _pair_names(pairs: Sequence[Sequence[str]]) -> Iterator[str]:
    for first, second in ((str(a).zfill(3), str(b).zfill(3)) for a, b in pairs):
        yield from (first, second, f"{first}_{second}", f"{second}_{first}")


def _clips(node: Mapping[str, Any], keys: tuple[str, ...]) -> Iterator[_Clip]:
    for key, value in node.items():
        here = (*keys, str(key))
        if isinstance(value, Mapping) and isinstance(value.get("frames"), list):
            yield _Clip(here, [str(frame) for frame in value["frames"]] or [str(key)], str(value.get("label", "")))
        elif isinstance(value, Mapping):
            yield from _clips(value, here)
        elif (
            isinstance(value, list) and all(isinstance(item, str) for item in value) and str(key).lower() in SPLIT_WORDS
        ):
            yield from (_Clip((*here, item), [item], "") for item in value)


def _from_clips(clips: Sequence[_Clip], name: str, split: str | None) -> Source:
    """One row a frame. Columns that are the same for all frames of a clip are dictionaries, so memory stays small."""
    import pyarrow as pa

    counts = [len(clip.frames) for clip in clips]
    rows = pa.array(np.repeat(np.arange(len(clips), dtype=np.int32), counts))

    def each(values: Sequence[str | None]) -> pa.Array:
        encoded = pa.array(values, pa.string()).dictionary_encode()
        return pa.DictionaryArray.from_arrays(encoded.indices.take(rows), encoded.dictionary)

    table = pa.table(
        {
            "path": pa.array([frame for clip in clips for frame in clip.frames], pa.string()),
            "label": each([_label(clip) for clip in clips]),
            "split": each([split or _split(clip) for clip in clips]),
            "compression": each([next((k for k in clip.keys if k in _COMPRESSIONS), None) for clip in clips]),
        }
    )
    where = each([_where(clip) for clip in clips])
    return Source(name, table, where=where)


def _split(clip: _Clip) -> str | None:
    return next((SPLIT_WORDS[key.lower()] for key in clip.keys[:-1] if key.lower() in SPLIT_WORDS), None)


def _label(clip: _Clip) -> str | None:
    """DeepfakeBench labels are class names: `FF-real`, `CelebDFv2_real`, `UADFV_Real`; all others are fakes."""
    word = clip.label.strip().lower()
    if not word:
        return None
    return LABEL_WORDS.get(word, "real" if "real" in re.split(r"[^a-z]+", word) else "fake")


def _where(clip: _Clip) -> str:
    """What names are looked for in: the first frame's path where it holds the video's name, else the keys."""
    frame, video = clip.frames[0].replace("\\", "/"), clip.keys[-1]
    above = "/".join(clip.keys[:-1])
    return f"{above}/{frame}" if f"/{video}/" in frame or frame == video else f"{above}/{video}"
