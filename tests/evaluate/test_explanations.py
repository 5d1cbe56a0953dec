"""Checks of the heatmap: a map that points at the truth must win, one that points elsewhere must lose."""

from __future__ import annotations

import csv
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from dfdetect.data.drawn_faces import draw_scene
from dfdetect.data.lists import read_list
from dfdetect.errors import DataError
from dfdetect.evaluate.explanations import measure_explanations
from dfdetect.evaluate.explanations_run import STEPS, FaceCheck, MapCheck, check_faces, pairs_of
from dfdetect.media.roundtrip import encode_png
from tiny_bundle import make_tiny_bundle


@pytest.fixture(scope="module")
def listed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three drawn people, and of each a fake whose lower face is white: brightness is all the tiny model sees."""
    folder = tmp_path_factory.mktemp("listed")
    rows = [("path", "label", "method", "person", "pair_key", "mask_path")]
    for number in range(3):
        scene = draw_scene(np.random.default_rng(number), (320, 240))
        left, top, right, bottom = (round(float(v)) for v in scene.boxes_xyxy[0])
        mask = np.zeros(scene.image.shape[:2], np.uint8)
        mask[top + round(0.62 * (bottom - top)) : bottom + 4, left:right] = 255
        fake = np.where(mask[..., None] > 0, 255 - (255 - scene.image) // 3, scene.image).astype(np.uint8)
        for name, picture in (("real", scene.image), ("fake", fake), ("mask", mask)):
            (folder / f"{name}{number}.png").write_bytes(encode_png(picture))
        rows.append((f"real{number}.png", "real", "", f"p{number}", f"real{number}.png", ""))
        rows.append((f"fake{number}.png", "fake", "white", f"p{number}", f"real{number}.png", f"mask{number}.png"))
    with (folder / "list.csv").open("w", newline="") as file:
        csv.writer(file).writerows(rows)
    return folder / "list.csv"


def test_a_map_that_is_the_logit_finds_what_was_changed(listed: Path, tmp_path: Path) -> None:
    """Through the real detector, the scan, the crops and the mask's file: with a model whose logit is the brightness,
    the heatmap is brightness too, so putting the real pixels back must undo the score as quickly as can be."""
    bundle = make_tiny_bundle(tmp_path / "tiny", name="tiny", gain=20.0)
    faces, left_out = check_faces(pairs_of(read_list(listed)), bundle)
    assert left_out == []
    assert len(faces) == 3
    for face in faces:
        assert 0.05 < face.mask_share < 0.6
        assert face.logit_fake - face.logit_real > 0.5
        for check in face.maps.values():
            assert len(check.deletion) == len(check.insertion) == STEPS + 1
            # From the fake to the original and back: the two ends are the two pictures as they are.
            assert check.deletion[0] == pytest.approx(face.logit_fake, abs=0.02)
            assert check.deletion[-1] == pytest.approx(face.logit_real, abs=0.02)
            assert check.insertion[0] == pytest.approx(face.logit_real, abs=0.02)
            assert check.insertion[-1] == pytest.approx(face.logit_fake, abs=0.02)
        assert face.maps["mask"].pointing
        assert face.maps["mask"].inside > 0.7
    # One random map for all stills pointed at the same corner of every face: a baseline that never hit.
    assert len({face.maps["random"].inside for face in faces}) == 3
    result = measure_explanations(faces, model="tiny", rng=np.random.default_rng(0), draws=50)
    best, centre = result.map("mask"), result.map("centre")
    assert best.deletion.value is not None
    assert centre.deletion.value is not None
    assert best.deletion.value < result.map("random").deletion.value < 0.75  # type: ignore[operator]
    assert best.deletion.value < centre.deletion.value
    assert best.insertion.value > centre.insertion.value  # type: ignore[operator]
    assert result.map("heatmap").pointing.value == 1.0
    assert result.by_method["white"].pointing.value == 1.0


def test_frames_of_a_list_without_masks_are_refused(listed: Path) -> None:
    samples = read_list(listed)
    with pytest.raises(DataError, match="dfdetect data fakes"):
        pairs_of([replace(sample, mask_path="") for sample in samples])
    with pytest.raises(DataError, match="whose original is listed"):
        pairs_of([sample for sample in samples if sample.mask_path])


def test_a_model_without_a_heatmap_is_refused(listed: Path, tmp_path: Path) -> None:
    bundle = make_tiny_bundle(tmp_path / "tiny", name="tiny", with_cam=False)
    with pytest.raises(DataError, match="gives no heatmap"):
        check_faces(pairs_of(read_list(listed)), bundle)


def test_a_file_without_a_face_is_named(listed: Path, tmp_path: Path) -> None:
    bundle = make_tiny_bundle(tmp_path / "tiny", name="tiny")
    pair = pairs_of(read_list(listed))[0]
    blank = tmp_path / "blank.png"
    blank.write_bytes(encode_png(np.full((240, 320, 3), 80, np.uint8)))
    faces, left_out = check_faces([replace(pair, fake=replace(pair.fake, path=str(blank), root=""))], bundle)
    assert faces == []
    assert left_out == [f"{blank}: no_face"]
    with pytest.raises(DataError, match="no face"):
        measure_explanations(faces, left_out, model="tiny", rng=np.random.default_rng(0))


# ---- the arithmetic ----


def face(number: int, *, heat: float, centre: float, pointing: bool = True, gap: float = 4.0) -> FaceCheck:
    """Curves that fall (rise) at once to a level, between a fake of logit `gap` and an original of 0."""

    def check(level: float, hit: bool) -> MapCheck:
        falling = (gap, *[gap * level] * (STEPS - 1), 0.0)
        return MapCheck(hit, 0.5, falling, tuple(gap - v for v in falling))

    maps = {"heatmap": check(heat, pointing), "random": check(0.5, False), "centre": check(centre, True)}
    return FaceCheck(f"{number}.png", "t1", f"p{number}", 0.4, gap, 0.0, maps | {"mask": check(0.0, True)})


def test_gains_are_paired_and_their_sign_says_better() -> None:
    faces = [face(n, heat=0.2, centre=0.3, pointing=n != 0) for n in range(10)]
    result = measure_explanations(faces, model="m", rng=np.random.default_rng(1), draws=100)
    area = 0.2 * (STEPS - 1) / STEPS + 0.5 / STEPS
    assert result.map("heatmap").deletion.value == pytest.approx(area)
    assert result.map("heatmap").pointing.value == pytest.approx(0.9)
    assert result.gains["deletion_over_centre"].value == pytest.approx(0.1 * (STEPS - 1) / STEPS)
    assert result.gains["deletion_over_centre"].low == pytest.approx(0.1 * (STEPS - 1) / STEPS)  # the same in each face
    assert result.gains["insertion_over_centre"].value == pytest.approx(0.1 * (STEPS - 1) / STEPS)
    assert result.gains["pointing_over_centre"].value == pytest.approx(-0.1)
    assert result.gains["pointing_over_random"].value == pytest.approx(0.9)
    assert result.map("heatmap").deletion_curve[0] == 1.0
    assert result.map("heatmap").deletion_curve[-1] == 0.0


def test_a_fake_that_was_not_noticed_has_no_deletion() -> None:
    """Dividing by a difference of nothing gave curves of thousands."""
    faces = [face(0, heat=0.2, centre=0.3), face(1, heat=0.9, centre=0.9, gap=0.1)]
    result = measure_explanations(faces, model="m", rng=np.random.default_rng(1), draws=100)
    assert (result.faces, result.noticed) == (2, 1)
    assert result.map("heatmap").deletion.n == 1
    assert result.map("heatmap").pointing.n == 2
    none = measure_explanations(faces[1:], model="m", rng=np.random.default_rng(1), draws=100)
    assert none.map("heatmap").deletion.value is None
    assert none.map("heatmap").deletion_curve == ()


def test_the_result_is_plain_json() -> None:
    result = measure_explanations([face(0, heat=0.2, centre=0.3)], ["x"], model="m", rng=np.random.default_rng(1))
    found = json.loads(json.dumps(result.as_dict(), allow_nan=False))
    assert found["schema"] == "dfdetect.explanations/1"
    assert found["left_out"] == ["x"]
