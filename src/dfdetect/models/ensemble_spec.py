"""spec.json of an ensemble: its members in order, and how their logits become one."""

from __future__ import annotations

import json

from dfdetect.errors import ModelUnusable

KIND = "ensemble"
SCORE = "mean_calibrated_logit"


def ensemble_spec(names: tuple[str, ...]) -> str:
    """spec.json of an ensemble."""
    return json.dumps({"kind": KIND, "members": list(names), "score": SCORE}, indent=2) + "\n"


def check_ensemble_spec(text: str, names: tuple[str, ...]) -> None:
    """ModelUnusable unless spec.json names the members of the manifest, in its order, and the score of this version."""
    try:
        found = json.loads(text)
    except ValueError as error:
        raise ModelUnusable(f"spec.json is not JSON: {error}") from error
    expected = json.loads(ensemble_spec(names))
    if found != expected:
        raise ModelUnusable(f"spec.json of an ensemble: expected {expected}; found {str(found)[:300]}")
