"""The words on the terminal."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

import scan_results as results
from dfdetect.calibration import uncalibrated
from dfdetect.cli.text import MOST_FACES, TIMELINE_COLUMNS, Style, text_block, text_line, timeline
from dfdetect.detect.wording import VERDICT_WORDS, clock, false_positive_text, moment, percent, plain
from dfdetect.values import ScanResult, Verdict

PLAIN = Style()


@pytest.mark.parametrize("result", results.every_result(), ids=lambda r: r.verdict or "error")
@pytest.mark.parametrize("style", [PLAIN, Style(colour=True), Style(unicode=False)], ids=str)
def test_every_result_has_a_block_and_a_line(result: ScanResult, style: Style) -> None:
    block, line = text_block(result, style), text_line(result, style)
    assert "\n" not in line
    for text in (block, line):
        assert result.input.path in text
        assert ("\x1b" in text) == style.colour
        assert style.unicode or text.isascii()
        if result.error is not None:
            assert result.error.code in text
        else:
            assert result.verdict is not None
            assert VERDICT_WORDS[result.verdict].title.upper() in text


def test_the_block_says_why_when_and_how_far_to_trust_it() -> None:
    block = text_block(results.video_result(), PLAIN)
    assert "probability 0.94 (0.88–0.97)   face 1, 0:03–0:09" in block
    assert "face 1: face 1 scores high from 0:03 to 0:09" in block
    assert "heavily compressed" in block
    assert "at the threshold 0.72, 3 % of real files were flagged (412 real videos" in block
    assert "1.9 s" in block


def test_no_word_ever_says_that_a_file_is_real() -> None:
    for verdict in Verdict:
        words = VERDICT_WORDS[verdict]
        assert "authentic" not in (words.title + words.meaning).lower()
        assert "real" not in words.title.lower()


def test_an_unmeasured_rate_is_said_to_be_unmeasured() -> None:
    bare, _ = uncalibrated().bounds("video", 1)
    assert false_positive_text(bare) == "not calibrated: every verdict is inconclusive"
    text = false_positive_text(replace(results.THRESHOLDS, measured_fpr=None))
    assert "was not measured" in text


def test_a_crowd_does_not_fill_the_screen() -> None:
    base = results.video_result()
    crowd = [replace(base.tracks[0], id=n, probability=n / 100) for n in range(1, 31)]
    block = text_block(replace(base, tracks=tuple(crowd), reasons=()), PLAIN)
    assert block.count("    face ") == MOST_FACES
    assert "face 30" in block
    assert f"and {30 - MOST_FACES} faces more" in block


def test_the_timeline_has_a_blank_where_the_face_was_lost() -> None:
    track = results.face_track(1, Verdict.INCONCLUSIVE, [0.99] * 5 + [0.01] * 5, gaps_s=((4.0, 5.0),))
    drawn = timeline(track, 20.0, PLAIN, columns=20)
    assert drawn == "█████▁▁▁▁▁          "
    assert timeline(replace(track, scores=track.scores[:5] + track.scores[6:]), 20.0, PLAIN, columns=20)[4:6] == "█▁"


def test_a_gap_without_scores_is_blank() -> None:
    track = results.face_track(1, Verdict.INCONCLUSIVE, [0.99] * 3, step=250, gaps_s=((0.0, 10.0),))
    assert timeline(track, 20.0, PLAIN, columns=20) == "█" + " " * 9 + "█" * 10


@given(
    ps=st.lists(st.floats(0.001, 0.999), min_size=1, max_size=40),
    duration_s=st.floats(0, 100),
    columns=st.integers(1, 50),
)
def test_any_timeline_is_as_wide_as_asked(ps: list[float], duration_s: float, columns: int) -> None:
    drawn = timeline(results.face_track(1, Verdict.INCONCLUSIVE, ps), duration_s, PLAIN, columns)
    assert len(drawn) == columns
    assert set(drawn) <= set(PLAIN.levels) | {" "}
    assert PLAIN.levels[round(max(ps) * 7)] in drawn


def test_the_columns_fit_a_terminal() -> None:
    assert all(
        len(line) <= 80 for line in text_block(results.video_result(), PLAIN).splitlines() if "face " in line[:10]
    )
    assert TIMELINE_COLUMNS <= 40


@pytest.mark.parametrize(
    ("given_text", "shown"),
    [
        ("a.mp4", "a.mp4"),
        ("a\x1b]0;x\x07.mp4", "a\ufffd]0;x\ufffd.mp4"),
        ("\udce9", "\\xe9"),
        ("a\nb\tc", "a\ufffdb\ufffdc"),
    ],
)
def test_a_file_name_cannot_drive_the_terminal(given_text: str, shown: str) -> None:
    assert plain(given_text) == shown


@pytest.mark.parametrize(("time_s", "shown"), [(0, "0:00"), (7.9, "0:07"), (723, "12:03"), (3723, "1:02:03")])
def test_clock(time_s: float, shown: str) -> None:
    assert clock(time_s) == shown


def test_moments_of_short_files_have_tenths() -> None:
    assert (moment(1.25, 4), moment(61, 120)) == ("1.2 s", "1:01")


@pytest.mark.parametrize(("share", "shown"), [(0.03, "3 %"), (0.005, "0.5 %"), (0, "0 %"), (0.0333, "3.3 %")])
def test_percent(share: float, shown: str) -> None:
    assert percent(share) == shown
