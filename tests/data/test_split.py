"""Splits that no key crosses, official splits as published, and the same answer whatever the order of rows."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from dfdetect.data.groups import encode, present_in
from dfdetect.data.sample import Sample, from_table, to_table
from dfdetect.data.split import NAMES, SplitOptions, make_split
from dfdetect.data.split_files import read_table, write_ids, write_split
from dfdetect.errors import DataError, UsageError
from dfdetect.values import Label


def sample(video: str, label: Label = Label.REAL, dataset: str = "d", **keys: Any) -> Sample:
    return Sample(f"/{dataset}/{video}.mp4", f"/{dataset}", label, dataset, video, "video", **keys)


def two_way_pairs(n_pairs: int, dataset: str = "swaps", methods: Iterable[str] = ("A", "B")) -> list[Sample]:
    """People a and b, each a real clip and, for every method, each the fake of the other: like FaceForensics++."""
    rows = []
    for pair in range(n_pairs):
        people = [f"{dataset}:{2 * pair}", f"{dataset}:{2 * pair + 1}"]
        for me, other in (people, people[::-1]):
            rows.append(sample(me, dataset=dataset, target_id=me, pair_key=me))
            rows += [
                sample(
                    f"{method}/{me}_{other}",
                    Label.FAKE,
                    dataset,
                    method=method,
                    target_id=me,
                    donor_id=other,
                    pair_key=me,
                )
                for method in methods
            ]
    return rows


def all_swapped(n_people: int, dataset: str = "celebs") -> list[Sample]:
    """Everybody's face in everybody's clip: one component, like Celeb-DF."""
    rows = [sample(f"{dataset}/{a}", dataset=dataset, target_id=f"{dataset}:{a}") for a in range(n_people)]
    for a in range(n_people):
        rows += [
            sample(
                f"{dataset}/{a}_{b}", Label.FAKE, dataset,
                target_id=f"{dataset}:{a}", donor_id=f"{dataset}:{b}", pair_key=f"{dataset}/{a}",
            )
            for b in range(n_people)
            if b != a
        ]  # fmt: skip
    return rows


def with_split(rows: list[Sample], split: str) -> list[Sample]:
    table = to_table(rows)
    place = table.column_names.index("split")
    return from_table(table.set_column(place, "split", pa.array([split] * len(rows))), "test")


def splits_of(table: pa.Table) -> dict[str, str]:
    return dict(zip(table.column("video_id").to_pylist(), table.column("split").to_pylist(), strict=True))


def crossing(table: pa.Table, *columns: str) -> int:
    place = np.array([NAMES.index(name) if name else -1 for name in table.column("split").to_pylist()])
    keys = encode(*(table.column(column) for column in columns))
    return int((present_in(keys, place, len(NAMES)).sum(axis=1) > 1).sum())


GROUPS = SplitOptions(policy="groups")


def test_no_key_crosses_and_methods_keep_their_shares() -> None:
    table, report = make_split(to_table(two_way_pairs(100)), GROUPS)
    assert crossing(table, "target_id", "donor_id") == crossing(table, "video_id", "pair_key") == 0
    (dataset,) = report.datasets
    assert (dataset.treatment, dataset.groups, dataset.largest_group) == ("groups", 100, 6)
    assert dataset.counts["test"] == {"real": {"": 20}, "fake": {"A": 20, "B": 20}}
    worst = dataset.worst_deviation()
    assert worst is not None
    assert worst[2:] == (0.8, 0.8)
    assert set(report.crossing.values()) == {0}


def test_a_split_by_target_alone_would_leak() -> None:
    """The published fault: split by target, and the donor of nearly half of the fakes sits in another split."""
    table, report = make_split(to_table(two_way_pairs(100)), SplitOptions("groups", keep_apart=("pair",)))
    assert crossing(table, "video_id", "pair_key") == 0
    assert report.crossing["identity"] > 20


def test_the_order_of_rows_changes_nothing_the_seed_does(rng: np.random.Generator) -> None:
    index = to_table(two_way_pairs(60) + [sample(f"photo{n}", dataset="photos") for n in range(200)])
    first, report = make_split(index, GROUPS)
    again, same = make_split(index.take(rng.permutation(index.num_rows)), GROUPS)
    assert splits_of(first) == splits_of(again)
    assert report.hash == same.hash
    other, different = make_split(index, SplitOptions("groups", seed=1))
    assert splits_of(first) != splits_of(other)
    assert report.hash != different.hash


def test_official_splits_are_kept_and_what_crosses_them_is_counted() -> None:
    rows = with_split(two_way_pairs(1), "train") + with_split(all_swapped(3, "swaps"), "test")
    table, report = make_split(to_table(rows), SplitOptions())
    assert splits_of(table) == splits_of(to_table(rows))
    assert report.datasets[0].treatment == "official"
    assert report.crossing["identity"] == 2


def test_one_component_keeps_its_official_split_and_says_so() -> None:
    rows = with_split(all_swapped(5)[:15], "train") + with_split(all_swapped(5)[15:], "test") + two_way_pairs(30)
    table, report = make_split(to_table(rows), GROUPS)
    celebs, swaps = report.datasets
    assert celebs.treatment == "one_component"
    assert "hangs together in 1 group, so its official split is kept: it is not free of leaks" in celebs.says
    assert splits_of(table) | splits_of(to_table(rows[:25])) == splits_of(table)
    assert swaps.treatment == "groups"
    assert report.crossing["identity"] == 5


def test_one_component_without_an_official_split_goes_into_the_largest() -> None:
    table, report = make_split(to_table(all_swapped(5) + two_way_pairs(30)), GROUPS)
    assert "no official split, so all of it is in train" in report.datasets[0].says
    assert {split for video, split in splits_of(table).items() if video.startswith("celebs/")} == {"train"}


def test_nothing_but_one_component_is_an_error_that_says_what_to_give_up() -> None:
    with pytest.raises(DataError, match="keeping apart video,pair,source alone gives 5 groups"):
        make_split(to_table(all_swapped(5)), GROUPS)
    table, _ = make_split(to_table(all_swapped(5)), SplitOptions("groups", keep_apart=("pair",)))
    assert crossing(table, "video_id", "pair_key") == 0
    assert set(splits_of(table).values()) == set(NAMES)


def test_reals_of_strangers_do_not_make_a_component_splittable() -> None:
    """Celeb-DF has 300 clips of strangers beside one knot of fakes: dealt out, they make a test without fakes."""
    rows = with_split(all_swapped(5), "train") + with_split(
        [sample(f"yt{n}", dataset="celebs") for n in range(50)], "test"
    )
    _, report = make_split(to_table(rows), GROUPS)
    assert report.datasets[0].treatment == "one_component"


def test_a_dataset_goes_whole_where_asked() -> None:
    table, report = make_split(
        to_table(all_swapped(4) + two_way_pairs(20)), SplitOptions("groups", whole={"celebs": "test"})
    )
    assert {split for video, split in splits_of(table).items() if video.startswith("celebs/")} == {"test"}
    assert report.datasets[0].treatment == "whole"


def test_what_cannot_be_without_a_leak_is_refused() -> None:
    shared = [sample("other/0", Label.FAKE, "other", target_id="swaps:0")]
    with pytest.raises(DataError, match="cannot put other in test and swaps in train without a leak: they share"):
        make_split(
            to_table(two_way_pairs(10) + shared), SplitOptions("groups", whole={"swaps": "train", "other": "test"})
        )


def test_what_hangs_on_an_official_split_follows_it_or_is_left_out() -> None:
    official = with_split(two_way_pairs(1), "val")
    torn = with_split(all_swapped(3)[:4], "train") + with_split(all_swapped(3)[4:], "test")
    follows = sample("more/a", dataset="more", target_id="swaps:0")
    hangs_on_torn = sample("more/b", dataset="more", target_id="celebs:0")
    free = [sample(f"more/{n}", dataset="more") for n in range(30)]
    table, report = make_split(to_table([*official, *torn, follows, hangs_on_torn, *free]), SplitOptions())
    assert splits_of(table)["more/a"] == "val"
    assert splits_of(table)["more/b"] == ""
    more = next(dataset for dataset in report.datasets if dataset.dataset == "more")
    assert (more.left_out, more.total) == (1, 31)
    assert "in no split 1" in report.to_text()


def test_the_same_clip_at_two_compressions_stays_together() -> None:
    rows = [sample(f"v{n}", compression=compression) for n in range(40) for compression in ("c23", "c40")]
    table, _ = make_split(to_table(rows), GROUPS)
    assert crossing(table, "video_id") == 0


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"policy": "frames"}, "unknown policy 'frames'; the options are: groups, official"),
        ({"keep_apart": ("face",)}, "unknown kind of key 'face'; the options are: identity, pair, source, video"),
        ({"ratios": {"train": 0.8}}, "sum to 1"),
        ({"ratios": {"train": 2.0, "test": -1.0}}, "ratios must be 0 or more"),
        ({"ratios": {"dev": 1.0}}, "unknown split 'dev'"),
    ],
)
def test_options_that_cannot_be(options: dict[str, Any], says: str) -> None:
    with pytest.raises(UsageError, match=says):
        SplitOptions(**options)


def test_an_unknown_dataset_is_named() -> None:
    with pytest.raises(UsageError, match="unknown dataset 'uadf'; the options are: swaps"):
        make_split(to_table(two_way_pairs(5)), SplitOptions(whole={"uadf": "test"}))


def test_a_table_that_is_no_index() -> None:
    with pytest.raises(DataError, match=r"missing \['label', 'video_id'\]"):
        make_split(pa.table({"dataset": ["a"]}), GROUPS)
    with pytest.raises(DataError, match="no samples"):
        make_split(to_table([]), GROUPS)
    with pytest.raises(DataError, match=r"label must be one of 'real', 'fake'; got \['REAL'\]"):
        make_split(pa.table({"dataset": ["a"], "label": ["REAL"], "video_id": ["v"]}), GROUPS)
    with pytest.raises(DataError, match="needs a video_id"):
        make_split(pa.table({"dataset": ["a"], "label": ["real"], "video_id": [""]}), GROUPS)


def test_files(tmp_path: Path) -> None:
    table, report = make_split(to_table(two_way_pairs(20)), GROUPS)
    write_split(tmp_path / "split.parquet", table, report)
    back = read_table(tmp_path / "split.parquet")
    assert back.equals(table)
    assert json.loads(back.schema.metadata[b"dfdetect.split"])["hash"] == report.hash
    write_ids(tmp_path / "ids.csv", table, report)
    lines = (tmp_path / "ids.csv").read_text().splitlines()
    assert lines[0] == "video_id,split"
    assert dict(line.split(",") for line in lines[1:]) == splits_of(table)
    write_ids(tmp_path / "ids.json", table, report)
    ids = json.loads((tmp_path / "ids.json").read_text())
    assert ids["schema"] == "dfdetect.split/1"
    assert {video: split for split, videos in ids["splits"].items() for video in videos} == splits_of(table)
    with pytest.raises(UsageError, match=r"written as \.json or \.csv"):
        write_ids(tmp_path / "ids.txt", table, report)
    with pytest.raises(DataError, match="no such index"):
        read_table(tmp_path / "none.parquet")
    (tmp_path / "bad.parquet").write_bytes(b"PAR0")
    with pytest.raises(DataError, match="expected a Parquet index"):
        read_table(tmp_path / "bad.parquet")
