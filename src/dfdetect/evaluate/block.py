"""One set of samples -> its block of the report: counts, figures with intervals, decisions and points of its curves.

AUC, partial AUC and AP are scikit-learn's; their intervals come from `bootstrap`, on `metrics.Ranking`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from dfdetect.evaluate.bootstrap import (
    ABSTAINED,
    MIN_GROUPS,
    ROC_HEIGHTS,
    SHARE,
    Int8s,
    Ints,
    Scored,
    decision_figures,
    draw_figures,
    interval,
)
from dfdetect.evaluate.estimates import DECISION_FIGURES, FIGURES, Estimate
from dfdetect.evaluate.eval_report import Block, By, Counts, Curves, Decisions, ReliabilityBin
from dfdetect.evaluate.levels import Bools, Samples
from dfdetect.evaluate.scores import MISSING, NO_FACE, OK
from dfdetect.metrics import (
    FloatArray,
    Ranking,
    brier_score,
    log_loss,
    rank,
    reliability_bins,
    risk_coverage,
    wilson_interval,
)

CURVE_POINTS = 200
HISTOGRAM_STEPS = 20
# False-positive rates at which a band around the ROC curve is told: evenly, and closer where few reals are flagged.
BAND_AT = tuple(sorted({*(round(10 ** (n / 6), 5) for n in range(-18, -6)), *(n / 20 for n in range(2, 21))}))
NO_INTERVAL = ("aurc", "risk_at_coverage_80")
_LABELS = ("real", "fake")
_MIN_REALS = {"tpr_at_fpr1": 100, "tpr_at_fpr5": 20, "partial_auc_fpr5": 20}  # fewer: not one may be flagged


def measure_block(samples: Samples, *, by: By, name: str, against: str, rng: np.random.Generator, draws: int) -> Block:
    """Every figure of these samples, those without a score counted and left out."""
    kept = samples.take(samples.scored)
    answers = _settings(kept)
    model = Scored(kept.labels, kept.probabilities, answers)
    drawn, why = _draw(model, kept.group, rng, draws, roc_at=BAND_AT if by == "all" else ())
    refusal = _refusal(kept.labels)
    if refusal is None:
        ranking = rank(kept.labels, kept.probabilities)
        values: Mapping[str, float | str] = _values(model, ranking)
        curves = _curves(model, ranking, drawn.get(ROC_HEIGHTS))
    else:
        values, curves = dict.fromkeys(FIGURES, refusal), None
    real, fake = _counts(samples, 0), _counts(samples, 1)
    groups = {"false_positive_rate": real.groups, "recall": fake.groups, "coverage": _n_groups(kept.group)}
    return Block(
        level=samples.level,
        by=by,
        name=name,
        against=against,
        real=real,
        fake=fake,
        metrics={
            figure: _estimate(value, drawn.get(figure), why, figure, min(real.groups, fake.groups))
            for figure, value in values.items()
        },
        decisions={
            setting: _decisions(setting, kept, found, drawn, why, groups) for setting, found in answers.items()
        },
        curves=curves,
    )  # fmt: skip


def auc_estimate(samples: Samples, *, rng: np.random.Generator, draws: int) -> Estimate:
    """The AUC alone, of scored samples."""
    from sklearn.metrics import roc_auc_score

    refusal = _refusal(samples.labels)
    if refusal is not None:
        return Estimate(None, why=refusal)
    value = float(roc_auc_score(samples.labels, samples.probabilities))
    drawn, why = _draw(Scored(samples.labels, samples.probabilities, {}), samples.group, rng, draws, auc_only=True)
    groups = min(_n_groups(samples.group[samples.labels == label]) for label in (0, 1))
    return _estimate(value, drawn.get("roc_auc"), why, "roc_auc", groups)


# ---- figures ----


def figures(model: Scored) -> dict[str, float | str]:
    """Every figure of FIGURES but AURC and the like, or the reason why it is refused, of samples of both classes."""
    return _values(model, rank(model.labels, model.probabilities))


def _values(model: Scored, ranking: Ranking) -> dict[str, float | str]:
    from sklearn.metrics import average_precision_score, roc_auc_score

    y, p = model.labels, model.probabilities
    risk = risk_coverage(y, p)
    found: dict[str, float | str] = {
        "roc_auc": float(roc_auc_score(y, p)),
        "partial_auc_fpr5": float(roc_auc_score(y, p, max_fpr=0.05)),
        "average_precision": float(average_precision_score(y, p)),
        "equal_error_rate": float(ranking.equal_error_rate()),
        "tpr_at_fpr1": float(ranking.tpr_at_fpr(0.01)),
        "tpr_at_fpr5": float(ranking.tpr_at_fpr(0.05)),
        "log_loss": log_loss(y, p),
        "brier": brier_score(y, p),
        "ece": reliability_bins(y, p).error(),
        "aurc": risk.area(),
        "risk_at_coverage_80": risk.at(0.8),
    }
    n_real = int((y == 0).sum())
    for name, least in _MIN_REALS.items():
        if n_real < least:
            found[name] = f"needs at least {least} reals to show such a false-positive rate; got {n_real}"
    return found


def _refusal(labels: Int8s) -> str | None:
    n_fake = int((labels == 1).sum())
    if len(labels) == 0:
        return "no sample has a score"
    if 0 < n_fake < len(labels):
        return None
    return f"one class only: all {len(labels):,} scored samples are {_LABELS[n_fake > 0]}"


def _draw(
    model: Scored,
    group: Ints,
    rng: np.random.Generator,
    draws: int,
    *,
    roc_at: Sequence[float] = (),
    auc_only: bool = False,
) -> tuple[dict[str, FloatArray], str | None]:
    """(figures of every draw, none where there can be none; then why)."""
    refusal = _refusal(model.labels)
    if refusal is not None:
        return {}, refusal
    codes = np.unique(group, return_inverse=True)[1]
    try:
        return draw_figures([model], codes, rng=rng, draws=draws, roc_at=roc_at, auc_only=auc_only)[0], None
    except ValueError as error:
        return {}, str(error)


def _estimate(value: float | str, drawn: FloatArray | None, why: str | None, figure: str, groups: int) -> Estimate:
    """groups: of the class that has fewer. Few of them give an AUC at least Wilson's interval, and others none."""
    if isinstance(value, str):
        return Estimate(None, why=value)
    if figure in NO_INTERVAL:
        return Estimate(value, why="no interval is computed for this figure")
    if drawn is None:
        return Estimate(value, why=why)
    found = interval(drawn)
    if figure == "roc_auc" and (groups < MIN_GROUPS or (found is None and value in (0.0, 1.0))):
        return _wilson(value, groups, found)
    if groups < MIN_GROUPS:
        return Estimate(value, why=_FEW)
    if found is None:
        return Estimate(value, why=_no_interval(drawn))
    if figure == "ece":  # chance alone raises it, in every draw once more: the basic interval takes that off again
        low, high = 2 * value - found[1], 2 * value - found[0]
        return Estimate(value, max(0.0, low), max(value, high))
    return Estimate(value, *found)


