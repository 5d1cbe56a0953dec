"""The same items through Ray Data on a local cluster: same outcomes, deaths survived, nothing reported to anybody."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from dfdetect.batch import ray_engine
from dfdetect.batch.engines import find_engine
from dfdetect.data.prepare.run import prepare
from dfdetect.errors import ModelUnusable, UsageError
from toy_clips import SMALL_FACES, clips, fake, sample

ray = pytest.importorskip("ray")


@pytest.fixture(scope="module")
def cluster():  # type: ignore[no-untyped-def]
    """One local cluster for the tests that need one: its start takes seconds. It is not ours to end, so it stays."""
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    with pytest.MonkeyPatch.context() as patch:  # its processes find what this one can import
        patch.setenv("PYTHONPATH", os.pathsep.join(path for path in sys.path if path))
        ray.init("local", num_cpus=3, include_dashboard=False, log_to_driver=False, object_store_memory=200 * 2**20)
        yield ray
        ray.shutdown()


def test_usage_reports_are_off_before_ray_is_imported() -> None:
    code = """
import sys, os
os.environ["RAY_USAGE_STATS_ENABLED"] = "1"

class Watch:
    def find_spec(self, name, path=None, target=None):
        if name == "ray":
            print(os.environ["RAY_USAGE_STATS_ENABLED"])
            raise ImportError("no ray here", name="ray")

sys.meta_path.insert(0, Watch())
from dfdetect.batch.engines import find_engine
assert "ray" not in sys.modules
try:
    list(find_engine("ray")([1], lambda: None, jobs=1))
except Exception as error:
    print(type(error).__name__, error)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    lines = done.stdout.splitlines()
    assert lines[0] == "0", done.stderr
    assert lines[1].startswith("UsageError --engine ray needs Ray Data")
    assert 'pip install "dfdetect[batch]"' in lines[1]


def test_ray_s_own_switch_is_off_in_the_cluster(cluster) -> None:  # type: ignore[no-untyped-def]
    from ray._common.usage import usage_lib  # what Ray itself asks

    assert not usage_lib.usage_stats_enabled()


def test_every_item_has_one_outcome(cluster) -> None:  # type: ignore[no-untyped-def]
    items = [*range(20), "raise", "die", *range(20, 30)]
    outcomes = {o.item: o for o in ray_engine.run(items, make_simple, jobs=2)}
    assert set(outcomes) == set(items)
    assert all(outcomes[item].result == 2 * item for item in range(30))
    for item, code in (("raise", "internal"), ("die", "decoder_crashed")):
        error = outcomes[item].error
        assert error is not None
        assert error.code == code


def test_no_worker_at_all_is_raised(cluster) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(ModelUnusable, match="no model 'x'"):
        list(ray_engine.run([1, 2], make_nothing, jobs=2))


def test_jobs_and_names_are_checked() -> None:
    with pytest.raises(UsageError, match="at least 1"):
        list(ray_engine.run([1], make_simple, jobs=0))
    with pytest.raises(UsageError, match="unknown engine 'dask'; the options are: local, ray"):
        find_engine("dask")
    assert list(ray_engine.run([], make_simple, jobs=1)) == []


def make_simple() -> Callable[[object], object]:
    def work(item: object) -> object:
        if item == "die":
            os._exit(9)
        assert isinstance(item, int)
        return 2 * item

    return work


def make_nothing() -> Callable[[object], object]:
    raise ModelUnusable("no model 'x'")


def test_prepare_through_ray_with_a_worker_killed_writes_the_bytes_of_the_local_run(
    cluster,  # type: ignore[no-untyped-def]
    tmp_path: Path,
) -> None:
    options = replace(SMALL_FACES, frames=2)
    names = ("real.mp4", "other.mp4", "two.mp4", "wall.mp4", "empty.mp4", "real")
    samples = [
        *(sample(clips(), name, video_id=f"{name}-{n}") for n, name in enumerate(names)),
        fake(clips(), "swap.mp4", "real.mp4-0"),
        fake(clips(), "two_swap.mp4", "two.mp4-2", mask_path=f"{clips()}/two_mask.mp4"),
    ]
    prepare(samples, tmp_path / "local", options, jobs=1)
    killed: list[int] = []

    def kill_one(done: int, report: object) -> None:
        if not killed:
            killed.append(kill_an_actor())

    prepare(samples, tmp_path / "ray", options, jobs=2, engine="ray", on_progress=kill_one)
    assert killed
    files = {path.name: path.read_bytes() for path in (tmp_path / "local").iterdir()}
    assert {path.name: path.read_bytes() for path in (tmp_path / "ray").iterdir()} == files


def kill_an_actor() -> int:
    """SIGKILL to a process in which one of the map actors lives; its pid."""
    for directory in Path("/proc").iterdir():
        if directory.name.isdecimal():
            try:
                name = (directory / "cmdline").read_bytes()
            except OSError:
                continue
            if name.startswith(b"ray::MapWorker"):
                os.kill(int(directory.name), signal.SIGKILL)
                return int(directory.name)
    raise AssertionError("no actor is at work")


def test_scan_and_prepare_start_a_cluster_of_their_own(tmp_path: Path) -> None:
    """In a fresh process, as from the command line; a scan's results come back, a set is whole."""
    code = """
import sys
from dfdetect.cli.main import run
clip, out = sys.argv[1:]
scanned = run(["scan", clip, "--json", "--engine", "ray", "-q"])
listed = f"path,label\\n{clip},real\\n"
open(f"{out}/list.csv", "w").write(listed)
prepared = run(["prepare", f"{out}/list.csv", "-o", f"{out}/faces", "--engine", "ray", "--min-face", "40", "-q"])
sys.exit(10 * scanned + prepared)
"""
    command = [sys.executable, "-c", code, str(clips() / "real.mp4"), str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert '"schema": "dfdetect.scan/1"' in done.stdout
    assert "8 faces of 1 of 1 files" in done.stdout
