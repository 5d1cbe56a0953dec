"""One unit -> rows: pairs cut alike, the manipulated face told from the other, crops whole, a reason for the rest."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from dfdetect.data.face_record import FaceRecord
from dfdetect.data.prepare.cut import Tools, cut_alike, find_faces, loose_crop, open_clip
from dfdetect.data.prepare.options import LOOSE_MARGIN, MAX_LOOSE_PX, PrepareOptions, PrepareReport
from dfdetect.data.prepare.plan import make_plan
from dfdetect.data.prepare.unit import work_on
from dfdetect.data.sample import Sample
from dfdetect.data.true_pairs import same_place
from dfdetect.faces.mesh import mesh_box_xyxy
from dfdetect.media.roundtrip import encode_png
from dfdetect.values import Label
from face_pictures import astronaut_mesh
from toy_clips import SMALL_FACES, clips, fake, sample


def prepared(*samples: Sample, **changes: object) -> tuple[list[FaceRecord], PrepareReport]:
    """Rows and report of all units of these samples, one after the other."""
    tools = Tools(replace(SMALL_FACES, **changes))  # type: ignore[arg-type]
    rows: list[FaceRecord] = []
    report = PrepareReport()
    for unit in make_plan(samples).units:
        done = work_on(unit, tools, lambda _: nullcontext(True))
        rows += done.rows
        report.add(done.report)
    return rows, report


def of(rows: Sequence[FaceRecord], path: str) -> list[FaceRecord]:
    return [row for row in rows if row.path == path]


REAL, SWAP = "real.mp4", "swap.mp4"


# ---- pairs ----


def test_a_fake_is_cut_by_the_squares_of_its_original() -> None:
    """Two detections of one head differ by pixels, and a network learns the shift instead of the forgery."""
    rows, report = prepared(sample(clips(), REAL), fake(clips(), SWAP, REAL), fake(clips(), "mouth.mp4", REAL))
    real = of(rows, REAL)
    assert [row.frame_index for row in real] == [0, 2, 5, 7]
    for name in (SWAP, "mouth.mp4"):
        made = of(rows, name)
        assert [(row.frame_index, row.track_id) for row in made] == [(row.frame_index, row.track_id) for row in real]
        for row, before in zip(made, real, strict=True):
            assert np.array_equal(row.square_xyxy, before.square_xyxy)
            assert np.array_equal(row.box_xyxy, before.box_xyxy)
            assert row.picture().shape == before.picture().shape
            assert row.aligned
            assert row.label == 1
            assert row.label_from == "difference"
            change = np.abs(row.picture().astype(int) - before.picture()).mean(axis=2)
            left, top, right, bottom = row.box_xyxy.astype(int)
            assert change[top:bottom, left:right].mean() > 2 * change[:20].mean()
            assert change[:20].mean() < 2
            assert row.mesh is not None
            assert np.abs(row.mesh - before.mesh).mean() < 8
    assert (report.kept, report.left_out, report.remarks) == (3, {}, {})


def test_a_longer_fake_is_a_pair_in_every_frame_that_both_have(tmp_path: Path) -> None:
    from dfdetect.data.toy.painter import Shot, pictures
    from dfdetect.media.roundtrip import write_video

    shot = Shot("a").fake("b", method="swap")
    frames = pictures(shot)
    write_video(tmp_path / "longer.mp4", [*frames, *frames[:3]], fps=8)
    write_video(tmp_path / "shorter.mp4", frames[:6], fps=8)
    write_video(tmp_path / "tiny.mp4", frames[:3], fps=8)
    write_video(tmp_path / "fast.mp4", frames, fps=30)
    rows, report = prepared(
        sample(clips(), REAL),
        *(fake(tmp_path, f"{name}.mp4", REAL) for name in ("longer", "shorter", "tiny", "fast")),
    )
    for name in (REAL, "longer.mp4", "shorter.mp4"):
        assert [row.frame_index for row in of(rows, name)] == [0, 2, 3, 5]
    assert {row.path for row in rows if row.aligned} == {"longer.mp4", "shorter.mp4"}
    assert report.remarks == {
        "much_shorter_than_original": ["tiny.mp4"],
        "other_frame_rate_than_original": ["fast.mp4"],
    }
    assert len(of(rows, "tiny.mp4")) == 3


def test_frames_beyond_the_end_of_a_fake_are_left_out() -> None:
    """A frame of the original that stood in for a damaged one lay beyond the fake's last, and the unit was lost."""
    tools = Tools(SMALL_FACES)
    with open_clip(str(clips() / REAL), tools) as reader:
        faces = find_faces(reader, [0, 5], tools).faces
    beyond = [replace(face, frame_index=1_000) for face in faces]
    with open_clip(str(clips() / SWAP), tools) as reader:
        alike = cut_alike(reader, [*faces, *beyond], tools)
    assert [face.key for face in alike.faces] == [face.key for face in faces]
    assert alike.frames == 2


