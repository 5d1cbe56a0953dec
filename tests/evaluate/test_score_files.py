"""Score files there and back, and every way in which one that somebody sends can be wrong."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import scan_results as results
from dfdetect.data.sample import Sample
from dfdetect.errors import DataError
from dfdetect.evaluate.score_table import COLUMNS, FrameTable, ScoreTable
from dfdetect.evaluate.scores import FrameScore, VideoScore, frame_scores, video_score
from dfdetect.values import Label

pytest.importorskip("pyarrow", reason="score files need the extra: evaluate")

SAMPLES = [
    Sample(f"/d/f/{n}.mp4", "/d", Label(n % 2), "toy", f"toy:{n}", "video", method="swap" if n % 2 else "")
    for n in range(6)
]
ROWS = [
    video_score(sample, result, extra={"light": "low" if n else ""})
    for n, (sample, result) in enumerate(zip(SAMPLES, results.every_result(), strict=True))
]


def frames_of_all() -> list[FrameScore]:
    found = zip(SAMPLES, results.every_result(), strict=True)
    return [frame for sample, result in found for frame in frame_scores(sample, result)]


def sent(tmp_path: Path, *lines: str) -> Path:
    path = tmp_path / "scores.csv"
    path.write_text("\n".join(lines) + "\n")
    return path


# ---- there and back ----


def test_rows_columns_and_file_are_the_same(tmp_path: Path) -> None:
    table = ScoreTable.from_rows(ROWS)
    table.to_parquet(tmp_path / "scores.parquet")
    again = ScoreTable.from_parquet(tmp_path / "scores.parquet")
    assert again.rows() == ROWS
    assert table.rows() == ROWS
    assert {row.status for row in ROWS} == {"ok", "no_face", "corrupt_data"}
    assert again.notes == ()


def test_the_same_as_text(tmp_path: Path) -> None:
    from dfdetect.evaluate.score_files import write_csv

    rows = [*ROWS, replace(ROWS[0], path="=1+1.mp4", dataset="-x")]
    write_csv(tmp_path / "s.csv", ScoreTable.from_rows(rows))
    again = ScoreTable.from_csv(tmp_path / "s.csv")
    assert again.rows()[: len(ROWS)] == ROWS
    assert again.rows()[-1].path == "'=1+1.mp4"  # else a spreadsheet would run it
    assert again.notes == ()


def test_no_score_is_null_in_the_file(tmp_path: Path) -> None:
    """0.5 for "could not tell" moved every AUC towards a half."""
    import pyarrow.parquet as pq

    ScoreTable.from_rows(ROWS).to_parquet(tmp_path / "s.parquet")
    found = pq.read_table(tmp_path / "s.parquet").to_pylist()
    unscored = [row for row in found if row["status"] != "ok"]
    assert len(unscored) == 2
    assert all(row["probability"] is None and row["logit"] is None for row in unscored)
    assert {row["label"] for row in found} == {"real", "fake"}
    assert set(found[0]) == {*COLUMNS, "x_light"}


def test_frames_there_and_back(tmp_path: Path) -> None:
    table, frames = ScoreTable.from_rows(ROWS), frames_of_all()
    columns = FrameTable.from_rows(frames, table)
    columns.to_parquet(tmp_path / "f.parquet", table)
    again = FrameTable.from_parquet(tmp_path / "f.parquet", table)
    assert len(again) == len(frames)
    for name, column in columns.columns.items():
        np.testing.assert_array_equal(again[name], column)
    assert table["path"][again["video"]].tolist() == [frame.path for frame in frames]
    other = ScoreTable.from_rows([replace(row, path=f"moved/{row.path}") for row in ROWS])
    with pytest.raises(DataError, match="a file that its scores do not name"):
        FrameTable.from_parquet(tmp_path / "f.parquet", other)


def test_the_pooled_frames_give_the_score_of_the_file() -> None:
    from dfdetect.scoring import pool_track

    for row in ROWS:
        own = [frame.logit for frame in frames_of_all() if frame.path == row.path and frame.pooled]
        assert (pool_track(own) if own else None) == row.logit


def test_frames_of_chosen_videos_are_numbered_anew() -> None:
    table = ScoreTable.from_rows(ROWS)
    frames = FrameTable.from_rows(frames_of_all(), table)
    mask = table["label"] == 1
    kept, chosen = frames.of_videos(mask), table.select(mask)
    assert set(chosen["path"][kept["video"]]) <= set(chosen["path"])
    assert len(kept) == int(mask[frames["video"]].sum())


def test_an_empty_table_is_a_table(tmp_path: Path) -> None:
    ScoreTable.from_rows([]).to_parquet(tmp_path / "s.parquet")
    assert len(ScoreTable.from_parquet(tmp_path / "s.parquet")) == 0


# ---- scores that are sent ----


def test_the_least_that_can_be_sent(tmp_path: Path) -> None:
    table = ScoreTable.from_csv(sent(tmp_path, "path,label,probability", "a.mp4,real,0.25", "b.mp4,FAKE,1", "c.mp4,1,"))
    assert table.rows() == [
        VideoScore("a.mp4", 0, group="a.mp4", probability=0.25),
        VideoScore("b.mp4", 1, group="b.mp4", probability=1.0),
        VideoScore("c.mp4", 1, group="c.mp4", status="missing", usable=False),
    ]
    assert "no verdicts" in table.notes[0]
    assert "no groups" in table.notes[1]


def test_everything_that_can_be_sent(tmp_path: Path) -> None:
    head = "path;label;probability;dataset;method;group;status;verdict;x_tone;usable"
    lines = [
        "a;0;0.9;ff;;ada;ok;likely_manipulated;dark;true",
        "b;1;;ff;swap;bob;no_face;not_applicable;light;false",
        "c;0;.5;ff;;cy;ok;inconclusive;dark;",
    ]
    table = ScoreTable.from_csv(sent(tmp_path, head, *lines))
    assert table["decided"].tolist() == [True, False, False]
    assert table["usable"].tolist() == [True, False, True]
    assert table["x_tone"].tolist() == ["dark", "light", "dark"]
    assert table["method"].tolist() == ["", "swap", ""]
    assert table.notes == ()


@pytest.mark.parametrize("name", ["score", "p"])
def test_a_score_by_another_name(tmp_path: Path, name: str) -> None:
    table = ScoreTable.from_csv(sent(tmp_path, f"path,label,{name}", "a,0,0.1"))
    assert table["probability"].tolist() == [0.1]


def test_a_named_score_column_and_the_other_way_round(tmp_path: Path) -> None:
    path = sent(tmp_path, "path,label,p_real,score", "a,0,0.75,7")
    table = ScoreTable.from_csv(path, score_column="p_real", higher_means="real")
    assert table["probability"].tolist() == [0.25]
    assert any("left out because nothing is known of them: score" in note for note in table.notes)


def test_logits_alone_give_a_sigmoid_and_say_so(tmp_path: Path) -> None:
    path = sent(tmp_path, "path,label,logit", "a,0,0", "b,1,2", "c,1,-900")
    table = ScoreTable.from_csv(path)
    assert table["probability"] == pytest.approx([0.5, 1 / (1 + math.exp(-2)), 0.0])
    assert any("nobody calibrated" in note for note in table.notes)
    turned = ScoreTable.from_csv(path, higher_means="real")
    assert turned["probability"] == pytest.approx(1 - table["probability"])


@pytest.mark.parametrize(
    ("lines", "says"),
    [
        (["label,probability", "0,0.5"], "missing path"),
        (["path,probability", "a,0.5"], "missing label"),
        (["path,label", "a,0"], "found none. Name it with --score-column; the columns are path, label"),
        (["path,label,score,p", "a,0,0.5,0.5"], "found score and p"),
        (["path,label,probability", "a,0,nan"], r"must be finite; .*got nan \(row 2\)"),
        (["path,label,probability", "a,0,0.1", "b,0,1.5"], r"within 0\.\.1, .*got 1.5 \(row 3\)"),
        (["path,label,probability", "a,0,-0.5"], "within 0..1"),
        (["path,label,probability", "a,0,inf"], "must be finite"),
        (["path,label,probability", "a,0,high"], r"must be numbers; got high \(row 2\)"),
        (["path,label,logit", "a,0,nan"], "must be finite"),
        (["path,label,probability", "a,genuine,0.5"], "real, fake, 0 or 1, where 1 = fake, and every score is P"),
        (["path,label,probability", "a,,0.5"], "label must be"),
        (["path,label,probability", ",0,0.5"], "every row needs a path"),
        (["path,label,probability", "a,0,0.5", "b,0,0.5", "a,0,0.6"], r"once in its dataset; got a \(row 4\)"),
        (["path,label,probability,verdict", "a,0,0.5,real"], "verdict must be one of likely_manipulated"),
        (["path,label,probability,status", "a,0,,ok"], "status 'ok' needs a score"),
        (["path,label,probability,status", "a,0,0.5,no_face"], "a file with a score has status 'ok'"),
        (["path,label,probability,usable", "a,0,0.5,perhaps"], "usable must be true or false"),
        (["path,label,probability,n_tracks", "a,0,0.5,two"], "n_tracks must be numbers"),
        (["path,label,probability,probability", "a,0,0.5,0.6"], "several columns named 'probability'"),
        ([""], "this file is empty"),
    ],
)
def test_what_cannot_be_is_refused_with_its_line(tmp_path: Path, lines: list[str], says: str) -> None:
    with pytest.raises(DataError, match=says):
        ScoreTable.from_csv(sent(tmp_path, *lines))


def test_the_same_path_in_two_datasets_is_two_files(tmp_path: Path) -> None:
    path = sent(tmp_path, "path,label,probability,dataset", "a,0,0.5,ff", "a,1,0.5,celeb")
    assert len(ScoreTable.from_csv(path)) == 2


def test_a_nan_inside_parquet_is_no_missing_score(tmp_path: Path) -> None:
    """A nan written by another program counted as "not scored", and a diverged model as an honest one."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    columns = {"path": ["a", "b"], "label": ["real", "fake"], "probability": [0.5, math.nan]}
    pq.write_table(pa.table(columns), tmp_path / "s.parquet")
    with pytest.raises(DataError, match="must be finite"):
        ScoreTable.from_parquet(tmp_path / "s.parquet")


