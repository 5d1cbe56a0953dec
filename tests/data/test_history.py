"""One history for both pictures of a pair, whatever is drawn; crops that stay sensible."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dfdetect.data.augment import AugmentOptions
from dfdetect.data.history import codec_weights, cut_mask, same_history, video_copies
from dfdetect.errors import UsageError
from dfdetect.faces.align import resize_square, square_around
from dfdetect.faces.mesh import mesh_box_xyxy
from dfdetect.media.roundtrip import encode_png
from dfdetect.values import Float32Array
from face_pictures import astronaut_face, face_record, plain_mesh, plain_picture

OPTIONS = AugmentOptions()
NOTHING = AugmentOptions(
    p_colour=0, p_gray=0, p_retouch=0, p_blur=0, p_noise=0, p_shrink=0, p_photo_jpeg=0, p_webp=0, p_again=0, p_video=0,
    p_broadcast=0, p_interlaced=0, p_motion_blur=0,
)  # fmt: skip
VIDEO = replace(NOTHING, p_video=1.0, video_face_px=(400, 401), video_crf=(18, 18))

# Options under which one thing happens and (nearly) nothing else, and how much sharpness may stay.
SINGLE: dict[str, AugmentOptions] = {
    "retouch": replace(NOTHING, p_retouch=1),
    "shrink": replace(NOTHING, p_shrink=1, photo_face_px=(56, 57)),
    "jpeg": replace(NOTHING, p_photo_jpeg=1, jpeg_quality=(30, 31)),
    "jpeg again": replace(NOTHING, p_photo_jpeg=1, p_again=0.9, jpeg_quality=(60, 61)),
    "webp": replace(NOTHING, p_webp=1),
    "blur": replace(NOTHING, p_blur=1),
    "noise": replace(NOTHING, p_noise=1),
    "gray": replace(NOTHING, p_gray=1),
    "colour": replace(NOTHING, p_colour=1),
    "broadcast": replace(VIDEO, p_broadcast=1, video_face_px=(48, 60)),
    "interlaced": replace(VIDEO, p_interlaced=1),
    "motion": replace(VIDEO, p_motion_blur=1),
    **{codec: replace(VIDEO, video_codecs=(f"{codec}=1",)) for codec in ("h264", "vp9", "mpeg4", "mpeg2", "mpeg1")},
}

seeds = st.integers(0, 2**63 - 1)


def square_of(mesh: Float32Array) -> tuple[int, int, int]:
    return square_around(mesh_box_xyxy(mesh), margin=0.1)


@pytest.mark.parametrize("p_video", [0.0, 1.0])
@given(seed=seeds)
@settings(max_examples=12, deadline=None)
def test_two_equal_pictures_get_one_history(p_video: float, seed: int) -> None:
    """Drawing quality or noise once a picture makes the fake tellable by its history."""
    picture, mesh = astronaut_face()
    rng = np.random.default_rng(seed)
    options = replace(OPTIONS, p_video=p_video)
    first, second = same_history([picture, picture.copy()], square_of(mesh), 96, rng, options)
    assert np.array_equal(first, second)
    assert first.shape == (96, 96, 3)
    assert first.dtype == np.uint8


@pytest.mark.parametrize("name", sorted(SINGLE))
def test_every_step_is_the_same_for_both_and_does_something(name: str) -> None:
    picture, mesh = astronaut_face()
    for seed in range(4):
        rng = np.random.default_rng(seed)
        first, second = same_history([picture, picture.copy()], square_of(mesh), 128, rng, SINGLE[name])
        (plain,) = same_history([picture], square_of(mesh), 128, np.random.default_rng(seed), NOTHING)
        assert np.array_equal(first, second)
        assert np.abs(first.astype(int) - plain.astype(int)).mean() > 0.3


def test_soft_and_small_histories_are_soft() -> None:
    """Reals that are all sharp teach that soft is fake: broadcast clips of real people scored 5 logits higher."""
    picture, mesh = astronaut_face()

    def sharpness(options: AugmentOptions) -> float:
        crops = [same_history([picture], square_of(mesh), 160, np.random.default_rng(s), options)[0] for s in range(12)]
        return float(np.median([cv2.Laplacian(cv2.cvtColor(c, cv2.COLOR_RGB2GRAY), cv2.CV_64F).var() for c in crops]))

    plain = sharpness(NOTHING)
    for name in ("shrink", "broadcast", "interlaced", "motion"):
        assert sharpness(SINGLE[name]) < 0.7 * plain, name


def test_the_crop_stays_in_its_place_whatever_happened() -> None:
    """A picture that is shrunk and grown must not move against its mask."""
    picture, mesh = astronaut_face()
    (plain,) = same_history([picture], square_of(mesh), 128, np.random.default_rng(0), NOTHING)
    soft = cv2.GaussianBlur(cv2.cvtColor(plain, cv2.COLOR_RGB2GRAY), (0, 0), 3).astype(np.float32)
    for name in ("shrink", "broadcast", "interlaced", "jpeg again", "h264", "mpeg1"):
        for seed in range(6):
            rng = np.random.default_rng(seed)
            (crop,) = same_history([picture], square_of(mesh), 128, rng, SINGLE[name])
            found = cv2.GaussianBlur(cv2.cvtColor(crop, cv2.COLOR_RGB2GRAY), (0, 0), 3).astype(np.float32)
            (shift_x, shift_y), _ = cv2.phaseCorrelate(soft, found)
            assert np.hypot(shift_x, shift_y) < 1.6, (name, seed)


def test_histories_differ_from_pair_to_pair() -> None:
    picture, mesh = astronaut_face()
    square = square_of(mesh)
    rng = np.random.default_rng(1)
    drawn = {same_history([picture], square, 64, rng, OPTIONS)[0].tobytes() for _ in range(12)}
    assert len(drawn) == 12


@pytest.mark.parametrize("size_px", [64, 96])
def test_no_history_is_a_plain_crop(size_px: int) -> None:
    picture, mesh = astronaut_face()
    left, top, side = square = square_of(mesh)
    (crop,) = same_history([picture], square, side, np.random.default_rng(0), NOTHING)
    assert np.array_equal(crop, picture[top : top + side, left : left + side])
    (small,) = same_history([picture], square, size_px, np.random.default_rng(0), NOTHING)
    assert small.shape == (size_px, size_px, 3)


def test_a_small_picture_survives_the_worst_history() -> None:
    """Faces near the least size come out of a video history at a few dozen pixels, and not as an error."""
    picture, mesh = plain_picture(96), plain_mesh(96)
    worst = replace(
        OPTIONS, p_video=1.0, p_again=1.0, video_face_px=(8, 9), video_crf=(50, 51), p_motion_blur=1, p_noise=1,
        p_blur=1, p_colour=1, p_gray=1,
    )  # fmt: skip
    rng = np.random.default_rng(3)
    (crop,) = same_history([picture], square_of(mesh), 64, rng, worst)
    assert crop.shape == (64, 64, 3)


def test_without_a_video_history_no_video_library_is_loaded() -> None:
    """Photo-only recipes must train where PyAV cannot be installed."""
    code = (
        "import sys; import numpy as np; from dfdetect.data.augment import AugmentOptions;"
        "from dfdetect.data.history import same_history;"
        "picture = np.full((96, 96, 3), 90, np.uint8); rng = np.random.default_rng(0);"
        "[same_history([picture], (10, 10, 70), 64, rng, AugmentOptions(p_video=0)) for _ in range(20)];"
        "print('av' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False"]


def test_a_mask_is_cut_and_resized_like_its_picture() -> None:
    """A mask head that learns a shifted border learns nothing."""
    mask = np.zeros((80, 80), np.float32)
    mask[30:50, 20:44] = 0.75
    for size_px in (60, 30, 120):
        picture = np.repeat(np.rint(mask * 200).astype(np.uint8)[..., None], 3, axis=2)
        (crop,) = same_history([picture], (10, 14, 60), size_px, np.random.default_rng(0), NOTHING)
        cut = cut_mask(mask, (10, 14, 60), size_px)
        assert cut.shape == (size_px, size_px)
        assert cut.dtype == np.float32
        assert np.abs(cut * 200 - crop[..., 0]).mean() < 2


def test_codecs_are_drawn_by_their_weights_and_slips_are_named() -> None:
    assert codec_weights(("h264=3", "vp9=1")) == {"h264": 0.75, "vp9": 0.25}
    with pytest.raises(UsageError, match="unknown video codec 'h265'; the options are: h264, mpeg1"):
        codec_weights(("h265=1",))
    with pytest.raises(UsageError, match="expected NAME=WEIGHT; got 'h264'"):
        codec_weights(("h264",))
    with pytest.raises(UsageError, match="one of them above 0"):
        codec_weights(("h264=0",))


def test_video_copies_are_the_same_face_smaller_and_softer() -> None:
    """Where PyAV cannot be installed, faces that went through a codec come from the shards."""
    picture, mesh = astronaut_face()
    box = np.array([20, 30, 180, 200], np.float32)
    mask = np.zeros((*picture.shape[:2], 3), np.uint8)
    mask[40:80, 40:80] = 255
    record = replace(
        face_record(picture, mesh), compression="c23", box_xyxy=box, mask_bytes=encode_png(mask), frame_index=3
    )
    copies = list(video_copies(record, 6, np.random.default_rng(2), OPTIONS))
    assert len({copy.image_bytes for copy in copies}) == 6
    assert [copy.compression for copy in copies] == [f"c23+copy{n}" for n in range(1, 7)]
    for copy in copies:
        side = copy.picture().shape[0]
        scale = side / picture.shape[0]
        assert scale <= 1
        assert copy.mesh is not None
        assert np.allclose(copy.mesh, mesh * scale, atol=1e-3)
        assert copy.box_xyxy is not None
        assert np.allclose(copy.box_xyxy, box * scale, atol=1e-3)
        assert copy.face_px == pytest.approx(record.face_px * scale)
        assert (copy.frame_index, copy.path) == (3, record.path)
        small = copy.mask()
        assert small is not None
        assert small.shape == (side, side)
        shown = resize_square(picture, side).astype(int)
        assert 0.5 < np.abs(copy.picture() - shown).mean() < 25
