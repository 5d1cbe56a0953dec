"""What every test fake keeps to: a true mask, a visible change, the same fake for a seed; and each one's own way."""

from __future__ import annotations

import functools
import itertools

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dfdetect.data.sample import Sample
from dfdetect.evaluate.test_fakes.face import Face, FakeRefused, at_size_of
from dfdetect.evaluate.test_fakes.kinds import KINDS, METHODS
from dfdetect.evaluate.test_fakes.mesh_warp import warp_onto
from dfdetect.evaluate.test_fakes.plan import MOST_APART_DEG, Subject, donors_of, unfit
from dfdetect.values import Label
from face_pictures import astronaut_face, drawn_face

kinds = pytest.mark.parametrize("kind", sorted(KINDS))
swaps = pytest.mark.parametrize("kind", ["t1", "t2", "t3"])


@functools.cache
def target() -> Face:
    return Face(*astronaut_face())


@functools.cache
def donor(seed: int) -> Face:
    return Face(*drawn_face(seed))


def make(kind: str, to: Face, of: Face, seed: int = 0):
    return KINDS[kind](to, of, np.random.default_rng(seed))


@kinds
@pytest.mark.parametrize("seed", [1, 2])
def test_the_mask_tells_the_truth(kind: str, seed: int) -> None:
    """A pixel that changed outside the mask would make every measure of a heatmap wrong."""
    fake = make(kind, target(), donor(seed))
    assert fake.image.shape == target().image.shape
    assert fake.image.dtype == np.uint8
    assert fake.mask.shape == target().image.shape[:2]
    assert fake.mask.dtype == np.float32
    assert 0 <= fake.mask.min() <= fake.mask.max() <= 1
    assert np.array_equal(fake.image[fake.mask == 0], target().image[fake.mask == 0])
    assert np.abs(fake.image[fake.mask > 0.5].astype(int) - target().image[fake.mask > 0.5]).mean() >= 1.5
    share = float((fake.mask > 0.5).sum()) / target().width_px ** 2
    assert (0.02 if kind == "t5" else 0.3) < share < 1.3


@kinds
def test_the_same_seed_makes_the_same_fake(kind: str) -> None:
    first, again = (make(kind, target(), donor(1), seed=5) for _ in range(2))
    assert np.array_equal(first.image, again.image)
    assert np.array_equal(first.mask, again.mask)


@swaps
def test_the_core_shows_the_donor(kind: str) -> None:
    """Two donors give two faces; the fake is nearer to its own donor's pattern than to the other donor's."""
    fakes = {seed: make(kind, target(), donor(seed)) for seed in (1, 2)}
    middle = (fakes[1].mask > 0.9) & (fakes[2].mask > 0.9)
    detail = {seed: _detail(fakes[seed].image)[middle] for seed in fakes}
    shown = {seed: _detail(warp_onto(donor(seed), target())[0])[middle] for seed in fakes}
    for seed, other in itertools.permutations(fakes):
        own = np.corrcoef(detail[seed].ravel(), shown[seed].ravel())[0, 1]
        assert own > np.corrcoef(detail[seed].ravel(), shown[other].ravel())[0, 1] + 0.05


def _detail(image: np.ndarray) -> np.ndarray:
    gray = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY).astype(np.float32)
    return gray - cv2.GaussianBlur(gray, (0, 0), 12)


@kinds
def test_a_face_on_itself_is_refused(kind: str) -> None:
    """An invisible fake is a wrong label. It also shows that no operator shifts, blurs or recolours by itself."""
    with pytest.raises(FakeRefused):
        make(kind, target(), target())


def test_a_warp_onto_the_same_points_changes_nothing_and_leaves_no_hole() -> None:
    warped, covered = warp_onto(target(), target())
    assert np.abs(warped[covered].astype(int) - target().image[covered]).mean() < 0.5
    filled = cv2.morphologyEx(covered.astype(np.uint8), cv2.MORPH_CLOSE, np.ones((5, 5), np.uint8))
    assert int(filled.sum()) - int(covered.sum()) < 0.01 * covered.sum()
    other, _ = warp_onto(donor(1), target())
    assert (other[covered].sum(axis=1) == 0).mean() < 0.01  # no pixel without a source


