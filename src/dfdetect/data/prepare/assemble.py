"""Finished units, in order -> shards of fixed boundaries and a manifest.

What is in a shard depends on the rows alone, not on when units were finished or how often the run was killed: a shard
is written from unit files that stay until `state.json` says that it is done, so a kill at any moment repeats at most
the shard that was being written, with the same bytes.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dfdetect.data import shards
from dfdetect.data.face_record import FaceRecord
from dfdetect.data.prepare.options import PrepareReport
from dfdetect.data.prepare.unit import UnitRows
from dfdetect.data.prepare.work import WorkFolder
from dfdetect.data.shards import read_shard, write_manifest, write_shard
from dfdetect.errors import DataError

STATE = "state.json"


class Assembler:
    """Takes units in their order as they become ready; `advance` after every finished unit, `finish` at the end."""

    def __init__(self, out: Path, work: WorkFolder, units: int) -> None:
        """Goes on from `state.json` where there is one. DataError: a finished shard is not there any more."""
        self._out, self._work, self._units = out, work, units
        state = work.read_json(STATE) or {}
        self._shards: list[dict[str, Any]] = state.get("shards", [])
        self._done_report = PrepareReport.of_dict(state["report"]) if state else PrepareReport()
        self._done_counts: Counter[str] = Counter(state.get("counts", {}))
        # Everything before (unit, row) is in finished shards; the report is that of the units before this one.
        self._from_unit, self._from_row = state.get("unit", 0), state.get("row", 0)
        self._next = self._from_unit
        # What the next shard will hold: rows of units, whose pictures stay in their files until it is written.
        self._held: list[_Span] = []
        self._held_bytes = 0
        self._doubles: dict[int, set[str]] = {}  # unit -> paths whose rows are left out
        self._reports: dict[int, PrepareReport] = {}
        self._seen = self._files_in_shards()
        work.drop_units(range(self._from_unit))
        self._ready = work.finished()

    @property
    def ready(self) -> set[int]:
        """Units that need no more work: in shards, or in their files."""
        return self._ready | set(range(self._next))

    def add(self, number: int) -> None:
        """A unit's file is there now."""
        self._ready.add(number)

    def advance(self) -> None:
        """Take every unit that is next in order, and write the shards that are full."""
        while self._next in self._ready:
            number = self._next
            first = self._from_row if number == self._from_unit else 0
            for row, size in enumerate(self._look_at(number)[first:], start=first):
                if self._held and self._held_bytes + size > shards.SHARD_BYTES:
                    self._write_shard()
                self._hold(number, row)
                self._held_bytes += size
            self._ready.discard(number)
            self._next += 1

    def finish(self, about: dict[str, Any]) -> Path:
        """Write the last shard and the manifest; `about` is added to it. Every unit must have been taken."""
        assert self._next == self._units, f"unit {self._next} of {self._units} is missing"
        if self._held:
            self._write_shard()
        report = self._report_until(self._units)
        facts = {**about, **report.as_dict(), "counts": _told(self._done_counts)}
        total = sum(shard["records"] for shard in self._shards)
        return write_manifest(self._out, total, self._shards, about=facts)

    def _report_until(self, unit: int) -> PrepareReport:
        report = PrepareReport()
        report.add(self._done_report)
        for number in range(self._from_unit, unit):
            report.add(self._reports[number])
        return report

    def _look_at(self, number: int) -> list[int]:
        """Bytes of every row of a unit that stays; its report and its doubles are noted."""
        unit = self._work.read_unit(number)
        self._doubles[number] = self._leave_out_seen_files(unit)
        self._reports[number] = unit.report
        return [record.held_bytes for record in self._kept(number, unit)]

    def _hold(self, unit: int, row: int) -> None:
        if not self._held or self._held[-1].unit != unit:
            self._held.append(_Span(unit, row, row))
        self._held[-1].end = row + 1

    def _held_records(self) -> Iterator[FaceRecord]:
        """One unit in memory at a time; they are counted as they go."""
        for span in self._held:
            for record in self._kept(span.unit, self._work.read_unit(span.unit))[span.first : span.end]:
                self._done_counts[_group(record)] += 1
                yield record

    def _kept(self, number: int, unit: UnitRows) -> list[FaceRecord]:
        return [record for record in unit.rows if record.path not in self._doubles[number]]

    def _write_shard(self) -> None:
        unit, row = self._held[-1].unit, self._held[-1].end
        self._shards.append(write_shard(self._out, len(self._shards), self._held_records()))
        report = self._report_until(unit)
        self._work.write_json(
            STATE,
            {
                "shards": self._shards,
                "unit": unit,
                "row": row,
                "report": report.as_dict(),
                "counts": dict(sorted(self._done_counts.items())),
            },
        )
        self._work.drop_units(range(self._from_unit, unit))
        self._reports = {number: told for number, told in self._reports.items() if number >= unit}
        self._doubles = {number: paths for number, paths in self._doubles.items() if number >= unit}
        self._done_report, self._from_unit, self._from_row = report, unit, row
        self._held, self._held_bytes = [], 0

    # ---- the same file under two names ----

    def _files_in_shards(self) -> dict[str, tuple[str, bool]]:
        """SHA-256 of every clip in the finished shards -> what `_clip_of` says of it."""
        seen: dict[str, tuple[str, bool]] = {}
        for shard in self._shards:
            path = self._out / shard["file"]
            if not path.is_file():
                raise DataError(f"{path} was written by this run and is gone; begin anew with --restart")
            for record in read_shard(path, images=False):
                if record.clip_sha256:
                    seen.setdefault(record.clip_sha256, _clip_of(record))
        return seen

    def _leave_out_seen_files(self, unit: UnitRows) -> set[str]:
        """Paths of the clips whose very bytes came before under another name; the unit's report tells of them."""
        doubles: dict[str, str] = {}
        for record in unit.rows:
            if not record.clip_sha256 or record.path in doubles:
                continue
            clip, is_fake = _clip_of(record)
            before, was_fake = self._seen.setdefault(record.clip_sha256, (clip, is_fake))
            if before != clip:
                same = is_fake == was_fake
                doubles[record.path] = "same_file_as_another" if same else "same_file_with_other_label"
        for name, reason in doubles.items():
            unit.report.kept -= 1
            unit.report.leave_out(reason, name)
        return set(doubles)


@dataclass(slots=True)
class _Span:
    """Rows `first` to before `end` of a unit, counted without those of doubles."""

    unit: int
    first: int
    end: int


def _clip_of(record: FaceRecord) -> tuple[str, bool]:
    """(name over all datasets, is the clip a fake?); of an untouched face in a fake clip too."""
    return f"{record.dataset}|{record.path}", record.label == 1 or record.label_from != "clip"


def _group(record: FaceRecord) -> str:
    return json.dumps([record.dataset, record.label, record.method, record.compression, record.split])


def _told(counts: Counter[str]) -> list[dict[str, Any]]:
    """Rows by group, for people and programs."""
    names = ("dataset", "label", "method", "compression", "split")
    out = []
    for key, faces in sorted(counts.items()):
        row = dict(zip(names, json.loads(key), strict=True))
        out.append({**row, "label": "fake" if row["label"] else "real", "faces": faces})
    return out
