"""Does a detector treat groups of people alike? Error rates per group of columns that the user supplies.

A group is never guessed from a picture. A rate from few files or few people is shown and not claimed, and a gap is only
taken between groups whose rates are claimed. Protocol after Hazirbas et al. (2021), "Towards measuring fairness in AI:
the Casual Conversations dataset" (arXiv:2104.02821), and Trinh & Liu (2021), arXiv:2105.00558.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import TypeAdapter, ValidationError

from dfdetect.errors import DataError, unknown_name
from dfdetect.evaluate.score_table import EXTRA_PREFIX, TEXT_COLUMNS, ScoreTable
from dfdetect.evaluate.scores import NO_FACE
from dfdetect.metrics import reliability_bins, wilson_interval
from dfdetect.values import Verdict

BoolArray = NDArray[np.bool_]
Metric = Literal["fpr", "tpr", "abstention", "face_miss", "ece"]

METRICS: tuple[Metric, ...] = ("fpr", "tpr", "abstention", "face_miss", "ece")
MIN_FILES = 200  # of a rate that is claimed (issue 6)
MIN_PEOPLE = 20  # likewise: the files of one person are right or wrong together
MOST_VALUES = 50  # of a column that makes groups; a column of names or numbers makes none
MOST_CROSSED = 3  # columns at once
MOST_CROSSES = 400  # groups of some columns together; more of them are no reading matter
OF_BOTH: frozenset[Metric] = frozenset(("abstention", "ece"))  # rates of reals and fakes together
MOST_MIXED = 0.1  # by which the shares of fakes of two groups may differ where such a rate is compared
NOT_GIVEN = ""  # a file that the column says nothing of: shown, in no gap
AIMS: dict[Metric, float] = {"fpr": 0.03, "tpr": 0.05, "abstention": 0.05, "face_miss": 0.02, "ece": 0.03}


@dataclass(frozen=True, slots=True)
class GroupRate:
    """A share hits / n of one group in 0..1, or for ece the error itself with hits None; value None where n is 0.

    interval: 95 % (Wilson 1927), each person weighing as all of their files together count: with n_people people of one
    file each it is the plain one. claimed: n >= MIN_FILES of at least MIN_PEOPLE people.
    """

    value: float | None
    n: int
    hits: int | None = None
    n_people: int = 0
    interval: tuple[float, float] | None = None
    claimed: bool = False


@dataclass(frozen=True, slots=True)
class GroupRow:
    """One group: these values in these columns. Counts are files.

    fpr, tpr: reals and fakes told likely_manipulated, of those with a score. abstention: told inconclusive, of those
    with a score. face_miss: no face found, of those that could be read. ece: expected calibration error.
    """

    columns: tuple[str, ...]
    values: tuple[str, ...]
    n_asked: int
    n_failed: int
    n_real: int
    n_fake: int
    fpr: GroupRate
    tpr: GroupRate
    abstention: GroupRate
    face_miss: GroupRate
    ece: GroupRate

    @property
    def is_given(self) -> bool:
        return NOT_GIVEN not in self.values

    @property
    def fake_share(self) -> float:
        """Of the files with a verdict, of all where there is none."""
        told = self.fpr.n + self.tpr.n
        return self.tpr.n / told if told else self.n_fake / self.n_asked


@dataclass(frozen=True, slots=True)
class Gap:
    """Largest difference of a rate between two claimed groups of the same columns. aim: what it should not exceed."""

    columns: tuple[str, ...]
    metric: Metric
    gap: float
    aim: float
    highest: tuple[str, ...]
    lowest: tuple[str, ...]
    n_groups: int


@dataclass(frozen=True, slots=True)
class Fairness:
    """Every group of every column and of their crosses. notes: what was not measured, and why; print them.

    level: whose rates these are. columns: what the groups were made of, none = not measured.
    """

    columns: tuple[str, ...]
    groups: tuple[GroupRow, ...]
    gaps: tuple[Gap, ...]
    notes: tuple[str, ...]
    level: Literal["video"] = "video"
    min_files: int = MIN_FILES
    min_people: int = MIN_PEOPLE

    def as_dict(self) -> dict[str, Any]:
        """As JSON holds it: the part `fairness` of an `EvalReport`."""
        return dict(json.loads(json.dumps(asdict(self), allow_nan=False)))

    @staticmethod
    def from_dict(found: Mapping[str, Any]) -> Fairness:
        """What `as_dict` gave. DataError where it is something else."""
        try:
            return TypeAdapter(Fairness).validate_python(dict(found))
        except ValidationError as error:
            raise DataError(f"fairness: expected the rates of groups of an evaluation; {error}") from error


def measure_fairness(table: ScoreTable, columns: Sequence[str] | None = None) -> Fairness:
    """Rates by group. columns: of the user (with or without `x_`) or other text of the table; None = all of the user's.

    Raises:
        UsageError: a column that the scores do not have; the message lists those they have.
        DataError: a column named has too many values to make groups.
    """
    notes: list[str] = []
    names = _own_columns(table, notes) if columns is None else _named_columns(table, columns)
    if not names:
        notes.append(
            "groups of people were not measured: the list of files has no column that says who is in them; give it "
            "columns of your own, such as `skin_tone`, or name one"
        )
        return Fairness((), (), (), tuple(notes))
    told = table["verdict"] != ""
    if not told.any():
        notes.append("fpr, tpr and abstention were not measured: these scores carry no verdicts")
    files = _Files.of(table)
    groups: list[GroupRow] = []
    gaps: list[Gap] = []
    for crossed in _crosses(names):
        found = _groups(table, crossed)
        if len(found) > MOST_CROSSES:
            notes.append(f"{' x '.join(map(_shown, crossed))}: left out, {len(found)} groups; bin the columns")
            continue
        rows = [_row(table, files, crossed, members) for members in found]
        groups += rows
        for metric in METRICS:
            gap = _gap(rows, metric)
            if isinstance(gap, Gap):
                gaps.append(gap)
            elif len(crossed) == 1:  # of crosses the groups themselves show it
                notes.append(f"{_shown(crossed[0])}: no gap in {metric} can be claimed; {gap}")
    return Fairness(tuple(map(_shown, names)), tuple(groups), tuple(gaps), tuple(notes))


def _own_columns(table: ScoreTable, notes: list[str]) -> list[str]:
    kept = []
    for name in table.extra_names:
        n = len(np.unique(table[name]))
        if 2 <= n <= MOST_VALUES:
            kept.append(name)
        else:
            why = "one value only" if n < 2 else f"{n} values: more than {MOST_VALUES} make no groups"
            notes.append(f"{_shown(name)}: not measured, {why}")
    return kept


def check_columns(columns: Sequence[str], own: Iterable[str]) -> None:
    """UsageError for a column that the scores will not have. own: names of the user's, with or without `x_`."""
    known = {*map(_shown, own), *TEXT_COLUMNS}
    for name in columns:
        if _shown(name) not in known:
            raise unknown_name("column of groups", name, known)