def test_no_file_and_another_file(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"no such file; expected scores\.parquet"):
        ScoreTable.from_parquet(tmp_path / "s.parquet")
    with pytest.raises(DataError, match="no such file; expected scores as CSV"):
        ScoreTable.from_csv(tmp_path / "s.csv")
    (tmp_path / "s.parquet").write_bytes(b"PAR0")
    with pytest.raises(DataError, match=r"expected scores\.parquet"):
        ScoreTable.from_parquet(tmp_path / "s.parquet")


def test_a_table_refuses_columns_that_do_not_belong() -> None:
    table = ScoreTable.from_rows(ROWS)
    with pytest.raises(ValueError, match="unknown"):
        ScoreTable({**table.columns, "colour": table["path"]})
    with pytest.raises(ValueError, match="lengths"):
        ScoreTable({**table.columns, "path": table["path"][1:]})


def test_text_of_another_encoding_names_no_flag_that_is_not_there(tmp_path: Path) -> None:
    """The message told people to use --encoding, which only `data audit` has."""
    (tmp_path / "s.csv").write_bytes("path,label,probability\nmüller.mp4,0,0.5\n".encode("latin-1"))
    with pytest.raises(DataError, match=r"Save it as UTF-8$"):
        ScoreTable.from_csv(tmp_path / "s.csv")