_FEW = f"fewer than {MIN_GROUPS} groups of a class: no interval"


def _wilson(value: float, groups: int, drawn: tuple[float, float] | None = None) -> Estimate:
    """Wilson's interval of as many cases as there are groups, and no narrower than that of the draws."""
    low, high = wilson_interval(value * groups, groups)
    ends = [low, high, value, *(drawn or ())]
    return Estimate(value, min(ends), max(ends), why=f"Wilson interval of {groups} groups")


def _no_interval(drawn: FloatArray) -> str:
    undefined = int((~np.isfinite(drawn)).sum())
    if undefined:
        return f"not defined in {undefined} of {len(drawn)} draws"
    return "all draws gave the same value: too few samples for an interval"


# ---- yes or no ----


def _settings(samples: Samples) -> dict[str, Int8s]:
    half = (samples.probabilities >= 0.5).astype(np.int8)
    if samples.answers is None:
        return {"half": half}
    return {"shipped": samples.answers, "flagged": np.maximum(samples.answers, 0), "half": half}


def _decisions(
    setting: str,
    samples: Samples,
    answers: Int8s,
    drawn: Mapping[str, FloatArray],
    why: str | None,
    groups: Mapping[str, int],
) -> Decisions:
    counted = {
        f"{label}{answer}": int(((samples.labels == label) & (answers == answer)).sum())
        for label in (0, 1)
        for answer in (0, 1, ABSTAINED)
    }
    values = decision_figures({key: np.asarray(n, np.float64) for key, n in counted.items()})
    return Decisions(
        name=setting,  # type: ignore[arg-type]
        text=_setting_text(setting, samples),
        tn=counted["00"],
        fp=counted["01"],
        fn=counted["10"],
        tp=counted["11"],
        abstained_real=counted["0-1"],
        abstained_fake=counted["1-1"],
        metrics={
            name: _share_estimate(name, float(values[name]), drawn.get(f"{setting}.{name}"), why, groups)
            for name in DECISION_FIGURES
        }
        | ({} if setting == "shipped" else {"coverage": _ALWAYS}),
    )


def _share_estimate(
    name: str, value: float, drawn: FloatArray | None, why: str | None, groups: Mapping[str, int]
) -> Estimate:
    """groups: behind each share of samples. Where no draw differs (no false alarm at all), or groups are few, such a
    share has Wilson's interval, of so many cases; other figures have none."""
    if np.isnan(value):
        return Estimate(None, why=_UNDEFINED[name])
    found = None if drawn is None else interval(drawn)
    own = groups.get(name, 0)
    if own > 0 and (found is None or own < MIN_GROUPS):
        return _wilson(value, own, found)
    if own == 0 and found is not None and min(groups.values()) < MIN_GROUPS:
        return Estimate(value, why=_FEW)
    if found is not None:
        return Estimate(value, *found)
    return Estimate(value, why=why if drawn is None else _no_interval(drawn))


