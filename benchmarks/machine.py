"""Fresh processes on a quiet machine, and what they ran on, for all benchmarks."""

from __future__ import annotations

import json
import os
import platform
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

WORK = Path(__file__).parents[1] / "out" / "benchmarks"  # made clips; git ignores it
QUIET = 0.05  # other processes may take this share of all cores; a run in which they take more is repeated
_MOST_TRIES = 20
_MOST_WAIT_S = 600.0
_STAT = Path("/proc/stat")


@dataclass(frozen=True, slots=True)
class Run:
    """One process from start to end. taken: share of all cores that other processes took meanwhile (Linux only)."""

    seconds: float
    output: str
    taken: float

    @property
    def answer(self) -> Any:
        """The JSON in the last line of standard output."""
        return json.loads(self.output.splitlines()[-1])


def conditions() -> str:
    """One line to print above every table."""
    model = platform.processor() or platform.machine()
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.is_file():
        names = [line.split(":", 1)[1].strip() for line in cpuinfo.read_text().splitlines() if "model name" in line]
        model = names[0] if names else model
    return f"{os.cpu_count()} cores ({model}), {platform.system()}, Python {platform.python_version()}"


def run(command: Sequence[str | Path]) -> Run:
    """Run a fresh process; ends this one with its errors when it fails."""
    busy, own, start = _busy_s(), _children_s(), time.perf_counter()
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True)
    seconds = time.perf_counter() - start
    if done.returncode:
        sys.exit(f"{' '.join(map(str, command))}\nended with {done.returncode}:\n{done.stdout}{done.stderr}")
    others_s = (_busy_s() - busy) - (_children_s() - own)
    return Run(seconds, done.stdout, max(0.0, others_s / seconds / (os.cpu_count() or 1)))


def quiet_run(command: Sequence[str | Path]) -> Run:
    """A run that other processes did not disturb; says so on standard error when there was none in 20 tries."""
    for _ in range(_MOST_TRIES):
        _wait_until_quiet()
        found = run(command)
        if found.taken <= QUIET:
            return found
    print(f"never quiet: other processes took {found.taken:.0%} of the machine in the last try", file=sys.stderr)
    return found


def _wait_until_quiet() -> None:
    deadline = time.monotonic() + _MOST_WAIT_S
    while time.monotonic() < deadline:
        busy, start = _busy_s(), time.perf_counter()
        time.sleep(0.5)
        if (_busy_s() - busy) / (time.perf_counter() - start) / (os.cpu_count() or 1) <= QUIET:
            return


def _busy_s() -> float:
    """CPU seconds of all processes since the machine started, and those that a host took away; 0 where not known."""
    if not _STAT.is_file():
        return 0.0
    user, nice, system, _idle, _waiting, *rest = (int(v) for v in _STAT.read_text().splitlines()[0].split()[1:9])
    return (user + nice + system + sum(rest)) / os.sysconf("SC_CLK_TCK")


def _children_s() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime if _STAT.is_file() else 0.0


def spread(values: Sequence[float], digits: int = 2) -> str:
    """Median, and the range in brackets."""
    return f"{statistics.median(values):.{digits}f} ({min(values):.{digits}f}-{max(values):.{digits}f})"


def verdict(holds: bool) -> str:
    return "holds" if holds else "MISSED"
