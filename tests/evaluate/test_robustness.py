"""What laundering costs: the arithmetic on scores made by hand, and one small run from files to the result."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from dfdetect.data.drawn_faces import draw_clip, draw_scene
from dfdetect.data.sample import Sample
from dfdetect.errors import DataError, UsageError
from dfdetect.evaluate.launder.grid import GRID, chosen
from dfdetect.evaluate.report.charts import severity
from dfdetect.evaluate.robustness import Robustness, measure_robustness
from dfdetect.evaluate.robustness_run import SCORES, CellScore, fixed_subset, launder_and_score, read_cell_scores
from dfdetect.evaluate.scores import VideoScore
from dfdetect.media.roundtrip import encode_png, write_video
from dfdetect.values import Label
from tiny_bundle import make_tiny_bundle


def row(cell: str, number: int, label: int, probability: float | None, *, flagged: bool = False) -> CellScore:
    return CellScore(
        cell,
        VideoScore(
            path=f"{label}-{number}.jpg",
            label=label,
            dataset="d",
            group=f"p{number % 10}",
            kind="image",
            status="ok" if probability is not None else "no_face",
            verdict=None if probability is None else "likely_manipulated" if flagged else "inconclusive",
            probability=probability,
        ),
    )


def spread(cell: str, *, overlap: float, flagged_reals: int = 0) -> list[CellScore]:
    """20 reals and 20 fakes; overlap 0 is told apart perfectly, 1 not at all."""
    grid = np.linspace(0, 1, 20)
    reals = [row(cell, n, 0, 0.4 * v, flagged=n < flagged_reals) for n, v in enumerate(grid)]
    fakes = [row(cell, n, 1, 0.4 * v + 0.5 * (1 - overlap)) for n, v in enumerate(grid)]
    return [*reals, *fakes]


def clips(cell: str, *, overlap: float) -> list[CellScore]:
    return [
        replace(one, score=replace(one.score, path=one.score.path.replace(".jpg", ".mp4"), kind="video"))
        for one in spread(cell, overlap=overlap)
    ]


def measured(*cells: list[CellScore]) -> Robustness:
    rows = [found for cell in cells for found in cell]
    return measure_robustness(rows, model="m", rng=np.random.default_rng(0), draws=200)


def test_loss_is_against_the_same_files_as_they_are() -> None:
    result = measured(spread("clean", overlap=0), spread("jpeg_30", overlap=1), spread("mirror", overlap=0))
    assert [cell.name for cell in result.cells] == ["clean", "jpeg_30", "mirror"]
    assert result.cell("clean").auc.value == 1.0
    assert result.cell("jpeg_30").auc.value == pytest.approx(0.5)
    assert result.cell("jpeg_30").loss.value == pytest.approx(0.5)
    assert result.cell("jpeg_30").loss.low is not None
    assert result.cell("jpeg_30").loss.low <= 0.5 <= (result.cell("jpeg_30").loss.high or 0)
    assert result.cell("mirror").loss.interval == (0.0, 0.0)
    assert result.mean_loss.value == pytest.approx(0.25)
    assert result.worst == ("jpeg_30", "mirror")


def test_a_lost_face_is_counted_and_the_loss_is_of_the_files_left() -> None:
    """Dropping files that became hard made laundering look harmless."""
    laundered = spread("noise_5", overlap=0)
    gone = [row("noise_5", n, 1, None) for n in range(5)]
    result = measured(spread("clean", overlap=0), [*laundered[:20], *gone, *laundered[25:]])
    cell = result.cell("noise_5")
    assert (cell.n_real, cell.n_fake, cell.lost) == (20, 15, 5)
    assert cell.loss.value == pytest.approx(0.0)


def test_false_alarms_of_a_mild_cell_close_the_gate() -> None:
    clean = spread("clean", overlap=0, flagged_reals=2)
    good = measured(clean, spread("jpeg_75", overlap=0, flagged_reals=4), spread("messenger", overlap=0))
    checks = {check.name: check for check in good.gate}
    assert checks["mild_fpr"].passed is True
    assert good.passed is True
    bad = measured(clean, spread("jpeg_75", overlap=0, flagged_reals=5), spread("messenger", overlap=0))
    alarms = {check.name: check for check in bad.gate}["mild_fpr"]
    assert (alarms.value, alarms.bound, alarms.passed, alarms.where) == (0.25, 0.2, False, "jpeg_75")
    assert bad.passed is False
    hard = measured(clean, spread("sticker", overlap=0, flagged_reals=20), spread("messenger", overlap=0))
    assert {check.name: check for check in hard.gate}["mild_fpr"].passed is True  # a sticker is not mild


def test_the_curve_of_a_family_of_clips_begins_with_the_clips_as_they_are() -> None:
    """It began with the AUC of all files, so that compressing clips looked as if it made fakes easier to find."""
    files = [*spread("clean", overlap=1), *clips("clean", overlap=0.5)]
    found = measured(files, clips("h264_23", overlap=0.5), clips("h264_40", overlap=1))
    begins, after = found.cell("clean"), found.cell("h264_23")
    assert after.auc.value is not None
    drawn = severity([after, found.cell("h264_40")], begins)
    assert drawn.count(f"AUC {after.auc.value:.3f}") == 2  # as they are, and at CRF 23, which costs nothing here
    assert f"AUC {begins.auc.value:.3f}" not in drawn


def test_gates_on_losses() -> None:
    result = measured(spread("clean", overlap=0), spread("messenger", overlap=0.9), spread("jpeg_95", overlap=0.3))
    checks = {check.name: check for check in result.gate}
    assert checks["messenger_loss"].passed is False
    assert checks["mild_loss"].where == "messenger"
    assert checks["mean_loss"].value == result.mean_loss.value
    assert measured(spread("clean", overlap=0), spread("jpeg_95", overlap=0)).passed is None  # no messenger was run


def test_a_coin_has_nothing_to_lose() -> None:
    """A model at chance passed every aim of the gate: there was no AUC left to lose."""
    result = measured(spread("clean", overlap=1), spread("messenger", overlap=1), spread("jpeg_95", overlap=1))
    checks = {check.name: check for check in result.gate}
    for name in ("mean_loss", "mild_loss", "messenger_loss"):
        assert checks[name].passed is None
        assert "a coin has nothing to lose" in checks[name].text
    assert checks["mild_fpr"].passed is True
    assert result.passed is None


def test_a_harder_cell_that_is_clearly_better_is_named() -> None:
    clean = spread("clean", overlap=0)
    result = measured(clean, spread("blur_1", overlap=1), spread("blur_2", overlap=0), spread("blur_3", overlap=1))
    assert [(rise.milder, rise.harder) for rise in result.rises] == [("blur_1", "blur_2")]
    assert {check.name: check for check in result.gate}["monotone"].passed is False
    fine = measured(clean, spread("blur_1", overlap=0), spread("blur_2", overlap=0.5), spread("blur_3", overlap=1))
    assert fine.rises == ()


def test_one_class_has_false_alarms_and_no_auc() -> None:
    reals = [found for name in ("clean", "jpeg_50") for found in spread(name, overlap=0) if found.score.label == 0]
    result = measured(reals)
    assert result.cell("jpeg_50").auc.value is None
    assert "needs both classes" in (result.cell("jpeg_50").auc.why or "")
    assert result.cell("jpeg_50").fpr.value == 0.0
    assert result.mean_loss.value is None
    assert result.passed is None


def test_without_a_clean_score_nothing_is_told() -> None:
    with pytest.raises(DataError, match="needs the cell 'clean'"):
        measured(spread("jpeg_50", overlap=0))


def test_the_result_is_plain_json_and_the_same_for_the_same_seed() -> None:
    cells = (spread("clean", overlap=0.2), spread("jpeg_50", overlap=0.4))
    first, again = measured(*cells), measured(*cells)
    assert first == again
    assert json.loads(json.dumps(first.as_dict(), allow_nan=False))["schema"] == "dfdetect.robustness/1"


# ---- from files ----


def samples_of(n: int, label: Label, *, source: str, kind: str = "image", method: str = "") -> list[Sample]:
    return [
        Sample(f"/d/{source}/{n}", "/d", label, "d", f"{n}", kind, method=method, source=source)  # type: ignore[arg-type]
        for n in range(n)
    ]


def test_the_subset_is_fixed_even_and_independent_of_order() -> None:
    everything = [
        *samples_of(100, Label.REAL, source="big"),
        *samples_of(5, Label.REAL, source="small"),
        *samples_of(50, Label.FAKE, source="big", method="swap"),
        *samples_of(50, Label.FAKE, source="big", method="talk"),
        *samples_of(9, Label.REAL, source="folders", kind="frames"),
    ]
    found = fixed_subset(everything, files=20)
    assert found == fixed_subset(everything[::-1], files=20)
    assert found != fixed_subset(everything, files=20, seed=1)
    assert [sum(s.label is label for s in found) for label in Label] == [10, 10]
    assert [int(s.label) for s in found] == [0, 1] * 10  # a stopped run has both
    assert sum(s.source == "small" for s in found) == 5
    assert sum(s.method == "talk" for s in found) == 5
    assert all(s.kind != "frames" for s in found)
    assert len(fixed_subset(everything[:100], files=20)) == 20  # one class: no half is left empty


@pytest.fixture(scope="module")
def media(tmp_path_factory: pytest.TempPathFactory) -> list[Sample]:
    """Two drawn stills, a clip, and a file that is none."""
    folder = tmp_path_factory.mktemp("media")
    rows = []
    for number in range(2):
        image = draw_scene(np.random.default_rng(number), (320, 240)).image
        (folder / f"{number}.png").write_bytes(encode_png(image))
        rows.append(Sample(f"{folder}/{number}.png", str(folder), Label(number), "d", f"{number}", "image"))
    frames = [scene.image for scene in draw_clip(np.random.default_rng(5), 30, (320, 180))]
    write_video(folder / "clip.mp4", iter(frames), repeatable=True)
    (folder / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\n no picture")
    rows.append(Sample(f"{folder}/clip.mp4", str(folder), Label.REAL, "d", "clip", "video"))
    rows.append(Sample(f"{folder}/broken.png", str(folder), Label.FAKE, "d", "broken", "image"))
    return rows


CELLS = chosen(["jpeg_50", "h264_35", "mirror"])


def test_files_are_scored_in_every_cell_they_can_have_and_a_stopped_run_goes_on(
    media: list[Sample], tmp_path: Path
) -> None:
    bundle = make_tiny_bundle(tmp_path / "models" / "tiny", name="tiny")
    told: list[tuple[int, int]] = []
    rows = launder_and_score(
        media, bundle, tmp_path / "out", cells=CELLS, on_done=lambda done, total: told.append((done, total))
    )
    assert [(r.score.path, r.cell) for r in rows if r.score.kind == "video"] == [
        ("clip.mp4", name) for name in ("clean", "jpeg_50", "h264_35", "mirror")
    ]
    assert {(r.cell, r.score.status) for r in rows if r.score.path == "0.png"} == {
        ("clean", "ok"), ("jpeg_50", "ok"), ("mirror", "ok"),
    }  # fmt: skip
    assert {r.score.status for r in rows if r.score.path == "broken.png"} == {"corrupt_header"}
    assert told[0] == (0, 13)
    assert told[-1] == (13, 13)
    by_cell = {r.cell: r.score.logit for r in rows if r.score.path == "1.png"}
    assert by_cell["mirror"] == pytest.approx(by_cell["clean"], abs=0.05)  # brightness has no left and right

    path = tmp_path / "out" / SCORES
    lines = path.read_text().splitlines(keepends=True)
    path.write_text("".join(lines[:6]) + lines[6][:20])  # killed in the middle of a line
    again = launder_and_score(media, bundle, tmp_path / "out", cells=CELLS)
    assert again == rows
    assert len(read_cell_scores(path)) == 13
    result = measure_robustness(rows, model="tiny", rng=np.random.default_rng(0), draws=20)
    assert result.cell("h264_35").auc.value is None  # no fake clip
    assert result.cell("jpeg_50").n_real == 2


def test_scores_of_another_model_or_seed_are_not_continued(media: list[Sample], tmp_path: Path) -> None:
    bundle = make_tiny_bundle(tmp_path / "models" / "tiny", name="tiny")
    launder_and_score(media[:1], bundle, tmp_path / "out", cells=())
    with pytest.raises(UsageError, match="another model, grid or seed"):
        launder_and_score(media[:1], bundle, tmp_path / "out", cells=(), seed=1)
    other = make_tiny_bundle(tmp_path / "models" / "other", name="other", gain=2.0)
    with pytest.raises(UsageError, match="another model, grid or seed"):
        launder_and_score(media[:1], other, tmp_path / "out", cells=())


def test_reals_and_fakes_meet_the_same_fate(media: list[Sample], tmp_path: Path) -> None:
    """A step that knew the label would make any detector look robust, or broken."""
    bundle = make_tiny_bundle(tmp_path / "models" / "tiny", name="tiny")
    cells = chosen(["sticker", "noise_3"])
    assert all(cell in GRID for cell in cells)
    real = launder_and_score(media[:1], bundle, tmp_path / "real", cells=cells)
    fake = launder_and_score([replace(media[0], label=Label.FAKE)], bundle, tmp_path / "fake", cells=cells)
    assert [r.score.probability for r in real] == [r.score.probability for r in fake]


def test_frame_folders_alone_are_refused(tmp_path: Path) -> None:
    bundle = make_tiny_bundle(tmp_path / "models" / "tiny", name="tiny")
    with pytest.raises(DataError, match="images or videos"):
        launder_and_score(samples_of(2, Label.REAL, source="x", kind="frames"), bundle, tmp_path / "out")