def test_a_fake_without_an_original_is_looked_through_on_its_own() -> None:
    rows, report = prepared(fake(clips(), SWAP, "gone.mp4"))
    assert len(rows) == 4
    assert not any(row.aligned for row in rows)
    assert {row.label_from for row in rows} == {"clip"}
    assert report.remarks == {"original_missing": [SWAP]}


@pytest.mark.parametrize(
    ("original", "remark"),
    [
        ("other.mp4", "other_pictures_than_original"),
        ("wall.mp4", "other_size_than_original"),
        ("empty.mp4", "original_unreadable"),
        ("torn.mp4", "original_unreadable"),
    ],
)
def test_an_original_that_does_not_fit_is_told(original: str, remark: str) -> None:
    rows, report = prepared(sample(clips(), original), fake(clips(), SWAP, original))
    assert len(of(rows, SWAP)) == 4
    assert report.remarks == {remark: [SWAP]}


def test_frame_folders_are_originals_too() -> None:
    """VidTIMIT comes as JPEG frames, its fakes as videos."""
    rows, _ = prepared(sample(clips(), "real"), fake(clips(), SWAP, "real"))
    assert {row.kind for row in of(rows, "real")} == {"frames"}
    assert all(row.aligned for row in of(rows, SWAP))
    assert [row.frame_index for row in of(rows, "real")] == [row.frame_index for row in of(rows, SWAP)]


# ---- which face ----


def side_of(row: FaceRecord) -> str:
    assert row.square_xyxy is not None
    return "left" if row.square_xyxy[[0, 2]].mean() < 160 else "right"


@pytest.mark.parametrize("mask", ["", "two_mask.mp4"])
def test_the_face_that_was_not_changed_is_no_fake(mask: str) -> None:
    """In DFDC a second person stands beside the fake one; learnt as fake, it is noise."""
    two = sample(clips(), "two.mp4")
    mask_path = f"{clips()}/{mask}" if mask else ""
    swap = fake(clips(), "two_swap.mp4", "two.mp4", mask_path=mask_path)
    how = "mask" if mask else "difference"
    rows, report = prepared(two, swap, faces="all", other_faces="real")
    assert Counter((side_of(row), row.label, row.label_from) for row in of(rows, "two_swap.mp4")) == {
        ("left", 1, how): 4,
        ("right", 0, how): 4,
    }
    assert all((row.mask_bytes is not None) == (bool(mask) and row.label == 1) for row in of(rows, "two_swap.mp4"))
    assert {row.method for row in of(rows, "two_swap.mp4") if row.label == 0} == {""}
    assert Counter(side_of(row) for row in of(rows, "two.mp4")) == {"left": 4, "right": 4}
    dropped, report = prepared(two, swap, faces="all")
    assert {side_of(row) for row in of(dropped, "two_swap.mp4")} == {"left"}
    assert report.faces_left_out["untouched"] == 4


