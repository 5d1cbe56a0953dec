"""Trees of names for the readers' tests: files with a few bytes each, since readers open nothing but lists."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from dfdetect.data.readers import READERS
from dfdetect.data.readers.reader import Reading
from dfdetect.data.sample import Sample
from dfdetect.data.tree import list_tree


@dataclass(frozen=True)
class Found:
    """What a reader made of a tree: samples by their name inside it, and (code, path) of the problems."""

    samples: dict[str, Sample]
    problems: list[tuple[str, str]]
    texts: list[str]


def plant(root: Path, *paths: str, text: str = "x") -> Path:
    """Files with a little text in them."""
    for path in paths:
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text, encoding="utf-8")
    return root


def read_with(name: str, root: Path, *, lists: Path | None = None) -> Found:
    """Samples and problems of one reader; asserts that it says the tree is its own."""
    reader = READERS[name]
    reading = Reading(list_tree(root), lists)
    assert reader.matches(reading.tree)
    samples = list(reader.read(reading))
    assert len({sample.path for sample in samples}) == len(samples)
    problems = [(problem.code, problem.path) for problem in reading.problems]
    return Found({s.name: s for s in samples}, problems, [problem.text for problem in reading.problems])
