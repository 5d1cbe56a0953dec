"""A folder of shards: the same bytes however often it was stopped and however many processes worked on it."""

from __future__ import annotations

import errno
import json
import os
import random
import signal
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from dfdetect.batch import whole_file as whole_file_module
from dfdetect.data import shards
from dfdetect.data.drawn_faces import draw_face
from dfdetect.data.prepare import plan as plan_module
from dfdetect.data.prepare import work as work_module
from dfdetect.data.prepare.options import PrepareOptions
from dfdetect.data.prepare.run import Prepared, prepare
from dfdetect.data.prepare.work import Deaths, WorkFolder
from dfdetect.data.sample import Sample
from dfdetect.data.shards import read_shards
from dfdetect.errors import DataError, DfdetectError, ErrorCode, UsageError
from dfdetect.media.roundtrip import encode_jpeg
from toy_clips import SMALL_FACES, clips, fake, sample

OPTIONS = replace(SMALL_FACES, frames=2)


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> list[Sample]:
    """48 photos of drawn people, the last one the first under another name, one of nothing, one torn."""
    folder = tmp_path_factory.mktemp("photos")
    for number in range(48):
        (folder / f"{number:02d}.jpg").write_bytes(encode_jpeg(draw_face(np.random.default_rng(number), 160), 90))
    (folder / "07.jpg").write_bytes(encode_jpeg(np.full((100, 100, 3), 90, np.uint8), 90))
    (folder / "19.jpg").write_bytes((folder / "19.jpg").read_bytes()[:400])
    (folder / "47.jpg").write_bytes((folder / "00.jpg").read_bytes())
    return [sample(folder, f"{number:02d}.jpg") for number in range(48)]


@pytest.fixture(autouse=True)
def _small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Shards of a few faces and units of two photos, so that a small set has many of both."""
    monkeypatch.setattr(shards, "SHARD_BYTES", 100_000)
    monkeypatch.setattr(plan_module, "STILLS_PER_UNIT", 2)


def files_of(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


@pytest.fixture(scope="module")
def unbroken(photos: list[Sample], tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """Every file of a run that nobody stopped."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(shards, "SHARD_BYTES", 100_000)
        patch.setattr(plan_module, "STILLS_PER_UNIT", 2)
        out = tmp_path_factory.mktemp("unbroken") / "faces"
        prepare(photos, out, OPTIONS, jobs=1)
    return files_of(out)


def test_every_sample_is_a_row_or_has_a_reason(unbroken: dict[str, bytes], photos: list[Sample]) -> None:
    manifest = json.loads(unbroken["manifest.json"])
    assert manifest["files"] == 48
    assert manifest["left_out"] == {
        "corrupt_header": ["19.jpg"],
        "no_face": ["07.jpg"],
        "same_file_as_another": ["47.jpg"],
    }
    assert manifest["files_kept"] == manifest["records"] == 45
    assert len(manifest["shards"]) > 3
    assert sum(group["faces"] for group in manifest["counts"]) == 45
    assert {*unbroken} == {"manifest.json", *(shard["file"] for shard in manifest["shards"])}
    assert max(len(data) for data in unbroken.values()) < 64 * 2**20


def test_the_manifest_names_no_place_of_this_machine(unbroken: dict[str, bytes], photos: list[Sample]) -> None:
    assert str(Path(photos[0].root)).encode() not in b"".join(unbroken.values())


@pytest.mark.parametrize("jobs", [2, 3])
def test_more_processes_write_the_same_bytes(
    jobs: int, photos: list[Sample], unbroken: dict[str, bytes], tmp_path: Path
) -> None:
    prepare(photos, tmp_path / "faces", OPTIONS, jobs=jobs)
    assert files_of(tmp_path / "faces") == unbroken


def killed_after(seconds: float, work: Callable[[], object]) -> bool:
    """Run in a forked process that is killed (SIGKILL) after so long; True if it ended by itself before."""
    child = os.fork()
    if child == 0:
        try:
            work()
            os._exit(0)
        except BaseException:  # noqa: BLE001 - the parent must see that it failed
            os._exit(1)
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if os.waitpid(child, os.WNOHANG)[0]:
            return True
        time.sleep(0.002)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return False


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork to kill a process at any moment")
@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")
def test_killed_at_any_moment_it_ends_with_the_bytes_of_the_unbroken_run(
    photos: list[Sample], unbroken: dict[str, bytes], tmp_path: Path
) -> None:
    """15 kills; benchmarks/prepare_kill.py does 100 over 2,000 files."""
    rng = random.Random(4)
    out = tmp_path / "faces"
    for _ in range(15):
        if killed_after(rng.uniform(0.02, 0.5), lambda: prepare(photos, out, OPTIONS, jobs=1)):
            assert files_of(out) == unbroken  # done before its time: once more from the start
            for path in out.iterdir():
                path.unlink()
    prepare(photos, out, OPTIONS, jobs=1)
    assert files_of(out) == unbroken


