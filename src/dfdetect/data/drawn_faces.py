"""Drawn faces: people who do not exist, so that tests, demos and first trials need no photograph of anybody.

    scene = draw_scene(np.random.default_rng(7), n_faces=2)      # picture, face boxes, landmarks
    clip = draw_clip(np.random.default_rng(7), n_frames=50)      # the same people, moving
    fake, mask = local_fake(scene.image, scene.boxes_xyxy[0], np.random.default_rng(8))

Everything is computed from soft shapes in face units (0, 0 between the cheeks, 1 = half the face width), so a face may
have any size, tilt and turn. Both face detectors find at least 95 % of them (tests/data/test_drawn_faces.py).
A network trained on drawn faces alone says nothing about photographs.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import cv2
import numpy as np

from dfdetect.data.drawn_shapes import FloatArray, Painter, Pose, RgbColour, background, smooth_step
from dfdetect.values import Float32Array, UInt8Array

_SKINS: Sequence[RgbColour] = (
    (0.95, 0.80, 0.71),
    (0.91, 0.72, 0.59),
    (0.83, 0.62, 0.47),
    (0.71, 0.50, 0.36),
    (0.55, 0.37, 0.26),
    (0.42, 0.28, 0.20),
)
_HAIRS: Sequence[RgbColour] = (
    (0.07, 0.06, 0.06),
    (0.18, 0.12, 0.09),
    (0.32, 0.21, 0.13),
    (0.62, 0.48, 0.28),
    (0.45, 0.20, 0.10),
    (0.62, 0.61, 0.60),
)
_IRISES: Sequence[RgbColour] = ((0.25, 0.15, 0.08), (0.36, 0.24, 0.12), (0.30, 0.38, 0.22), (0.32, 0.45, 0.58))

# Face units: where the five landmarks sit on a face that looks straight ahead; the box spans forehead to chin.
_EYE_V = -0.22
_NOSE_TIP_V = 0.30
_MOUTH_V = 0.68
_MOTION_RAD_PER_S = (1.1, 1.7, 0.8, 9.0, 1.9)  # sway, nod, turn, speak, blink
_BOX_UV = (-0.95, -0.98, 0.95, 1.30)


@dataclass(frozen=True, slots=True)
class Look:
    """What stays the same about one drawn person. Colours are sRGB 0..1, lengths are in face units."""

    skin: RgbColour
    hair: RgbColour
    iris: RgbColour
    shirt: RgbColour
    jaw: float  # 0 round .. 1 pointed
    eye_distance: float
    eye_width: float
    eye_height: float
    brow_height: float
    nose_width: float
    mouth_width: float
    lip_height: float
    lip_red: float
    hair_length: float  # 0 cropped .. 1 to the shoulders
    hairline_v: float
    stubble: float
    light_u: float  # -1 light from the picture's left .. 1 from its right
    texture_seed: int


@dataclass(frozen=True, slots=True)
class DrawnScene:
    """A drawn picture and where its faces are.

    image: (H, W, 3) uint8 RGB. boxes_xyxy: (N, 4) float32 pixels, forehead to chin. landmarks: (N, 5, 2) float32
    pixels in the order of `FaceDetections`.
    """

    image: UInt8Array
    boxes_xyxy: Float32Array
    landmarks: Float32Array


def sample_look(rng: np.random.Generator) -> Look:
    """One person by chance: skin from pale to dark, hair, eyes and proportions."""
    tone = rng.uniform(0, len(_SKINS) - 1)
    low = int(tone)
    skin = _mix(_SKINS[low], _SKINS[min(low + 1, len(_SKINS) - 1)], tone - low)
    return Look(
        skin=skin,
        hair=_mix(_HAIRS[int(rng.integers(len(_HAIRS)))], (0.1, 0.08, 0.07), rng.uniform(0, 0.4)),
        iris=_IRISES[int(rng.integers(len(_IRISES)))],
        shirt=(rng.uniform(0.1, 0.9), rng.uniform(0.1, 0.9), rng.uniform(0.1, 0.9)),
        jaw=rng.uniform(0.1, 0.6),
        eye_distance=rng.uniform(0.40, 0.47),
        eye_width=rng.uniform(0.20, 0.25),
        eye_height=rng.uniform(0.085, 0.125),
        brow_height=rng.uniform(0.20, 0.27),
        nose_width=rng.uniform(0.19, 0.27),
        mouth_width=rng.uniform(0.34, 0.46),
        lip_height=rng.uniform(0.09, 0.15),
        lip_red=rng.uniform(0.15, 0.6),
        hair_length=rng.uniform(0, 1),
        hairline_v=rng.uniform(-0.98, -0.82),
        stubble=max(0.0, rng.uniform(-0.25, 0.3)),
        light_u=rng.uniform(-0.7, 0.7),
        texture_seed=int(rng.integers(2**31)),
    )


def draw_face(rng: np.random.Generator, size_px: int = 256, *, look: Look | None = None) -> UInt8Array:
    """One face in the middle of a square picture, about half as wide as the picture.

    Returns (size_px, size_px, 3) uint8 RGB. Raises ValueError below 32 px, where nothing of a face is left.
    """
    if size_px < 32:
        raise ValueError(f"expected size_px >= 32, got {size_px}")
    pose = Pose(
        centre_xy=(size_px * rng.uniform(0.46, 0.54), size_px * rng.uniform(0.46, 0.52)),
        unit_px=size_px * rng.uniform(0.24, 0.29),
        roll_deg=rng.uniform(-10, 10),
        yaw=rng.uniform(-0.4, 0.4),
        smile=rng.uniform(-0.2, 1),
    )
    look = look or sample_look(rng)
    return _render([(look, pose)], background(rng, (size_px, size_px)), rng).image


def draw_scene(rng: np.random.Generator, size_wh: tuple[int, int] = (640, 360), *, n_faces: int = 1) -> DrawnScene:
    """People side by side before a background; n_faces = 0 draws the background alone."""
    people = _people(rng, size_wh, n_faces)
    return _render(people, background(rng, size_wh), rng)


def draw_clip(
    rng: np.random.Generator,
    n_frames: int,
    size_wh: tuple[int, int] = (640, 360),
    *,
    n_faces: int = 1,
    looks: Sequence[Look] | None = None,
    fps: float = 25.0,
) -> list[DrawnScene]:
    """The same people moving smoothly before one background: sway, nod, turn, blink and speak.

    Faces keep their order in every frame. A cut is made by joining two clips. looks: who they are, else by chance; the
    same rng with other looks draws other people in the very same poses, which is what a face swap needs.
    Raises ValueError where there are not n_faces looks.
    """
    people = _people(rng, size_wh, n_faces)
    if looks is not None:
        people = [(look, pose) for look, (_, pose) in zip(looks, people, strict=True)]
    phases = rng.uniform(0, 2 * np.pi, (n_faces, 5))
    still_seed = int(rng.integers(2**31))
    behind = background(np.random.default_rng(still_seed), size_wh)
    frames = []
    for index in range(n_frames):
        moved = [(look, _moved(pose, phase, index / fps)) for (look, pose), phase in zip(people, phases, strict=True)]
        frames.append(_render(moved, behind.copy(), np.random.default_rng((still_seed, index))))
    return frames


def local_fake(
    image: UInt8Array, box_xyxy: Float32Array, rng: np.random.Generator, *, strength: float = 1.0
) -> tuple[UInt8Array, Float32Array]:
    """Change the inside of one face only: a soft patch is warped, recoloured and blended back.

    Args:
        image: (H, W, 3) uint8 RGB.
        box_xyxy: (4,) pixels, the face.
        strength: factor on the change of colour; 1 is plain to see.

    Returns:
        The fake, (H, W, 3) uint8 RGB, and the blend mask, (H, W) float32 0..1. Where the mask is 0, which is
        everywhere outside the box, the two pictures are equal.

    Raises:
        ValueError: the box lies outside the image.
    """
    height_px, width_px = image.shape[:2]
    left, top, right, bottom = (float(edge) for edge in box_xyxy)
    if right <= 0 or bottom <= 0 or left >= width_px or top >= height_px or right <= left or bottom <= top:
        raise ValueError(f"expected a box inside {width_px} x {height_px} px, got {(left, top, right, bottom)}")
    centre = np.array([(left + right) / 2, (top + bottom) / 2])
    radii = np.array([right - left, bottom - top]) * rng.uniform(0.36, 0.46, 2)
    y, x = np.mgrid[0:height_px, 0:width_px].astype(np.float32) + np.float32(0.5)
    reach = np.hypot((x - centre[0]) / radii[0], (y - centre[1]) / radii[1])
    mask = smooth_step((1 - reach) / rng.uniform(0.15, 0.35))

    tilt_deg = rng.uniform(2, 5) * rng.choice([-1, 1])
    turn = cv2.getRotationMatrix2D((centre[0], centre[1]), tilt_deg, rng.uniform(1.03, 1.1))
    turn[:, 2] += (radii * rng.uniform(-0.04, 0.04, 2)).tolist()
    donor = cv2.warpAffine(image, turn, (width_px, height_px), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT)
    shift = strength * rng.uniform(8, 20, 3) * rng.choice([-1, 1], 3)
    changed = np.clip((donor - 128.0) * (1 + strength * rng.uniform(-0.15, 0.12)) + 128.0 + shift, 0, 255)
    alpha = mask[:, :, None] * rng.uniform(0.8, 1.0)
    blended = np.rint(image * (1 - alpha) + changed * alpha).astype(np.uint8)
    return np.where(mask[:, :, None] > 0, blended, image), mask


def _people(rng: np.random.Generator, size_wh: tuple[int, int], n_faces: int) -> list[tuple[Look, Pose]]:
    width_px, height_px = size_wh
    people = []
    for place in range(n_faces):
        unit_px = min(height_px * rng.uniform(0.17, 0.23), 0.5 * width_px / n_faces * rng.uniform(0.62, 0.75))
        pose = Pose(
            centre_xy=(width_px * (place + rng.uniform(0.47, 0.53)) / n_faces, height_px * rng.uniform(0.42, 0.50)),
            unit_px=unit_px,
            roll_deg=rng.uniform(-8, 8),
            yaw=rng.uniform(-0.35, 0.35),
            smile=rng.uniform(-0.2, 0.8),
        )
        people.append((sample_look(rng), pose))
    return people


def _moved(pose: Pose, phase: FloatArray, time_s: float) -> Pose:
    waves = np.sin(np.array(_MOTION_RAD_PER_S) * time_s + phase)
    sway, nod, turn, speak, blink = (float(wave) for wave in waves)
    u, v = pose.centre_xy
    return replace(
        pose,
        centre_xy=(u + 0.12 * sway * pose.unit_px, v + 0.05 * nod * pose.unit_px),
        roll_deg=pose.roll_deg + 3 * sway,
        yaw=pose.yaw + 0.2 * turn,
        mouth_open=max(0.0, 0.5 * speak),
        eyes_open=0.15 if blink > 0.985 else 1.0,
    )


def _render(people: Sequence[tuple[Look, Pose]], canvas: Float32Array, grain_rng: np.random.Generator) -> DrawnScene:
    """Paint people onto a background, in place, and add the camera's grain."""
    for look, pose in people:
        _paint_person(Painter(canvas, pose, look.texture_seed), look)
    grain = grain_rng.normal(0, 0.008, canvas.shape)
    image = np.rint(np.clip(canvas + grain, 0, 1) * 255).astype(np.uint8)
    boxes = np.array([_box(pose) for _, pose in people], np.float32).reshape(-1, 4)
    return DrawnScene(image, boxes, np.array([_landmarks(*who) for who in people], np.float32).reshape(-1, 5, 2))


