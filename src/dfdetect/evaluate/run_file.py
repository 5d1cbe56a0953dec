"""run.json: what a folder of scores is of. Written last, so that a folder with it is finished."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from dfdetect.batch.whole_file import whole_file
from dfdetect.evaluate.part_file import read_part

RUN_FILE = "run.json"
SCHEMA = "dfdetect.evaluation-run/1"
SCORES, SCORES_CSV, FRAME_SCORES = "scores.parquet", "scores.csv", "frame_scores.parquet"
PEERS = "peers"  # folder of the scores of outside detectors
WORK = "work"  # folder of an unfinished run


def plan_hash(about: Mapping[str, Any]) -> str:
    """Of everything that decides the scores; date, version and this machine's paths do not."""
    deciding = {name: about[name] for name in ("model", "protocol", "data", "peers", "frames")}
    return hashlib.sha256(json.dumps(deciding, sort_keys=True).encode()).hexdigest()


def write_run(folder: Path, run: Mapping[str, Any]) -> None:
    with whole_file(folder / RUN_FILE) as part:
        part.write_text(json.dumps({"schema": SCHEMA, **run}, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def read_run(folder: Path) -> dict[str, Any] | None:
    """run.json of a finished run; None where there is none. DataError: it is something else."""
    return read_part(folder / RUN_FILE, SCHEMA)


def names_apart(names: Sequence[str], runs: Sequence[Mapping[str, Any] | None]) -> list[str]:
    """The names, with the protocol behind those that are equal; numbered where that does not tell them apart either."""
    told = [str(((run or {}).get("protocol") or {}).get("name") or "") for run in runs]
    by_protocol = [f"{name} ({protocol})" for name, protocol in zip(names, told, strict=True)]
    times = Counter(names)
    found, before = [], Counter[str]()
    for name, long, protocol in zip(names, by_protocol, told, strict=True):
        before[name] += 1
        if times[name] == 1:
            found.append(name)
        else:
            found.append(long if protocol and by_protocol.count(long) == 1 else f"{name} ({before[name]})")
    return found
