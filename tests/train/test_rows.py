"""Who trains, who validates: by what owners allow and by split, and never the same person on both sides."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch")

from dfdetect.data.audit import audit
from dfdetect.data.augment import AugmentOptions
from dfdetect.data.shards import FaceRecord, write_shards
from dfdetect.errors import DataError, UsageError
from dfdetect.faces.align import crop_face
from dfdetect.faces.mesh import mesh_box_xyxy
from dfdetect.train.recipe import Recipe, parse_recipe
from dfdetect.train.rows import leaks_between, notes_of, sources, training_rows
from dfdetect.train.sources import LabelledSource, PairSource, PlainSource
from face_pictures import plain_records

LABELLED = """
[data]
kind = "labelled"
train_reuse = []
val_reuse = []
train_split = "train"
val_split = "val"
[augment]
p_video = 0
"""


def shards_of(folder: Path, *records: object) -> Path:
    write_shards(folder / "faces", records, about={})  # type: ignore[arg-type]
    return folder / "faces"


def clips(n: int, split: str, first: int = 0) -> list[FaceRecord]:
    """n real clips of n people, and a fake made from each with the next one's face."""
    found = []
    for number, record in enumerate(plain_records(n, first=first), first):
        key = f"clip-{number}"
        found += [
            replace(record, split=split, video_id=key, pair_key=key, path=f"{key}.png"),
            replace(
                record,
                split=split,
                video_id=f"{key}-fake",
                pair_key=key,
                label=1,
                path=f"{key}-fake.png",
                method="swap",
            ),
        ]
    return found


def test_reuse_decides_the_side(tmp_path: Path) -> None:
    rows = [("free", 3, 0), ("stock", 2, 10), ("research", 4, 20), ("", 1, 30)]
    shards = shards_of(tmp_path, *(r for reuse, n, first in rows for r in plain_records(n, reuse=reuse, first=first)))
    learn, check = sources(Recipe("x"), shards)
    assert isinstance(learn, PairSource)
    assert isinstance(check, PairSource)
    assert len(learn.maker.records) == 5
    assert {record.reuse for record in check.maker.records} == {"research"}
    assert learn.maker.seed != check.maker.seed


def test_split_decides_the_side(tmp_path: Path) -> None:
    recipe = parse_recipe("x", LABELLED)
    learn, check = sources(recipe, shards_of(tmp_path, *clips(3, "train"), *clips(2, "val", 10), *clips(1, "test", 20)))
    assert isinstance(learn, LabelledSource)
    assert isinstance(check, PlainSource)
    assert (learn.rows, check.rows) == (6, 4)


def test_validation_can_be_on_real_fakes(tmp_path: Path) -> None:
    text = LABELLED.replace('kind = "labelled"', 'kind = "self_blend"\nval_kind = "labelled"')
    learn, check = sources(parse_recipe("x", text), shards_of(tmp_path, *clips(3, "train"), *clips(2, "val", 10)))
    assert (type(learn), type(check)) == (PairSource, PlainSource)
    assert learn.rows == 6


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (
            {"target_id": "person-1"},
            r"1 person is in both train \(of 2\) and val \(of 3\).* \(person-1: .*clip-1.png \| ",
        ),
        ({"donor_id": "person-1"}, "1 donor is in both train"),
        ({"video_id": "clip-0"}, r"1 video is in both train \(of 4\) and val"),
        ({"pair_key": "clip-0"}, r"1 original is in both train .* \(clip-0: clip-0.png \| clip-10-fake.png\)"),
        ({"source_key": "tube"}, r"1 upload is in both train .*touching 4 of 4 and 1 of 4 samples"),
        ({"path": "clip-0.png"}, "1 file is in both train"),
        ({"clip_sha256": "5ec0"}, r"1 content is in both train .*touching 1 of 4 and 1 of 4 samples"),
    ],
)
def test_a_leak_is_refused_unless_told(tmp_path: Path, change: dict[str, str], says: str) -> None:
    """Validation then measures how well faces are remembered."""
    train_rows = [replace(record, source_key="tube") for record in clips(2, "train")]
    train_rows[1] = replace(train_rows[1], clip_sha256="5ec0")
    val_rows = clips(2, "val", 10)
    val_rows[1] = replace(val_rows[1], **change)
    shards = shards_of(tmp_path, *train_rows, *val_rows)
    with pytest.raises(DataError, match=f"^training and validation leak: .*{says}.*--allow-leaks"):
        sources(parse_recipe("x", LABELLED), shards)
    said: list[str] = []
    assert sources(parse_recipe("x", LABELLED), shards, allow_leaks=True, warn=said.append)[0].rows == 4
    assert len(said) == 1
    assert re.search(f"{says}.*allowed, so say it beside every number", said[0])


