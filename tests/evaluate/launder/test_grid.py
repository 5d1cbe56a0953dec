"""Every cell of the laundering grid on a drawn picture and a drawn clip: it changes what it says and nothing else."""

from __future__ import annotations

import functools
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from dfdetect.data.drawn_faces import draw_clip, draw_scene
from dfdetect.errors import UsageError
from dfdetect.evaluate.launder.files import write_shot
from dfdetect.evaluate.launder.grid import CLEAN, GRID, Cell, chosen, grid_hash
from dfdetect.evaluate.launder.shot import FRAMES, SPAN, Shot, read_shot
from dfdetect.media.reader import open_media
from dfdetect.media.roundtrip import encode_png, write_video

BY_NAME = {cell.name: cell for cell in GRID}
STILLS = [cell for cell in GRID if "image" in cell.kinds]
each = functools.partial(pytest.mark.parametrize, "cell", ids=lambda cell: cell.name)


@functools.cache
def still() -> Shot:
    scene = draw_scene(np.random.default_rng(1), (320, 240))
    return Shot((scene.image,), None, scene.boxes_xyxy[0])


@functools.cache
def clip() -> Shot:
    scenes = draw_clip(np.random.default_rng(2), SPAN, (161, 120))
    return Shot(tuple(scene.image for scene in scenes), Fraction(25), scenes[0].boxes_xyxy[0])


def laundered(cell: Cell, shot: Shot, seed: int = 0) -> Shot:
    return cell.launder(shot, np.random.default_rng(seed))


@each(STILLS)
def test_a_still_is_changed_and_the_face_stays_in_it(cell: Cell) -> None:
    out = laundered(cell, still())
    frame = out.frames[0]
    assert frame.dtype == np.uint8
    assert frame.ndim == 3
    assert not np.array_equal(frame, still().frames[0])
    assert np.array_equal(frame, laundered(cell, still()).frames[0])  # the same seed, the same picture
    height, width = frame.shape[:2]
    left, top, right, bottom = out.face_xyxy
    assert -0.2 * width < left < right < 1.2 * width
    assert -0.2 * height < top < bottom < 1.2 * height


@each(GRID)
def test_a_clip_keeps_its_length_in_seconds(cell: Cell) -> None:
    out = laundered(cell, clip())
    assert out.fps is not None
    assert len({frame.shape for frame in out.frames}) == 1
    n_before = len(clip().frames) if cell.whole else FRAMES
    fps_before = clip().fps if cell.whole else clip().thinned().fps
    assert fps_before is not None
    assert len(out.frames) / float(out.fps) == pytest.approx(n_before / float(fps_before), rel=0.15)