def _box(pose: Pose) -> FloatArray:
    left, top, right, bottom = _BOX_UV
    corners = pose.to_pixels(np.array([(left, top), (right, top), (left, bottom), (right, bottom)]))
    middle = corners.mean(axis=0)
    half = np.array([right - left, bottom - top]) * pose.unit_px / 2
    return np.concatenate([middle - half, middle + half]).astype(np.float32)


def _landmarks(look: Look, pose: Pose) -> FloatArray:
    straight = [
        (-look.eye_distance, _EYE_V),
        (look.eye_distance, _EYE_V),
        (0.0, _NOSE_TIP_V),
        (-look.mouth_width, _MOUTH_V),
        (look.mouth_width, _MOUTH_V),
    ]
    turned = np.array([(pose.turned(u), v) for u, v in straight])
    turned[2, 0] += 0.12 * pose.yaw  # the tip stands out of the face
    return pose.to_pixels(turned)


def _paint_person(paint: Painter, look: Look) -> None:
    dark_skin = _times(look.skin, 0.62)
    hair_reach = 0.6 + 1.5 * look.hair_length
    paint.blob((0, hair_reach * 0.35 - 0.35), (1.13, 1.04 + 0.43 * hair_reach), look.hair, soft=0.06, grain=0.5)
    paint.blob((0, 3.0), (2.1, 1.45), look.shirt, soft=0.03, grain=0.12)
    paint.blob((0, 1.35), (0.56, 0.75), _times(look.skin, 0.82), soft=0.08, grain=0.06)
    paint.blob((0, 1.15), (0.62, 0.32), dark_skin, opacity=0.55, soft=0.8)
    for side in (-1, 1):
        paint.blob((side * 1.0, 0.0), (0.13, 0.28), _times(look.skin, 0.88), soft=0.1, angle_deg=side * 8)
        paint.blob((side * 1.01, 0.0), (0.06, 0.16), dark_skin, opacity=0.5, soft=0.8)
    paint.head(look.skin, look.jaw, look.light_u)
    _paint_relief(paint, look, dark_skin)
    for side in (-1, 1):
        _paint_eye(paint, look, side)
    _paint_nose(paint, look, dark_skin)
    _paint_mouth(paint, look)
    paint.hair_cap(look.hair, look.hairline_v)


