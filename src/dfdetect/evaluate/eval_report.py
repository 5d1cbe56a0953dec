"""What an evaluation answers: schema `dfdetect.evaluation/1`, described in docs/evaluation.md.

    report = measure(table, frames, bounds=None, rng=np.random.default_rng(0))
    report.block("video", "all").metrics["roc_auc"].value
    EvalReport.from_json(report.to_json()) == report

Everything is here that a page shows; whoever renders it computes nothing.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal

from pydantic import TypeAdapter, ValidationError

from dfdetect.errors import DataError
from dfdetect.evaluate.estimates import Estimate
from dfdetect.evaluate.findings import Finding
from dfdetect.evaluate.protocol_figures import ProtocolFigures
from dfdetect.evaluate.worst import Worst

SCHEMA = "dfdetect.evaluation/1"

Level = Literal["video", "frame"]
By = Literal["all", "dataset", "method", "compression", "source"]


@dataclass(frozen=True, slots=True)
class Counts:
    """Samples of one label. asked = scored + no_face + missing + failed, for frames asked = scored.

    missing: the score file says nothing of them. codes: error code -> how many of `failed`. abstained: scored, but the
    verdict is inconclusive; None where no verdicts are known. groups: people or source videos behind the scored ones.
    """

    asked: int
    scored: int
    no_face: int
    missing: int
    failed: int
    codes: Mapping[str, int]
    abstained: int | None
    groups: int


@dataclass(frozen=True, slots=True)
class Decisions:
    """Yes-or-no answers at one setting of the thresholds, over the scored samples.

    name: "shipped" = flagged where likely_manipulated, cleared where no_manipulation_found, else abstained (no part of
    the figures but coverage); "flagged" = likely_manipulated against everything else; "half" = probability >= 0.5.
    tn, fp, fn, tp and abstained: the confusion matrix, as counts. metrics: by the names of DECISION_FIGURES.
    """

    name: Literal["shipped", "flagged", "half"]
    text: str
    tn: int
    fp: int
    fn: int
    tp: int
    abstained_real: int
    abstained_fake: int
    metrics: Mapping[str, Estimate]


@dataclass(frozen=True, slots=True)
class ReliabilityBin:
    """n samples whose mean probability was `probability`; `fake_share` of them are fake (Wilson interval low, high)."""

    n: int
    probability: float
    fake_share: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Curves:
    """Points to draw, thinned to a few hundred.

    roc: (false-positive rate, true-positive rate). precision_recall: (recall, precision). risk_coverage: (coverage,
    risk). reliability: bins of equal mass, lowest first. histogram: (score from, score to, reals, fakes) in 20 steps.
    roc_band: (false-positive rate, low, high): between which 95 % of the draws' true-positive rates lie; of whole sets
    only.
    """

    roc: tuple[tuple[float, float], ...]
    precision_recall: tuple[tuple[float, float], ...]
    risk_coverage: tuple[tuple[float, float], ...]
    reliability: tuple[ReliabilityBin, ...]
    histogram: tuple[tuple[float, float, int, int], ...]
    roc_band: tuple[tuple[float, float, float], ...] = ()


@dataclass(frozen=True, slots=True)
class Block:
    """One set of samples at one level.

    by, name: what it holds; of a method `DATASET/METHOD`. against: in words, which reals its fakes are compared with.
    real, fake: counts. metrics: by the names of FIGURES; of one class or none each is refused with the reason.
    decisions: by name; "shipped" and "flagged" are missing where neither verdicts nor bounds are known. curves: None
    of one class.
    """

    level: Level
    by: By
    name: str
    against: str
    real: Counts
    fake: Counts
    metrics: Mapping[str, Estimate]
    decisions: Mapping[str, Decisions]
    curves: Curves | None = None

    @property
    def refused(self) -> str | None:
        """Why figures that need both classes were refused; None where they were not."""
        return None if self.metrics["roc_auc"].value is not None else self.metrics["roc_auc"].why


@dataclass(frozen=True, slots=True)
class CrossCell:
    """Reals of one set against fakes of another (or the same)."""

    reals: str
    fakes: str
    n_real: int
    n_fake: int
    auc: Estimate


@dataclass(frozen=True, slots=True)
class CrossAuc:
    """AUC of every pairing of reals and fakes; what one threshold for all sets has to cope with.

    by: what a set is. reals, fakes: names of the sets that have such; cells: row by row of reals.
    """

    level: Level
    by: Literal["dataset", "source"]
    reals: tuple[str, ...]
    fakes: tuple[str, ...]
    cells: tuple[CrossCell, ...]

    def cell(self, reals: str, fakes: str) -> CrossCell:
        return self.cells[self.reals.index(reals) * len(self.fakes) + self.fakes.index(fakes)]


@dataclass(frozen=True, slots=True)
class Difference:
    """One figure of two models on the same samples. difference: b - a, with the interval of the paired bootstrap.

    p_value: two-sided, of the paired bootstrap; None without an interval.
    """

    a: float
    b: float
    difference: Estimate
    p_value: float | None


@dataclass(frozen=True, slots=True)
class DeLong:
    """DeLong's test of two AUCs on the same samples. z, p_value: None where both models rank alike (`why`).

    It takes samples as independent: with several of a person its p-value is too small, and the bootstrap's holds.
    """

    auc_a: float
    auc_b: float
    standard_error: float
    z: float | None
    p_value: float | None
    why: str | None = None


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two models on the samples that both scored.

    both, only_a, only_b: samples scored by both, by one alone. labels: n_real and n_fake among `both`. metrics: by the
    names of FIGURES. delong: None with `why` where a class is missing.
    """

    level: Level
    a: str
    b: str
    both: int
    only_a: int
    only_b: int
    n_real: int
    n_fake: int
    metrics: Mapping[str, Difference]
    delong: DeLong | None
    why: str | None = None


