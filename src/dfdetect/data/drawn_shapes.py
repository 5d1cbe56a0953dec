"""Soft shapes in face units, composited onto a picture: what `drawn_faces` paints with."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, cast

import cv2
import numpy as np
from numpy.typing import NDArray

from dfdetect.values import Float32Array

FloatArray = NDArray[np.floating[Any]]

RgbColour = tuple[float, float, float]
"""sRGB, 0..1."""

_NOISE_PX = 256
_NOISE_PX_PER_UNIT = 40


@dataclass(frozen=True, slots=True)
class Pose:
    """Where a face is and what it does.

    centre_xy: frame pixels. unit_px: half the face width. roll_deg: tilt, clockwise in the picture. yaw: turn, about
    -0.7..0.7, + to the right of the picture. smile: -1..1. mouth_open, eyes_open: 0..1.
    """

    centre_xy: tuple[float, float]
    unit_px: float
    roll_deg: float = 0.0
    yaw: float = 0.0
    smile: float = 0.0
    mouth_open: float = 0.0
    eyes_open: float = 1.0

    def turned(self, u: float) -> float:
        """Where a point u of the front of the face goes when the head turns; the outline stays."""
        return u + 0.28 * self.yaw * max(0.0, 1 - u * u)

    def squeeze(self, u: float) -> float:
        """How much wider a small shape at u becomes when the head turns: the slope of `turned`."""
        return 1 - 0.56 * self.yaw * u if abs(u) < 1 else 1.0

    def to_pixels(self, points_uv: FloatArray) -> Float32Array:
        """(N, 2) face units -> (N, 2) float32 frame pixels."""
        angle = np.deg2rad(self.roll_deg)
        turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
        placed = points_uv @ turn.T * self.unit_px + np.array(self.centre_xy)
        return np.asarray(placed, np.float32)


@dataclass(frozen=True, slots=True)
class _Window:
    """A rectangle of the canvas, and the face coordinates of its pixel centres."""

    rows: slice
    columns: slice
    u: FloatArray
    v: FloatArray


class Painter:
    """Paints one face onto a (H, W, 3) float32 canvas of sRGB 0..1, in place."""

    def __init__(self, canvas: Float32Array, pose: Pose, texture_seed: int) -> None:
        self.pose = pose
        self._canvas = canvas
        self._noise = _noise(texture_seed)
        self._lens: tuple[tuple[float, float], tuple[float, float], float] | None = None

    def blob(
        self,
        centre_uv: tuple[float, float],
        radii_uv: tuple[float, float],
        colour: RgbColour,
        *,
        opacity: float = 1.0,
        soft: float = 0.2,
        bend: float = 0.0,
        angle_deg: float = 0.0,
        grain: float = 0.0,
    ) -> None:
        """An ellipse with a soft edge.

        soft: share of the radius over which it fades. bend: how far its two ends lie below its middle, in face units.
        grain: strength of the texture, 0..1.
        """
        u, v = centre_uv
        squeeze = self.pose.squeeze(u)
        radii_uv = (radii_uv[0] * squeeze, radii_uv[1])
        u = self.pose.turned(u)
        window = self._window((u, v), max(radii_uv) + abs(bend))
        along, across = _rotated(window.u - u, window.v - v, angle_deg)
        along = along / radii_uv[0]
        across = (across - bend * along * along) / radii_uv[1]
        soft = max(soft, self._pixel_share(min(radii_uv)))
        mask = opacity * smooth_step((1 - np.hypot(along, across)) / soft)
        if self._lens is not None:
            mask = mask * self._lens_mask(window)
        self._composite(window, mask, self._textured(window, colour, grain))

    @contextmanager
    def inside_lens(
        self, centre_uv: tuple[float, float], radii_uv: tuple[float, float], bend: float = 0.0
    ) -> Iterator[None]:
        """Until the end of the block, paint only inside this almond shape."""
        self._lens = (centre_uv, radii_uv, bend)
        try:
            yield
        finally:
            self._lens = None

    def head(self, skin: RgbColour, jaw: float, light_u: float) -> None:
        """The face itself: an egg, lit as a rounded body from above and one side, with skin texture."""
        window = self._window((0.0, 0.0), 1.75)
        reach = _head_reach(window, jaw)
        height = np.sqrt(np.clip(1 - reach * reach, 0, 1))
        lit = 0.28 * light_u * window.u - 0.12 * window.v + 0.55 * height
        shade = np.clip(0.58 + 0.62 * lit, 0.35, 1.12)
        mask = smooth_step((1 - reach) / max(0.03, self._pixel_share(1.0)))
        self._composite(window, mask, self._textured(window, skin, 0.10) * shade[:, :, None])

    def hair_cap(self, hair: RgbColour, hairline_v: float) -> None:
        """Hair over the top of the head, down to the hairline and along the temples."""
        window = self._window((0.0, -0.5), 1.6)
        u, v = window.u, window.v
        skull = 1 - (np.abs(u / 1.10) ** 2.3 + np.abs((v + 0.14) / 1.28) ** 2.3) ** (1 / 2.3)
        line_v = hairline_v + 0.15 * u * u + 0.55 * np.clip(np.abs(u) - 0.72, 0, 1) * 4
        edge = self._pixel_share(1.0)
        mask = smooth_step(skull / max(0.05, edge)) * smooth_step((line_v - v) / max(0.12, edge))
        shine = 0.85 + 0.5 * np.exp(-(((v + 1.2) / 0.2) ** 2))
        self._composite(window, mask, self._textured(window, hair, 0.5) * shine[:, :, None])

    def _lens_mask(self, window: _Window) -> Float32Array:
        assert self._lens is not None
        (u, v), radii, bend = self._lens
        along = (window.u - self.pose.turned(u)) / (radii[0] * self.pose.squeeze(u))
        across = (window.v - v - bend * along * along) / radii[1]
        edge = self._pixel_share(radii[1])
        return smooth_step((1 - along * along - np.abs(across)) / max(0.15, edge))

    def _pixel_share(self, radius_uv: float) -> float:
        """One and a half pixels as a share of a radius: no edge is drawn sharper than the picture can show."""
        return 1.5 / (self.pose.unit_px * radius_uv)

    def _window(self, centre_uv: tuple[float, float], reach_uv: float) -> _Window:
        x, y = self.pose.to_pixels(np.array([centre_uv]))[0]
        reach_px = reach_uv * self.pose.unit_px * 1.02 + 2
        height_px, width_px = self._canvas.shape[:2]
        left, right = (int(np.clip(edge, 0, width_px)) for edge in (x - reach_px, x + reach_px + 1))
        top, bottom = (int(np.clip(edge, 0, height_px)) for edge in (y - reach_px, y + reach_px + 1))
        pixel_x = np.arange(left, right, dtype=np.float32)[None, :] + 0.5 - self.pose.centre_xy[0]
        pixel_y = np.arange(top, bottom, dtype=np.float32)[:, None] + 0.5 - self.pose.centre_xy[1]
        u, v = _rotated(pixel_x / self.pose.unit_px, pixel_y / self.pose.unit_px, self.pose.roll_deg)
        return _Window(slice(top, bottom), slice(left, right), u, v)

    def _textured(self, window: _Window, colour: RgbColour, grain: float) -> FloatArray:
        flat = np.broadcast_to(np.asarray(colour, np.float32), (*window.u.shape, 3))
        if grain == 0 or window.u.size == 0:
            return flat
        # Streaks run down the face: finer across than along, as hair and pores do under soft light.
        x = (window.u * (2 * _NOISE_PX_PER_UNIT) % _NOISE_PX).astype(np.float32)
        y = (window.v * _NOISE_PX_PER_UNIT % _NOISE_PX).astype(np.float32)
        noise = cv2.remap(self._noise, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_WRAP)
        return flat * (1 + grain * noise)[:, :, None]

    def _composite(self, window: _Window, mask: FloatArray, colour: FloatArray) -> None:
        under = self._canvas[window.rows, window.columns]
        under += mask[:, :, None] * (colour - under)


def background(rng: np.random.Generator, size_wh: tuple[int, int]) -> Float32Array:
    """(H, W, 3) float32 sRGB 0..1: a wall with a gradient, soft furniture and grain."""
    width_px, height_px = size_wh
    ends = rng.uniform(0.15, 0.85, (2, 2, 3)).astype(np.float32)
    wall = cv2.resize(ends.mean(axis=2, keepdims=True) * 0.7 + ends * 0.3, size_wh, interpolation=cv2.INTER_LINEAR)
    for _ in range(int(rng.integers(2, 7))):
        x, y = rng.uniform(0, width_px), rng.uniform(0, height_px)
        w, h = rng.uniform(0.05, 0.35, 2) * max(size_wh)
        colour = tuple(float(c) for c in rng.uniform(0.1, 0.9, 3))
        cv2.rectangle(wall, (int(x), int(y)), (int(x + w), int(y + h)), colour, -1)
    blurred = cv2.GaussianBlur(wall, (0, 0), max(size_wh) * rng.uniform(0.004, 0.03))
    return np.asarray(blurred, np.float32)


def _head_reach(window: _Window, jaw: float) -> FloatArray:
    """0 at the middle of the face, 1 on its outline: round above, narrowing to the chin below."""
    below = np.clip(window.v / 1.34, 0, 1.2)
    narrow = 1 - (0.12 + 0.22 * jaw) * below**2
    reach = np.hypot(window.u / (0.98 * narrow), window.v / 1.36)
    return cast("FloatArray", reach)


def _rotated(x: FloatArray, y: FloatArray, angle_deg: float) -> tuple[FloatArray, FloatArray]:
    """Coordinates in axes turned clockwise by the angle."""
    cosine, sine = np.float32(np.cos(np.deg2rad(angle_deg))), np.float32(np.sin(np.deg2rad(angle_deg)))
    return x * cosine + y * sine, y * cosine - x * sine


@lru_cache(maxsize=16)
def _noise(seed: int) -> Float32Array:
    """(256, 256) float32, about -1..1, in two grain sizes."""
    rng = np.random.default_rng(seed)
    fine = rng.normal(0, 0.35, (_NOISE_PX, _NOISE_PX)).astype(np.float32)
    coarse = cv2.resize(rng.normal(0, 0.35, (32, 32)).astype(np.float32), (_NOISE_PX, _NOISE_PX))
    return np.asarray(cv2.GaussianBlur(fine, (0, 0), 0.8) + coarse, np.float32)


def smooth_step(x: FloatArray) -> Float32Array:
    """0 below 0, 1 above 1, without a corner at either end."""
    inside = np.clip(x, 0, 1)
    return (inside * inside * (3 - 2 * inside)).astype(np.float32)