def test_training_and_the_audit_of_its_shards_find_the_same(tmp_path: Path) -> None:
    """Two checks that disagree make a user believe the kinder one."""
    train_rows = [replace(record, dataset="a") for record in clips(3, "train")]
    val_rows = [replace(record, dataset="b") for record in clips(3, "val", 10)]
    val_rows[0] = replace(val_rows[0], target_id="person-1", path=train_rows[0].path)  # another dataset's file
    val_rows[3] = replace(val_rows[3], pair_key="clip-2", donor_id="person-2")
    found = leaks_between(train_rows, val_rows)
    assert {leak.kind for leak in found} == {"identity", "donor", "pair"}
    again = [replace(train_rows[0], frame_index=9, label=1)]  # another face of a file is no doubled row
    report = audit(shards_of(tmp_path, *train_rows, *val_rows))
    assert report.leaks == found
    assert not audit(shards_of(tmp_path / "again", *train_rows, *again, *val_rows)).notes


def test_unnamed_people_are_no_leak(tmp_path: Path) -> None:
    named = [*plain_records(2), *plain_records(2, reuse="research", first=10)]
    learn, check = sources(Recipe("x"), shards_of(tmp_path, *(replace(record, target_id="") for record in named)))
    assert learn.rows == check.rows == 4


@pytest.mark.parametrize(
    ("reuse", "says"),
    [
        (
            "free",
            r"nothing to validate on: no real row of .* has reuse in \['research'\]; its 2 rows have reuse 'free'. "
            r".*--set data.val_reuse=\[\]. .*data.validation=none",
        ),
        ("", r"nothing to train on: no real row of .* has reuse in \['free', 'stock'\]; its 2 rows have reuse ''. "),
    ],
)
def test_an_empty_side_is_refused(tmp_path: Path, reuse: str, says: str) -> None:
    with pytest.raises(DataError, match=says):
        sources(Recipe("x"), shards_of(tmp_path, *plain_records(2, reuse=reuse)))


def test_shards_without_a_face_are_called_so(tmp_path: Path) -> None:
    """The message once read "its 0 rows have reuse ." and told what `reuse` to ask for."""
    with pytest.raises(DataError, match=r"nothing to train on: .*faces holds no face; its manifest.json says"):
        sources(Recipe("x"), shards_of(tmp_path))


@pytest.mark.parametrize("label", [0, 1])
def test_one_class_is_refused(tmp_path: Path, label: int) -> None:
    """A detector of fakes that never saw a real face calls everything fake."""
    one = [record for record in clips(3, "train") if record.label == label]
    both = clips(2, "val", 10)
    with pytest.raises(DataError, match=r"needs both classes; got (3 real and 0|0 real and 3) fake"):
        sources(parse_recipe("x", LABELLED), shards_of(tmp_path / "a", *one, *both))
    swapped = [replace(record, split={"train": "val", "val": "train"}[record.split]) for record in [*one, *both]]
    with pytest.raises(DataError, match="validation on labelled rows needs both classes"):
        sources(parse_recipe("x", LABELLED), shards_of(tmp_path / "b", *swapped))


def test_fakes_of_a_list_are_not_taken_for_reals(tmp_path: Path) -> None:
    records = [*plain_records(2), replace(plain_records(1, first=9)[0], label=1), *plain_records(1, first=20)]
    rows = training_rows(Recipe("x"), shards_of(tmp_path, *records))
    assert [record.label for record in rows] == [0, 0, 0]


def test_live_video_without_its_package_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shards = shards_of(tmp_path, *plain_records(2), *plain_records(2, reuse="research", first=10))
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    with pytest.raises(UsageError, match=r"augment.p_video = 0.5\), which needs the package av: install it, or --set"):
        sources(Recipe("x"), shards)
    sources(parse_recipe("x", "[augment]\np_video = 0"), shards)


# ---- labelled rows ----


def labelled(records: list[FaceRecord], pairing: str) -> LabelledSource:
    return LabelledSource(records, seed=1, augment=AugmentOptions(p_video=0.0), pairing=pairing)


def test_an_item_is_the_same_whoever_makes_it() -> None:
    first, second = (labelled(clips(3, "train"), "source").make(5, size_px=32) for _ in range(2))
    assert np.array_equal(first.crops, second.crops)
    assert first.labels.tolist() == [0, 1]


def test_rows_as_they_come_are_every_row_once_a_round() -> None:
    own = labelled(clips(3, "train")[:5], "none")
    rounds = [[own.make(turn * 5 + number, size_px=16).videos[0] for number in range(5)] for turn in range(2)]
    assert all(len(set(videos)) == 5 for videos in rounds)
    assert rounds[0] != rounds[1]


