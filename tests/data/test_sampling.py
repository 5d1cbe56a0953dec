"""Sampling: balanced, paired, capped, weighted; a function of seed and number alone."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dfdetect.data.sampling import (
    PAIRINGS,
    Ring,
    Rounds,
    Row,
    Sampler,
    SamplingOptions,
    Weighted,
    copy_of,
    dataset_weights,
    row_of,
    rows_of_shards,
)
from dfdetect.data.shards import read_shards, write_shards
from dfdetect.errors import DataError, UsageError
from face_pictures import plain_records


def row(label: int, *, person: str = "p", clip: str = "c", key: str = "", frame: int = 0, dataset: str = "d") -> Row:
    return Row(label, dataset, person, clip, clip, key, frame, 1, True)


def faceforensics(clips: int = 4, frames: int = 5, methods: int = 3) -> list[Row]:
    """Clips of a person each, and fakes made of every one by several methods, frame by frame; one real clip unused."""
    rows = [row(0, person=f"p{c}", clip=f"r{c}", key=f"r{c}", frame=f) for c in range(clips) for f in range(frames)]
    rows += [row(0, person="other", clip="unused", key="unused", frame=f) for f in range(frames)]
    rows += [
        row(1, person=f"p{c}", clip=f"m{m}-{c}", key=f"r{c}", frame=f)
        for m in range(methods) for c in range(clips) for f in range(frames)
    ]  # fmt: skip
    return rows


some_rows = st.lists(
    st.builds(
        row,
        st.integers(0, 1),
        person=st.sampled_from("abcd"),
        clip=st.sampled_from("wxyz"),
        frame=st.integers(0, 3),
        dataset=st.sampled_from(["one", "two"]),
    ),
    min_size=2,
    max_size=40,
).filter(lambda rows: {r.label for r in rows} == {0, 1})
seeds = st.integers(0, 2**31)


@given(some_rows, seeds, st.sampled_from(PAIRINGS), st.floats(0, 1), st.integers(0, 3))
@settings(max_examples=40, deadline=None)
def test_item_k_is_item_k_in_any_order(rows: list[Row], seed: int, pairing: str, made: float, cap: int) -> None:
    """With a generator shared by all items, a resumed run, or one with other workers, trained on other pictures."""
    options = SamplingOptions(max_per_person=cap, made_share=0 if pairing == "none" else made)
    forward = [Sampler(rows, seed=seed, pairing=pairing, options=options).item(k) for k in range(30)]
    sampler = Sampler(rows, seed=seed, pairing=pairing, options=options)
    assert [sampler.item(k) for k in reversed(range(30))][::-1] == forward
    assert Sampler(rows, seed=seed, pairing=pairing, options=options).item(29) == forward[29]


@given(some_rows, seeds, st.sampled_from(["class", "source"]), st.floats(0, 1))
@settings(max_examples=40, deadline=None)
def test_every_item_is_a_real_and_a_fake(rows: list[Row], seed: int, pairing: str, made: float) -> None:
    sampler = Sampler(rows, seed=seed, pairing=pairing, options=SamplingOptions(made_share=made))
    for k in range(40):
        drawn = sampler.item(k)
        labels = [rows[number].label for number in drawn.rows]
        assert labels == ([0] if drawn.made else [0, 1])


@given(some_rows, seeds, st.sampled_from(PAIRINGS))
@settings(max_examples=40, deadline=None)
def test_no_row_is_thrown_away(rows: list[Row], seed: int, pairing: str) -> None:
    """Cutting the larger class down to the smaller threw four fifths of a dataset's fakes away."""
    sampler = Sampler(rows, seed=seed, pairing=pairing)
    counts = Counter(number for k in range(sampler.items_per_round * 8) for number in sampler.item(k).rows)
    assert set(counts) == set(range(len(rows)))
    if pairing == "class":
        for label in (0, 1):
            own = [counts[number] for number in range(len(rows)) if rows[number].label == label]
            assert max(own) - min(own) <= 1


