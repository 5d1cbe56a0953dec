"""Parity: what is compared is what a scan runs, and no difference hides."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("pytorch_lightning")

from dfdetect.calibration import Calibration  # noqa: E402
from dfdetect.export.parity import BAND, BOUNDS, Parity, Reading, _flips, compare  # noqa: E402
from dfdetect.models.spec import ModelSpec  # noqa: E402
from tiny_bundle import SIZE_PX, tiny_calibration, tiny_onnx  # noqa: E402

SPEC = ModelSpec("mean_brightness", SIZE_PX)
CROPS = np.random.default_rng(0).integers(0, 256, (20, 1, 1, 3), dtype=np.uint8).repeat(SIZE_PX, 1).repeat(SIZE_PX, 2)
LOGITS = 4.0 * (CROPS.mean(axis=(1, 2, 3)) / 127.5 - 1)
NONE = Parity(1, 0.0, 0.0, 0.0, worst=0, p_expected=0.5, p_found=0.5, flips=0)


def test_the_same_network_agrees() -> None:
    found = compare(LOGITS, tiny_onnx(bias=0.25), SPEC, CROPS, bias=0.25)
    assert found.logit == pytest.approx(0.25, abs=1e-5)
    found = compare(LOGITS, tiny_onnx(), SPEC, CROPS)
    assert found.n == 20
    assert found.within(BOUNDS["fp32"])


def test_one_crop_that_differs_is_found_and_named() -> None:
    other = LOGITS.copy()
    other[17] += 0.01
    found = compare(other, tiny_onnx(), SPEC, CROPS)
    assert found.worst == 17
    assert found.logit == pytest.approx(0.01, abs=1e-5)
    assert found.probability == pytest.approx(abs(found.p_expected - found.p_found))
    assert not found.within(BOUNDS["fp32"])
    assert found.within(BOUNDS["int8"])


def test_a_map_that_does_not_add_up_is_found() -> None:
    found = compare(LOGITS, tiny_onnx(), SPEC, CROPS, bias=0.5)
    assert found.cam == pytest.approx(0.5, abs=1e-5)
    assert not found.within(BOUNDS["int8"])


def test_networks_without_a_map_are_compared_by_their_logits() -> None:
    assert compare(LOGITS, tiny_onnx(with_cam=False), SPEC, CROPS, bias=9.0).cam == 0


@pytest.mark.parametrize(
    ("precision", "changes", "holds"),
    [
        ("fp32", {"logit": 1e-3, "probability": 1e-3}, True),
        ("fp32", {"logit": 2e-3}, False),
        ("fp32", {"probability": 2e-3}, False),
        ("fp32", {"cam": 2e-3}, False),
        ("fp16", {"logit": 2.0, "probability": 0.01}, True),
        ("fp16", {"probability": 0.011}, False),
        ("int8", {"probability": 0.02}, True),
        ("int8", {"probability": 0.021}, False),
        ("int8", {"flips": 1}, False),
    ],
)
def test_bounds(precision: str, changes: dict[str, float], holds: bool) -> None:
    assert replace(NONE, **changes).within(BOUNDS[precision]) is holds  # type: ignore[arg-type]


def test_a_verdict_that_changes_counts_outside_the_band_only() -> None:
    bounds = (0.5, 0.8)
    assert _flips(np.array([0.5 + BAND - 0.001]), np.array([0.49]), bounds) == 0
    assert _flips(np.array([0.5 + BAND + 0.001]), np.array([0.49]), bounds) == 1
    assert _flips(np.array([0.1, 0.9]), np.array([0.9, 0.1]), bounds) == 4
    assert _flips(np.array([0.1, 0.9]), np.array([0.3, 0.95]), bounds) == 0


def test_a_reading_is_what_users_see() -> None:
    base = tiny_calibration()
    calibration = Calibration(0.5, -1.0, base.target_fpr, base.thresholds)
    reading = Reading.of(calibration, "mine 1")
    assert reading.thresholds == (0.5, 0.9)
    assert reading.text == "as mine 1 is calibrated"
    np.testing.assert_allclose(reading.probability(LOGITS), [calibration.probability(x) for x in LOGITS])
    steep, flat = (
        compare(LOGITS + 0.1, tiny_onnx(), SPEC, CROPS, reading=one).probability for one in (Reading(), reading)
    )
    assert flat < 0.6 * steep