def _paint_relief(paint: Painter, look: Look, dark_skin: RgbColour) -> None:
    """Sockets, cheeks, folds and beard: the low shapes of the face."""
    for side in (-1, 1):
        u = side * look.eye_distance
        paint.blob((u, _EYE_V - 0.05), (0.36, 0.21), dark_skin, opacity=0.42, soft=1.0)
        paint.blob((side * 0.2, _EYE_V - 0.02), (0.12, 0.2), dark_skin, opacity=0.3, soft=1.0)
        paint.blob((u, _EYE_V + 0.2), (0.24, 0.06), dark_skin, opacity=0.2, soft=1.0, bend=-0.05)
        paint.blob((side * 0.58, 0.28), (0.32, 0.26), _mix(look.skin, (0.85, 0.35, 0.3), 0.35), opacity=0.35, soft=1.0)
        paint.blob((side * 0.52, 0.14), (0.22, 0.12), _mix(look.skin, (1, 1, 1), 0.4), opacity=0.25, soft=1.0)
        paint.blob((side * 0.47, 0.5), (0.05, 0.24), dark_skin, opacity=0.25, soft=1.0, angle_deg=-side * 28)
    paint.blob((0, -0.68), (0.5, 0.2), _mix(look.skin, (1, 1, 1), 0.4), opacity=0.25, soft=1.0)
    paint.blob((0, 1.12), (0.24, 0.13), _mix(look.skin, (1, 1, 1), 0.3), opacity=0.25, soft=1.0)
    if look.stubble > 0:
        paint.blob((0, 0.82), (0.75, 0.55), _mix(look.hair, look.skin, 0.3), opacity=look.stubble, soft=0.9, grain=0.3)


