"""The answer of an audit, and its JSON form: schema `dfdetect.audit/1`, described in docs/leakage.md."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from dfdetect import __version__
from dfdetect.data.audit.wording import KINDS

SCHEMA = "dfdetect.audit/1"


@dataclass(frozen=True, slots=True)
class Example:
    """One key that is in two splits, with the first sample of each that has it."""

    key: str
    first: str
    second: str


@dataclass(frozen=True, slots=True)
class Leak:
    """One kind of key that is in two splits.

    splits: the two. keys: how many are in both; keys_in: how many each split has in all. samples: how many samples of
    each split have such a key, of samples_in.
    """

    kind: str
    splits: tuple[str, str]
    keys: int
    keys_in: tuple[int, int]
    samples: tuple[int, int]
    samples_in: tuple[int, int]
    examples: tuple[Example, ...]

    @property
    def text(self) -> str:
        """`7 uploads are in both train (of 707) and val (of 140); they touch 35 and 40 samples.`"""
        words, (first, second) = KINDS[self.kind], self.splits
        verb = "is" if self.keys == 1 else "are"
        return (
            f"{words.count(self.keys)} {verb} in both {first} (of {self.keys_in[0]:,}) and {second} "
            f"(of {self.keys_in[1]:,}), touching {self.samples[0]:,} of {self.samples_in[0]:,} and "
            f"{self.samples[1]:,} of {self.samples_in[1]:,} samples"
        )


@dataclass(frozen=True, slots=True)
class SplitSize:
    """One split. real, fake, unlabelled: samples. videos, people, uploads: distinct keys, 0 where none is known."""

    name: str
    samples: int
    real: int
    fake: int
    videos: int
    people: int
    uploads: int

    @property
    def unlabelled(self) -> int:
        return self.samples - self.real - self.fake


@dataclass(frozen=True, slots=True)
class NotChecked:
    """Samples of a dataset that no key of this kind is known for. samples: so many, of `of`."""

    kind: str
    dataset: str
    samples: int
    of: int
    why: str


@dataclass(frozen=True, slots=True)
class Note:
    """Something about the split that is no leak but should be known. code: stable."""

    code: str
    text: str
    examples: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class AuditReport:
    """leaks: worst kinds first. clean: (kind, split, split) that were checked and have none."""

    sources: tuple[str, ...]
    splits: tuple[SplitSize, ...]
    leaks: tuple[Leak, ...]
    clean: tuple[tuple[str, str, str], ...]
    not_checked: tuple[NotChecked, ...]
    notes: tuple[Note, ...]
    seconds: float = 0.0
    pixels: Mapping[str, Any] | None = None

    @property
    def leaks_found(self) -> bool:
        return bool(self.leaks)

    def leak(self, kind: str, first: str, second: str) -> Leak | None:
        """The leak of a kind between two splits, in either order."""
        for leak in self.leaks:
            if leak.kind == kind and set(leak.splits) == {first, second}:
                return leak
        return None

    def to_json(self) -> dict[str, Any]:
        """A JSON object of schema dfdetect.audit/1; readers must tolerate fields and codes that they do not know."""
        return {
            "schema": SCHEMA,
            "dfdetect": __version__,
            "sources": list(self.sources),
            "leaks_found": self.leaks_found,
            "splits": [_split_json(split) for split in self.splits],
            "leaks": [_leak_json(leak) for leak in self.leaks],
            "clean": [{"kind": kind, "splits": [first, second]} for kind, first, second in self.clean],
            "not_checked": [
                {"kind": row.kind, "dataset": row.dataset, "samples": row.samples, "of": row.of, "why": row.why}
                for row in self.not_checked
            ],
            "notes": [{"code": note.code, "text": note.text, "examples": list(note.examples)} for note in self.notes],
            "pixels": None if self.pixels is None else dict(self.pixels),
            "seconds": round(self.seconds, 3),
        }


def _split_json(split: SplitSize) -> dict[str, Any]:
    return {
        "name": split.name,
        "samples": split.samples,
        "real": split.real,
        "fake": split.fake,
        "unlabelled": split.unlabelled,
        "videos": split.videos,
        "people": split.people,
        "uploads": split.uploads,
    }


def _leak_json(leak: Leak) -> dict[str, Any]:
    first, second = leak.splits
    return {
        "kind": leak.kind,
        "splits": [first, second],
        "keys": leak.keys,
        "keys_in": dict(zip(leak.splits, leak.keys_in, strict=True)),
        "samples": dict(zip(leak.splits, leak.samples, strict=True)),
        "samples_in": dict(zip(leak.splits, leak.samples_in, strict=True)),
        "text": leak.text,
        "meaning": KINDS[leak.kind].meaning,
        "examples": [{"key": example.key, first: example.first, second: example.second} for example in leak.examples],
    }


def to_text(report: AuditReport) -> str:
    """For a terminal."""
    lines = []
    for split in report.splits:
        labels = ", ".join(
            f"{number:,} {word}"
            for number, word in ((split.real, "real"), (split.fake, "fake"), (split.unlabelled, "without label"))
            if number
        )
        keys = ", ".join(
            f"{number:,} {words}"
            for number, words in ((split.videos, "videos"), (split.people, "people"), (split.uploads, "uploads"))
            if number
        )
        lines.append(f"{split.name:<6} {split.samples:>9,} samples: {labels}" + (f"; {keys}" if keys else ""))
    lines.append("")
    for leak in report.leaks:
        lines.append(f"LEAK {KINDS[leak.kind].title.lower()}: {leak.text}")
        lines.extend(f"       {example.key}: {example.first} | {example.second}" for example in leak.examples[:3])
    kinds = dict.fromkeys(leak.kind for leak in report.leaks)
    lines.extend(f"  {KINDS[kind].title}: {KINDS[kind].meaning}" for kind in kinds)
    lines.extend(f"clean  {text}" for text in _clean_lines(report))
    lines.extend(
        f"not checked  {KINDS[row.kind].title.lower()}, {row.dataset or 'unknown dataset'} ({row.samples:,} of "
        f"{row.of:,} samples): {row.why}"
        for row in report.not_checked
    )
    for note in report.notes:
        lines.append(f"note  {note.text}")
        lines.extend(f"       {example}" for example in note.examples)
    lines.append("")
    lines.append(verdict(report))
    return "\n".join(lines)


def _clean_lines(report: AuditReport) -> list[str]:
    by_kind: dict[str, list[str]] = {}
    for kind, first, second in report.clean:
        by_kind.setdefault(kind, []).append(f"{first}/{second}")
    return [f"{KINDS[kind].title.lower()}: {', '.join(pairs)}" for kind, pairs in by_kind.items()]


def verdict(report: AuditReport) -> str:
    """The audit in one line."""
    if report.leaks:
        kinds = ", ".join(KINDS[kind].title.lower() for kind in dict.fromkeys(leak.kind for leak in report.leaks))
        return f"This split leaks: {kinds}."
    if report.not_checked:
        return "No leak was found in what could be checked; see what could not."
    return "No leak was found."
