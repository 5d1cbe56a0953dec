"""One row a file: what is scored, what is not, and that a killed run goes on where it stopped."""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from pathlib import Path

import pytest

import scan_results as results
from dfdetect.calibration import NOT_CALIBRATED
from dfdetect.data.sample import Sample
from dfdetect.evaluate.scores import VideoScore, append_score, counts, read_scores, video_score
from dfdetect.scoring import pool_track
from dfdetect.values import Label, ScanResult, Verdict


def media_row(name: str, label: Label = Label.REAL, **more: str) -> Sample:
    return Sample(f"/data/{name}", "/data", label, "list", name, "video", **more)


def test_a_scored_file() -> None:
    result = results.video_result(Verdict.LIKELY_MANIPULATED)
    row = video_score(media_row("swap/a.mp4", Label.FAKE, method="swap", target_id="ada"), result)
    assert (row.path, row.label, row.source, row.method, row.group) == ("swap/a.mp4", 1, "list", "swap", "ada")
    assert (row.kind, row.status, row.verdict, row.n_tracks, row.usable) == (
        "video",
        "ok",
        "likely_manipulated",
        2,
        True,
    )
    assert row.probability == result.probability
    assert row.logit == pytest.approx(pool_track([s.logit for s in result.tracks[0].scores]))


def test_the_logit_is_of_the_track_that_decided() -> None:
    result = results.video_result(Verdict.LIKELY_MANIPULATED)
    turned = replace(result, tracks=result.tracks[::-1])
    assert video_score(media_row("a.mp4"), turned).logit == video_score(media_row("a.mp4"), result).logit


@pytest.mark.parametrize(
    ("result", "status"), [(results.no_face_result(), "no_face"), (results.error_result(), "corrupt_data")]
)
def test_no_face_and_failure_have_no_score(result: ScanResult, status: str) -> None:
    """0.5 for "could not tell" moved every AUC towards a half."""
    row = video_score(media_row("a.mp4"), result)
    assert row.status == status
    assert row.probability is None
    assert row.logit is None


def test_a_model_that_nobody_calibrated_has_no_verdicts() -> None:
    """Counted as inconclusive, it raised no false alarm and looked better than any model that answers."""
    result = results.video_result(Verdict.INCONCLUSIVE)
    assert result.thresholds is not None
    uncalibrated = replace(result, thresholds=replace(result.thresholds, measured_on=NOT_CALIBRATED))
    assert video_score(media_row("a.mp4"), result).verdict == "inconclusive"
    row = video_score(media_row("a.mp4"), uncalibrated)
    assert (row.verdict, row.decided, row.status) == (None, False, "ok")
    assert row.probability == result.probability


def test_where_nothing_is_named_the_file_is_its_own_group() -> None:
    row = video_score(media_row("x.mp4", source="web"), results.image_result())
    assert (row.group, row.source, row.kind) == ("x.mp4", "web", "video")


def test_a_torn_line_costs_its_own_row_alone(tmp_path: Path) -> None:
    """The row after a torn line was glued to it and lost, in every later run again."""
    rows = [video_score(media_row(f"{n}.mp4"), results.video_result()) for n in range(3)]
    for row in rows[:2]:
        append_score(tmp_path / "s.jsonl", row)
    text = (tmp_path / "s.jsonl").read_text()
    (tmp_path / "s.jsonl").write_text(text[:-40])  # killed while the second line was written
    assert read_scores(tmp_path / "s.jsonl") == rows[:1]
    append_score(tmp_path / "s.jsonl", rows[2])
    assert read_scores(tmp_path / "s.jsonl") == [rows[0], rows[2]]
    assert read_scores(tmp_path / "none.jsonl") == []


def test_rows_there_and_back(tmp_path: Path) -> None:
    rows = [video_score(media_row(f"{n}"), result) for n, result in enumerate(results.every_result())]
    for row in rows:
        append_score(tmp_path / "s.jsonl", row)
    assert read_scores(tmp_path / "s.jsonl") == rows
    assert json.loads((tmp_path / "s.jsonl").read_text().splitlines()[0]) == asdict(rows[0])


def test_every_file_is_counted_once() -> None:
    rows: list[VideoScore] = [video_score(media_row("a"), result) for result in results.every_result()]
    assert counts(rows) == {"asked": 6, "scored": 4, "no_face": 1, "failed": 1}
    assert counts([]) == {"asked": 0, "scored": 0, "no_face": 0, "failed": 0}
