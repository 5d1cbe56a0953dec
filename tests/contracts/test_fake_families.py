"""The rules that every family of pseudo-fakes keeps: a new row of FAMILIES is tested here without another line."""

from __future__ import annotations

import functools
from dataclasses import asdict, fields, replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dfdetect.data.augment import AugmentOptions
from dfdetect.data.blend import Blended, BlendInvisible, BlendOptions, FacePicture
from dfdetect.data.cross_blend import Donors
from dfdetect.data.fakes import FAMILIES, FakeOptions, FakeTools, open_reconstructor, weights_of
from dfdetect.data.pairs import PairMaker
from dfdetect.errors import DataError, UsageError
from dfdetect.faces.mesh import mesh_box_xyxy
from face_pictures import astronaut_face, drawn_face, face_record, plain_mesh, plain_picture

OPTIONS = BlendOptions()
UNTOUCHED = AugmentOptions(
    p_flip=0, p_turn=0, p_shear=0, p_stretch=0, p_colour=0, p_gray=0, p_retouch=0, p_blur=0, p_noise=0, p_shrink=0,
    p_photo_jpeg=0, p_webp=0, p_video=0, p_cutout=0,
)  # fmt: skip

families = pytest.mark.parametrize("family", sorted(FAMILIES))
seeds = st.integers(0, 2**63 - 1)


@functools.cache
def tools() -> FakeTools:
    """Three drawn people as donors, and the auto-encoder that comes with dfdetect."""
    records = [face_record(*drawn_face(seed), path=f"{seed}.png", person=f"drawn-{seed}") for seed in range(3)]
    return FakeTools(Donors(records), open_reconstructor("builtin"))


def face() -> FacePicture:
    picture, mesh = astronaut_face()
    return FacePicture(picture, mesh, person="astronaut")


def make(family: str, seed: int, options: BlendOptions = OPTIONS) -> Blended:
    return FAMILIES[family](face(), np.random.default_rng(seed), options, tools())


@families
@given(seed=seeds)
@settings(max_examples=12, deadline=None)
def test_alike_outside_the_mask_and_visibly_different_inside(family: str, seed: int) -> None:
    """A background that differs is a label, and an invisible fake is a wrong one."""
    picture, _ = astronaut_face()
    pair = make(family, seed)
    assert pair.real.shape == pair.fake.shape == picture.shape
    assert pair.real.dtype == pair.fake.dtype == np.uint8
    assert pair.mask.shape == picture.shape[:2]
    assert pair.mask.dtype == np.float32
    assert 0 <= pair.mask.min() <= pair.mask.max() <= 1
    outside = pair.mask == 0
    assert outside.mean() > 0.2
    assert np.array_equal(pair.real[outside], pair.fake[outside])
    difference = np.abs(pair.real.astype(int) - pair.fake.astype(int)).mean(axis=2)[~outside].mean()
    assert difference >= OPTIONS.min_difference - 0.01


@families
def test_the_mask_lies_on_the_face_and_is_soft(family: str) -> None:
    _, mesh = astronaut_face()
    left, top, right, bottom = mesh_box_xyxy(mesh)
    reach = 0.3 * (right - left)
    for seed in range(6):
        mask = make(family, seed).mask
        rows, columns = np.nonzero(mask > 0.1 * mask.max())
        assert left - reach <= columns.min()
        assert columns.max() <= right + reach
        assert top - reach <= rows.min()
        assert rows.max() <= bottom + reach
        assert len(np.unique(np.round(mask, 3))) > 20
        assert np.abs(np.diff(mask, axis=0)).max() < 0.6


@families
def test_one_seed_is_one_pair_and_another_seed_another(family: str) -> None:
    pairs = [make(family, seed) for seed in (1, 1, 2)]
    first, again, other = [pair.real.tobytes() + pair.fake.tobytes() + pair.mask.tobytes() for pair in pairs]
    assert first == again
    assert first != other


@families
def test_the_input_is_left_alone(family: str) -> None:
    picture, mesh = plain_picture(), plain_mesh()
    FAMILIES[family](FacePicture(picture, mesh), np.random.default_rng(3), OPTIONS, tools())
    assert np.array_equal(picture, plain_picture())
    assert np.array_equal(mesh, plain_mesh())


@families
def test_what_cannot_be_seen_is_refused(family: str) -> None:
    with pytest.raises(BlendInvisible, match="leave this picture out"):
        make(family, 0, replace(OPTIONS, min_difference=200.0, tries=2))