@pytest.mark.parametrize("family", ["jpeg", "resize", "h264", "hevc", "vp9", "blur", "noise", "gamma"])
def test_severity_rises(family: str) -> None:
    """A cell that is called harder than it is would make the monotonic check meaningless."""
    cells = [cell for cell in GRID if cell.family == family]
    assert [cell.severity for cell in cells] == list(range(1, len(cells) + 1))
    shot = still() if "image" in cells[0].kinds else clip()
    before = shot.frames[0][: shot.frames[0].shape[0] // 2 * 2, : shot.frames[0].shape[1] // 2 * 2].astype(int)
    errors = []
    for cell in cells:
        frame = laundered(cell, shot).frames[0].astype(int)
        errors.append(float(np.square(frame[: before.shape[0], : before.shape[1]] - before).mean()))
    assert errors == sorted(errors)
    assert errors[0] < errors[-1]


@pytest.mark.parametrize("name", ["text", "logo", "emoji", "sticker"])
def test_an_overlay_covers_a_tenth_of_the_face_and_nothing_far_from_it(name: str) -> None:
    left, top, right, bottom = (round(float(v)) for v in still().face_xyxy)
    out = laundered(BY_NAME[name], still()).frames[0]
    changed = (out != still().frames[0]).any(axis=2)
    share = changed[top:bottom, left:right].sum() / ((right - left) * (bottom - top))
    assert 0.02 < share < 0.14
    height = bottom - top
    assert not changed[: max(0, top - height // 4)].any()
    assert not changed[bottom + height // 4 :].any()


def test_steps_that_move_the_picture_move_the_face_with_it() -> None:
    left, top, right, bottom = still().face_xyxy
    mirrored = laundered(BY_NAME["mirror"], still())
    assert mirrored.face_xyxy.tolist() == pytest.approx([320 - right, top, 320 - left, bottom])
    cut = laundered(BY_NAME["crop_25"], still())
    assert cut.face_xyxy.tolist() == pytest.approx([left - 40, top - 30, right - 40, bottom - 30])
    framed = laundered(BY_NAME["border"], still())
    assert framed.face_xyxy.tolist() == pytest.approx([left + 32, top + 24, right + 32, bottom + 24])
    assert np.array_equal(framed.frames[0][24:-24, 32:-32], still().frames[0])


def test_gray_is_gray_and_saturation_keeps_the_light() -> None:
    gray = laundered(BY_NAME["gray"], still()).frames[0].astype(int)
    assert np.ptp(gray, axis=2).max() == 0
    faded = laundered(BY_NAME["saturation_1"], still()).frames[0]
    weights = np.array([0.299, 0.587, 0.114])
    assert np.abs(faded @ weights - still().frames[0] @ weights).mean() < 1.0


@pytest.mark.parametrize("kind", ["still", "clip"])
def test_what_is_written_is_what_a_scan_reads(kind: str, tmp_path: Path) -> None:
    """A lossy container would launder every cell a second time, the clean one too."""
    shot = (still() if kind == "still" else clip()).thinned()
    with open_media(write_shot(shot, tmp_path)) as reader:
        frames = [frame.image for frame in reader.frames(range(len(reader.times_s)))]
        times_s = reader.times_s
    assert len(frames) == len(shot.frames)
    assert all(np.array_equal(a, b) for a, b in zip(frames, shot.frames, strict=True))
    if shot.fps is not None:
        assert times_s[-1] == pytest.approx((len(frames) - 1) / float(shot.fps), rel=0.01)
        assert times_s[-1] == pytest.approx((SPAN - 1) / 25, rel=0.01)  # the seconds of the whole shot


def test_a_shot_is_read_from_the_middle_of_a_clip(tmp_path: Path) -> None:
    from dfdetect.faces.detector import make_detector

    scenes = draw_clip(np.random.default_rng(3), 60, (320, 180))
    frames = [scene.image.copy() for scene in scenes]
    for number, frame in enumerate(frames):
        frame[:20, :20] = 4 * number
    write_video(tmp_path / "clip.mp4", iter(frames), crf=10, repeatable=True)
    (tmp_path / "still.png").write_bytes(encode_png(frames[0]))
    shot = read_shot(tmp_path / "clip.mp4", make_detector("yunet"))
    assert len(shot.frames) == SPAN
    assert abs(int(shot.frames[0][5, 5].mean()) - 4 * 18) < 8
    assert np.abs(shot.face_xyxy - scenes[18].boxes_xyxy[0]).max() < 0.2 * 180
    single = read_shot(tmp_path / "still.png", make_detector("yunet"))
    assert not single.is_clip
    assert np.array_equal(single.frames[0], frames[0])


def test_the_grid_is_frozen() -> None:
    """Results of another grid must not be compared: a change of a cell must change the hash, and this test."""
    assert len(GRID) == 56
    assert len({cell.name for cell in GRID}) == len(GRID)
    assert CLEAN.name not in BY_NAME
    assert {cell.kinds for cell in GRID} == {("image", "video"), ("video",)}
    assert grid_hash(GRID) != grid_hash(GRID[:-1])
    assert grid_hash(GRID) == "338d5d48d0ffe0a5"


def test_cells_are_chosen_by_name_and_family() -> None:
    assert [cell.name for cell in chosen(["h264", "mirror"])] == ["h264_23", "h264_28", "h264_35", "h264_40", "mirror"]
    with pytest.raises(UsageError, match="unknown cell or family of the laundering grid 'h266'"):
        chosen(["h266"])
