"""A program as a scorer: what it says is a score or an error, in time, and never a number that it did not give."""

from __future__ import annotations

import math
import os
import shlex
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from dfdetect.errors import ErrorCode, MediaError
from dfdetect.evaluate.peer_command import CommandScorer, OneEach, OneForAll, read_answer
from dfdetect.faces.align import CropView

VIEW = CropView(0.1, 8)


def program(tmp_path: Path, body: str) -> list[str]:
    """A toy program as its words: `body` may use `red(path)`, the mean of red in 0..1."""
    script = tmp_path / "toy.py"
    head = "import json, os, sys, time\nimport cv2\nred = lambda path: float(cv2.imread(path)[..., 2].mean() / 255)\n"
    script.write_text(head + body)
    return [sys.executable, str(script)]


def faces(*reds: int) -> list[tuple[np.ndarray]]:
    pictures = [np.zeros((8, 8, 3), np.uint8) for _ in reds]
    for picture, red in zip(pictures, reds, strict=True):
        picture[..., 0] = red
    return [(picture,) for picture in pictures]


def logit(red: int) -> float:
    return math.log(red / (255 - red))


SERVE = """
for line in sys.stdin:
    path = line.strip()
    print(json.dumps({"path": path, "probability": red(path)}), flush=True)
"""


def test_one_process_a_face(tmp_path: Path) -> None:
    words = [*program(tmp_path, "print('loading ...')\nprint(red(sys.argv[1]))"), "{path}"]
    scorer = CommandScorer(OneEach(words, time_limit_s=20), VIEW)
    logits, maps = scorer(faces(51, 204))
    np.testing.assert_allclose(logits, [logit(51), logit(204)], atol=1e-9)
    assert maps is None


def test_one_process_for_all_keeps_running(tmp_path: Path) -> None:
    body = SERVE.replace("path = line.strip()", "path = line.strip(); print(os.getpid(), file=sys.stderr, flush=True)")
    running = OneForAll(program(tmp_path, body), time_limit_s=20)
    scorer = CommandScorer(running, VIEW)
    first, _ = scorer(faces(51, 204))
    second, _ = scorer(faces(102))
    np.testing.assert_allclose([*first, *second], [logit(51), logit(204), logit(102)], atol=1e-9)
    assert running._err is not None
    running._err.seek(0)
    assert len(set(running._err.read().split())) == 1
    scorer.close()


def test_answers_come_in_any_order(tmp_path: Path) -> None:
    body = """
paths = [sys.stdin.readline().strip() for _ in range(3)]
for path in reversed(paths):
    print("\\n" + json.dumps({"path": path, "logit": 10 * red(path), "note": "x"}), flush=True)
"""
    scorer = CommandScorer(OneForAll(program(tmp_path, body), time_limit_s=20), VIEW)
    logits, _ = scorer(faces(0, 51, 255))
    np.testing.assert_allclose(logits, [0.0, 2.0, 10.0], atol=1e-9)
    scorer.close()


def test_no_file_is_left_and_no_name_tells_anything(tmp_path: Path) -> None:
    """A peer that could read the label in a path would be measured on reading."""
    log = tmp_path / "seen"
    words = [*program(tmp_path, f"open({str(log)!r}, 'a').write(sys.argv[1] + '\\n')\nprint(0.5)"), "{path}"]
    scorer = CommandScorer(OneEach(words, time_limit_s=20), VIEW)
    scorer(faces(1, 2))
    seen = [Path(line) for line in log.read_text().splitlines()]
    assert [path.name for path in seen] == ["0000001.png", "0000002.png"]
    assert not any(path.exists() for path in seen)
    folder = seen[0].parent
    scorer.close()
    assert not folder.exists()


