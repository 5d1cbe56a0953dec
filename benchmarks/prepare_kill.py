"""`dfdetect prepare` killed 100 times over 2,000 files: is every byte that of the run that nobody stopped?

    python benchmarks/prepare_kill.py [--files 2000] [--kills 100] [--seed 0]

Draws the files (photographs of drawn people, some torn, some empty, some twice), prepares them once undisturbed, then
again and again, with SIGKILL after a random time, until the kills are used up and the set is finished. Every other
kill takes the worker processes too. A set that is finished before its kill is compared, and begun anew. Shards are
made small (1 MB), so that kills fall into their writing as well.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
from machine import WORK, conditions, verdict

SHARD_BYTES = 1 << 20


def draw(folder: Path, files: int) -> Path:
    """The list of the files; 250 people, each at several JPEG qualities."""
    from dfdetect.data.drawn_faces import draw_face
    from dfdetect.media.roundtrip import encode_jpeg

    folder.mkdir(parents=True, exist_ok=True)
    lines = ["path,label"]
    faces = [draw_face(np.random.default_rng(person), 200) for person in range(min(250, files))]
    for number in range(files):
        data = encode_jpeg(faces[number % len(faces)], 95 - 2 * (number // len(faces)))
        if number % 97 == 5:
            data = data[: len(data) // 2]
        if number % 211 == 7:
            data = b""
        if number % 301 == 300:
            data = (folder / f"{number - 300}.jpg").read_bytes()
        (folder / f"{number}.jpg").write_bytes(data)
        lines.append(f"{number}.jpg,real")
    (folder / "list.csv").write_text("\n".join(lines))
    return folder / "list.csv"


def command(listed: Path, out: Path) -> list[str]:
    return [sys.executable, __file__, "--child", str(listed), str(out)]


def child(listed: str, out: str) -> int:
    from dfdetect.cli.main import run
    from dfdetect.data import shards

    shards.SHARD_BYTES = SHARD_BYTES
    return run(["prepare", listed, "-o", out, "--jobs", "2", "-q", "--no-sheet"])


def hashes(folder: Path) -> dict[str, str]:
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in sorted(folder.iterdir())}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--files", type=int, default=2000)
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    home = WORK / "prepare_kill"
    shutil.rmtree(home, ignore_errors=True)
    listed = draw(home / "files", options.files)
    start = time.perf_counter()
    subprocess.run(command(listed, home / "unbroken"), check=False, stdout=subprocess.DEVNULL)
    whole_s = time.perf_counter() - start
    wanted = hashes(home / "unbroken")
    print(f"{conditions()}\nunbroken: {whole_s:.0f} s, {len(wanted) - 1} shards", flush=True)
    rng = random.Random(options.seed)
    rounds, equal, kills = 0, True, 0
    out = home / "killed"
    while kills < options.kills or not (out / "manifest.json").is_file():
        patience_s = rng.uniform(0.3, min(8.0, whole_s / 3)) if kills < options.kills else 10 * whole_s
        process = subprocess.Popen(command(listed, out), stdout=subprocess.DEVNULL, start_new_session=True)
        try:
            process.wait(patience_s)
        except subprocess.TimeoutExpired:
            kills += 1
            if kills % 2:
                os.killpg(process.pid, signal.SIGKILL)
            else:
                process.kill()
            process.wait()
            continue
        if kills >= options.kills:
            break
        rounds += 1
        equal = equal and hashes(out) == wanted
        print(f"{kills} kills: finished, {'equal' if equal else 'DIFFERENT'}", flush=True)
        shutil.rmtree(out)
    equal = equal and hashes(out) == wanted
    print(f"{kills} kills in {rounds + 1} sets of {options.files} files; every byte equal: {verdict(equal)}")
    return int(not equal)


if __name__ == "__main__":
    sys.exit(child(*sys.argv[2:]) if sys.argv[1:2] == ["--child"] else main())