_ALWAYS = Estimate(1.0, why="every scored sample gets an answer at this setting")
_UNDEFINED = {
    "accuracy": "no sample was decided",
    "balanced_accuracy": "no decided sample of one class",
    "precision": "nothing was flagged",
    "recall": "no fake was decided",
    "f1": "no fake was decided and nothing was flagged",
    "false_positive_rate": "no real was decided",
    "coverage": "no sample has a score",
}


def _setting_text(setting: str, samples: Samples) -> str:
    if setting == "half":
        return "probability >= 0.5, whatever the model ships"
    if setting == "shipped":
        return f"{samples.answers_from}; inconclusive ones abstained"
    return f"{samples.answers_from}; everything but likely_manipulated counts as not flagged"


# ---- counts and curves ----


def _counts(samples: Samples, label: int) -> Counts:
    own = samples.labels == label
    status = np.bincount(samples.status.codes[own], minlength=len(samples.status.names)).tolist()
    by_name = {name: n for name, n in zip(samples.status.names, status, strict=True) if n}
    scored = own & samples.scored
    codes = {name: n for name, n in by_name.items() if name not in (OK, NO_FACE, MISSING)}
    return Counts(
        asked=int(own.sum()),
        scored=int(scored.sum()),
        no_face=by_name.get(NO_FACE, 0),
        missing=by_name.get(MISSING, 0),
        failed=sum(codes.values()),
        codes=codes,
        abstained=None if samples.answers is None else int((samples.answers[scored] == ABSTAINED).sum()),
        groups=_n_groups(samples.group[scored]),
    )


def _n_groups(group: Ints) -> int:
    return int((np.bincount(group) > 0).sum())


def _curves(model: Scored, ranking: Ranking, heights: FloatArray | None) -> Curves:
    """heights: (draws, F) ROC_HEIGHTS at BAND_AT, for the band of the ROC curve."""
    y, p = model.labels, model.probabilities
    fpr, tpr = ranking.roc()
    precision, recall = ranking.precision_recall()
    risk = risk_coverage(y, p)
    bins = reliability_bins(y, p)
    edges = np.linspace(0, 1, HISTOGRAM_STEPS + 1)
    reals, fakes = (np.histogram(p[y == label], edges)[0] for label in (0, 1))
    return Curves(
        roc=_points(fpr, tpr, _corners(fpr, tpr), also=np.log10(np.maximum(fpr, BAND_AT[0])) / np.log10(BAND_AT[0])),
        roc_band=() if heights is None else _band(heights),
        precision_recall=_points(recall, precision, np.ones(len(recall), bool)),
        risk_coverage=_points(risk.coverage, risk.risk, np.ones(len(y), bool)),
        reliability=tuple(_bin(*row) for row in zip(bins.n, bins.probability, bins.fake_share, strict=True)),
        histogram=tuple(
            (round(float(a), 6), round(float(b), 6), int(r), int(f))
            for a, b, r, f in zip(edges[:-1], edges[1:], reals, fakes, strict=True)
        ),
    )


def _bin(n: float, probability: float, fake_share: float) -> ReliabilityBin:
    low, high = wilson_interval(n * fake_share, n)
    return ReliabilityBin(int(n), float(probability), float(fake_share), low, high)


def _corners(x: FloatArray, y: FloatArray) -> Bools:
    """Points where a stair turns: the others lie on a straight line between their neighbours."""
    dx, dy = np.diff(x), np.diff(y)
    turns = np.ones(len(x), bool)
    turns[1:-1] = dx[:-1] * dy[1:] != dx[1:] * dy[:-1]
    return turns


def _band(heights: FloatArray) -> tuple[tuple[float, float, float], ...]:
    tail = 0.5 * (1 - SHARE)
    low, high = np.quantile(heights, [tail, 1 - tail], axis=0)
    return tuple((fpr, round(float(a), 6), round(float(b), 6)) for fpr, a, b in zip(BAND_AT, low, high, strict=True))


def _points(
    x: FloatArray, y: FloatArray, kept: Bools, *, also: FloatArray | None = None
) -> tuple[tuple[float, float], ...]:
    """At most CURVE_POINTS points, first and last among them, evenly spread along the curve.

    also: (N,) a further coordinate that counts as length, for a curve that is drawn on another scale too.
    """
    further = np.zeros(len(x)) if also is None else also
    x, y, further = x[kept], y[kept], further[kept]
    if len(x) > CURVE_POINTS:
        steps = np.abs(np.diff(x)) + np.abs(np.diff(y)) + np.abs(np.diff(further))
        along = np.concatenate([[0.0], np.cumsum(steps)])
        wanted = np.linspace(0, along[-1], CURVE_POINTS)
        picked = np.unique(np.clip(np.searchsorted(along, wanted), 0, len(x) - 1))
        x, y = x[picked], y[picked]
    return tuple((round(float(a), 6), round(float(b), 6)) for a, b in zip(x, y, strict=True))
