"""Losses by hand."""

from __future__ import annotations

import math

import pytest

torch = pytest.importorskip("torch")

from torch.nn.functional import normalize  # noqa: E402

from dfdetect.models.zoo import Seen  # noqa: E402
from dfdetect.train.losses import alignment, class_loss, mask_loss, total_loss, uniformity  # noqa: E402
from dfdetect.train.recipe import LossPart  # noqa: E402


def one(logit: float, label: float, **options: object) -> float:
    return float(class_loss(torch.tensor([logit]), torch.tensor([label]), LossPart(**options)))  # type: ignore[arg-type]


def test_smoothing_moves_both_labels_alike() -> None:
    for label in (0.0, 1.0):
        assert one(2.0, label, label_smoothing=0.2) == pytest.approx(0.9 * one(2.0, label) + 0.1 * one(2.0, 1 - label))


def test_focal_loss_looks_away_from_what_is_right() -> None:
    """At p = 0.9 of the right class and gamma 2 the loss weighs (1 - 0.9)^2."""
    logit = math.log(9)
    assert one(logit, 1.0, name="focal") == pytest.approx(0.01 * one(logit, 1.0), rel=1e-4)
    assert one(logit, 0.0, name="focal") == pytest.approx(0.81 * one(logit, 0.0), rel=1e-4)
    assert one(logit, 1.0, name="focal", focal_gamma=0.0) == pytest.approx(one(logit, 1.0), rel=1e-6)


def test_the_boundary_is_where_the_mask_is_half() -> None:
    masks = torch.zeros(1, 4, 4)
    masks[0, :2], masks[0, 1] = 1.0, 0.5
    right = torch.full((1, 1, 4, 4), -20.0)
    right[0, 0, 1] = 20.0
    assert float(mask_loss(right, masks, "boundary")) < 1e-6
    assert float(mask_loss(right, masks, "mask")) > 4


def test_a_coarse_head_learns_the_mean() -> None:
    masks = torch.zeros(1, 4, 4)
    masks[0, :2] = 1.0
    flat = mask_loss(torch.zeros(1, 1, 1, 1), masks, "mask")
    assert float(flat) == pytest.approx(math.log(2))


def test_uniformity_and_alignment() -> None:
    """Wang & Isola: two opposite points are 2 apart, so exp(-2 * 4); equal ones of a class align perfectly."""
    apart = torch.tensor([[1.0, 0.0], [-1.0, 0.0]])
    assert float(uniformity(apart)) == pytest.approx(-8)
    labels = torch.tensor([0.0, 0.0, 1.0])
    points = torch.tensor([[1.0, 0.0], [1.0, 0.0], [-1.0, 0.0]])
    assert float(alignment(points, labels)) == pytest.approx(0, abs=1e-6)
    assert float(alignment(points, torch.tensor([0.0, 1.0, 1.0]))) == pytest.approx(4)
    assert float(alignment(points[:2], torch.tensor([0.0, 1.0]))) == 0


def test_gradients_of_the_features_losses_are_numbers() -> None:
    """The distance of a point to itself has no gradient: sqrt'(0) made the first step NaN."""
    features = torch.randn(6, 5, requires_grad=True)
    seen = Seen(features.sum(1), None, torch.zeros(6, 5, 1, 1), normalize(features, dim=1))
    part = LossPart(uniformity=0.5, alignment=0.1)
    total_loss(seen, torch.tensor([0.0, 1.0] * 3), torch.zeros(0), None, part).backward()
    assert torch.isfinite(features.grad).all()
    same = torch.ones(4, 3, requires_grad=True)
    (alignment(normalize(same, dim=1), torch.ones(4)) + uniformity(normalize(same, dim=1))).backward()
    assert torch.isfinite(same.grad).all()
