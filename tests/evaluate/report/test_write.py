"""The files of a report, the pictures that are only made where they are asked for, and the worst cases."""

from __future__ import annotations

import base64
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from dfdetect.evaluate.eval_report import EvalReport
from dfdetect.evaluate.measure import measure
from dfdetect.evaluate.report.thumbnails import SIDE_PX, thumbnails
from dfdetect.evaluate.report.write import write_report
from dfdetect.evaluate.score_table import FrameTable, ScoreTable
from dfdetect.evaluate.scores import FrameScore, VideoScore
from dfdetect.evaluate.worst import Worst, WorstCase, worst_cases
from dfdetect.media.roundtrip import decode, encode_png
from eval_reports import EVIL, eval_report


def test_three_files_and_the_json_loads_back(tmp_path: Path) -> None:
    report = eval_report(hostile=EVIL)
    paths = write_report(tmp_path / "out", [report])
    assert [path.name for path in paths] == ["report.html", "report.md", "report.json"]
    assert EvalReport.from_json(paths[2].read_text()) == report
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == sorted(path.name for path in paths)


def test_each_further_model_has_its_own_json(tmp_path: Path) -> None:
    others = [eval_report("../../up"), eval_report("../../up"), eval_report("\u202e")]
    paths = write_report(tmp_path / "out", [eval_report(), *others])
    names = [path.name for path in paths[2:]]
    assert names == ["report.json", "report-up-1.0.json", "report-up-1.0-2.json", "report-1.0.json"]
    assert all(path.parent == tmp_path / "out" for path in paths)


def test_a_name_that_is_no_text_does_not_stop_the_report(tmp_path: Path) -> None:
    """File names on Linux are bytes; those that are not UTF-8 come as lone surrogates."""
    write_report(tmp_path, [eval_report(hostile="caf\udce9.mp4")])
    assert r"caf\xe9.mp4" in (tmp_path / "report.html").read_text()


def score(path: str, label: int, probability: float | None, **more: object) -> VideoScore:
    status = "ok" if probability is not None else "no_face"
    return VideoScore(path, label, "set", status=status, probability=probability, **more)  # type: ignore[arg-type]


def test_the_worst_are_the_most_wrong_of_the_scored() -> None:
    rows = [score(f"r{n}", 0, n / 10) for n in range(10)] + [score(f"f{n}", 1, n / 10) for n in range(10)]
    rows += [score("lost", 0, None), score("lost too", 1, None)]
    found = worst_cases(ScoreTable.from_rows(rows), most=3)
    assert [case.path for case in found.false_alarms] == ["r9", "r8", "r7"]
    assert [case.path for case in found.misses] == ["f0", "f1", "f2"]
    assert [case.probability for case in found.misses] == [0.0, 0.1, 0.2]


def test_ties_among_the_worst_are_broken_by_name() -> None:
    """Else the page would change with the order of the rows."""
    rows = [score(f"f{n:02d}", 1, 0.0) for n in np.random.default_rng(0).permutation(30)]
    assert [case.path for case in worst_cases(ScoreTable.from_rows(rows), most=4).misses] == [
        "f00",
        "f01",
        "f02",
        "f03",
    ]
    assert worst_cases(ScoreTable.from_rows(rows[:2])).false_alarms == ()


@pytest.fixture
def media(tmp_path: Path) -> Path:
    root = tmp_path / "media"
    (root / "set").mkdir(parents=True)
    picture = np.full((200, 400, 3), 90, np.uint8)
    (root / "plain.png").write_bytes(encode_png(picture))
    (root / "set" / "inside.png").write_bytes(encode_png(picture[:, :100]))
    (root / "broken.png").write_bytes(b"\x89PNG nothing")
    (tmp_path / "outside.png").write_bytes(encode_png(picture))
    return root


def case(path: str) -> WorstCase:
    return WorstCase(path, "set", "set", "", 0.9, None)