@families
def test_small_and_odd_pictures_work(family: str) -> None:
    """Faces near the least size, and sides that no codec or network likes."""
    picture, mesh = plain_picture(97), plain_mesh(97)
    pair = FAMILIES[family](FacePicture(picture[:, :91], mesh), np.random.default_rng(0), OPTIONS, tools())
    assert pair.fake.shape == (97, 91, 3)


@families
def test_a_pair_is_the_familys_fake_in_the_networks_square(family: str) -> None:
    """The mask must follow the crop: a mask head that learns a shifted border learns nothing."""
    records = [face_record(*drawn_face(seed), path=f"{seed}.png", person=f"drawn-{seed}") for seed in range(3)]
    maker = PairMaker(records, seed=4, augment=UNTOUCHED, fakes=FakeOptions(moved=0.1, reconstructor="builtin"))
    for number in range(3):
        pair = maker.make(number, size_px=96, family=family)
        assert pair.family == family
        assert pair.mask.shape == (96, 96)
        assert pair.mask.dtype == np.float32
        changed = np.abs(pair.real.astype(int) - pair.fake.astype(int)).max(axis=2)
        assert changed[pair.mask == 0].max(initial=0) <= 1  # the resize alone looks one pixel over the edge
        assert changed[pair.mask >= 0.5 * pair.mask.max()].mean() > 1
        assert pair.boundary().max() <= 1


# ---- which family when ----


def test_every_family_has_a_weight_and_every_weight_a_family() -> None:
    weights = {field.name for field in fields(FakeOptions)} - {"reconstructor"}
    assert weights == set(FAMILIES)


def test_families_are_drawn_by_their_weights() -> None:
    records = [face_record(*drawn_face(seed), path=f"{seed}.png", person=f"drawn-{seed}") for seed in range(3)]
    options = FakeOptions(self_blend=1, cross_blend=1, degraded=2, reconstructed=0, moved=0)
    maker = PairMaker(records, seed=4, augment=UNTOUCHED, fakes=options)
    names = [maker.make(number, size_px=32).family for number in range(80)]
    assert 28 <= names.count("degraded") <= 52
    assert set(names) == {"self_blend", "cross_blend", "degraded"}


def test_what_is_off_is_said() -> None:
    one = face_record(*astronaut_face(), person="astronaut")
    maker = PairMaker([one], seed=0, fakes=FakeOptions(reconstructor=""))
    assert set(maker.families) == {"self_blend", "degraded"}
    assert sum(maker.families.values()) == pytest.approx(1)
    said = " ".join(maker.notes)
    assert "`reconstructed` is off: the recipe's [fakes] names no reconstructor" in said
    assert "`cross_blend` is off: it needs faces of at least two people" in said


def test_wrong_weights_are_refused() -> None:
    with pytest.raises(UsageError, match="must be 0 or more"):
        weights_of(FakeOptions(degraded=-0.1))
    nothing = FakeOptions(**dict.fromkeys(FAMILIES, 0.0))
    with pytest.raises(UsageError, match="no family of fakes is on; give one of self_blend, cross_blend"):
        weights_of(nothing)
    with pytest.raises(DataError, match="no family of fakes can be made"):
        PairMaker(
            [face_record(*astronaut_face())], seed=0, fakes=FakeOptions(**(asdict(nothing) | {"cross_blend": 1.0}))
        )
    with pytest.raises(UsageError, match=r"reconstructor none.onnx does not exist; make one with `dfdetect recon"):
        open_reconstructor("none.onnx")


def test_a_donor_is_never_the_same_person() -> None:
    """A swap of a person with himself is a self-blend with a wrong name, and two clips of one person are no swap."""
    picture, mesh = astronaut_face()
    records = [face_record(picture, mesh, path=f"{n}.jpg", person="a" if n < 8 else "b") for n in range(10)]
    donors = Donors(records)
    for seed in range(20):
        found = donors.nearest(FacePicture(picture, mesh, person="a", record=0), np.random.default_rng(seed))
        assert found is not None
        assert found.target_id == "b"
    alone = Donors(records[:8])
    assert alone.nearest(FacePicture(picture, mesh, person="a", record=0), np.random.default_rng(0)) is None


def test_the_donor_is_the_one_with_the_most_alike_landmarks() -> None:
    picture, mesh = astronaut_face()
    stretched = [face_record(picture, mesh * np.float32([1 + n / 20, 1, 1]), person=f"p{n}") for n in range(1, 6)]
    found = Donors(stretched).nearest(FacePicture(picture, mesh, person="a"), np.random.default_rng(0))
    assert found is not None
    assert found.target_id == "p1"
