"""Kept and sent scores, opened again and held against the data."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from dfdetect.data.sample import Sample
from dfdetect.errors import DataError, UsageError
from dfdetect.evaluate.run_file import names_apart
from dfdetect.evaluate.samples import Asked
from dfdetect.evaluate.score_set import ScoreSet, completed, held_against, open_scores, told_apart
from dfdetect.evaluate.score_table import FrameTable, ScoreTable
from dfdetect.evaluate.scores import FrameScore, VideoScore
from dfdetect.values import Label

pytest.importorskip("pyarrow", reason="score files need the extra: evaluate")

SAMPLES = tuple(
    Sample(
        f"/d/{n}.mp4",
        "/d",
        Label(n % 2),
        "toy",
        f"toy/{n}",
        "video",
        method="swap" if n % 2 else "",
        target_id=f"toy:{n // 2}",
        source="web",
    )
    for n in range(4)
)
ASKED = Asked(SAMPLES, {"/d/0.mp4": {"tone": "dark"}})


def sent(*rows: VideoScore, notes: tuple[str, ...] = ()) -> ScoreTable:
    return replace(ScoreTable.from_rows(rows), notes=notes)


def test_what_is_missing_has_a_row_and_what_is_not_asked_is_left_out() -> None:
    """A person who sent 2 of 4 videos had an AUC of the two, and nobody was told of the others."""
    table = completed(
        sent(
            VideoScore("1.mp4", 1, group="1.mp4", probability=0.9),
            VideoScore("0.mp4", 0, group="0.mp4", probability=0.1),
            VideoScore("9.mp4", 0, probability=0.5),
            notes=("no groups",),
        ),
        ASKED,
    )
    rows = table.rows()
    assert [(row.path, row.status, row.probability) for row in rows] == [
        ("0.mp4", "ok", 0.1),
        ("1.mp4", "ok", 0.9),
        ("2.mp4", "missing", None),
        ("3.mp4", "missing", None),
    ]
    assert [(row.dataset, row.group, row.method, row.source) for row in rows[:2]] == [
        ("toy", "toy:0", "", "web"),
        ("toy", "toy:0", "swap", "web"),
    ]
    assert rows[0].extra == {"tone": "dark"}
    assert table.notes == (
        "no groups",
        "1 scores are of no sample of the data and were left out, for example 9.mp4",
    )


def test_frames_stay_with_their_files() -> None:
    """`--scores RUN --data LIST` had no figures of frames: the rows of the files moved, and the frames were dropped."""
    table = sent(
        *(VideoScore(f"{n}.mp4", n % 2, dataset="toy", probability=n / 10) for n in (3, 9, 1)),
    )
    frames = FrameTable.from_rows(
        [
            FrameScore(f"{n}.mp4", "toy", at, 0.0, 0, n / 10, 0.0, 90.0, 9.0, 0.0, True)
            for n in (3, 9, 1)
            for at in (0, 7)
        ],
        table,
    )
    found = held_against(ScoreSet("m", table, frames, None), ASKED)
    assert found.frames is not None
    assert found.table["path"][found.frames["video"]].tolist() == ["3.mp4", "3.mp4", "1.mp4", "1.mp4"]
    assert found.frames["probability"].tolist() == [0.3, 0.3, 0.1, 0.1]
    assert held_against(ScoreSet("m", table, None, None), ASKED).frames is None


def test_what_the_scores_say_themselves_stays() -> None:
    row = VideoScore("1.mp4", 1, dataset="toy", method="mine", group="me", probability=0.9)
    assert completed(sent(row), ASKED).rows()[1] == replace(row, source="web", kind="video", extra={"tone": ""})


@pytest.mark.parametrize(("labels", "hint"), [((1, 0), "the other way round: 1 = fake"), ((0, 0), "")])
def test_labels_that_are_not_the_datas_are_refused(labels: tuple[int, int], hint: str) -> None:
    rows = [VideoScore(f"{n}.mp4", label, probability=0.5) for n, label in enumerate(labels)]
    with pytest.raises(DataError, match="labels are not the data's") as caught:
        completed(sent(*rows), ASKED)
    assert hint in caught.value.message
    assert bool(hint) == ("other way" in caught.value.message)


def test_a_path_of_two_datasets_needs_its_dataset() -> None:
    both = Asked((*SAMPLES, replace(SAMPLES[0], dataset="other", root="/e", path="/e/0.mp4")))
    with pytest.raises(DataError, match=r"0\.mp4 stands for samples of two datasets"):
        completed(sent(VideoScore("0.mp4", 0, probability=0.5)), both)
    table = completed(sent(VideoScore("0.mp4", 0, dataset="other", probability=0.5)), both)
    assert [row.status for row in table.rows()] == ["missing"] * 4 + ["ok"]


def test_what_is_no_scores(tmp_path: Path) -> None:
    (tmp_path / "begun" / "work").mkdir(parents=True)
    (tmp_path / "empty").mkdir()
    (tmp_path / "s.txt").write_text("0.5")
    for name, error, says in (
        ("begun", DataError, "its run was stopped: run the same command again"),
        ("empty", DataError, r"there is no run\.json in it"),
        ("none", DataError, "no such file or folder"),
        ("s.txt", UsageError, r"scores are a folder.*got '\.txt'"),
    ):
        with pytest.raises(error, match=says):
            open_scores(tmp_path / name)


def test_sets_of_one_name_are_told_apart(tmp_path: Path) -> None:
    """One model by two protocols was "default 0.1 against default 0.1" in every table."""
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "s.csv").write_text("path,label,score\na,0,0.5\n")
    (tmp_path / "other.csv").write_text("path,label,score\na,0,0.5\n")
    paths = (tmp_path / "one" / "s.csv", tmp_path / "other.csv", tmp_path / "two" / "s.csv")
    found = told_apart([open_scores(path) for path in paths])
    assert [one.name for one in found] == ["s (1)", "other", "s (2)"]
    by_protocol = [{"protocol": {"name": name}} for name in ("native", "dfb")]
    assert names_apart(["m", "m"], by_protocol) == ["m (native)", "m (dfb)"]
    assert names_apart(["m", "m", "m"], [*by_protocol, by_protocol[0]]) == ["m (1)", "m (dfb)", "m (3)"]


def test_a_file_of_scores_is_named_after_itself(tmp_path: Path) -> None:
    (tmp_path / "theirs.csv").write_text("path,label,p_real\na,0,0.9\n")
    found = open_scores(tmp_path / "theirs.csv", score_column="p_real", higher_means="real")
    assert (found.name, found.run, found.frames) == ("theirs", None, None)
    assert found.table["probability"].tolist() == [pytest.approx(0.1)]
    found.table.to_parquet(tmp_path / "theirs.parquet")
    assert open_scores(tmp_path / "theirs.parquet").table.rows() == found.table.rows()
