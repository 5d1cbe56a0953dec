"""What a step minimises: the loss of the logit, of the mask head, and of the features' arrangement."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.functional import adaptive_avg_pool2d, binary_cross_entropy_with_logits

from dfdetect.models.zoo import Seen
from dfdetect.train.recipe import LossPart


def total_loss(seen: Seen, labels: Tensor, masks: Tensor, mask_logits: Tensor | None, part: LossPart) -> Tensor:
    """The whole loss of a batch. labels: (B,) 0..1; masks: (B, m, m) or empty; mask_logits: (B, 1, h, w) or None."""
    loss = class_loss(seen.logit, labels, part)
    if mask_logits is not None and masks.numel():
        loss = loss + part.mask_weight * mask_loss(mask_logits, masks, part.mask_target)
    if part.uniformity:
        loss = loss + part.uniformity * uniformity(seen.pooled)
    if part.alignment:
        loss = loss + part.alignment * alignment(seen.pooled, labels)
    return loss


def class_loss(logit: Tensor, labels: Tensor, part: LossPart) -> Tensor:
    """Binary cross-entropy, or focal loss (Lin et al. 2017), with smoothed labels; mean over the batch."""
    soft = labels * (1 - part.label_smoothing) + 0.5 * part.label_smoothing
    entropy = binary_cross_entropy_with_logits(logit, soft, reduction="none")
    if part.name == "focal":
        p = torch.sigmoid(logit)
        wrong = soft * (1 - p) + (1 - soft) * p
        entropy = entropy * wrong**part.focal_gamma
    return entropy.mean()


def mask_loss(mask_logits: Tensor, masks: Tensor, target: str) -> Tensor:
    """Cross-entropy of a coarse map with where the paste is (target "mask") or where it ends ("boundary")."""
    wanted = 4 * masks * (1 - masks) if target == "boundary" else masks
    wanted = adaptive_avg_pool2d(wanted[:, None], (mask_logits.shape[-2], mask_logits.shape[-1]))
    return binary_cross_entropy_with_logits(mask_logits, wanted.clamp(0, 1))


def uniformity(features: Tensor, *, t: float = 2.0) -> Tensor:
    """log mean exp(-t d^2) over all pairs of unit-length features (B, C) (Wang & Isola 2020)."""
    squared = torch.pdist(features.float()) ** 2
    return (-t * squared).exp().mean().clamp_min(1e-6).log()


def alignment(features: Tensor, labels: Tensor) -> Tensor:
    """Mean squared distance of unit-length features (B, C) over the pairs of one class (Wang & Isola 2020)."""
    same = (labels[:, None] > 0.5) == (labels[None, :] > 0.5)
    pairs = torch.triu(same, diagonal=1)
    squared = torch.cdist(features.float(), features.float(), compute_mode="donot_use_mm_for_euclid_dist") ** 2
    return (squared * pairs).sum() / pairs.sum().clamp_min(1)
