"""A folder of scores: every sample has its row, and a run that was stopped or killed ends like the unbroken one."""

from __future__ import annotations

import json
import os
import shutil
import signal
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from dfdetect.data.drawn_faces import draw_face
from dfdetect.data.sample import Sample
from dfdetect.errors import DataError, UsageError
from dfdetect.evaluate import explanations, robustness
from dfdetect.evaluate import run as module
from dfdetect.evaluate.peers import CommandPeer
from dfdetect.evaluate.protocol import PROTOCOLS
from dfdetect.evaluate.run import EvalJob, Evaluated, evaluate
from dfdetect.evaluate.samples import Asked
from dfdetect.evaluate.score_table import FrameTable, ScoreTable
from dfdetect.media.roundtrip import encode_jpeg
from dfdetect.models.manifest import Source
from dfdetect.models.trained_on import TrainedOn, trained_on
from dfdetect.values import Label
from tiny_bundle import make_tiny_bundle
from toy_clips import clips, fake, sample

pytest.importorskip("pyarrow", reason="score files need the extra: evaluate")


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_tiny_bundle(tmp_path_factory.mktemp("models") / "tiny")


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> list[Sample]:
    """24 photographs of drawn people: what a run that is stopped often is of."""
    folder = tmp_path_factory.mktemp("photos")
    for number in range(24):
        (folder / f"{number:02d}.jpg").write_bytes(encode_jpeg(draw_face(np.random.default_rng(number), 160), 90))
    return [sample(folder, f"{number:02d}.jpg", Label(number % 2)) for number in range(24)]


@pytest.fixture(scope="module")
def every_kind(tmp_path_factory: pytest.TempPathFactory) -> list[Sample]:
    """A sample of every kind and of every trouble."""
    root, own = clips(), tmp_path_factory.mktemp("kinds")
    (own / "face.jpg").write_bytes(encode_jpeg(draw_face(np.random.default_rng(3), 160), 90))
    (own / "crops").mkdir()
    for n in range(6):
        shutil.copy(own / "face.jpg", own / "crops" / f"{n}.jpg")
    return [
        sample(root, "real.mp4", target_id="toy:a"),
        fake(root, "swap.mp4", "real.mp4", target_id="toy:a"),
        sample(root, "real"),
        sample(own, "face.jpg"),
        replace(sample(own, "face.jpg"), kind="crop", dataset="crops"),
        sample(own, "crops", kind="crop"),
        sample(root, "wall.mp4"),
        sample(root, "torn.mp4"),
        sample(root, "gone.mp4", Label.FAKE),
    ]


def run(
    samples: Sequence[Sample], bundle: Path, out: Path, *, protocol: str = "native", jobs: int = 1, **more: object
) -> Evaluated:
    evaluated = {name: more.pop(name) for name in ("restart", "on_start", "on_progress") if name in more}
    job = EvalJob(bundle, Asked(tuple(samples)), PROTOCOLS[protocol], source="toy", **more)  # type: ignore[arg-type]
    return evaluate(job, out, jobs=jobs, **evaluated)  # type: ignore[arg-type]


def tables_of(out: Path) -> tuple[ScoreTable, FrameTable]:
    table = ScoreTable.from_parquet(out / "scores.parquet")
    return table, FrameTable.from_parquet(out / "frame_scores.parquet", table)


def same(a: Path, b: Path) -> bool:
    (table_a, frames_a), (table_b, frames_b) = tables_of(a), tables_of(b)
    frames_alike = all(np.array_equal(frames_a[n], frames_b[n], equal_nan=True) for n in frames_a.columns)
    return table_a.rows() == table_b.rows() and frames_alike


