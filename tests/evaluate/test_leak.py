"""Training data against test data, through the audit."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from dfdetect.data.sample import Sample, write_index
from dfdetect.errors import DataError
from dfdetect.evaluate.leak import find_leaks
from dfdetect.evaluate.measure import measure
from dfdetect.values import Label
from drawn_scores import table, videos


def sample(name: str, person: str, split: str, label: Label = Label.REAL) -> Sample:
    return Sample(
        f"/data/{name}", "/data", label, "set", name, "video", target_id=person, split=split,  # type: ignore[arg-type]
        method="swap" if label else "",
    )  # fmt: skip


def index(path: Path, samples: list[Sample]) -> Path:
    write_index(path, samples)
    return path


def test_a_person_on_both_sides_is_red(tmp_path: Path) -> None:
    train = index(
        tmp_path / "train.parquet", [sample("a.mp4", "set:ann", "train"), sample("b.mp4", "set:bob", "train")]
    )
    test = index(tmp_path / "test.parquet", [sample("c.mp4", "set:ann", "test"), sample("d.mp4", "set:dan", "test")])
    findings, report = find_leaks(train, test)
    assert report.leaks_found
    assert {(one.code, one.severity) for one in findings if one.code == "train_test_leak"} == {
        ("train_test_leak", "red")
    }
    assert any("1 person is in both train (of 2) and test (of 2)" in one.text for one in findings)


def test_the_test_part_of_the_training_index_was_not_learned_from(tmp_path: Path) -> None:
    """The whole index given as training data made every test file a leak of itself."""
    rows = [sample("a.mp4", "set:ann", "train"), sample("b.mp4", "set:bob", "val"), sample("c.mp4", "set:cid", "test")]
    whole = index(tmp_path / "index.parquet", rows)
    findings, _ = find_leaks(whole, index(tmp_path / "test.parquet", rows[2:]))
    assert not [one for one in findings if one.severity == "red"]
    assert any(one.code == "no_leak_found" for one in findings)
    findings, _ = find_leaks(whole, index(tmp_path / "val.parquet", rows[1:2]))
    assert [one for one in findings if one.severity == "red"], "what chose the checkpoint was learned from"


def test_a_score_table_is_compared_by_paths_and_people(tmp_path: Path) -> None:
    scores = table(videos([0.1, 0.2, 0.3], 0, name="a", groups=2), videos([0.9, 0.8], 1, name="a", method="swap"))
    train = index(tmp_path / "train.parquet", [sample("a/0/1.mp4", "ann", "train"), sample("z.mp4", "a1p0", "train")])
    report = measure(scores, bounds=None, rng=np.random.default_rng(0), draws=20, trained_on=train)
    leaks = [one.text for one in report.findings if one.code == "train_test_leak"]
    assert any("1 file is in both" in text for text in leaks)
    assert any("1 person is in both" in text for text in leaks)
    assert report.findings[0].severity == "red"


def test_equal_paths_in_two_datasets_are_two_files(tmp_path: Path) -> None:
    """`0001.mp4` of every flat folder was a leak of every other."""
    scores = table(videos([0.1, 0.2], 0, dataset="other"), videos([0.9], 1, dataset="other"))
    train = index(tmp_path / "train.parquet", [sample("a/0/1.mp4", "set:ann", "train")])
    assert not [one for one in find_leaks(train, scores)[0] if one.severity == "red"]
    same = table(videos([0.1, 0.2], 0), videos([0.9], 1))
    assert [one for one in find_leaks(train, same)[0] if one.severity == "red"]


def test_a_broken_training_index_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "train.parquet").write_bytes(b"no Parquet")
    with pytest.raises(DataError, match="expected the index of the training data"):
        find_leaks(tmp_path / "train.parquet", table(videos([0.1], 0)))


def test_nothing_given_is_not_silent() -> None:
    scores = table(videos([0.1, 0.2], 0), videos([0.9, 0.8], 1))
    report = measure(scores, bounds=None, rng=np.random.default_rng(0), draws=20)
    assert [one.severity for one in report.findings if one.code == "leak_not_checked"] == ["warning"]