@given(some_rows, seeds, st.integers(0, 4), st.integers(0, 4))
@settings(max_examples=60, deadline=None)
def test_caps_hold_in_every_round_and_rows_take_turns(rows: list[Row], seed: int, people: int, sources: int) -> None:
    """One person with 900 clips is not 900 people."""
    options = SamplingOptions(max_per_person=people, max_per_source=sources)
    rounds = Rounds(rows, range(len(rows)), [seed], options)
    seen: Counter[int] = Counter()
    for turn in range(200):
        drawn = [rounds.at(turn * rounds.length + place) for place in range(rounds.length)]
        assert len(set(drawn)) == len(drawn)
        if people:
            assert max(Counter(rows[n].person for n in drawn).values()) <= people
        if sources:
            assert max(Counter((rows[n].person, rows[n].source) for n in drawn).values()) <= sources
        seen.update(drawn)
    assert len(seen) == len(rows)
    without = Rounds(rows, range(len(rows)), [seed], SamplingOptions())
    assert sorted(without.at(k) for k in range(len(rows))) == list(range(len(rows)))


def test_capped_rows_all_come_in_the_end() -> None:
    rows = [row(0, person="a", clip=f"c{n // 10}", frame=n) for n in range(50)] + [row(0, person="b", clip="b")]
    rounds = Rounds(rows, range(51), [3], SamplingOptions(max_per_person=4, max_per_source=2))
    assert rounds.length == 5
    seen = Counter(rounds.at(k) for k in range(5 * 13 * 5))
    assert set(seen) == set(range(51))
    assert max(seen[n] for n in range(50)) - min(seen[n] for n in range(50)) <= 4


def test_a_fake_stands_beside_its_original_at_the_same_frame() -> None:
    rows = faceforensics()
    sampler = Sampler(rows, seed=1, pairing="source")
    beside, alone = 0, 0
    for k in range(1024):
        real, fake = (rows[number] for number in sampler.item(k).rows)
        if real.clip == "unused":
            alone += 1
        else:
            assert (real.clip, real.frame_index) == (fake.pair_key, fake.frame_index)
            beside += 1
    assert alone == pytest.approx(1024 / 5, abs=1)  # its share of the reals: 5 of 25


def test_the_nearest_frame_stands_in_for_a_missing_one() -> None:
    rows = [row(0, clip="r", key="r", frame=f) for f in (0, 10, 20)] + [row(1, clip="f", key="r", frame=13)]
    drawn = {Sampler(rows, seed=s, pairing="source").item(0).rows[0] for s in range(8)}
    assert drawn == {1}


def test_a_fake_without_its_original_stands_beside_any_real() -> None:
    rows = [row(0, clip="r", key="r"), row(1, clip="f", key="gone"), row(1, clip="g", key="r")]
    sampler = Sampler(rows, seed=0, pairing="source")
    assert {sampler.item(k).rows for k in range(20)} == {(0, 1), (0, 2)}


def test_datasets_come_by_weight_whatever_their_sizes() -> None:
    rows = [row(label, dataset="large", clip=f"l{n}", person=f"l{n}") for n in range(400) for label in (0, 1)]
    rows += [row(label, dataset="small", clip=f"s{n}", person=f"s{n}") for n in range(7) for label in (0, 1)]
    options = SamplingOptions(datasets=("large=1", "small=3"))
    sampler = Sampler(rows, seed=2, options=options)
    drawn = [sampler.item(k) for k in range(2048)]
    for place in (0, 1):
        names = Counter(rows[item.rows[place]].dataset for item in drawn)
        assert names["small"] == 1536
    small = Counter(item.rows[0] for item in drawn if rows[item.rows[0]].dataset == "small")
    assert len(small) == 7
    assert max(small.values()) - min(small.values()) <= 1
    assert len({item.rows[1] for item in drawn if rows[item.rows[1]].dataset == "large"}) == 400


def test_made_and_true_fakes_are_mixed_by_weight_and_need_a_mesh() -> None:
    rows = [replace(row(0, clip=f"r{n}"), has_mesh=n % 2 == 0) for n in range(10)] + [row(1, clip="f")]
    sampler = Sampler(rows, seed=0, options=SamplingOptions(made_share=0.25))
    drawn = [sampler.item(k) for k in range(1024)]
    assert sum(item.made for item in drawn) == 256
    assert {item.rows[0] for item in drawn if item.made} == {0, 2, 4, 6, 8}
    assert {item.rows[0] for item in drawn if not item.made} == set(range(10))


