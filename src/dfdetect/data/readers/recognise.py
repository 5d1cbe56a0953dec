"""Which datasets a folder holds, told from its layout, and all of them read.

A folder may be one dataset, hold several side by side in folders of their own, or be the one folder into which
FaceForensics++ and Google's DFD are both downloaded.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from dfdetect.data.readers import READERS
from dfdetect.data.readers.reader import CountCheck, DatasetReader, Reading
from dfdetect.data.sample import Sample
from dfdetect.data.tree import ARCHIVE_SUFFIXES, IMAGE_SUFFIXES, VIDEO_SUFFIXES, NamedFile, Problem, Tree, list_tree
from dfdetect.errors import DataError, unknown_name

_OWN_DATA = "folders"  # the reader that knows no public dataset: asked only about what no other reader knows
_LIST = "list"  # for a root alone: a CSV file in a folder below is most likely a dataset's own list
_PICTURES_A_FOLDER = 3
_ASIDE = re.compile(r"(^|/)(masks?|landmarks)/", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class DatasetRead:
    """One dataset as it was read. root: its folder. problems: paths are inside root, "" is root itself.

    Of several datasets read from one folder, the last one's problems also hold what is wrong with that folder: files
    that belong to none of them, archives, links; those paths are inside the folder that was named.
    """

    reader: DatasetReader
    root: Path
    samples: tuple[Sample, ...]
    problems: tuple[Problem, ...]
    checks: tuple[CountCheck, ...]


def read_dataset(root: Path, *, name: str | None = None, lists: Path | None = None) -> list[DatasetRead]:
    """Read the datasets of a folder: its own layout, else those of the folders directly in it.

    name: which dataset it is, where that is known; None = told from the layout. lists: a folder with split lists.

    DataError: there is no such folder, it is an archive, no known layout fits (the message says what was found and
    which layouts there are), or two fit the same files (it names both). UsageError: no dataset of that name.
    """
    if name is not None and name not in READERS:
        raise unknown_name("dataset", name, READERS)
    tree = _with_readable_names(list_tree(root))
    if not tree.files:
        text = "".join(f"; {problem.path or 'it'} {problem.text}" for problem in tree.problems[:3])
        raise DataError(f"{root}: the folder is empty{text}")
    found = _named(tree, READERS[name]) if name is not None else recognise(tree)
    if not found:
        raise _not_recognised(tree)
    reads = [_read(part, reader, lists) for part, reader in found]
    _refuse_ambiguous(root, reads)
    if not any(read.samples for read in reads):
        raise _nothing_read(reads[0], tree)
    extra = [*tree.problems, *_left_over(tree, reads)]
    return [*reads[:-1], replace(reads[-1], problems=(*reads[-1].problems, *extra))] if extra else reads


def _with_readable_names(tree: Tree) -> Tree:
    """Without files whose names are not UTF-8, which no index can hold; each becomes a problem."""
    odd = [file for file in tree.files if not file.path.isascii() and _is_undecodable(file.path)]
    problems = [
        Problem("undecodable_name", path, "the name is not UTF-8 (its bytes are shown as \\xNN); rename it")
        for path in (file.path.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace") for file in odd)
    ]
    out = {file.path for file in odd}
    left = [file for file in tree.files if file.path not in out]
    return Tree(tree.root, left, [*tree.problems, *problems])


def _is_undecodable(path: str) -> bool:
    try:
        path.encode("utf-8")
    except UnicodeEncodeError:
        return True
    return False


def recognise(tree: Tree) -> list[tuple[Tree, DatasetReader]]:
    """The parts of a tree that are known datasets; empty where there is none.

    A reader that knows the whole tree reads the whole. Folders directly in it count where other readers know one of
    them than know the whole: then each reader gets the folders that it knows. So DF40 beside UADFV is two datasets,
    though both readers find names of theirs in the whole.
    """
    outline = _outline(tree)
    whole = [reader for reader in READERS.values() if reader.name != _OWN_DATA and reader.matches(outline)]
    public = [reader for reader in READERS.values() if reader.name not in (_OWN_DATA, _LIST)]
    known = {child.root.name: [reader for reader in public if reader.matches(child)] for child in _children(outline)}
    of_whole = {reader.name for reader in whole} - {_LIST}
    if all({reader.name for reader in readers} in (set(), of_whole) for readers in known.values()):
        return [(tree, reader) for reader in whole] or _own_data(tree, _children(tree))
    return _side_by_side(tree, whole, _children(tree), known)


def _side_by_side(
    tree: Tree, whole: Sequence[DatasetReader], children: Sequence[Tree], known: Mapping[str, Sequence[DatasetReader]]
) -> list[tuple[Tree, DatasetReader]]:
    """Each reader gets the folders that it knows, together where it knows them so (DeepFake-TIMIT and VidTIMIT)."""
    parts: dict[str, list[Tree]] = defaultdict(list)
    for child in children:
        for reader in known[child.root.name]:
            parts[reader.name].append(child)
    found: list[tuple[Tree, DatasetReader]] = []
    for name, trees in parts.items():
        names = {part.root.name for part in trees}
        together = Tree(tree.root, [file for file in tree.files if file.path.partition("/")[0] in names])
        at_once = len(trees) > 1 and READERS[name].matches(_outline(together))
        found += [(part, READERS[name]) for part in ([together] if at_once else trees)]
    rest = Tree(tree.root, [file for file in tree.files if not known.get(file.path.partition("/")[0])])
    rest_outline = _outline(rest)
    left = [(rest, reader) for reader in whole if reader.name not in parts and reader.matches(rest_outline)]
    unknown = [child for child in children if not known[child.root.name]]
    return found + (left or _own_data(rest, unknown))


def _own_data(tree: Tree, children: Sequence[Tree]) -> list[tuple[Tree, DatasetReader]]:
    own = READERS[_OWN_DATA]
    if own.matches(tree):
        return [(tree, own)]
    return [(child, own) for child in children if own.matches(child)]


def _named(tree: Tree, reader: DatasetReader) -> list[tuple[Tree, DatasetReader]]:
    """The whole tree, or the folders in it that look like the dataset named; the whole where nothing does."""
    if reader.matches(tree):
        return [(tree, reader)]
    return [(child, reader) for child in _children(tree) if reader.matches(child)] or [(tree, reader)]


def _outline(tree: Tree) -> Tree:
    """Enough of a tree to recognise its layout: of the pictures in a folder three. Frames of clips come in millions."""
    pictures: Counter[str] = Counter()
    kept: list[NamedFile] = []
    for file in tree.files:
        if file.path.lower().endswith(IMAGE_SUFFIXES):
            pictures[file.folder] += 1
            if pictures[file.folder] > _PICTURES_A_FOLDER:
                continue
        kept.append(file)
    return Tree(tree.root, kept)


def _children(tree: Tree) -> list[Tree]:
    """The folders directly in a tree."""
    inside: dict[str, list[NamedFile]] = defaultdict(list)
    for file in tree.files:
        folder, slash, rest = file.path.partition("/")
        if slash:
            inside[folder].append(NamedFile(rest, file.bytes))
    return [Tree(tree.root / folder, files) for folder, files in inside.items()]


def _read(tree: Tree, reader: DatasetReader, lists: Path | None) -> DatasetRead:
    reading = Reading(tree, lists)
    samples = tuple(reader.read(reading))
    return DatasetRead(reader, tree.root, samples, tuple(reading.problems), tuple(reader.check(samples)))


def _refuse_ambiguous(root: Path, reads: Sequence[DatasetRead]) -> None:
    """DataError where two readers return the same file."""
    owner: dict[str, DatasetRead] = {}
    for read in reads:
        for sample in read.samples:
            other = owner.setdefault(sample.path, read)
            if other is not read:
                one, two = other.reader, read.reader
                raise DataError(
                    f"{root}: {one.title} ({one.name}) and {two.title} ({two.name}) both fit, and nothing tells which "
                    f"it is: {sample.name} could be of either. Say which: {one.name}={root} or {two.name}={root}"
                )


def _left_over(tree: Tree, reads: Sequence[DatasetRead]) -> list[Problem]:
    """Media that no reader returned or complained of, one problem a folder, and archives that were not unpacked."""
    used, used_folders, known = _accounted(tree, reads)
    unused: dict[str, list[str]] = defaultdict(list)
    problems: list[Problem] = []
    for file in tree.files:
        if file.file_name.lower().endswith(ARCHIVE_SUFFIXES) and file.path not in known and not _unpacked(tree, file):
            problems.append(Problem("archive", file.path, "is an archive; unpack it, what is in it was not read"))
        is_media = file.suffix in VIDEO_SUFFIXES or file.suffix in IMAGE_SUFFIXES
        if not is_media or file.path in used or file.folder in used_folders or _ASIDE.search(file.path):
            continue
        if not _covered(file, known):
            unused[file.folder].append(file.file_name)
    for folder, names in unused.items():
        text = f"{len(names)} media files are no part of the layout and were not read: {', '.join(names[:3])}"
        problems.append(Problem("not_used", folder, text))
    return problems


def _accounted(tree: Tree, reads: Sequence[DatasetRead]) -> tuple[set[str], set[str], set[str]]:
    """Files returned, folders returned, and files and folders with a problem: paths inside the tree."""
    above = len(tree.root.as_posix().rstrip("/")) + 1
    files = {
        sample.path[above:] for read in reads for sample in read.samples if sample.kind in ("video", "image", "crop")
    }
    folders = {sample.path[above:] for read in reads for sample in read.samples if sample.kind in ("frames", "crop")}
    known: set[str] = set()
    for read in reads:
        inside = read.root.as_posix()[above:]
        known |= {f"{inside}/{problem.path}".strip("/") for problem in read.problems if problem.path}
    return files, folders, known


def _covered(file: NamedFile, known: Container[str]) -> bool:
    """Whether the file or a folder above it has a problem of its own."""
    path = file.path
    while path:
        if path in known:
            return True
        path = path.rpartition("/")[0]
    return False


def _unpacked(tree: Tree, file: NamedFile) -> bool:
    """Whether a folder of the archive's name stands beside it."""
    stem = file.path.removesuffix(next(end for end in ARCHIVE_SUFFIXES if file.path.lower().endswith(end)))
    return (tree.root / stem).is_dir()