def test_the_best_face_of_a_fake_is_the_one_that_was_changed() -> None:
    """... and its original keeps that face too, whichever is the larger one, or the fake would lack its pair."""
    rows, _ = prepared(sample(clips(), "two.mp4"), fake(clips(), "two_swap.mp4", "two.mp4"))
    assert {side_of(row) for row in of(rows, "two_swap.mp4")} == {"left"}
    keys = {(row.frame_index, row.track_id) for row in of(rows, "two.mp4")}
    assert {(row.frame_index, row.track_id) for row in of(rows, "two_swap.mp4")} <= keys
    assert len(of(rows, "two.mp4")) in (4, 8)


def test_a_fake_in_which_nothing_differs_is_left_out_and_named() -> None:
    """Only the sound of some DFDC clips is fake."""
    rows, report = prepared(sample(clips(), "two.mp4"), fake(clips(), "two_same.mp4", "two.mp4"))
    assert of(rows, "two_same.mp4") == []
    assert report.left_out == {"no_difference": ["two_same.mp4"]}


def test_the_mask_of_a_crop_is_kept_beside_it() -> None:
    masked = fake(clips(), SWAP, REAL, mask_path=f"{clips()}/mask.mp4")
    rows, _ = prepared(sample(clips(), REAL), masked)
    for row, before in zip(of(rows, SWAP), of(rows, REAL), strict=True):
        mask = row.mask()
        assert mask is not None
        assert mask.shape == row.picture().shape[:2]
        assert set(np.unique(mask)) == {0, 255}
        change = np.abs(row.picture().astype(int) - before.picture()).mean(axis=2)
        assert change[mask == 255].mean() > 2 * change[mask == 0].mean()
    assert {row.label_from for row in of(rows, SWAP)} == {"mask"}


@pytest.mark.parametrize(
    ("mask", "remark"),
    [("half_mask.mp4", "mask_of_other_size"), ("gone.mp4", "mask_unreadable"), ("torn.mp4", "mask_unreadable")],
)
def test_a_mask_that_is_none_is_told_and_the_difference_decides(mask: str, remark: str) -> None:
    masked = fake(clips(), SWAP, REAL, mask_path=f"{clips()}/{mask}")
    rows, report = prepared(sample(clips(), REAL), masked)
    assert {row.label_from for row in of(rows, SWAP)} == {"difference"}
    assert report.remarks == {remark: [SWAP]}


def test_a_mask_beside_every_face_leaves_the_clip_out() -> None:
    masked = fake(clips(), SWAP, REAL, mask_path=f"{clips()}/no_mask.mp4")
    rows, report = prepared(sample(clips(), REAL), masked)
    assert of(rows, SWAP) == []
    assert report.left_out == {"mask_covers_no_face": [SWAP]}


# ---- one clip ----


def test_what_is_left_out_has_a_reason() -> None:
    names = ("wall.mp4", "empty.mp4", "torn.mp4", "gone.mp4")
    rows, report = prepared(*(sample(clips(), name) for name in names), sample(clips(), REAL))
    assert {row.path for row in rows} == {REAL}
    assert report.left_out["no_face"] == ["wall.mp4"]
    assert report.left_out["empty"] == ["empty.mp4"]
    assert report.left_out["io_error"] == ["gone.mp4"]
    assert sorted(name for some in report.left_out.values() for name in some) == sorted(names)
    assert (report.files, report.kept) == (5, 1)
    large, report = prepared(sample(clips(), REAL), min_face_px=300)
    assert large == []
    assert report.left_out == {"face_too_small": [REAL]}
    assert report.faces_left_out == {"face_too_small": 4}


