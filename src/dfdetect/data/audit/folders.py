"""Splits in folders: train, val and test folders, a dataset as downloaded with its lists, or the lists alone."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from pathlib import Path

from dfdetect.data.audit.report import Note
from dfdetect.data.audit.source import Source
from dfdetect.data.audit.tables import ReadOptions, read_parquet
from dfdetect.data.lists import SPLIT_WORDS
from dfdetect.data.readers import READERS, faceforensics
from dfdetect.data.readers.reader import Reading
from dfdetect.data.sample import Sample, to_table
from dfdetect.data.tree import IMAGE_SUFFIXES, VIDEO_SUFFIXES, NamedFile, Tree, list_tree
from dfdetect.errors import UsageError

_FF_LISTS = ("train.json", "val.json", "test.json")
_NOT_DATASETS = ("folders", "list")  # readers that know no public dataset


def read_folder(root: Path, split: str | None, lists: Path | None, options: ReadOptions) -> Source:
    """split: what all of it is, where that was said. UsageError where nothing tells what is train and what is test."""
    shards = sorted(root.glob("*.parquet"))
    if shards:
        return read_parquet(shards, str(root), options)
    tree = list_tree(root)
    media = [file for file in tree.files if _is_media(file)]
    if not media and {file.path.lower() for file in tree.files} >= set(_FF_LISTS):
        return faceforensics_lists(root)
    notes = [Note(problem.code, f"{problem.path}: {problem.text}") for problem in tree.problems]
    if split is None and (found := _official(tree, lists)) is not None:
        return found
    splits = [split or _split_folder(file.folder) for file in media]
    if not any(splits):
        raise UsageError(
            f"{root}: no folders named {', '.join(word for word in SPLIT_WORDS)} in it, and no dataset with official "
            "splits was recognised; name the parts with --split train=DIR --split test=DIR"
        )
    return _files(root, tree, media, splits, notes)


def _is_media(file: NamedFile) -> bool:
    """By suffix; VidTIMIT's frames have none but are numbers."""
    return file.suffix in VIDEO_SUFFIXES or file.suffix in IMAGE_SUFFIXES or file.file_name.isdigit()


def _split_folder(folder: str) -> str | None:
    """The topmost folder that is named for a split."""
    return next((SPLIT_WORDS[part.lower()] for part in folder.split("/") if part.lower() in SPLIT_WORDS), None)


def _files(
    root: Path, tree: Tree, media: Sequence[NamedFile], splits: Sequence[str | None], notes: list[Note]
) -> Source:
    import pyarrow as pa

    undecodable = [file.path for file in media if not file.path.isprintable() and _readable(file.path) != file.path]
    if undecodable:
        text = f"{len(undecodable):,} file names are not UTF-8; their bytes are shown as \\xNN"
        notes.append(Note("undecodable_name", text, tuple(_readable(path) for path in undecodable[:3])))
    inside = [_readable(file.path) for file in media]
    table = pa.table(
        {
            "path": pa.array([_readable(tree.absolute(path)) for path in inside], pa.string()),
            "split": pa.array(splits, pa.string()),
        }
    )
    return Source(str(root), table, where=pa.array([f"{_readable(root.name)}/{path}" for path in inside]), notes=notes)


def _readable(path: str) -> str:
    return path.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")


def _official(tree: Tree, lists: Path | None) -> Source | None:
    """A public dataset as downloaded whose reader knows two official splits or more; None for anything else."""
    for reader in READERS.values():
        if reader.name in _NOT_DATASETS or not reader.matches(tree):
            continue
        samples = list(reader.read(Reading(tree, lists)))
        if len({sample.split for sample in samples} - {""}) > 1:
            return from_samples(samples, f"{tree.root} ({reader.title})")
    return None


def from_samples(samples: Iterable[Sample], name: str) -> Source:
    """Samples of a dataset's reader: all keys are known, so nothing is told from paths."""
    return Source(name, to_table(samples), is_index=True)


def faceforensics_lists(folder: Path) -> Source:
    """train.json, val.json, test.json and conversion_dict.json alone: the clips that they name, each method's fakes."""
    names: dict[str, None] = {}
    for file in _FF_LISTS:
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