@pytest.fixture(scope="module")
def unbroken(photos: list[Sample], bundle: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("unbroken") / "out"
    run(photos, bundle, out)
    return out


# ---- what a run answers ----


def test_every_kind_of_sample_has_its_row(every_kind: list[Sample], bundle: Path, tmp_path: Path) -> None:
    said: list[str] = []
    found = run(every_kind, bundle, tmp_path / "out", on_progress=said.append)
    table, frames = tables_of(tmp_path / "out")
    rows = table.rows()
    assert [(row.path, row.status) for row in rows] == [
        ("real.mp4", "ok"),
        ("swap.mp4", "ok"),
        ("real", "ok"),
        ("face.jpg", "ok"),
        ("face.jpg", "ok"),
        ("crops", "ok"),
        ("wall.mp4", "no_face"),
        ("torn.mp4", "corrupt_header"),
        ("gone.mp4", "io_error"),
    ]
    assert sorted(said) == sorted(row.status for row in rows)
    assert [row.kind for row in rows] == [
        "video",
        "video",
        "frames",
        "image",
        "crop",
        "crop",
        "video",
        "video",
        "video",
    ]
    assert [row.group for row in rows[:3]] == ["toy:a", "toy:a", "real"]
    assert [row.label for row in rows] == [0, 1, 0, 0, 0, 0, 0, 0, 1]
    assert set(np.unique(frames["video"])) == {0, 1, 2, 3, 4, 5}
    assert int((frames["video"] == 5).sum()) == 6
    assert not (tmp_path / "out" / "work").exists()
    assert found.run["model"]["name"] == "tiny"
    assert found.run["data"]["rows"] == 9
    assert str(tmp_path) not in json.dumps(found.run)


def test_the_users_own_columns_go_along(every_kind: list[Sample], bundle: Path, tmp_path: Path) -> None:
    asked = Asked(tuple(every_kind[3:5]), {every_kind[3].path: {"light": "low"}})
    evaluate(EvalJob(bundle, asked, PROTOCOLS["native"]), tmp_path / "out")
    assert tables_of(tmp_path / "out")[0]["x_light"].tolist() == ["low", "low"]  # one file, two datasets


@pytest.mark.parametrize("protocol", ["dfb", "sbi"])
def test_a_benchmarks_protocol_scores_the_mean_of_its_frames(
    every_kind: list[Sample], bundle: Path, tmp_path: Path, protocol: str
) -> None:
    run(every_kind, bundle, tmp_path / "out", protocol=protocol)
    table, frames = tables_of(tmp_path / "out")
    assert frames["pooled"].all()
    for number in range(len(table)):
        own = frames["logit"][frames["video"] == number]
        mean = float(np.mean(1 / (1 + np.exp(-own)))) if len(own) else float("nan")
        assert table["probability"][number] == pytest.approx(mean, abs=1e-9, nan_ok=True)


def test_two_processes_give_the_same_scores(photos: list[Sample], bundle: Path, unbroken: Path, tmp_path: Path) -> None:
    run(photos, bundle, tmp_path / "out", jobs=2)
    assert same(tmp_path / "out", unbroken)


def test_a_peer_scores_the_same_faces_beside(photos: list[Sample], bundle: Path, tmp_path: Path) -> None:
    command = f"{sys.executable} -c \"print('0.25')\" {{path}}"
    run(photos[:3], bundle, tmp_path / "out", peers=(CommandPeer("quarter", command),))
    peer, frames = tables_of(tmp_path / "out" / "peers" / "quarter")
    ours, our_frames = tables_of(tmp_path / "out")
    assert peer["probability"] == pytest.approx([0.25] * 3)
    assert peer["path"].tolist() == ours["path"].tolist()
    np.testing.assert_array_equal(frames["frame_index"], our_frames["frame_index"])
    about = json.loads((tmp_path / "out" / "peers" / "quarter" / "run.json").read_text())
    assert (about["model"]["name"], about["peer_of"]) == ("quarter", "tiny")


def test_a_peer_that_fails_has_no_number_and_costs_our_model_nothing(
    photos: list[Sample], bundle: Path, unbroken: Path, tmp_path: Path
) -> None:
    """Peers of this field that broke were counted as 0 or 0.5, which is right for half of the files."""
    script = tmp_path / "moody.py"
    script.write_text(
        "import json, sys, time\n"
        "for number, line in enumerate(sys.stdin):\n"
        "    answer = {'path': line.strip(), 'probability': 0.9}\n"
        "    if number == 2: sys.exit(3)\n"  # the second file: of a still the picture and its mirror image are asked
        "    print(json.dumps(answer), flush=True)\n"
    )
    run(photos[:4], bundle, tmp_path / "out", peers=(CommandPeer("moody", f"{sys.executable} {script}"),))
    peer, frames = tables_of(tmp_path / "out" / "peers" / "moody")
    assert peer["status"].tolist() == ["ok", "model_unusable", "ok", "model_unusable"]
    assert np.isnan(peer["probability"]).tolist() == [False, True, False, True]
    assert set(frames["video"].tolist()) == {0, 2}
    ours, _ = tables_of(tmp_path / "out")
    whole, _ = tables_of(unbroken)
    np.testing.assert_array_equal(ours["probability"], whole["probability"][:4])


# ---- stopped and killed ----


def test_a_run_that_was_stopped_goes_on(photos: list[Sample], bundle: Path, unbroken: Path, tmp_path: Path) -> None:
    out, scored = tmp_path / "out", 0

    def stop_after(count: int) -> Callable[[str], None]:
        left = [count]

        def told(status: str) -> None:
            nonlocal scored
            scored += 1
            left[0] -= 1
            if left[0] == 0:
                raise KeyboardInterrupt

        return told

    for _ in range(3):
        with pytest.raises(KeyboardInterrupt):
            run(photos, bundle, out, on_progress=stop_after(5))
        assert not (out / "run.json").exists()
    torn = out / "work" / "scores.jsonl"
    torn.write_bytes(torn.read_bytes()[:-100])  # the last line was written in part: its file is scored again
    run(photos, bundle, out, on_progress=stop_after(1000))
    assert scored == len(photos) + 1
    assert same(out, unbroken)


def test_a_file_that_changed_is_scored_again(photos: list[Sample], bundle: Path, tmp_path: Path) -> None:
    folder = tmp_path / "data"
    shutil.copytree(photos[0].root, folder)
    mine = [sample(folder, one.name, one.label) for one in photos[:4]]

    def stop(status: str) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(mine, bundle, tmp_path / "out", on_progress=stop)
    shutil.copy(folder / "09.jpg", folder / "00.jpg")
    os.utime(folder / "00.jpg", ns=(5, 5))
    told: list[tuple[int, int]] = []
    run(mine, bundle, tmp_path / "out", on_start=lambda total, done: told.append((total, done)))
    assert told == [(4, 0)]
    table, _ = tables_of(tmp_path / "out")
    run(mine, bundle, tmp_path / "again")
    assert table.rows() == tables_of(tmp_path / "again")[0].rows()


def test_kill_9_at_any_moment_ends_in_the_same_scores(
    photos: list[Sample], bundle: Path, unbroken: Path, tmp_path: Path, rng: np.random.Generator
) -> None:
    """A kill between a row and its note lost the row, and the table had 23 of 24 files."""
    out = tmp_path / "out"
    start = time.monotonic()
    _in_a_child(photos, bundle, tmp_path / "timed", limit_s=float("inf"))
    whole_s = time.monotonic() - start
    kills, finished = 0, False
    while not (finished and kills):
        if finished:  # it ran faster than it was timed: again, with a shorter limit
            shutil.rmtree(out)
            whole_s /= 2
        limit_s = whole_s * float(rng.uniform(0.1, 0.8)) if kills < 6 else float("inf")
        finished = _in_a_child(photos, bundle, out, limit_s=limit_s)
        kills += not finished
    assert kills
    assert same(out, unbroken)


def _in_a_child(photos: list[Sample], bundle: Path, out: Path, *, limit_s: float) -> bool:
    """Run in a process of its own, killed after limit_s; True when it came to its end before."""
    child = os.fork()
    if child == 0:
        run(photos, bundle, out)
        os._exit(0)
    deadline = time.monotonic() + limit_s
    while time.monotonic() < deadline:
        ended, status = os.waitpid(child, os.WNOHANG)
        if ended:
            assert status == 0
            return True
        time.sleep(0.001)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return False


def test_two_runs_into_one_folder(photos: list[Sample], bundle: Path, tmp_path: Path) -> None:
    seen: list[str] = []

    def second(status: str) -> None:
        if not seen:
            seen.append(status)
            with pytest.raises(UsageError, match="another process scores into"):
                run(photos[:2], bundle, tmp_path / "out")

    run(photos[:2], bundle, tmp_path / "out", on_progress=second)
    assert seen


# ---- what is refused ----


def test_a_finished_run_is_done_and_another_one_is_refused(
    photos: list[Sample], bundle: Path, unbroken: Path, tmp_path: Path
) -> None:
    assert run(photos, bundle, unbroken).was_done
    for change, says in (
        ({"samples": photos[:5]}, "holds the scores of another run .*data"),
        ({"protocol": "dfb"}, "protocol: native then, dfb now"),
        ({"bundle": make_tiny_bundle(tmp_path / "other", name="other")}, "model: tiny then, other now"),
    ):
        asked = {"samples": photos, "bundle": bundle, "out": unbroken} | change
        with pytest.raises(UsageError, match=says):
            run(**asked)  # type: ignore[arg-type]
    shutil.copytree(unbroken, tmp_path / "mine")
    assert not run(photos[:2], bundle, tmp_path / "mine", restart=True).was_done
    assert len(tables_of(tmp_path / "mine")[0]) == 2


def test_the_parts_beside_a_run_do_not_stop_it_from_beginning_anew(
    photos: list[Sample], bundle: Path, unbroken: Path, tmp_path: Path
) -> None:
    """explanation.json was looked for under another name: --restart called it somebody else's file."""
    shutil.copytree(unbroken, tmp_path / "mine")
    for name in ("report.html", robustness.RESULT, explanations.RESULT):
        (tmp_path / "mine" / name).write_text("{}")
    assert not run(photos[:2], bundle, tmp_path / "mine", restart=True).was_done


def test_a_folder_with_other_files_is_left_alone(photos: list[Sample], bundle: Path, tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("mine")
    with pytest.raises(UsageError, match=r"holds other files \(thesis.txt\)"):
        run(photos, bundle, tmp_path)
    with pytest.raises(UsageError, match="this is a file"):
        run(photos, bundle, tmp_path / "thesis.txt")


def test_a_list_whose_files_moved_is_no_table_of_errors(photos: list[Sample], bundle: Path, tmp_path: Path) -> None:
    moved = [sample(tmp_path / "away", one.name) for one in photos]
    with pytest.raises(DataError, match=r"none of the files is there.*--root"):
        run(moved, bundle, tmp_path / "out")
    assert not (tmp_path / "out").exists(), "a folder that was begun looks like a run that was stopped"


def test_nothing_and_twice_the_same(photos: list[Sample], bundle: Path, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="nothing to score"):
        run([], bundle, tmp_path / "out")
    with pytest.raises(DataError, match=r"are there twice, for example 00\.jpg"):
        run([photos[0], photos[0]], bundle, tmp_path / "out")


# ---- a model that was trained on the test data ----


def trained_bundle(folder: Path, record: TrainedOn | None, source: str = "web") -> Path:
    from dfdetect.models.bundle import seal

    make_tiny_bundle(folder, name="trained")
    sources = [Source(name=source, licence="CC0", used_for="training, 8 real photos")]
    seal(folder, trained_on=record, sources=sources)
    return folder


def test_a_model_that_knows_the_people_is_refused(photos: list[Sample], tmp_path: Path) -> None:
    people = [replace(one, target_id=f"toy:{n // 2}") for n, one in enumerate(photos)]
    model = trained_bundle(tmp_path / "model", trained_on(people[:2]))
    with pytest.raises(UsageError, match=r"trained on what it would be tested on: .*1 person.*\(toy:0; 2 samples\)"):
        run(people, model, tmp_path / "out")
    assert not (tmp_path / "out").exists()
    found = run(people[:4], model, tmp_path / "out", allow_trained_on=True)
    assert found.run["notes"][0]["severity"] == "red"
    kept = run(people[:6], model, tmp_path / "disjoint", protocol="identity-disjoint")
    assert kept.run["data"]["left_out"] == {"clip is in the training data": 2}
    assert [note["severity"] for note in kept.run["notes"]] == []
    assert tables_of(tmp_path / "disjoint")[0]["group"].tolist() == ["toy:1"] * 2 + ["toy:2"] * 2


def test_a_model_that_knows_the_source_alone_is_refused(photos: list[Sample], bundle: Path, tmp_path: Path) -> None:
    theirs = [replace(one, source="web") for one in photos[:2]]
    model = trained_bundle(tmp_path / "model", None)
    with pytest.raises(UsageError, match="the training source 'web' is tested"):
        run(theirs, model, tmp_path / "out")
    with pytest.raises(UsageError, match="identity-disjoint needs to know what was trained on"):
        run(theirs, model, tmp_path / "out", protocol="identity-disjoint")


def test_a_file_that_was_learned_from_is_found_by_its_content(photos: list[Sample], tmp_path: Path) -> None:
    """The same clip under another name passed every check of names."""
    import hashlib

    sha256 = hashlib.sha256(Path(photos[3].path).read_bytes()).hexdigest()
    record = trained_on([replace_sha(photos[3], sha256)])
    model = trained_bundle(tmp_path / "model", record)
    found = run([replace(one, dataset="other") for one in photos[:5]], model, tmp_path / "out")
    assert "1 files have the SHA-256 of a file that the model learned from" in found.run["notes"][0]["text"]


def test_files_that_set_the_bounds_are_no_test(photos: list[Sample], tmp_path: Path) -> None:
    """Evaluated on the clips that it was calibrated on, a model kept its 1 % to the letter."""
    from dfdetect.evaluate.own_calibration import calibrate_on_own
    from dfdetect.evaluate.own_claim import Claim
    from dfdetect.evaluate.own_files import file_keys, hash_file
    from own_scores import BASE, drawn, origin

    reals = drawn(120)
    keys = file_keys([hash_file(one) for one in photos[:2]])
    calibration, _ = calibrate_on_own(reals, [], BASE, Claim(), replace(origin(reals), file_keys=keys))
    model = make_tiny_bundle(tmp_path / "own", calibration=calibration)
    found = run([replace(one, dataset="other") for one in photos[:5]], model, tmp_path / "out")
    assert found.run["notes"][0]["severity"] == "red"
    assert (
        "2 files have the SHA-256 of a file that the model learned from, or that set its bounds"
        in (found.run["notes"][0]["text"])
    )


def replace_sha(one: Sample, sha256: str) -> object:
    from dfdetect.data.face_record import FaceRecord

    return FaceRecord(b"", None, int(one.label), one.name, dataset="elsewhere", video_id="x", clip_sha256=sha256)


def test_what_a_manifest_does_not_say_is_said(unbroken: Path) -> None:
    about = json.loads((unbroken / "run.json").read_text())
    assert "does not say what it learned from" in about["notes"][0]["text"]


# ---- processes that die ----


def test_a_process_that_dies_costs_one_file_and_is_tried_again(
    photos: list[Sample], bundle: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[int] = []

    def crashing(items: Sequence[object], make: object, *, jobs: int) -> object:
        from dfdetect.batch.pool import Outcome
        from dfdetect.batch.pool import run as local
        from dfdetect.values import ErrorInfo

        calls.append(len(items))
        bad = [item for item in items if item.number in (2, 3)]  # type: ignore[attr-defined]
        good = [item for item in items if item not in bad]
        yield from local(good, make, jobs=1)  # type: ignore[misc, type-var]
        for item in bad:
            if len(calls) > 1 and item.number == 2:  # type: ignore[attr-defined]
                yield from local([item], make, jobs=1)  # type: ignore[misc, type-var]
            else:
                yield Outcome(item, None, ErrorInfo("decoder_crashed", "died", "decode"))

    monkeypatch.setattr(module, "find_engine", lambda name: crashing)
    run(photos[:5], bundle, tmp_path / "out")
    assert calls == [5, 2]
    assert tables_of(tmp_path / "out")[0]["status"].tolist() == ["ok", "ok", "ok", "decoder_crashed", "ok"]