def test_thumbnails_are_small_and_never_of_a_file_outside(media: Path) -> None:
    names = ("plain.png", "inside.png", "broken.png", "../outside.png", "missing.png")
    found = thumbnails([Worst(tuple(map(case, names)), ())], media)
    assert {path for _, path in found} == {"plain.png", "inside.png"}
    picture = decode(base64.b64decode(found["set", "plain.png"].partition(",")[2]))
    assert picture.shape == (SIDE_PX // 2, SIDE_PX, 3)


def test_the_frame_that_misled_is_shown(tmp_path: Path) -> None:
    """Every thumbnail was of the middle of the clip, where the false alarm often was not to be seen."""
    (tmp_path / "clip").mkdir()
    for n, grey in enumerate((10, 120, 240)):
        (tmp_path / "clip" / f"{n:03d}.png").write_bytes(encode_png(np.full((40, 40, 3), grey, np.uint8)))
    table = ScoreTable.from_rows([replace(score("clip", 0, 0.8), dataset="set")])
    frames = FrameTable.from_rows(
        [FrameScore("clip", "set", n, 0.0, 0, p, 0.0, 90.0, 9.0, 0.0, n < 2) for n, p in enumerate((0.9, 0.1, 0.95))],
        table,
    )
    worst = worst_cases(table, frames)
    assert [one.frame_index for one in worst.false_alarms] == [0]  # frame 2 is of another person
    for asked, grey in ((worst, 10), (worst_cases(table), 120)):
        picture = decode(base64.b64decode(thumbnails([asked], tmp_path)["set", "clip"].partition(",")[2]))
        assert abs(int(picture.mean()) - grey) < 4


def test_no_picture_is_made_unless_it_is_asked_for(media: Path, tmp_path: Path) -> None:
    report = replace(eval_report(), worst=Worst((case("plain.png"),), ()))
    write_report(tmp_path / "without", [report])
    write_report(tmp_path / "with", [report], media_root=media)
    assert "data:image" not in (tmp_path / "without" / "report.html").read_text()
    assert "data:image/jpeg" in (tmp_path / "with" / "report.html").read_text()


def test_every_key_of_the_json_is_described() -> None:
    """Programs are written by the page, not by the code."""
    page = (Path(__file__).parents[3] / "docs" / "evaluation.md").read_text(encoding="utf-8")
    section = page[page.index("### `dfdetect.evaluation/1`") :].split("\n#", 1)[0]
    for key in eval_report().as_dict():
        assert f"`{key}`" in section
    block = eval_report().as_dict()["blocks"][0]
    for key in (*block, *block["real"], *block["metrics"]["roc_auc"]):
        assert f"`{key}`" in section, key


@pytest.mark.parametrize(
    ("rows", "says"),
    [
        ([score("a", 0, None), score("b", 1, None)], "none of the 2 samples has a score"),
        ([score("a", 1, 0.4), score("b", 1, 0.6)], "every one of the 2 scored samples is fake"),
        ([score("a", 0, 0.5), score("b", 1, 0.5)], "the same score 0.5"),
        ([score(f"{n}", n % 2, 0.9 - 0.8 * (n % 2), group=f"p{n}") for n in range(40)], "the scores run the wrong way"),
    ],
)
def test_what_cannot_be_measured_is_red_on_a_page_that_is_still_made(
    tmp_path: Path, rows: list[VideoScore], says: str
) -> None:
    report = measure(ScoreTable.from_rows(rows), bounds=None, rng=np.random.default_rng(0), draws=50, run={})
    paths = write_report(tmp_path, [replace(report, worst=worst_cases(ScoreTable.from_rows(rows)))])
    page = paths[0].read_text()
    assert page.index("Read this first") < page.index(says) < page.index("What was measured")
    assert says in paths[1].read_text()
    assert EvalReport.from_json(paths[2].read_text()).findings[0].severity == "red"