def _nothing_read(read: DatasetRead, tree: Tree) -> DataError:
    reasons = "; ".join(f"{problem.path or 'the folder'}: {problem.text}" for problem in read.problems[:3])
    return DataError(
        f"{tree.root}: nothing in it could be read as {read.reader.title} ({read.reader.name}); found "
        f"{_shown(tree.top())}{'; ' + reasons if reasons else ''}. Expected:\n{read.reader.layout.strip()}"
    )


def _not_recognised(tree: Tree) -> DataError:
    archives = [file.path for file in tree.files if file.file_name.lower().endswith(ARCHIVE_SUFFIXES)]
    hint = f" {archives[0]} is an archive: unpack it first." if archives else ""
    layouts = "\n".join(
        f"  {reader.name} ({reader.title}): {reader.layout.strip().splitlines()[0].split('  ')[0]}"
        for reader in READERS.values()
    )
    return DataError(
        f"{tree.root}: no known dataset in it or directly below; found {_shown(tree.top())}.{hint} Name the folder "
        f"that holds one, or say which it is: NAME={tree.root}. Known layouts, each by its first line:\n{layouts}"
    )


def _shown(names: Sequence[str]) -> str:
    return ", ".join(names[:12]) + (f" and {len(names) - 12} more" if len(names) > 12 else "")
