"""Two models on the same samples: by how much they differ, and whether that could be chance.

    comparison = compare(table_a, table_b, names=("default", "mine"), rng=np.random.default_rng(0))
    comparison.metrics["roc_auc"].difference, comparison.delong.p_value

Samples are matched by dataset and path, by path alone where one table knows no dataset; those that one of the two did
not score are left out and counted.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from dfdetect.errors import DataError
from dfdetect.evaluate.block import NO_INTERVAL, figures
from dfdetect.evaluate.bootstrap import Int8s, Ints, Scored, draw_figures, interval
from dfdetect.evaluate.estimates import Estimate
from dfdetect.evaluate.eval_report import Comparison, DeLong, Difference
from dfdetect.evaluate.findings import Finding, FindingCode, finding
from dfdetect.evaluate.measure import DRAWS
from dfdetect.evaluate.score_table import ScoreTable
from dfdetect.evaluate.scores import OK
from dfdetect.metrics import FloatArray


def compare(
    a: ScoreTable,
    b: ScoreTable,
    *,
    names: tuple[str, str],
    rng: np.random.Generator,
    draws: int = DRAWS,
) -> tuple[Comparison, list[Finding]]:
    """Model b against model a, file by file; and what is wrong with the pair of tables.

    Raises:
        DataError: no sample is in both, or one sample is real in one table and fake in the other.
    """
    rows_a, rows_b = _matched(a, b)
    if not len(rows_a):
        raise DataError(
            f"{names[0]} and {names[1]} share no sample (dataset and path): score both on the same data; "
            f"for example {_first(a)} and {_first(b)}"
        )
    _refuse_other_labels(a, b, rows_a, rows_b, names)
    scored_a, scored_b = (table["status"] == OK for table in (a, b))
    both = scored_a[rows_a] & scored_b[rows_b]
    kept_a, kept_b = rows_a[both], rows_b[both]
    only_a, only_b = int(scored_a.sum()) - len(kept_a), int(scored_b.sum()) - len(kept_b)
    found = []
    if only_a or only_b:
        found.append(
            finding(FindingCode.SAMPLES_DIFFER, a=names[0], b=names[1], only_a=only_a, only_b=only_b, both=len(kept_a))
        )
    labels = a["label"][kept_a].astype(np.int8)
    models = [Scored(labels, table["probability"][rows], {}) for table, rows in ((a, kept_a), (b, kept_b))]
    groups = np.unique(a["group"][kept_a], return_inverse=True)[1]
    metrics, delong, why = _differences(models, groups, rng, draws)
    n_fake = int((labels == 1).sum())
    counted = (len(kept_a), only_a, only_b, len(labels) - n_fake, n_fake)
    return Comparison("video", *names, *counted, metrics, delong, why), found


def delong_test(labels: Int8s, scores_a: FloatArray, scores_b: FloatArray) -> DeLong:
    """Whether two AUCs on the same samples differ. labels: (N,) 0, 1, both present.

    Source: DeLong, DeLong & Clarke-Pearson (1988); by ranks, in N log N, as Sun & Xu (2014), "Fast implementation of
    DeLong's algorithm".
    """
    from scipy.special import ndtr

    fake = labels == 1
    parts = [_placements(fake, scores) for scores in (scores_a, scores_b)]
    auc_a, auc_b = (float(of_fakes.mean()) for of_fakes, _ in parts)
    variance = sum(
        float(np.var(parts[0][side] - parts[1][side], ddof=1)) / len(parts[0][side])
        if len(parts[0][side]) > 1
        else np.nan
        for side in (0, 1)
    )
    if np.isnan(variance):
        return DeLong(auc_a, auc_b, 0.0, None, None, "DeLong's variance needs two of each class")
    if variance <= 0:
        return DeLong(auc_a, auc_b, 0.0, None, None, "both models rank every real against every fake alike")
    z = (auc_b - auc_a) / float(np.sqrt(variance))
    return DeLong(auc_a, auc_b, float(np.sqrt(variance)), z, float(2 * ndtr(-abs(z))))


def _placements(fake: np.ndarray[tuple[int], np.dtype[np.bool_]], scores: FloatArray) -> tuple[FloatArray, FloatArray]:
    """(of each fake, the share of reals below it; of each real, the share of fakes above it); ties count half."""
    from scipy.stats import rankdata

    among_all = rankdata(scores)
    n_fake, n_real = int(fake.sum()), int((~fake).sum())
    of_fakes = (among_all[fake] - rankdata(scores[fake])) / n_real
    of_reals = 1 - (among_all[~fake] - rankdata(scores[~fake])) / n_fake
    return of_fakes, of_reals


def _differences(
    models: list[Scored], groups: Ints, rng: np.random.Generator, draws: int
) -> tuple[Mapping[str, Difference], DeLong | None, str | None]:
    labels = models[0].labels
    n_fake = int((labels == 1).sum())
    if not 0 < n_fake < len(labels):
        return {}, None, f"one class only among the samples that both scored: {n_fake:,} of {len(labels):,} are fake"
    delong = delong_test(labels, models[0].probabilities, models[1].probabilities)
    values_a, values_b = (figures(model) for model in models)
    try:
        drawn_a, drawn_b = draw_figures(models, groups, rng=rng, draws=draws)
        why = None
    except ValueError as error:
        drawn_a, drawn_b, why = {}, {}, str(error)
    metrics = {}
    for name, value_a in values_a.items():
        value_b = values_b[name]
        if isinstance(value_a, str) or isinstance(value_b, str) or name in NO_INTERVAL:
            continue
        drawn = drawn_b[name] - drawn_a[name] if name in drawn_a else None
        metrics[name] = _difference(value_a, value_b, drawn, why)
    return metrics, delong, why


def _difference(a: float, b: float, drawn: FloatArray | None, why: str | None) -> Difference:
    if drawn is None:
        return Difference(a, b, Estimate(b - a, why=why), None)
    found = interval(drawn)
    if found is None:
        return Difference(a, b, Estimate(b - a, why="no draw differs from another"), None)
    # Draws at 0 count on both sides; of n draws no p-value below 2 / (n + 1) can be told.
    side = min(int((drawn <= 0).sum()), int((drawn >= 0).sum()))
    return Difference(a, b, Estimate(b - a, *found), min(1.0, 2 * (side + 1) / (len(drawn) + 1)))


def _matched(a: ScoreTable, b: ScoreTable) -> tuple[Ints, Ints]:
    """Rows of a and of b that are the same sample, in the order of a."""
    by_path = not (a["dataset"] != "").any() or not (b["dataset"] != "").any()
    keys = [_keys(table, by_path=by_path) for table in (a, b)]
    place = {key: row for row, key in enumerate(keys[1])}
    pairs = [(row, place[key]) for row, key in enumerate(keys[0]) if key in place]
    found = np.array(pairs, np.intp).reshape(-1, 2)
    return found[:, 0], found[:, 1]


def _keys(table: ScoreTable, *, by_path: bool) -> list[tuple[str, str]]:
    """DataError: only paths can be compared, and two datasets have the same one."""
    paths = table["path"].tolist()
    keys = list(zip([""] * len(paths) if by_path else table["dataset"].tolist(), paths, strict=True))
    if len(set(keys)) < len(keys):
        raise DataError("one table names no datasets, and in the other a path is in several: add a column dataset")
    return keys


def _refuse_other_labels(a: ScoreTable, b: ScoreTable, rows_a: Ints, rows_b: Ints, names: tuple[str, str]) -> None:
    differ = np.flatnonzero(a["label"][rows_a] != b["label"][rows_b])
    if len(differ):
        path = a["path"][rows_a[differ[0]]]
        raise DataError(
            f"{len(differ):,} samples are real for one of {names[0]} and {names[1]} and fake for the other, first "
            f"{path}: the tables are of different lists, or one list is turned round"
        )


def _first(table: ScoreTable) -> str:
    return f"{table['dataset'][0]}/{table['path'][0]}" if len(table) else "nothing"
