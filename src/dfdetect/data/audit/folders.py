"""Splits in folders: train, val and test folders, a dataset as downloaded with its lists, or the lists alone."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from dfdetect.data.audit.official import CELEB_LIST, FF_LISTS, celeb_list, faceforensics_lists, from_samples
from dfdetect.data.audit.report import Note
from dfdetect.data.audit.source import Source
from dfdetect.data.audit.tables import ReadOptions, read_parquet
from dfdetect.data.lists import SPLIT_WORDS
from dfdetect.data.readers.reader import Reading
from dfdetect.data.readers.recognise import recognise
from dfdetect.data.sample import Sample
from dfdetect.data.tree import IMAGE_SUFFIXES, VIDEO_SUFFIXES, NamedFile, Tree, list_tree
from dfdetect.errors import UsageError

_NOT_DATASETS = ("folders", "list")  # readers that know no public dataset


def read_folder(root: Path, split: str | None, lists: Path | None, options: ReadOptions) -> Source:
    """split: what all of it is, where that was said. UsageError where nothing tells what is train and what is test."""
    shards = sorted(root.glob("*.parquet"))
    if shards:
        return read_parquet(shards, str(root), options)
    tree = list_tree(root)
    media = [file for file in tree.files if _is_media(file)]
    if not media:
        lists_here = {file.path for file in tree.files}
        if lists_here >= set(FF_LISTS):
            return faceforensics_lists(root)
        if CELEB_LIST in lists_here:
            return celeb_list(root / CELEB_LIST)
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
    """Public datasets as downloaded whose readers know two official splits or more; None for anything else."""
    found: dict[str, Sample] = {}
    titles = []
    for part, reader in recognise(tree):
        if reader.name not in _NOT_DATASETS:
            titles.append(reader.title)
            for sample in reader.read(Reading(part, lists)):
                found.setdefault(sample.path, sample)
    if len({sample.split for sample in found.values()} - {""}) < 2:
        return None
    return from_samples(found.values(), f"{tree.root} ({', '.join(titles)})")
