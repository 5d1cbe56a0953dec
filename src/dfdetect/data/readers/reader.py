"""What a dataset reader is: names in, samples out, nothing opened but lists."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from dfdetect.data.sample import Sample, SampleKind
from dfdetect.data.tree import IMAGE_SUFFIXES, VIDEO_SUFFIXES, NamedFile, Problem, Tree

_PICTURE_FOLDERS: dict[str, SampleKind] = {"frames": "crop", "faces": "crop", "crops": "crop", "images": "frames"}


@dataclass(slots=True)
class Reading:
    """One dataset being read: its tree, where else its lists may be, and what was found wrong so far.

    lists: a folder with the dataset's split and list files, for where they do not lie in the dataset's own folder.
    """

    tree: Tree
    lists: Path | None = None
    problems: list[Problem] = field(default_factory=list)

    def problem(self, code: str, path: str, text: str) -> None:
        self.problems.append(Problem(code, path, text))

    def usable(self, file: NamedFile) -> bool:
        """False, and a problem, for a file without a byte."""
        if file.bytes == 0:
            self.problem("zero_bytes", file.path, "the file is empty; download it again")
        return file.bytes > 0

    def find_list(self, name: str) -> Path | None:
        """A list file by name (any case): in `lists`, else in the tree (the one nearest to the root)."""
        if self.lists is not None:
            for path in sorted(self.lists.rglob("*")):
                if path.name.lower() == name.lower() and path.is_file():
                    return path
        found = [file.path for file in self.tree.files if file.file_name.lower() == name.lower()]
        return Path(self.tree.absolute(min(found, key=lambda path: (path.count("/"), path)))) if found else None


def clips(reading: Reading) -> Iterator[tuple[str, Sequence[NamedFile], SampleKind]]:
    """(path inside the root, its files, kind) of every video file and of every clip that is a folder of pictures.

    `frames/NAME/`, `faces/NAME/` and `crops/NAME/` are face crops, as DeepfakeBench lays them out; `images/NAME/` are
    whole frames, as FaceForensics++'s own script does.
    """
    for folder, files in sorted(reading.tree.by_folder().items()):
        match = re.search(r"(?:^|/)(frames|faces|crops|images)/[^/]+$", folder, re.IGNORECASE)
        if match:
            kept = [file for file in files if file.suffix in IMAGE_SUFFIXES and reading.usable(file)]
            if kept:
                yield folder, kept, _PICTURE_FOLDERS[match[1].lower()]
        for file in files:
            if file.suffix in VIDEO_SUFFIXES and reading.usable(file):
                yield file.path, [file], "video"


def stem_of(path: str, kind: SampleKind) -> str:
    """The clip's name: of a video without its suffix, of a folder of pictures the folder's."""
    name = path.rpartition("/")[2]
    return name.rpartition(".")[0] if kind == "video" else name


def in_order(reading: Reading, samples: Iterable[Sample]) -> Iterator[Sample]:
    """Samples by path; of a clip that is there twice the first, the other becomes a problem.

    The same clip at another compression, or in another official split, is another sample.
    """
    seen: dict[tuple[str, str, str], str] = {}
    for sample in sorted(samples, key=lambda sample: sample.path):
        before = seen.setdefault((sample.video_id, sample.compression, sample.split), sample.path)
        if before == sample.path:
            yield sample
        else:
            text = f"the same clip as {before.removeprefix(sample.root + '/')}, which is used"
            reading.problem("duplicate", sample.name, text)


@dataclass(frozen=True, slots=True)
class CountCheck:
    """Found against published. missing: names that should be there, where they can be told."""

    what: str
    found: int
    published: int
    missing: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class DatasetReader:
    """One dataset's layout.

    name: key in READERS and `Sample.dataset`. layout: the tree expected, drawn as text, for errors and docs.
    matches: does this tree look like it? Sees names only. read: its samples, in order of path; what it cannot use
    becomes a problem, never silence. check: counts against the published ones, for the parts that are there.
    verified: False where no copy of the dataset or of its own reader could be looked at; `source` says what was read.
    """

    name: str
    title: str
    layout: str
    source: str
    matches: Callable[[Tree], bool]
    read: Callable[[Reading], Iterable[Sample]]
    check: Callable[[Sequence[Sample]], list[CountCheck]]
    verified: bool = True