def test_a_face_has_its_place_quality_and_origin() -> None:
    named = sample(clips(), REAL, target_id="p", reuse="free", split="val", source_key="upload", licence="CC0")
    rows, _ = prepared(replace(named, compression="c23"))
    for row in rows:
        assert (row.label, row.target_id, row.reuse, row.split, row.source_key) == (0, "p", "free", "val", "upload")
        assert (row.compression, row.licence, row.kind, row.label_from) == ("c23", "CC0", "video", "clip")
        assert row.time_s == pytest.approx(row.frame_index / 8, abs=0.01)
        assert row.track_id == 1
        assert len(row.clip_sha256) == 64
        assert 0.5 < row.detector_score <= 1
        assert 40 < row.face_px < 130
        assert row.mesh is not None
        assert row.box_xyxy is not None
        assert row.landmarks is not None
        assert np.allclose(row.box_xyxy, mesh_box_xyxy(row.mesh), atol=0.01)
        side = row.picture().shape[0]
        assert row.picture().shape == (side, side, 3)
        assert np.ptp(row.square_xyxy[[0, 2]]) == side  # native pixels
        left, top, right, bottom = row.box_xyxy
        assert max(right - left, bottom - top) * (1 + 2 * LOOSE_MARGIN) == pytest.approx(side, abs=1)
        eyes = row.landmarks[:2].mean(axis=0)
        assert left < eyes[0] < right
        assert eyes[1] < row.landmarks[3:].mean(axis=0)[1]


def test_margin_and_size_are_as_asked() -> None:
    wide, _ = prepared(sample(clips(), REAL), margin=0.1)
    small, _ = prepared(sample(clips(), REAL), max_px=64)
    assert {row.picture().shape for row in small} == {(64, 64, 3)}
    for row in small:
        assert row.mesh is not None
        low, high = row.mesh[:, :2].min(axis=0), row.mesh[:, :2].max(axis=0)
        assert (high - low).max() * (1 + 2 * LOOSE_MARGIN) == pytest.approx(64, rel=0.03)
    for row in wide:
        assert row.box_xyxy is not None
        assert (row.box_xyxy[2:] - row.box_xyxy[:2]).max() * 1.2 == pytest.approx(row.picture().shape[0], abs=1)


def test_every_so_many_seconds() -> None:
    rows, _ = prepared(sample(clips(), REAL), every_s=0.25)
    assert [row.frame_index for row in rows] == [0, 2, 4, 6]


def test_no_more_of_a_clip_than_asked_and_pairs_stay_pairs() -> None:
    rows, _ = prepared(sample(clips(), REAL), fake(clips(), SWAP, REAL), most_per_clip=2)
    assert len(of(rows, REAL)) == 2
    assert [row.frame_index for row in of(rows, SWAP)] == [row.frame_index for row in of(rows, REAL)]


# ---- stills and crops ----


def test_one_face_a_photo_the_larger_one(tmp_path: Path) -> None:
    from dfdetect.data.drawn_faces import draw_scene

    scene = draw_scene(np.random.default_rng(3), (700, 380), n_faces=2)
    (tmp_path / "two.png").write_bytes(encode_png(scene.image))
    (row,), _ = prepared(sample(tmp_path, "two.png"))
    assert (row.frame_index, row.time_s, row.kind) == (0, 0.0, "image")
    both, _ = prepared(sample(tmp_path, "two.png"), faces="all")
    assert len(both) == 2
    assert row.face_px == max(one.face_px for one in both)


def test_crops_are_used_whole_with_or_without_a_face(tmp_path: Path) -> None:
    """A detector on crops loses those it cannot find, and cuts the others anew with another margin."""
    from dfdetect.data.toy.painter import Shot, Toy

    toy = Toy(tmp_path)
    toy.crops("real/033", Shot("a"), name="{:03d}.png", first=20)
    (tmp_path / "real/033/099.png").write_bytes(encode_png(np.full((90, 60, 3), 99, np.uint8)))
    rows, report = prepared(sample(tmp_path, "real/033", kind="crop"), frames=32)
    assert [row.frame_index for row in rows] == [*range(20, 28), 99], "the numbers in the names"
    assert report.left_out == {}
    *faces, wall = rows
    assert {row.picture().shape for row in faces} == {(128, 128, 3)}
    assert all(row.mesh is not None for row in faces)
    assert wall.mesh is None
    assert wall.landmarks is None
    assert wall.box_xyxy.tolist() == [0, 0, 60, 90]
    assert wall.picture().shape == (90, 60, 3)
    assert np.isnan(wall.yaw_deg)