def test_classes_are_balanced_and_nothing_is_thrown_away() -> None:
    """S2 threw fakes away until there were as many as reals."""
    records = clips(4, "train")[3:]  # 2 reals, 3 fakes
    own = labelled(records, "class")
    items = [own.make(number, size_px=16) for number in range(12)]
    assert all(item.labels.tolist() == [0, 1] for item in items)
    assert Counter(item.videos[1] for item in items) == {f"clip-{n}-fake": 4 for n in (1, 2, 3)}
    assert Counter(item.videos[0] for item in items) == {f"clip-{n}": 6 for n in (2, 3)}


def test_a_fake_stands_beside_the_clip_it_was_made_from() -> None:
    own = labelled(clips(4, "train"), "source")
    for number in range(8):
        real, fake = own.make(number, size_px=16).videos
        assert fake == f"{real}-fake"


def test_validation_rows_are_cropped_as_scanning_crops() -> None:
    record = plain_records(1, size_px=160)[0]
    found = PlainSource([record], margin=0.2).make(0, size_px=48)
    expected = crop_face(record.picture(), mesh_box_xyxy(record.mesh), margin=0.2, size_px=48).image
    assert np.array_equal(found.crops[0], expected)


def test_faces_without_a_mesh_are_cropped_by_their_box(tmp_path: Path) -> None:
    record = replace(plain_records(1, size_px=160)[0], mesh=None, box_xyxy=np.float32([40, 40, 120, 130]))
    found = PlainSource([record], margin=0.1).make(0, size_px=48)
    expected = crop_face(record.picture(), np.float32([40, 40, 120, 130]), margin=0.1, size_px=48).image
    assert np.array_equal(found.crops[0], expected)
    with pytest.raises(DataError, match="neither mesh nor box"):
        PlainSource([replace(record, box_xyxy=None)], margin=0.1).make(0, size_px=48)
    shards = shards_of(tmp_path, record, *plain_records(2, first=5))
    assert len(training_rows(Recipe("x"), shards)) == 2


def test_validation_rows_can_be_thinned_evenly(tmp_path: Path) -> None:
    recipe = parse_recipe("x", LABELLED.replace("[data]", "[data]\nval_images = 4"))
    _, check = sources(recipe, shards_of(tmp_path, *clips(2, "train"), *clips(6, "val", 10)))
    assert [check.make(number, size_px=16).videos[0] for number in range(check.rows)] == [
        "clip-10", "clip-11-fake", "clip-13", "clip-14-fake",
    ]  # fmt: skip


def test_true_fakes_and_made_ones_are_mixed_by_weight(tmp_path: Path) -> None:
    text = LABELLED + '[sampling]\nmade_share = 0.5\n[fakes]\nreconstructor = ""\n'
    shards = shards_of(tmp_path, *clips(3, "train"), *clips(2, "val", 10))
    learn, check = sources(parse_recipe("x", text), shards)
    assert learn.images_per_item == 2
    items = [learn.make(number, size_px=32) for number in range(24)]
    made = [item for item in items if item.videos[1].endswith("blended")]
    assert 6 <= len(made) <= 18
    for item in items:
        assert list(item.labels) == [0, 1]
        assert item.videos[1] in (f"{item.videos[0]} blended", *(f"clip-{n}-fake" for n in range(3)))
    again, _ = sources(parse_recipe("x", text), shards)
    assert np.array_equal(again.make(17, size_px=32).crops, items[17].crops)
    assert check is not None


def test_caps_and_weights_reach_the_pairs(tmp_path: Path) -> None:
    """A recipe's [sampling] was read, checked and then not passed on."""
    one = [replace(record, target_id="same") for record in plain_records(6)]
    others = plain_records(2, first=10)
    shards = shards_of(tmp_path, *one, *others, *plain_records(2, reuse="research", first=20))
    learn, _ = sources(parse_recipe("x", "[sampling]\nmax_per_person = 2\n[augment]\np_video = 0"), shards)
    assert isinstance(learn, PairSource)
    for turn in range(3):
        people = Counter(learn.maker.records[learn.maker.record_of(4 * turn + k)].target_id for k in range(4))
        assert people["same"] == 2
    with pytest.raises(UsageError, match="no weight for"):
        sources(parse_recipe("x", '[sampling]\ndatasets = ["ffpp=1"]'), shards)


def test_a_family_that_cannot_be_made_is_said(tmp_path: Path) -> None:
    """A fifth of the fakes was silently of another kind than the recipe's."""
    shards = shards_of(tmp_path, *plain_records(3), *plain_records(2, reuse="research", first=10))
    without = parse_recipe("x", '[fakes]\nreconstructor = ""\n[augment]\np_video = 0')
    assert notes_of(sources(without, shards)[0]) == (
        "family `reconstructed` is off: the recipe's [fakes] names no reconstructor",
    )
    assert notes_of(sources(parse_recipe("x", "[augment]\np_video = 0"), shards)[0]) == ()