@pytest.mark.parametrize("at", [1, 4, 9, 14, 30])
def test_stopped_between_any_two_files_it_goes_on(
    at: int, photos: list[Sample], unbroken: dict[str, bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As if killed right before the at-th file of its own is renamed to its place."""
    calls = 0
    sync = whole_file_module._sync

    def stops(path: Path) -> None:
        nonlocal calls
        calls += 1
        if calls == at:
            raise KeyboardInterrupt
        sync(path)

    monkeypatch.setattr(whole_file_module, "_sync", stops)
    with pytest.raises(KeyboardInterrupt):
        prepare(photos, tmp_path / "faces", OPTIONS, jobs=1)
    assert not (tmp_path / "faces" / "manifest.json").exists()
    prepare(photos, tmp_path / "faces", OPTIONS, jobs=1)
    assert files_of(tmp_path / "faces") == unbroken


def test_what_is_done_is_not_done_again(photos: list[Sample], tmp_path: Path) -> None:
    def stop_after(files: int) -> Callable[[int, object], None]:
        seen = 0

        def on_progress(done: int, _: object) -> None:
            nonlocal seen
            seen += done
            if seen >= files:
                raise KeyboardInterrupt

        return on_progress

    out = tmp_path / "faces"
    with pytest.raises(KeyboardInterrupt):
        prepare(photos, out, OPTIONS, jobs=1, on_progress=stop_after(20))
    told: list[tuple[int, int]] = []
    worked: list[int] = []
    again = prepare(
        photos,
        out,
        OPTIONS,
        jobs=1,
        on_start=lambda total, before: told.append((total, before)),
        on_progress=lambda done, report: worked.append(done),
    )
    assert told == [(48, 20)]
    assert sum(worked) == 28
    assert not again.was_done
    assert prepare(photos, out, OPTIONS, jobs=1).was_done


# ---- what a folder must not be used for ----


def stopped(photos: list[Sample], out: Path) -> None:
    def stop(done: int, _: object) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        prepare(photos, out, OPTIONS, jobs=1, on_progress=stop)


def test_other_options_or_samples_do_not_go_on(photos: list[Sample], tmp_path: Path) -> None:
    """Half a set with margin 0.45 and half with 0.3 looks like one set."""
    out = tmp_path / "faces"
    stopped(photos, out)
    with pytest.raises(UsageError, match=r"was begun differently \(margin: 0.45 then, 0.3 now\); go on with"):
        prepare(photos, out, replace(OPTIONS, margin=0.3), jobs=1)
    with pytest.raises(UsageError, match=r"was begun differently \(other input"):
        prepare(photos[:-1], out, OPTIONS, jobs=1)
    prepare(photos[:4], out, OPTIONS, jobs=1, restart=True)
    assert [row.path for row in read_shards(out)] == ["00.jpg", "01.jpg", "02.jpg", "03.jpg"]
    with pytest.raises(UsageError, match="holds faces prepared with other options or from other files"):
        prepare(photos[:5], out, OPTIONS, jobs=1)


def test_a_folder_with_other_files_is_left_alone(photos: list[Sample], tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").write_text("years")
    for restart in (False, True):
        with pytest.raises(UsageError, match=r"holds other files \(thesis.tex\); name a new or an empty folder"):
            prepare(photos, tmp_path, OPTIONS, jobs=1, restart=restart)
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.tex"]
    with pytest.raises(UsageError, match="expected a folder for the shards, this is a file"):
        prepare(photos, tmp_path / "thesis.tex", OPTIONS, jobs=1)


def test_a_foreign_manifest_is_not_overwritten(photos: list[Sample], tmp_path: Path) -> None:
    (tmp_path / "manifest.json").write_text('{"name": "my web app"}')
    with pytest.raises(UsageError, match=r"is no manifest of face shards"):
        prepare(photos, tmp_path, OPTIONS, jobs=1)


def test_two_processes_do_not_prepare_into_one_folder(photos: list[Sample], tmp_path: Path) -> None:
    pytest.importorskip("fcntl")
    work = WorkFolder(tmp_path / "faces" / "work")
    work.folder.mkdir(parents=True)
    with work.locked(), pytest.raises(UsageError, match="another process prepares into"):
        prepare(photos, tmp_path / "faces", OPTIONS, jobs=1)


# ---- failures ----


@pytest.mark.parametrize("full_after", [0, 3, 40, 60])
def test_a_full_disk_stops_and_is_gone_on_after(
    full_after: int, photos: list[Sample], unbroken: dict[str, bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    writes = 0
    sync = whole_file_module._sync

    def full(path: Path) -> None:
        nonlocal writes
        writes += 1
        if writes > full_after:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        sync(path)

    with monkeypatch.context() as patch:
        patch.setattr(whole_file_module, "_sync", full)
        with pytest.raises(DfdetectError, match="is full; make room and run the same command again") as error:
            prepare(photos, tmp_path / "faces", OPTIONS, jobs=1)
    assert error.value.code == ErrorCode.DISK_FULL
    assert not list((tmp_path / "faces").rglob("*.part"))
    prepare(photos, tmp_path / "faces", OPTIONS, jobs=1)
    assert files_of(tmp_path / "faces") == unbroken


def test_a_bug_in_one_unit_is_named_and_costs_no_other(
    photos: list[Sample], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from dfdetect.data.prepare import unit as unit_module

    whole = unit_module.work_on

    def breaks(unit: plan_module.Unit, *rest: object) -> object:
        if unit.number == 2:
            raise ZeroDivisionError("nought")
        return whole(unit, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr(unit_module, "work_on", breaks)
    done = prepare(photos[:12], tmp_path / "faces", OPTIONS, jobs=1)
    assert done.manifest["left_out"]["internal"] == ["04.jpg", "05.jpg"]
    assert any(remark.startswith("internal: ZeroDivisionError at test_run.py") for remark in done.manifest["remarks"])
    assert done.manifest["records"] == 9


def test_a_file_that_kills_the_process_is_found_and_left_out(photos: list[Sample], tmp_path: Path) -> None:
    """A crash of a decoder takes the process with it; the other files of its unit must not go with it."""
    unit = plan_module.make_plan(photos[:3]).units[0]
    for _ in range(work_module.MOST_DEATHS):
        deaths = Deaths(tmp_path, unit, "run")
        with deaths.guard(unit.samples[0]) as allowed:
            assert allowed
        guard = deaths.guard(unit.samples[1])
        assert guard.__enter__()  # and never comes back
    again = Deaths(tmp_path, unit, "run")
    for number, expected in enumerate((True, False)):
        with again.guard(unit.samples[number]) as allowed:
            assert allowed is expected
    with Deaths(tmp_path, unit, "another run").guard(unit.samples[1]) as allowed:
        assert allowed, "a kill of the whole run blames nobody"


def test_killed_workers_are_replaced_and_their_unit_done(
    photos: list[Sample], unbroken: dict[str, bytes], tmp_path: Path
) -> None:
    """Somebody's `kill -9`, or the system short of memory, must not change what comes out."""
    import multiprocessing

    seen = 0
    killed: list[int] = []

    def kill_one(done: int, _: object) -> None:
        nonlocal seen
        seen += done
        if seen >= 16 and not killed:  # both have started by now
            pid = multiprocessing.active_children()[0].pid
            assert pid is not None
            killed.append(pid)
            os.kill(pid, signal.SIGKILL)

    prepare(photos, tmp_path / "faces", OPTIONS, jobs=2, on_progress=kill_one)
    assert killed
    assert files_of(tmp_path / "faces") == unbroken


def test_a_finished_shard_that_is_gone_is_told(photos: list[Sample], tmp_path: Path) -> None:
    out = tmp_path / "faces"

    def stop(done: int, _: object) -> None:
        if (out / "shard-00001.parquet").exists():
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        prepare(photos, out, OPTIONS, jobs=1, on_progress=stop)
    (out / "shard-00000.parquet").unlink()
    with pytest.raises(DataError, match=r"shard-00000.parquet was written by this run and is gone"):
        prepare(photos, out, OPTIONS, jobs=1)


# ---- clips ----


def test_pairs_masks_and_odd_names_in_one_run(tmp_path: Path) -> None:
    import shutil

    root = tmp_path / "데이터 ü"
    root.mkdir()
    for name in ("real.mp4", "swap.mp4", "mask.mp4"):
        shutil.copy(clips() / name, root / name)
    shutil.copy(root / "real.mp4", root / "원본 copy.mp4")
    shutil.copy(root / "swap.mp4", root / "really.mp4")
    shutil.copytree(clips() / "real", root / "프레임")
    samples = [
        sample(root, "real.mp4"),
        fake(root, "swap.mp4", "real.mp4", mask_path=f"{root}/mask.mp4"),
        sample(root, "원본 copy.mp4"),
        sample(root, "really.mp4"),
        sample(root, "프레임"),
    ]
    done = prepare(samples, tmp_path / "faces", OPTIONS, jobs=1)
    assert done.manifest["left_out"] == {
        "same_file_as_another": ["원본 copy.mp4"],
        "same_file_with_other_label": ["really.mp4"],
    }
    rows = list(read_shards(tmp_path / "faces"))
    assert [row.path for row in rows] == ["real.mp4"] * 2 + ["swap.mp4"] * 2 + ["프레임"] * 2
    assert "원본" in (tmp_path / "faces" / "manifest.json").read_text(encoding="utf-8")


def test_opencv_keeps_the_threads_of_the_caller(photos: list[Sample], tmp_path: Path) -> None:
    import cv2

    before = cv2.getNumThreads()
    prepare(photos[:2], tmp_path / "faces", PrepareOptions(), jobs=1)
    assert cv2.getNumThreads() == before


def test_nothing_found_is_an_empty_set(tmp_path: Path) -> None:
    done = prepare([sample(clips(), "wall.mp4")], tmp_path / "faces", OPTIONS, jobs=1)
    assert isinstance(done, Prepared)
    assert (done.manifest["records"], done.manifest["shards"]) == (0, [])
    assert list(read_shards(tmp_path / "faces")) == []


@pytest.fixture(autouse=True)
def _no_child_left() -> Iterator[None]:
    yield
    import multiprocessing

    assert not multiprocessing.active_children()
