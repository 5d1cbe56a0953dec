"""What a model wants to be fed, written and read back."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from dfdetect.errors import ModelUnusable
from dfdetect.models.spec import ModelSpec, NetworkIO

SPEC = ModelSpec("net", 224, mean=(0.485, 0.456, 0.406), std=(0.229, 0.224, 0.225), margin=0.1)


NETWORK = {"layout": "NCHW", "channel_order": "RGB", "output": "logit:fake=high", "output_name": ""}


def changed(**values: object) -> str:
    return json.dumps(json.loads(SPEC.to_json()) | values)


def test_there_and_back() -> None:
    assert ModelSpec.from_json(SPEC.to_json()) == SPEC
    theirs = replace(SPEC, network=NetworkIO("NHWC", "BGR", "class-logits:fake=1", "scores"))
    assert ModelSpec.from_json(theirs.to_json()) == theirs


def test_a_spec_of_ours_says_nothing_of_the_network() -> None:
    """Bundles made before there was such a key must load, and ours must load where there is none yet."""
    assert "network" not in json.loads(SPEC.to_json())


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
        (changed(input_size_px="224"), "input_size_px in 1..4096; found '224'"),
        (changed(input_size_px=True), "input_size_px"),
        (changed(input_size_px=10**6), "input_size_px"),
        (changed(margin=-0.1), "margin in 0..4"),
        (changed(margin=float("nan")), "margin"),
        (changed(std=[0.5, 0.5]), "three finite numbers as std"),
        (changed(std=[0.5, 0.0, 0.5]), "std above 0"),
        (changed(mean="000"), "three finite numbers as mean"),
        (changed(architecture=None), "a name as architecture"),
        (changed(network={}), "expected network to hold exactly"),
        (changed(network=NETWORK | {"layout": "HWC"}), "a layout of NCHW, NHWC"),
        (changed(network=NETWORK | {"output": "logit"}), "FORM:fake=WHICH"),
        (changed(network=NETWORK | {"output": 1}), "as text"),
    ],
)
def test_what_does_not_fit_is_refused(text: str, says: str) -> None:
    """A model with reversed polarity scored every real photo 0.99, and the page looked fine."""
    with pytest.raises(ModelUnusable, match=says):
        ModelSpec.from_json(text)