def test_reals_alone_are_enough_where_all_fakes_are_made() -> None:
    rows = [row(0, clip=f"r{n}", person=f"p{n}") for n in range(5)]
    sampler = Sampler(rows, seed=0, options=SamplingOptions(made_share=1.0))
    assert sorted(sampler.item(k).rows[0] for k in range(5)) == [0, 1, 2, 3, 4]
    assert sampler.items_per_round == 5


@given(st.dictionaries(st.sampled_from("abcde"), st.floats(0.001, 100), min_size=1), seeds, st.integers(0, 2500))
@settings(max_examples=40, deadline=None)
def test_weights_hold_exactly_and_places_count(weights: dict[str, float], seed: int, k: int) -> None:
    own = Weighted(weights, [seed])
    names = [own.at(place)[0] for place in range(1024)]
    total = sum(weights.values())
    for name, weight in weights.items():
        assert names.count(name) == pytest.approx(1024 * weight / total, abs=len(weights) + 1)
        assert names.count(name) >= 1
    name, before = own.at(k)
    assert before == sum(own.at(place)[0] == name for place in range(k))


def test_mistakes_are_named() -> None:
    rows = faceforensics()
    with pytest.raises(DataError, match=r"needs both classes; got 25 real and 0 fake.*data.kind = \"self_blend\""):
        Sampler([r for r in rows if r.label == 0], seed=0)
    with pytest.raises(UsageError, match="unknown pairing 'clip'; the options are: class, none, source"):
        Sampler(rows, seed=0, pairing="clip")
    with pytest.raises(UsageError, match=r"made_share must be 0..1; got 1.5"):
        Sampler(rows, seed=0, options=SamplingOptions(made_share=1.5))
    with pytest.raises(UsageError, match="made_share needs pairs"):
        Sampler(rows, seed=0, pairing="none", options=SamplingOptions(made_share=0.5))
    with pytest.raises(DataError, match="only of real rows with a mesh"):
        Sampler([replace(r, has_mesh=False) for r in rows], seed=0, options=SamplingOptions(made_share=0.5))
    with pytest.raises(UsageError, match=r"no weight for \['d'\]; the shards hold d"):
        Ring(rows, range(9), [0], SamplingOptions(datasets=("e=1",)))
    for entry in ("d", "d=much", "d=-1"):
        with pytest.raises(UsageError, match="expected NAME=WEIGHT"):
            dataset_weights((entry,), ["d"])
    with pytest.raises(UsageError, match="every weight of d is 0"):
        dataset_weights(("d=0",), ["d"])


def test_columns_of_shards_say_the_same_as_records(tmp_path: Path) -> None:
    records = [replace(record, video_id="", frame_index=n) for n, record in enumerate(plain_records(4))]
    records[1] = replace(records[1], mesh=None, source_key="upload", video_id="clip", pair_key="clip", label=1)
    write_shards(tmp_path, records, about={})
    assert rows_of_shards(tmp_path) == [row_of(record) for record in read_shards(tmp_path, images=False)]


def test_a_copy_stands_beside_the_same_copy() -> None:
    assert [copy_of(text) for text in ("", "c23", "copy2", "c23+copy1")] == ["", "", "copy2", "copy1"]
    rows = [replace(row(label, clip=f"c{label}", key="c0"), copy=c) for label in (0, 1) for c in ("", "copy1", "copy2")]
    sampler = Sampler(rows, seed=0, pairing="source")
    assert {tuple(rows[n].copy for n in sampler.item(k).rows) for k in range(12)} == {
        ("", ""),
        ("copy1", "copy1"),
        ("copy2", "copy2"),
    }


def test_a_hundred_thousand_rows_are_no_burden() -> None:
    """Each worker draws for itself: a sampler that lists every epoch would hold it as often as there are workers."""
    rows = faceforensics(clips=400, frames=50, methods=4)
    sampler = Sampler(rows, seed=0, pairing="source", options=SamplingOptions(max_per_person=20))
    assert len({sampler.item(10**9 + k).rows for k in range(50)}) == 50
    assert np.ptp([len(sampler.item(k).rows) for k in range(50)]) == 0
