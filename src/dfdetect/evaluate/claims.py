"""How many people's real files carry a claim about false alarms, and how much of one so many people carry.

Two claims can be made of a bound at the k-th highest of n real scores. On average over all such samples of n, a share
k / (n + 1) of new files passes it (split conformal prediction, Vovk et al. 2005): 99 people for 1 %. In this very
sample the share follows Beta(k, n + 1 - k) (Vovk 2012, arXiv:1209.2673); to be sure of it with a confidence, the bound
must lie higher (Wilks 1941): 299 people for 1 % with 95 %, as many as Clopper & Pearson ask for when none is flagged.
n counts people, not files, wherever the files say whose they are.
"""

from __future__ import annotations

import math

import numpy as np

from dfdetect.errors import UsageError

CONFIDENCE = 0.95


def check_rate(flag: str, rate: float) -> None:
    """UsageError for a target that is no share between 0 and one half; 1 for 1 % is a likely slip."""
    if not 0 < rate <= 0.5:
        raise UsageError(f"{flag}: expected a share between 0 and 0.5, as 0.01 for 1 %; got {rate:g}")


def check_confidence(confidence: float | None) -> None:
    if confidence is not None and not 0.5 <= confidence <= 0.999:
        raise UsageError(f"--confidence: expected 0.5 to 0.999, as 0.95 for 95 %; got {confidence:g}")


def people_needed(rate: float, confidence: float | None = None) -> int:
    """Fewest people whose real files carry this rate: ceil(1 / rate) - 1 on average, more with a confidence."""
    if confidence is None:
        return max(1, math.ceil(1 / rate - 1 - 1e-6))
    return max(1, math.ceil(math.log(1 - confidence) / math.log1p(-rate) - 1e-9))


def best_rate(people: int, confidence: float | None = None) -> float:
    """Lowest rate that so many people carry, rounded up to a hundredth of a percent; 1.0 for none."""
    if people < 1:
        return 1.0
    rate = 1 / (people + 1) if confidence is None else 1 - (1 - confidence) ** (1 / people)
    return math.ceil(rate * 1e4 - 1e-9) / 1e4


def share_below(people: int, rate: float, confidence: float | None = None) -> float:
    """The share to hand to `calibration.upper_quantile` for this claim; people >= `people_needed`."""
    if confidence is None:
        return 1 - rate
    from scipy.special import betainc

    passing = np.arange(1, people + 1)  # k: the bound is the k-th highest score
    sure = betainc(passing, people + 1 - passing, rate) >= confidence
    return 1 - max(1, int(sure.sum())) / (people + 1)


def rate_with_confidence(people: int, share: float, confidence: float = CONFIDENCE) -> float:
    """With this confidence fewer new files than this pass `upper_quantile(..., share)` of so many people; 0.0: none."""
    from scipy.special import betaincinv

    rank = math.ceil((people + 1) * share - 1e-9)
    return 0.0 if rank > people else float(betaincinv(people + 1 - rank, max(rank, 1), confidence))
