"""Which samples are evaluated: the protocol's choice, and a part of them by seed."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest

from dfdetect.data.sample import Sample, write_index
from dfdetect.errors import DataError, UsageError
from dfdetect.evaluate.protocol import PROTOCOLS
from dfdetect.evaluate.samples import Asked, choose, read_asked, refuse_repeated, samples_hash, subset
from dfdetect.models.trained_on import keys_of, trained_on
from dfdetect.values import Label


def one(name: str, label: Label = Label.REAL, **keys: str) -> Sample:
    keys = {"video_id": f"toy/{name}", "dataset": "toy", "kind": "video"} | keys
    return Sample(path=f"/d/{name}", root="/d", label=label, **keys)  # type: ignore[arg-type]


def official(count: int = 140, *, methods: tuple[str, ...] = ("", "Deepfakes"), levels: tuple[str, ...] = ("c23",)):
    return [
        one(
            f"{level}/{method}/{n}",
            Label(bool(method)),
            dataset="faceforensics",
            method=method,
            compression=level,
            split="test",
        )
        for method in methods
        for level in levels
        for n in range(count)
    ]


# ---- reading ----


def test_a_list_keeps_the_users_own_columns(tmp_path: Path) -> None:
    path = tmp_path / "list.csv"
    path.write_text("path,label,person,tone,x_light,note\na.mp4,real,ada,dark,low,hm\nb.mp4,fake,,light,,\n")
    asked = read_asked(path)
    assert [asked.extras[sample.path] for sample in asked.samples] == [
        {"tone": "dark", "light": "low"},
        {"tone": "light", "light": ""},
    ]
    assert asked.samples[0].target_id == "ada"
    with pytest.raises(UsageError, match="a list has one root"):
        read_asked(path, ["/a", "/b"])
    assert read_asked(path, ["/a"]).samples[0].path == "/a/a.mp4"


def test_an_index_keeps_columns_that_begin_with_x(tmp_path: Path) -> None:
    pa = pytest.importorskip("pyarrow")
    import pyarrow.parquet as pq

    write_index(tmp_path / "i.parquet", [one("a"), one("b")])
    table = pq.read_table(tmp_path / "i.parquet").append_column("x_tone", pa.array(["dark", None]))
    pq.write_table(table, tmp_path / "i.parquet")
    asked = read_asked(tmp_path / "i.parquet")
    assert [asked.extras[sample.path]["tone"] for sample in asked.samples] == ["dark", ""]


# ---- the official test videos ----


def test_the_official_test_videos_and_nothing_else() -> None:
    train = [replace(sample, split="train") for sample in official(3)]
    found = choose(Asked((*official(), *train, one("other"))), PROTOCOLS["ff-official"])
    assert Counter(sample.method for sample in found.samples) == {"": 140, "Deepfakes": 140}
    assert found.notes == ()
    assert found.left_out == {"not the test split of FaceForensics++": 7}


def test_what_is_not_the_official_number_is_said() -> None:
    found = choose(Asked(tuple(official(139, levels=("c23", "c40")))), PROTOCOLS["ff-official"])
    assert "Deepfakes c23: 139, Deepfakes c40: 139, original c23: 139" in found.notes[0]
    assert "2 compressions (c23, c40)" in found.notes[1]


def test_without_official_videos_there_is_no_official_figure() -> None:
    with pytest.raises(UsageError, match="the data holds toy"):
        choose(Asked((one("a"),)), PROTOCOLS["ff-official"])
    with pytest.raises(UsageError, match="no official split"):
        choose(Asked((one("a", dataset="faceforensics"),)), PROTOCOLS["ff-official"])


# ---- people whom training has not seen ----


def test_who_is_in_the_training_split_is_left_out_with_all_their_roles() -> None:
    train = [one("t", target_id="toy:ada", source_key="toy:film-1", split="train")]
    test = [
        one("a", target_id="toy:bob", split="test"),
        one("b", Label.FAKE, target_id="toy:bob", donor_id="toy:ada", split="test"),
        one("c", source_key="toy:film-1", split="test"),
        one("d", Label.FAKE, target_id="toy:cy", pair_key="toy/t", split="test"),
        one("v", target_id="toy:dee", split="val"),
    ]
    found = choose(Asked((*train, *test)), PROTOCOLS["identity-disjoint"])
    assert [sample.name for sample in found.samples] == ["a"]
    assert found.left_out == {
        "clip is in the training data": 1,
        "identity is in the training data": 1,
        "recording is in the training data": 1,
        "not in the test split": 2,
    }


def test_who_is_in_the_models_manifest_is_left_out() -> None:
    keys = trained_on([one("t", target_id="toy:ada")]).key_set
    samples = (one("a", target_id="toy:ada"), one("b", target_id="toy:bob"), one("c"))
    found = choose(Asked(samples), PROTOCOLS["identity-disjoint"], trained_keys=keys)
    assert [sample.name for sample in found.samples] == ["b", "c"]
    assert found.notes == ("who is in 1 of 2 samples is not known: it may be people of the training data",)
    with pytest.raises(UsageError, match=r"leaves none of 1 test samples \(identity is in the training data: 1\)"):
        choose(Asked(samples[:1]), PROTOCOLS["identity-disjoint"], trained_keys=keys)
    with pytest.raises(UsageError, match="needs to know what was trained on"):
        choose(Asked(samples), PROTOCOLS["identity-disjoint"])


def test_a_key_is_its_datasets_own_unless_it_names_its_collection() -> None:
    """Person 7 of one list was taken for person 7 of another."""
    a, b = one("x.mp4", dataset="a", target_id="7"), one("x.mp4", dataset="b", target_id="7")
    assert set(keys_of(a, ["identity"])) != set(keys_of(b, ["identity"]))
    a, b = one("x", dataset="faceforensics", target_id="ffpp:7"), one("x", dataset="df40", target_id="ffpp:7")
    assert set(keys_of(a, ["identity"])) == set(keys_of(b, ["identity"]))
    a, b = one("x.mp4", dataset="a", video_id="c/x.mp4"), one("x.mp4", dataset="b", video_id="c/x.mp4")
    assert set(keys_of(a, ["clip"])) != set(keys_of(b, ["clip"]))


def test_more_keys_than_a_manifest_holds_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    from dfdetect.models import trained_on as module

    monkeypatch.setattr(module, "MOST_KEYS", 3)
    record = trained_on([one(str(n), target_id=f"toy:{n}") for n in range(5)])
    assert len(record.key_set) == 3
    assert record.left_out == 7
    assert record.faces == 5


# ---- a part ----


def test_a_part_is_drawn_by_seed_in_the_order_of_the_whole() -> None:
    asked = Asked(tuple(one(str(n), source="ab"[n % 2]) for n in range(40)))
    part = subset(asked, seed=1, limit=10)
    names = [int(sample.name) for sample in part.samples]
    assert names == sorted(names)
    assert len(names) == 10
    assert part == subset(asked, seed=1, limit=10)
    assert part != subset(asked, seed=2, limit=10)
    assert part.left_out == {"not drawn (--limit, --per-source)": 30}
    each = subset(asked, seed=1, per_source=3)
    assert Counter(sample.source for sample in each.samples) == {"a": 3, "b": 3}
    assert subset(asked, seed=1).samples == asked.samples


def test_the_hash_is_of_what_is_said_and_not_of_where_it_lies() -> None:
    here, there = one("a"), replace(one("a"), path="/e/a", root="/e", bytes=5)
    assert samples_hash([here]) == samples_hash([there])
    assert samples_hash([here]) != samples_hash([replace(here, label=Label.FAKE)])


def test_two_of_one_name() -> None:
    refuse_repeated([one("a"), one("a", dataset="other")])
    with pytest.raises(DataError, match="every path once in its dataset"):
        refuse_repeated([one("a"), one("a")])