@pytest.mark.parametrize(
    ("body", "says"),
    [
        ("print('real')", "gave no score"),
        ("print(1.2)", "within 0..1"),
        ("print(-0.1)", "within 0..1"),
        ("print('nan')", "gave no score"),
        ("print(json.dumps({'probability': float('nan')}))", "gave no score"),
        ("print(json.dumps({'score': 0.3}))", "gave no score"),
        ("print(json.dumps({'probability': True}))", "gave no score"),
        ("print(json.dumps({'error': 'no face seen'}))", "no face seen"),
        ("pass", "printed no score"),
        ("print(0.3); print('no CUDA', file=sys.stderr); sys.exit(3)", "exit code 3; it wrote: no CUDA"),
        ("os.kill(os.getpid(), 9)", "exit code -9"),
    ],
)  # fmt: skip
def test_what_is_no_score_is_an_error(tmp_path: Path, body: str, says: str) -> None:
    scorer = CommandScorer(OneEach([*program(tmp_path, body), "{path}"], time_limit_s=20), VIEW)
    with pytest.raises(MediaError) as found:
        scorer(faces(10))
    assert found.value.code == ErrorCode.MODEL_UNUSABLE
    assert found.value.stage == "score"
    assert says in found.value.message


@pytest.mark.parametrize(
    ("body", "says"),
    [
        ("sys.stdin.readline(); print('0.5', flush=True); time.sleep(60)", 'expected a JSON line with "path"'),
        ("print(json.dumps({'path': 'x', 'probability': 0.5}), flush=True); time.sleep(60)", "was not asked about"),
        ("print(json.dumps({'path': input()}), flush=True); time.sleep(60)", "gave no score"),
        ("sys.stdin.readline(); print('bad weights', file=sys.stderr)", "it wrote: bad weights"),
        ("sys.stdout.write('x' * 3_000_000); sys.stdout.flush(); time.sleep(60)", "a line without end"),
    ],
)  # fmt: skip
def test_a_running_program_that_fails_is_started_again(tmp_path: Path, body: str, says: str) -> None:
    """What it would still have said about this file must not be taken for answers about the next."""
    once = tmp_path / "once"
    guarded = f"if not os.path.exists({str(once)!r}):\n    open({str(once)!r}, 'w')\n    "
    scorer = CommandScorer(
        OneForAll(program(tmp_path, guarded + body.replace("\n", "\n    ") + "\nelse:" + SERVE.replace("\n", "\n    ")),
        time_limit_s=20), VIEW,
    )  # fmt: skip
    with pytest.raises(MediaError) as found:
        scorer(faces(10))
    assert says in found.value.message
    logits, _ = scorer(faces(51))
    assert logits[0] == pytest.approx(logit(51))
    scorer.close()


def test_a_slow_program_is_ended_with_all_that_it_started(tmp_path: Path) -> None:
    note = tmp_path / "child"
    body = f"""
import subprocess
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
open({str(note)!r}, "w").write(str(child.pid))
time.sleep(60)
"""
    scorer = CommandScorer(OneEach([*program(tmp_path, body), "{path}"], time_limit_s=1.5), VIEW)
    start = time.monotonic()
    with pytest.raises(MediaError, match=r"within 1.5 s") as found:
        scorer(faces(10))
    assert found.value.code == ErrorCode.TIMEOUT
    assert time.monotonic() - start < 10
    for _ in range(50):  # the child is nobody's once its parent is gone: give the system a moment to bury it
        if not _runs(int(note.read_text())):
            break
        time.sleep(0.1)
    assert not _runs(int(note.read_text()))


def test_a_slow_answer_of_a_running_program_is_a_timeout(tmp_path: Path) -> None:
    scorer = CommandScorer(OneForAll(program(tmp_path, "time.sleep(60)"), time_limit_s=0.5), VIEW)
    with pytest.raises(MediaError, match=r"within 2 faces x 0.5 s; does it flush") as found:
        scorer(faces(10, 20))
    assert found.value.code == ErrorCode.TIMEOUT


def test_a_program_that_cannot_be_started_says_so(tmp_path: Path) -> None:
    words = shlex.split(f"{tmp_path}/no-such-program {{path}}")
    with pytest.raises(MediaError, match="could not be started"):
        CommandScorer(OneEach(words, time_limit_s=5), VIEW)(faces(1))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("0.5", 0.0),
        ("1", pytest.approx(16.118, abs=1e-3)),
        ("0", pytest.approx(-16.118, abs=1e-3)),
        ('{"probability": 0.731058578630}', pytest.approx(1.0, abs=1e-9)),
        ('{"logit": -3.5}', -3.5),
    ],
)
def test_answers(text: str, expected: object) -> None:
    """A certain answer is a finite logit, as of a network whose sigmoid is saturated."""
    assert read_answer(text) == expected


def _runs(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
    except OSError:
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return False
        return not Path("/proc").is_dir()
    return state != "Z"