def _named_columns(table: ScoreTable, columns: Sequence[str]) -> list[str]:
    check_columns(columns, table.extra_names)
    found: list[str] = []
    for name in columns:
        column = next(c for c in (EXTRA_PREFIX + _shown(name), _shown(name)) if c in table.columns)
        n = len(np.unique(table[column]))
        if n > MOST_VALUES:
            raise DataError(
                f"column {name!r}: expected at most {MOST_VALUES} different groups; it has {n}: bin it first"
            )
        found += [column] if column not in found else []
    return found


def _shown(name: str) -> str:
    return name.removeprefix(EXTRA_PREFIX)


def _crosses(names: Sequence[str]) -> Iterator[tuple[str, ...]]:
    """Every column, then every two and every three of them."""
    for size in range(1, min(len(names), MOST_CROSSED) + 1):
        yield from itertools.combinations(names, size)


@dataclass(frozen=True, slots=True)
class _Files:
    """What is asked of each file, (N,) each. told: has a score and a verdict. read: has a score, or no face."""

    scored: BoolArray
    read: BoolArray
    fake: BoolArray
    told: BoolArray
    flagged: BoolArray
    unsure: BoolArray
    faceless: BoolArray
    probability: NDArray[np.float64]
    person: NDArray[np.intp]

    @staticmethod
    def of(table: ScoreTable) -> _Files:
        scored = table.scored
        faceless = table["status"] == NO_FACE
        verdict = table["verdict"]
        return _Files(
            scored=scored,
            read=scored | faceless,
            fake=table["label"] == 1,
            told=scored & (verdict != ""),
            flagged=verdict == Verdict.LIKELY_MANIPULATED.value,
            unsure=verdict == Verdict.INCONCLUSIVE.value,
            faceless=faceless,
            probability=table["probability"],
            person=np.unique(table["group"], return_inverse=True)[1],
        )

    def take(self, rows: NDArray[np.intp]) -> _Files:
        return _Files(**{part.name: getattr(self, part.name)[rows] for part in fields(self)})


