"""Other benchmarks' habits applied to the same scores, each told by hand."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from dfdetect.evaluate.protocol import PROTOCOLS, find_protocol
from dfdetect.evaluate.protocol_figures import Counted, folder_name, protocol_figures
from dfdetect.evaluate.score_table import FrameTable, ScoreTable
from dfdetect.evaluate.scores import FrameScore, VideoScore
from dfdetect.scoring import pool_frames


def scored(videos: dict[str, tuple[int, list[float] | None]]) -> tuple[ScoreTable, FrameTable]:
    """path -> (label, logits of its frames, None without a face)."""
    rows, frames = [], []
    for path, (label, logits) in videos.items():
        status = "ok" if logits else "no_face"
        logit = pool_frames(logits) if logits else None
        p = None if logit is None else 1 / (1 + np.exp(-logit))
        rows.append(VideoScore(path, label, kind="video", status=status, probability=p, logit=logit))
        frames += [
            FrameScore(path, "", n, n / 25, 1, 0.5, value, 100, 0.1, 0, True) for n, value in enumerate(logits or ())
        ]
    table = ScoreTable.from_rows(rows)
    return table, FrameTable.from_rows(frames, table)


def by_name(videos: dict[str, Any], protocol: Any = PROTOCOLS["dfb"]) -> dict[str, Counted]:
    found = protocol_figures(*scored(videos), protocol.as_dict())
    assert found is not None
    assert found.protocol == protocol.name
    assert found.as_dict()["counted"][0]["ours"]
    return {one.name: one for one in found.counted}


def test_a_file_without_a_face_is_counted_both_ways() -> None:
    """A detector that finds no face in fakes looked better where they were dropped."""
    found = by_name({"a": (0, [-1.0]), "b": (1, [1.0]), "c": (1, None), "d": (0, [0.5])}, PROTOCOLS["sbi"])
    assert (found["no face left out"].auc, found["no face left out"].n_fake) == (1.0, 1)
    assert found["no face is 0.5"].auc == pytest.approx(3 / 4)  # c, at logit 0, lies between a and d
    assert found["no face is 0.5"].n_fake == 2
    assert "grouped by folder name" not in found


def test_clips_of_one_name_become_one_video() -> None:
    """000_003 of four methods were one video, and a real 000 with a fake 000 counted as real."""
    found = by_name(
        {
            "Deepfakes/000_003.mp4": (1, [5.0]),
            "Face2Face/000_003.mp4": (1, [-5.0]),
            "real/000.mp4": (0, [0.0]),
            "real/001.mp4": (0, [-2.0]),
            "other/001.mp4": (1, [3.0]),
        }
    )
    ours, theirs = found["no face left out"], found["grouped by folder name"]
    assert (ours.n_real, ours.n_fake) == (2, 3)
    assert ours.auc == pytest.approx(4 / 6)
    assert (theirs.n_real, theirs.n_fake) == (2, 1)  # 001: mean label 0.5 is rounded down to real
    assert "5 videos become 3 names (2 lost" in theirs.text
    assert theirs.auc == pytest.approx(0.25)  # 000_003 pools to 0.5: as high as 000, below 001 with its fake frames


def test_the_first_frames_beside_as_many_spread_evenly() -> None:
    late = [-4.0] * 16 + [4.0] * 16
    found = by_name({"a": (0, [-3.0] * 32), "b": (1, late)}, find_protocol("dfb", first_frames=8))
    assert found["8 of 32 frames"].auc == 1.0
    assert found["8 of 32 frames"].ours
    assert found["first 8 of 32 frames"].auc == 0.0
    assert not found["first 8 of 32 frames"].ours


def test_frames_are_not_among_them() -> None:
    """A figure of frames in one column with figures of files was read as one of them."""
    assert set(by_name({"a": (0, [-1.0, 2.0]), "b": (1, [1.0, 3.0])})) == {
        "no face left out", "no face is 0.5", "grouped by folder name",
    }  # fmt: skip


def test_one_class_has_no_auc() -> None:
    assert by_name({"a": (0, [-1.0])})["no face left out"].auc is None


def test_native_has_nothing_to_add() -> None:
    assert protocol_figures(*scored({"a": (0, [1.0])}), PROTOCOLS["native"].as_dict()) is None


@pytest.mark.parametrize(
    ("path", "kind", "name"),
    [
        ("m/000_003.mp4", "video", "000_003"),
        ("m/frames/000_003", "frames", "000_003"),
        ("m/000_003", "crop", "000_003"),
        ("m/000_003/017.png", "crop", "000_003"),
        ("m/017.png", "image", "m"),
    ],
)
def test_the_name_that_a_benchmark_goes_by(path: str, kind: str, name: str) -> None:
    assert folder_name(path, kind) == name