@given(scale=st.floats(0.8, 1.3), turn_deg=st.floats(-20, 20), shift=st.floats(-9, 9))
@settings(max_examples=12, deadline=None)
def test_a_donor_that_is_the_target_moved_comes_back_to_its_place(scale: float, turn_deg: float, shift: float) -> None:
    """Half a pixel of error here would be a border that every detector finds, and no swap has."""
    height, width = target().image.shape[:2]
    move = np.asarray(cv2.getRotationMatrix2D((width / 2, height / 2), turn_deg, scale))
    move[:, 2] += (shift, -shift)
    in_centres = move.copy()
    in_centres[:, 2] += move[:, :2] @ [0.5, 0.5] - 0.5  # OpenCV counts from pixel centres
    moved = cv2.warpAffine(target().image, in_centres, (width, height), flags=cv2.INTER_CUBIC, borderMode=4)
    mesh = target().mesh.copy()
    mesh[:, :2] = mesh[:, :2] @ move[:, :2].T + move[:, 2]
    warped, covered = warp_onto(Face(np.asarray(moved, np.uint8), mesh.astype(np.float32)), target())
    core = cv2.erode(covered.astype(np.uint8), np.ones((9, 9), np.uint8)) > 0
    seen = [cv2.GaussianBlur(picture, (0, 0), 2.0)[core].astype(int) for picture in (warped, target().image)]
    assert np.abs(seen[0] - seen[1]).mean() < 1.0


def test_a_head_seen_from_the_other_side_is_refused() -> None:
    behind = target().mesh.copy()
    behind[:, 0] = target().image.shape[1] - behind[:, 0]
    with pytest.raises(FakeRefused, match="turned too differently"):
        warp_onto(Face(target().image, behind), target())


def test_a_large_donor_is_averaged_not_skipped() -> None:
    big = Face(
        np.asarray(cv2.resize(donor(1).image, None, fx=6, fy=6, interpolation=cv2.INTER_CUBIC), np.uint8),
        donor(1).mesh * np.float32(6),
    )
    fitted = at_size_of(big, target())
    assert fitted.width_px == pytest.approx(target().width_px, rel=0.02)
    assert at_size_of(donor(1), donor(1)) is donor(1)


def test_reenactment_moves_the_mouth_and_leaves_the_outline() -> None:
    fake = make("t5", target(), donor(2))
    chin, lips = target().mesh[152, :2].astype(int), target().mesh[17, :2].astype(int)
    assert fake.mask[chin[1], chin[0]] < 0.3
    assert fake.mask[lips[1] - 4 : lips[1] + 5, lips[0] - 4 : lips[0] + 5].max() > 0.5


def test_every_kind_has_a_method_name() -> None:
    assert set(METHODS) == set(KINDS)


def subject(name: str, person: str, *, yaw: float = 0.0, mouth: float = 0.0, kind: str = "image") -> Subject:
    sample = Sample(f"/d/{name}", "/d", Label.REAL, "list", name, kind, target_id=person)  # type: ignore[arg-type]
    return Subject(sample, yaw, 0.0, 150.0, mouth)


def test_donors_are_other_people_turned_alike_of_the_same_medium() -> None:
    me = subject("a.jpg", "ann")
    others = [
        subject("b.jpg", "ann"),
        subject("c.jpg", "bob", yaw=MOST_APART_DEG + 1.0),
        subject("d.mp4", "cid", kind="video"),
        subject("e.jpg", "dan", yaw=14.0),
        subject("f.jpg", "eve", yaw=2.0),
        subject("g.jpg", "fay", yaw=2.0, mouth=0.2),
    ]
    found = donors_of(me, [me, *others], np.random.default_rng(0), same_mouth=True)
    assert [s.person for s in found] == ["eve", "dan", "fay"]
    assert donors_of(me, [me, *others], np.random.default_rng(0), same_mouth=False)[0].person == "fay"


def test_profiles_and_small_faces_are_left_out() -> None:
    assert unfit(subject("a.jpg", "ann", yaw=50.0)) == "turned_away"
    assert unfit(Subject(subject("a.jpg", "ann").sample, 0.0, 0.0, 40.0, 0.0)) == "face_too_small"
    assert unfit(subject("a.jpg", "ann")) is None