def _groups(table: ScoreTable, crossed: Sequence[str]) -> list[NDArray[np.intp]]:
    """Numbers of the files of each group, groups in the order of their values."""
    codes = np.stack([np.unique(table[name], return_inverse=True)[1] for name in crossed], axis=1)
    group = np.unique(codes, axis=0, return_inverse=True)[1].ravel()
    return np.split(np.argsort(group, kind="stable"), np.cumsum(np.bincount(group))[:-1])


def _row(table: ScoreTable, files: _Files, crossed: Sequence[str], members: NDArray[np.intp]) -> GroupRow:
    own = files.take(members)
    return GroupRow(
        columns=tuple(map(_shown, crossed)),
        values=tuple(str(table[name][members[0]]) for name in crossed),
        n_asked=len(members),
        n_failed=int((~own.read).sum()),
        n_real=int((~own.fake).sum()),
        n_fake=int(own.fake.sum()),
        fpr=_rate(own, own.told & ~own.fake, own.flagged),
        tpr=_rate(own, own.told & own.fake, own.flagged),
        abstention=_rate(own, own.told, own.unsure),
        face_miss=_rate(own, own.read, own.faceless),
        ece=_ece(own),
    )


def _rate(files: _Files, of: BoolArray, hit: BoolArray) -> GroupRate:
    n, hits = int(of.sum()), int((of & hit).sum())
    if n == 0:
        return GroupRate(None, 0, 0)
    sizes = _sizes(files, of)
    alike = float((sizes**2).sum()) / n  # files that count as one: Kish (1965), one person's all right or all wrong
    interval = wilson_interval(hits / alike, n / alike)
    return GroupRate(hits / n, n, hits, len(sizes), interval, n >= MIN_FILES and len(sizes) >= MIN_PEOPLE)


def _ece(files: _Files) -> GroupRate:
    n, people = int(files.scored.sum()), len(_sizes(files, files.scored))
    labels = files.fake[files.scored].astype(np.float64)
    if not 0 < labels.sum() < n:
        return GroupRate(None, n, None, people)
    error = reliability_bins(labels, files.probability[files.scored]).error()
    return GroupRate(error, n, None, people, None, n >= MIN_FILES and people >= MIN_PEOPLE)


def _sizes(files: _Files, of: BoolArray) -> NDArray[np.float64]:
    """Files of each person of a mask."""
    return np.unique(files.person[of], return_counts=True)[1].astype(np.float64)


def _gap(rows: Sequence[GroupRow], metric: Metric) -> Gap | str:
    """The largest gap between claimed groups, or why none is claimed."""
    given = [row for row in rows if row.is_given]
    claimed = [row for row in given if getattr(row, metric).claimed]
    if len(claimed) < 2:
        return (
            f"{len(claimed)} of {len(given)} groups have {MIN_FILES} files of {MIN_PEOPLE} people, and two are needed"
        )
    fakes = [row.fake_share for row in claimed]
    if metric in OF_BOTH and max(fakes) - min(fakes) > MOST_MIXED:
        return (
            f"it is of reals and fakes together, and fakes are {min(fakes):.0%} of one group and {max(fakes):.0%} of "
            "another: the mixture would be compared, not the people"
        )
    *_, high = ordered = sorted(claimed, key=_value_of(metric))
    low = ordered[0]
    gap = _value_of(metric)(high) - _value_of(metric)(low)
    return Gap(rows[0].columns, metric, gap, AIMS[metric], high.values, low.values, len(claimed))


def _value_of(metric: Metric) -> Callable[[GroupRow], float]:
    return lambda row: float(getattr(row, metric).value)
