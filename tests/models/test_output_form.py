"""What a network's numbers mean: stated, read as one logit, and refused where they cannot be what was stated."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dfdetect.errors import ModelUnusable, UsageError
from dfdetect.models.output_form import LEAST_PROBABILITY, OutputForm

logits = st.lists(st.floats(-12, 12), min_size=1, max_size=5)


def sigmoid(x: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-x))


@pytest.mark.parametrize(
    "text",
    ["", "logit", "prob", "logit:fake=1", "logit:fake=", "logit:real=high", "probability:fake=0", "class-logits:fake=",
     "class-logits:fake=high", "class-logits:fake=1,1", "class-logits:fake=-1", "class-logits:fake=1,",
     "softmax:fake=1", "class-probabilities:fake=²", "LOGIT:fake=high", "class-logits:fake=99999"],
)  # fmt: skip
def test_what_is_not_stated_is_not_guessed(text: str) -> None:
    with pytest.raises(UsageError, match="expected FORM:fake=WHICH"):
        OutputForm.parse(text)


@given(logits)
def test_every_form_of_one_network_gives_one_logit(values: list[float]) -> None:
    x = np.array(values)
    n, p = len(x), sigmoid(x)
    three = np.stack([x, np.zeros(n), np.full(n, -50.0)], axis=1)  # classes: fake, real, another kind of fake
    forms = {
        "logit:fake=high": x,
        "logit:fake=low": -x[:, None],
        "probability:fake=high": p[:, None],
        "probability:fake=low": 1 - p,
        "class-logits:fake=1": np.stack([np.full(n, 3.0), x + 3], axis=1),
        "class-logits:fake=0": np.stack([x, np.zeros(n)], axis=1).reshape(n, 2, 1, 1),
        "class-logits:fake=0,2": three,
        "class-probabilities:fake=1": np.stack([1 - p, p], axis=1),
        "class-probabilities:fake=0,1": np.stack([p / 4, 3 * p / 4, 1 - p], axis=1),
    }
    for text, raw in forms.items():
        found = OutputForm.parse(text).logits(raw, n)
        assert (found.shape, found.dtype) == ((n,), np.float32)
        np.testing.assert_allclose(found, x, atol=2e-3, err_msg=text)


def test_a_saturated_probability_is_a_large_logit_and_no_infinity() -> None:
    most = np.log((1 - LEAST_PROBABILITY) / LEAST_PROBABILITY)
    found = OutputForm.parse("probability:fake=high").logits(np.array([0.0, 1.0, 1.0000001]), 3)
    np.testing.assert_allclose(found, [-most, most, most], rtol=1e-6)
    found = OutputForm.parse("class-logits:fake=1").logits(np.array([[1000.0, -1000.0]], np.float32), 1)
    assert found[0] == -2000


@pytest.mark.parametrize(
    ("text", "raw", "match"),
    [
        ("logit:fake=high", np.zeros((2, 2)), "expected 2 finite logits; found shape"),
        ("logit:fake=high", np.array([0.0, np.nan]), "finite"),
        ("probability:fake=high", np.array([0.2, 3.1]), "stated to give probability, but gave 3.1; are these logit"),
        ("class-probabilities:fake=1", np.array([[0.2, 0.8], [-2.0, 3.0]]), "are these class-logits"),
        ("class-probabilities:fake=1", np.array([[0.2, 0.8], [0.2, 0.2]]), "a row adds up to 0.4"),
        ("class-logits:fake=1", np.zeros(2), r"expected \(2, classes\) with class 1; found \(2,\)"),
        ("class-logits:fake=2", np.zeros((2, 2)), "with class 2"),
        ("class-logits:fake=1", np.zeros((2, 3, 3)), "with class 1"),
        ("class-logits:fake=1", np.zeros((1, 4)), "with class 1"),
        ("class-logits:fake=0,1", np.zeros((2, 2)), "none is real"),
    ],
)
def test_numbers_that_cannot_be_what_was_stated_are_refused(text: str, raw: np.ndarray, match: str) -> None:
    """A network whose 'probability' was a logit scored every face 1.0, and nothing looked wrong."""
    with pytest.raises(ModelUnusable, match=match):
        OutputForm.parse(text).logits(raw, 2)