def _paint_eye(paint: Painter, look: Look, side: int) -> None:
    u, width = side * look.eye_distance, look.eye_width
    height = look.eye_height * paint.pose.eyes_open
    lash = _mix(look.hair, (0.05, 0.04, 0.04), 0.7)
    paint.blob((u, _EYE_V), (width * 1.12, height * 1.35), _times(look.skin, 0.55), opacity=0.6, soft=0.7)
    with paint.inside_lens((u, _EYE_V), (width, height)):
        paint.blob((u, _EYE_V), (width, height * 2), (0.90, 0.89, 0.87), soft=0.02)
        iris_uv = (u + 0.05 * paint.pose.yaw, _EYE_V - 0.01)
        radius = look.eye_height * 0.95
        paint.blob(iris_uv, (radius, radius), _times(look.iris, 0.5), soft=0.12)
        paint.blob(iris_uv, (radius * 0.8, radius * 0.8), look.iris, soft=0.6)
        paint.blob(iris_uv, (radius * 0.42, radius * 0.42), (0.03, 0.03, 0.03), soft=0.2)
        paint.blob((u, _EYE_V - height), (width, height * 0.7), (0.2, 0.15, 0.13), opacity=0.5, soft=1.0)
        glint_uv = (iris_uv[0] + 0.035 * np.sign(look.light_u), iris_uv[1] - 0.035)
        paint.blob(glint_uv, (0.026, 0.026), (1, 1, 1), soft=0.4)
    paint.blob((u, _EYE_V - height), (width * 1.05, 0.03), lash, soft=0.5, bend=height * 0.95)
    paint.blob((u, _EYE_V + height), (width * 0.95, 0.014), lash, opacity=0.45, soft=0.8, bend=-height * 0.9)
    fold_uv = (u, _EYE_V - height - 0.06)
    paint.blob(fold_uv, (width, 0.018), _times(look.skin, 0.5), opacity=0.6, soft=0.8, bend=height * 0.8)
    brow_uv = (u + side * 0.02, _EYE_V - look.brow_height)
    paint.blob(brow_uv, (width * 1.35, 0.055), lash, opacity=0.85, soft=0.6, bend=0.09, angle_deg=side * 5, grain=0.3)


