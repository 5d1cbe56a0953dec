"""Scores in the cells of the laundering grid -> what laundering costs: AUC, false alarms, worst cells, and a gate.

    result = measure_robustness(rows, model="default", rng=np.random.default_rng(0))
    result.cell("jpeg_30").loss.value, result.gate, result.as_dict()

Intervals draw people (or source videos) again, the same draw in every cell: so the loss of a cell has an interval of
its own, which is much narrower than the difference of two intervals would suggest.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dfdetect.errors import DataError
from dfdetect.evaluate.bootstrap import drawn_weights
from dfdetect.evaluate.estimates import Estimate
from dfdetect.evaluate.launder.grid import CLEAN, GRID, Cell, grid_hash
from dfdetect.evaluate.launder.shot import FRAMES
from dfdetect.evaluate.part_file import read_part, write_part
from dfdetect.evaluate.robustness_run import CellScore
from dfdetect.evaluate.scores import OK, VideoScore
from dfdetect.metrics import Ranking, rank, wilson_interval
from dfdetect.values import Verdict

SCHEMA = "dfdetect.robustness/1"
RESULT = "robustness.json"
DRAWS = 1000
_WORST = 5
_RISE = 0.02  # AUC that a harder cell may gain by chance

# Aims of the gate: what laundering may cost.
MEAN_LOSS, MILD_LOSS, MESSENGER_LOSS, FPR_FACTOR = 0.05, 0.10, 0.06, 2.0

FloatArray = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class CellResult:
    """One cell.

    kinds: of files that it can be done to. n_real, n_fake: scored. lost: files that had a score as they are and have
    none laundered. auc: 95 % interval over groups. loss: AUC of the same files as they are, less this one's. fpr, tpr:
    share of scored reals and fakes that are likely_manipulated at the shipped threshold, Wilson interval. fpr_clean:
    of the same reals as they are.
    """

    name: str
    family: str
    severity: int
    mild: bool
    text: str
    kinds: tuple[str, ...]
    n_real: int
    n_fake: int
    lost: int
    auc: Estimate
    loss: Estimate
    fpr: Estimate
    fpr_clean: Estimate
    tpr: Estimate


@dataclass(frozen=True, slots=True)
class Rise:
    """A harder cell with a clearly higher AUC than a milder one of its family: something else is measured there."""

    family: str
    milder: str
    harder: str
    rise: Estimate


@dataclass(frozen=True, slots=True)
class Check:
    """One aim of the gate. bound: what `value` may be at the most; passed: None where it could not be measured.

    A loss is not judged where the files as they are give no AUC clearly above 0.5: a coin has nothing to lose.
    """

    name: str
    text: str
    value: float | None
    bound: float | None
    passed: bool | None
    where: str = ""


@dataclass(frozen=True, slots=True)
class Robustness:
    """files: laundered; frames: scored of each clip. cells: clean first. worst: names, the largest loss first.

    mean_loss: over all cells with both classes. gate: every aim. passed: all of them; None where one is not measured.
    """

    model: str
    grid: str
    files: int
    frames: int
    cells: tuple[CellResult, ...]
    mean_loss: Estimate
    worst: tuple[str, ...]
    rises: tuple[Rise, ...]
    gate: tuple[Check, ...]

    @property
    def passed(self) -> bool | None:
        answers = [check.passed for check in self.gate]
        return False if False in answers else None if None in answers else True

    def cell(self, name: str) -> CellResult:
        """The cell of this name; KeyError where it was not run."""
        return next(cell for cell in self.cells if cell.name == name)

    def as_dict(self) -> dict[str, Any]:
        """JSON object; `robustness` of an EvalReport."""
        return {"schema": SCHEMA, **asdict(self), "passed": self.passed}


def measure_robustness(
    rows: Sequence[CellScore], *, model: str, rng: np.random.Generator, draws: int = DRAWS
) -> Robustness:
    """Scores of the same files in CLEAN and in further cells -> Robustness. DataError: nothing was scored clean."""
    by_cell: dict[str, dict[tuple[str, str], VideoScore]] = {}
    for row in rows:
        by_cell.setdefault(row.cell, {})[row.score.dataset, row.score.path] = row.score
    clean = by_cell.get(CLEAN.name, {})
    if not any(score.status == OK for score in clean.values()):
        raise DataError("no file has a score as it is, so no loss can be told; robustness needs the cell 'clean'")
    drawn = drawn_weights([score.group for score in clean.values()], rng=rng, draws=draws)
    weights = dict(zip(clean, drawn.T, strict=True))
    measured = [_measured(cell, by_cell[cell.name], clean, weights) for cell in (CLEAN, *GRID) if cell.name in by_cell]
    cells = tuple(result for result, _, _ in measured)
    laundered = [item for item in measured[1:] if item[0].loss.value is not None]
    mean_loss = _mean_loss(laundered)
    rises = _rises(measured)
    by_loss = sorted((result for result, _, _ in laundered), key=lambda cell: -(cell.loss.value or 0.0))
    return Robustness(
        model=model,
        grid=grid_hash(GRID),
        files=len(clean),
        frames=FRAMES,
        cells=cells,
        mean_loss=mean_loss,
        worst=tuple(cell.name for cell in by_loss[:_WORST]),
        rises=rises,
        gate=_gate(cells, mean_loss, rises),
    )


def write_robustness(folder: Path, found: Robustness) -> Path:
    """Write robustness.json into the folder."""
    return write_part(folder / RESULT, found.as_dict())


def read_robustness(folder: Path) -> dict[str, Any] | None:
    """robustness.json of a folder, as `EvalReport.robustness` holds it; None where there is none."""
    return read_part(folder / RESULT, SCHEMA)


def _probabilities(scores: Sequence[VideoScore]) -> FloatArray:
    return np.array([score.probability for score in scores], np.float64)


def _auc_draws(scores: Sequence[VideoScore], drawn: FloatArray) -> FloatArray:
    """(draws,) AUC of every draw, nan where a draw lost a class. drawn: (draws, N), how often each score is drawn."""
    labels = np.array([score.label for score in scores])
    rising, level = np.unique(_probabilities(scores), return_inverse=True)
    spread = np.zeros((len(scores), len(rising)))
    spread[np.arange(len(scores)), level] = 1
    real, fake = (((drawn * (labels == label)) @ spread)[:, ::-1] for label in (0, 1))
    whole = (real.sum(axis=1) > 0) & (fake.sum(axis=1) > 0)
    out = np.full(len(drawn), np.nan)
    out[whole] = Ranking(rising[::-1], real[whole], fake[whole]).roc_auc()
    return out


def _measured(
    cell: Cell,
    found: Mapping[tuple[str, str], VideoScore],
    clean: Mapping[tuple[str, str], VideoScore],
    weights: Mapping[tuple[str, str], FloatArray],
) -> tuple[CellResult, FloatArray, FloatArray]:
    """The cell, and by draw its AUC and its loss. weights: (draws,) of each file, the same for every cell."""
    keys = [key for key, score in found.items() if score.status == OK and key in clean and clean[key].status == OK]
    lost = sum(score.status != OK and key in clean and clean[key].status == OK for key, score in found.items())
    now, before = [found[key] for key in keys], [clean[key] for key in keys]
    labels = [score.label for score in now]
    n_fake = sum(labels)
    n_real = len(labels) - n_fake
    nothing = np.full(1, np.nan)
    auc_draws, loss_draws = nothing, nothing
    if n_real and n_fake:
        drawn = np.stack([weights[key] for key in keys], axis=1)
        auc_draws = _auc_draws(now, drawn)
        loss_draws = _auc_draws(before, drawn) - auc_draws
        value, value_before = (float(rank(labels, _probabilities(scores)).roc_auc()) for scores in (now, before))
        auc = _estimate(value, auc_draws)
        loss = _estimate(value_before - value, loss_draws)
    else:
        why = f"needs both classes; {n_real} real and {n_fake} fake files have a score in this cell"
        auc, loss = Estimate(None, why=why), Estimate(None, why=why)
    result = CellResult(
        name=cell.name,
        family=cell.family,
        severity=cell.severity,
        mild=cell.mild,
        text=cell.text,
        kinds=cell.kinds,
        n_real=n_real,
        n_fake=n_fake,
        lost=lost,
        auc=auc,
        loss=loss,
        fpr=_flagged(now, 0),
        fpr_clean=_flagged(before, 0),
        tpr=_flagged(now, 1),
    )
    return result, auc_draws, loss_draws


def _estimate(value: float, draws: FloatArray) -> Estimate:
    held = draws[np.isfinite(draws)]
    if len(held) < 0.5 * len(draws) or len(held) < 2:
        return Estimate(value, why="too few people or source videos for an interval")
    low, high = np.quantile(held, [0.025, 0.975])
    return Estimate(value, float(low), float(high))


def _flagged(scores: Sequence[VideoScore], label: int) -> Estimate:
    """Share of this label that is likely_manipulated."""
    own = [score for score in scores if score.label == label]
    if not own:
        return Estimate(None, why="no such file has a score in this cell", n=0)
    hits = sum(score.verdict == Verdict.LIKELY_MANIPULATED.value for score in own)
    return Estimate(hits / len(own), *wilson_interval(hits, len(own)), n=len(own))


def _mean_loss(laundered: Sequence[tuple[CellResult, FloatArray, FloatArray]]) -> Estimate:
    if not laundered:
        return Estimate(None, why="no cell has files of both classes")
    value = float(np.mean([result.loss.value for result, _, _ in laundered]))
    return _estimate(value, np.mean([draws for _, _, draws in laundered], axis=0))


def _rises(measured: Sequence[tuple[CellResult, FloatArray, FloatArray]]) -> tuple[Rise, ...]:
    """Neighbours in severity whose AUC rises by more than chance."""
    out: list[Rise] = []
    for (milder, before, _), (harder, after, _) in pairwise(measured):
        if milder.family != harder.family or milder.severity < 1 or harder.severity != milder.severity + 1:
            continue
        if milder.auc.value is None or harder.auc.value is None:
            continue
        rise = _estimate(harder.auc.value - milder.auc.value, after - before)
        if rise.value is not None and rise.value > _RISE and rise.low is not None and rise.low > 0:
            out.append(Rise(milder.family, milder.name, harder.name, rise))
    return tuple(out)


def _gate(cells: Sequence[CellResult], mean_loss: Estimate, rises: Sequence[Rise]) -> tuple[Check, ...]:
    mild = [cell for cell in cells[1:] if cell.mild]
    losses = [cell for cell in mild if cell.loss.value is not None]
    worst = max(losses, key=lambda cell: cell.loss.value or 0.0, default=None)
    sent = next((cell for cell in cells if cell.name == "messenger"), None)
    clean = cells[0].auc
    why = ""
    if clean.value is not None and (clean.low is None or clean.low <= 0.5):
        interval = "" if clean.interval is None else " ({:.2f} to {:.2f})".format(*clean.interval)
        why = f"; not judged: AUC as they are is {clean.value:.2f}{interval}, and a coin has nothing to lose"
    return (
        _check("mean_loss", f"mean AUC over the grid against clean{why}", mean_loss.value, MEAN_LOSS, judged=not why),
        _check(
            "mild_loss",
            f"AUC of the worst mild cell against clean{why}",
            worst.loss.value if worst else None,
            MILD_LOSS,
            judged=not why,
            cell=worst,
        ),
        _check(
            "messenger_loss",
            f"AUC after a messenger against clean{why}",
            sent.loss.value if sent else None,
            MESSENGER_LOSS,
            judged=not why,
            cell=sent,
        ),
        _false_alarms([cell for cell in mild if cell.fpr.value is not None and cell.fpr_clean.value is not None]),
        Check(
            "monotone",
            "families whose AUC clearly rises with severity",
            float(len(rises)),
            0.0,
            not rises,
            ", ".join(f"{rise.milder} -> {rise.harder}" for rise in rises),
        ),
    )


def _check(
    name: str, what: str, loss: float | None, bound: float, *, judged: bool, cell: CellResult | None = None
) -> Check:
    passed = None if loss is None or not judged else loss <= bound + 1e-12
    return Check(name, f"loss of the {what}", loss, bound, passed, cell.name if cell else "")


def _false_alarms(mild: Sequence[CellResult]) -> Check:
    """The mild cell that goes furthest beyond twice the clean rate of the same files."""
    text = f"false-positive rate at the shipped threshold in the worst mild cell; at most {FPR_FACTOR:g} times clean"
    if not mild:
        return Check("mild_fpr", text, None, None, None)

    def beyond(cell: CellResult) -> tuple[float, float]:
        """Of two that go as far, the one with more false alarms is named."""
        found = cell.fpr.value or 0.0
        return found - FPR_FACTOR * (cell.fpr_clean.value or 0.0), found

    worst = max(mild, key=beyond)
    bound = FPR_FACTOR * (worst.fpr_clean.value or 0.0)
    return Check("mild_fpr", text, worst.fpr.value, bound, (worst.fpr.value or 0.0) <= bound + 1e-12, worst.name)