def test_masks_of_crops_fit_their_crops(tmp_path: Path) -> None:
    from dfdetect.data.toy.painter import Shot, Toy

    toy, shot = Toy(tmp_path), Shot("a").fake("b")
    toy.crops("fake/1", shot)
    toy.mask_crops("masks/1", shot)
    masked = fake(tmp_path, "fake/1", "gone", kind="crop", mask_path=f"{tmp_path}/masks/1")
    rows, report = prepared(masked, max_px=64)
    assert len(rows) == 4
    assert {row.mask().shape for row in rows} == {(64, 64)}  # type: ignore[union-attr]
    assert {row.label_from for row in rows} == {"mask"}
    assert report.remarks == {}


# ---- the crop itself ----


def test_native_pixels_where_the_face_is_small_enough() -> None:
    import skimage.data

    astronaut, mesh = skimage.data.astronaut(), astronaut_mesh()
    picture, points = loose_crop(astronaut, mesh)
    shift = np.rint(mesh[0, :2] - points[0, :2]).astype(int)
    rows, columns = np.arange(60, 150), np.arange(60, 150)
    assert np.array_equal(picture[np.ix_(rows, columns)], astronaut[np.ix_(rows + shift[1], columns + shift[0])])
    assert np.allclose(points[:, :2] + shift, mesh[:, :2], atol=1e-3)
    assert np.allclose(points[:, 2], mesh[:, 2])


def test_large_faces_are_shrunk_with_their_mesh() -> None:
    import skimage.data

    astronaut = skimage.data.astronaut().repeat(4, axis=0).repeat(4, axis=1)
    picture, points = loose_crop(astronaut, astronaut_mesh() * 4)
    assert picture.shape == (MAX_LOOSE_PX, MAX_LOOSE_PX, 3)
    low, high = points[:, :2].min(axis=0), points[:, :2].max(axis=0)
    assert float((high - low).max()) * (1 + 2 * LOOSE_MARGIN) == pytest.approx(MAX_LOOSE_PX, rel=0.01)
    depth, before = np.ptp(points[:, 2]), np.ptp(astronaut_mesh()[:, 2])
    assert depth / float((high - low).max()) == pytest.approx(
        before / float(np.ptp(astronaut_mesh()[:, :2], axis=0).max()), rel=0.01
    )


@pytest.mark.parametrize("name", ["frames", "margin", "max_px", "faces", "other_faces", "detector"])
def test_options_that_mean_nothing_are_refused(name: str) -> None:
    from dfdetect.errors import UsageError

    with pytest.raises(UsageError, match=r"at least|the options are"):
        PrepareOptions(**{name: -1 if name in ("frames", "margin", "max_px") else "none"})  # type: ignore[arg-type]


def test_other_faces_without_all_faces_are_refused() -> None:
    from dfdetect.errors import UsageError

    with pytest.raises(UsageError, match="add --faces all"):
        PrepareOptions(other_faces="real")


def test_a_label_is_of_the_face() -> None:
    assert Label.FAKE == 1


def test_copies_as_videos_show_a_face_keep_the_pair() -> None:
    """Copies of the reals alone would teach that compressed is real, and copies with numbers of their own that the
    codec tells the fake."""
    rows, _ = prepared(sample(clips(), REAL), fake(clips(), SWAP, REAL), video_copies=2)
    real, made = of(rows, REAL), of(rows, SWAP)
    assert [row.compression for row in real[:6]] == ["", "copy1", "copy2"] * 2
    assert len(real) == len(made) == 3 * 4
    for before, after in zip(real, made, strict=True):
        assert same_place(before, after)
        assert before.picture().shape == after.picture().shape
    assert not same_place(real[0], made[1])
    again, _ = prepared(sample(clips(), REAL), fake(clips(), SWAP, REAL), video_copies=2)
    assert [row.image_bytes for row in again] == [row.image_bytes for row in rows]
