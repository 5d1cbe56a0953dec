"""What a model wants to be fed, written and read back."""

from __future__ import annotations

import json

import pytest

from dfdetect.errors import ModelUnusable
from dfdetect.models.spec import ModelSpec

SPEC = ModelSpec("net", 224, mean=(0.485, 0.456, 0.406), std=(0.229, 0.224, 0.225), margin=0.1)


def changed(**values: object) -> str:
    return json.dumps(json.loads(SPEC.to_json()) | values)


def test_there_and_back() -> None:
    assert ModelSpec.from_json(SPEC.to_json()) == SPEC


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("{", "spec.json is not JSON"),
        ("[]", "expected exactly the keys"),
        ("{}", "expected exactly the keys"),
        (changed(crop="oval"), r"expected exactly the keys .*; found .*'crop'"),
        (changed(positive="real"), "a positive logit must mean 'manipulated'; found 'real'"),
        (changed(resize_filter="nearest"), "resize_filter 'area_cubic'"),
        (changed(face_box="detector"), "face_box 'mesh'"),
    ],
)
def test_what_does_not_fit_is_refused(text: str, says: str) -> None:
    """A model with reversed polarity scored every real photo 0.99, and the page looked fine."""
    with pytest.raises(ModelUnusable, match=says):
        ModelSpec.from_json(text)