@dataclass(frozen=True, slots=True)
class EvalReport:
    """run: run.json of the scores (model, protocol, data, version, seed), empty of a score file that somebody sent.

    draws: of the bootstrap. blocks: first all, then by dataset, method, compression, source; videos before frames.
    findings: red ones first. robustness, explanation, calibration, fairness: optional parts in the JSON form of their
    own dataclasses. worst: the files that are most wrong, None where they were not looked for. counting: the AUC as
    other benchmarks count it, of a run by one of their protocols.
    """

    run: Mapping[str, Any]
    draws: int
    blocks: tuple[Block, ...]
    cross: tuple[CrossAuc, ...]
    findings: tuple[Finding, ...]
    comparisons: tuple[Comparison, ...] = ()
    robustness: Mapping[str, Any] | None = None
    explanation: Mapping[str, Any] | None = None
    calibration: Mapping[str, Any] | None = None
    fairness: Mapping[str, Any] | None = None
    worst: Worst | None = None
    counting: ProtocolFigures | None = None

    def block(self, level: Level, by: By, name: str = "") -> Block:
        """The block of a set; KeyError where there is none."""
        for block in self.blocks:
            if (block.level, block.by, block.name) == (level, by, name):
                return block
        raise KeyError(f"no block {level}, {by}, {name!r}")

    def of(self, level: Level, by: By) -> tuple[Block, ...]:
        """All blocks of one kind, in order."""
        return tuple(block for block in self.blocks if (block.level, block.by) == (level, by))

    def as_dict(self) -> dict[str, Any]:
        """The JSON object; readers must tolerate fields and codes that they do not know."""
        return {"schema": SCHEMA, **asdict(self)}

    def to_json(self) -> str:
        return json.dumps(self.as_dict(), indent=1, allow_nan=False) + "\n"

    @staticmethod
    def from_json(text: str, where: str = "report.json") -> EvalReport:
        """DataError: no such JSON, or another schema."""
        try:
            found = json.loads(text)
            schema = found.pop("schema", None) if isinstance(found, dict) else None
            if schema != SCHEMA:
                raise DataError(f"{where}: expected an evaluation of schema {SCHEMA!r}; found {schema!r}")
            return TypeAdapter(EvalReport).validate_json(json.dumps(found))
        except (json.JSONDecodeError, ValidationError) as error:
            raise DataError(f"{where}: expected an evaluation of schema {SCHEMA!r}; {error}") from error