def _paint_nose(paint: Painter, look: Look, dark_skin: RgbColour) -> None:
    stand_out = 0.12 * paint.pose.yaw
    shade_side = -np.sign(look.light_u) or 1.0
    light_skin = _mix(look.skin, (1, 1, 1), 0.45)
    width = look.nose_width
    paint.blob((shade_side * 0.14 + stand_out, 0.0), (0.1, 0.34), dark_skin, opacity=0.45, soft=1.0)
    paint.blob((-shade_side * 0.15 + stand_out, 0.0), (0.07, 0.3), dark_skin, opacity=0.2, soft=1.0)
    paint.blob((stand_out * 0.7, -0.02), (0.07, 0.34), light_skin, opacity=0.5, soft=1.0)
    paint.blob((stand_out, _NOSE_TIP_V - 0.03), (width * 0.75, 0.15), look.skin, opacity=0.6, soft=0.8)
    paint.blob((stand_out, _NOSE_TIP_V - 0.05), (0.08, 0.07), light_skin, opacity=0.6, soft=1.0)
    paint.blob((stand_out, _NOSE_TIP_V + 0.13), (width * 1.1, 0.06), dark_skin, opacity=0.6, soft=1.0)
    for side in (-1, 1):
        paint.blob((side * width + stand_out, _NOSE_TIP_V + 0.03), (0.035, 0.1), dark_skin, opacity=0.6, soft=0.9)
        paint.blob(
            (side * width * 0.5 + stand_out, _NOSE_TIP_V + 0.1),
            (0.062, 0.032),
            _times(dark_skin, 0.3),
            opacity=0.85,
            soft=0.6,
            angle_deg=side * 15,
        )
    paint.blob((0, 0.5), (0.04, 0.08), dark_skin, opacity=0.25, soft=1.0)


def _paint_mouth(paint: Painter, look: Look) -> None:
    lip = _mix(look.skin, (0.68, 0.22, 0.22), look.lip_red)
    width, height = look.mouth_width, look.lip_height
    bend = -0.11 * paint.pose.smile
    gap = 0.16 * paint.pose.mouth_open
    middle_v = _MOUTH_V - bend * 0.5
    paint.blob((0, middle_v + 0.2 + gap), (0.24, 0.06), _times(look.skin, 0.62), opacity=0.45, soft=1.0)
    with paint.inside_lens((0, middle_v + gap * 0.5), (width, height + gap), bend):
        paint.blob((0, middle_v), (width, 1.0), _times(lip, 0.8), soft=0.02)
        paint.blob((0, middle_v + height * 0.55 + gap), (width, height * 0.6 + 0.02), lip, soft=0.5, bend=bend)
        gloss_uv = (0, middle_v + height * 0.6 + gap)
        paint.blob(gloss_uv, (width * 0.35, height * 0.25), _mix(lip, (1, 1, 1), 0.4), soft=1.0)
        if gap > 0.02:
            paint.blob((0, middle_v + gap * 0.5), (width * 0.85, gap * 0.6), (0.14, 0.05, 0.05), soft=0.3, bend=bend)
    if gap <= 0.02:
        paint.blob((0, middle_v), (width * 1.02, 0.02), _times(lip, 0.35), opacity=0.9, soft=0.7, bend=bend)
    for side in (-1, 1):
        corner_uv = (side * width, middle_v + bend)
        paint.blob(corner_uv, (0.05, 0.05), _times(look.skin, 0.5), opacity=0.5, soft=1.0)


def _mix(first: RgbColour, second: RgbColour, share_of_second: float) -> RgbColour:
    red, green, blue = (a * (1 - share_of_second) + b * share_of_second for a, b in zip(first, second, strict=True))
    return red, green, blue


def _times(colour: RgbColour, factor: float) -> RgbColour:
    return colour[0] * factor, colour[1] * factor, colour[2] * factor
