"""A program as a scorer of faces: PNG files in, P(manipulated) out, and every way in which that can go wrong an error.

    {path} in the command   started once a face; its last line is the score
    else                    started once; reads a path a line, answers a JSON line a path, in any order

A score is `0.93`, or JSON with `probability` (0..1) or `logit` (any finite number), high = manipulated. The files are
numbered: neither name nor folder tells a peer what the face is from.
"""

from __future__ import annotations

import contextlib
import json
import math
import os
import selectors
import signal
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory, TemporaryFile
from typing import IO, Protocol

import numpy as np
from numpy.typing import NDArray

from dfdetect.detect.scorer import Cuts
from dfdetect.errors import ErrorCode, MediaError
from dfdetect.faces.align import CropView
from dfdetect.media.roundtrip import encode_png
from dfdetect.models.output_form import LEAST_PROBABILITY

PATH_MARK = "{path}"
_MOST_BYTES = 2**20  # of one answer, and of what a program that goes on says beside it
_SHOWN = 300  # characters of what a program said, in a message


class Program(Protocol):
    """A program that scores picture files."""

    def logits(self, paths: Sequence[Path]) -> list[float]:
        """Of every file, in their order. MediaError at the first that has no score."""
        ...

    def close(self) -> None: ...


class CommandScorer:
    """Scores faces with a program: a `detect.examiner.CropScorer`."""

    def __init__(self, program: Program, view: CropView) -> None:
        """view: how a face is cut for it."""
        self.views = (view,)
        self.bytes_per_face = 3 * view.size_px**2
        self._program = program
        self._folder = TemporaryDirectory(prefix="dfdetect-peer-")
        self._written = 0

    def __call__(self, faces: Sequence[Cuts]) -> tuple[NDArray[np.float64], None]:
        """Logits (N,) of N faces. MediaError at the first face that has no score."""
        paths = [self._write(face) for face in faces]
        try:
            return np.array(self._program.logits(paths), np.float64), None
        finally:
            for path in paths:
                path.unlink(missing_ok=True)

    def close(self) -> None:
        """End the program, and remove the folder of its pictures."""
        self._program.close()
        self._folder.cleanup()

    def _write(self, face: Cuts) -> Path:
        self._written += 1
        path = Path(self._folder.name) / f"{self._written:07d}.png"
        path.write_bytes(encode_png(np.ascontiguousarray(face[0])))
        return path


class OneEach:
    """The program is started for every file: `command {path}`."""

    def __init__(self, arguments: Sequence[str], *, time_limit_s: float) -> None:
        self._arguments, self._limit_s = list(arguments), time_limit_s

    def logits(self, paths: Sequence[Path]) -> list[float]:
        return [self._logit(path) for path in paths]

    def close(self) -> None:
        """Nothing is left running."""

    def _logit(self, path: Path) -> float:
        words = [word.replace(PATH_MARK, str(path)) for word in self._arguments]
        with TemporaryFile() as out, TemporaryFile() as err:
            process = _start(words, stdin=subprocess.DEVNULL, stdout=out, stderr=err)
            try:
                code = process.wait(timeout=self._limit_s)
            except subprocess.TimeoutExpired as error:
                raise _too_slow(self._limit_s, 1, err) from error
            finally:
                _end(process)
            if code != 0:
                raise _broken(f"ended with exit code {code}", err)
            lines = _end_of(out, _MOST_BYTES).strip().splitlines()
            if not lines:
                raise _broken("printed no score", err)
            return read_answer(lines[-1])


class OneForAll:
    """The program is started once and reads paths; after it has failed it is started again."""

    def __init__(self, arguments: Sequence[str], *, time_limit_s: float) -> None:
        """time_limit_s: for one file."""
        self._arguments, self._limit_s = list(arguments), time_limit_s
        self._process: subprocess.Popen[bytes] | None = None
        self._err: IO[bytes] | None = None
        self._rest = b""

    def logits(self, paths: Sequence[Path]) -> list[float]:
        try:
            return self._asked(paths)
        except BaseException:
            self.close()  # what it still has to say would be taken for answers about the next file
            raise

    def close(self) -> None:
        if self._process is not None:
            _end(self._process)
            for pipe in (self._process.stdin, self._process.stdout, self._err):
                with contextlib.suppress(OSError):
                    if pipe is not None:
                        pipe.close()
        self._process, self._err, self._rest = None, None, b""

    def _asked(self, paths: Sequence[Path]) -> list[float]:
        process = self._started()
        assert process.stdin is not None
        assert self._err is not None
        try:
            process.stdin.write("".join(f"{path}\n" for path in paths).encode())
            process.stdin.flush()
        except OSError as error:
            raise self._died(process) from error
        until = time.monotonic() + self._limit_s * len(paths)
        asked = [str(path) for path in paths]
        found: dict[str, float] = {}
        while len(found) < len(asked):
            line = self._line(process, until, len(asked))
            path = _path_of(line)
            if path not in asked or path in found:
                raise _broken(f"answered about {path[:_SHOWN]!r}, which it was not asked about", self._err)
            found[path] = read_answer(line)
        if self._err.seek(0, os.SEEK_END) > _MOST_BYTES:  # one file for both processes, so its next words go on there
            self._err.seek(0)
            self._err.truncate()
        return [found[path] for path in asked]

    def _started(self) -> subprocess.Popen[bytes]:
        if self._process is None:
            self._err = TemporaryFile()  # noqa: SIM115 - it is open as long as the program runs
            self._process = _start(self._arguments, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self._err)
        return self._process

    def _line(self, process: subprocess.Popen[bytes], until: float, asked: int) -> str:
        """The next line that is not empty, waited for until then."""
        assert process.stdout is not None
        with selectors.DefaultSelector() as selector:
            selector.register(process.stdout, selectors.EVENT_READ)
            while True:
                line, newline, rest = self._rest.partition(b"\n")
                if newline:
                    self._rest = rest
                    if line.strip():
                        return line.decode("utf-8", "replace")
                    continue
                if len(self._rest) > _MOST_BYTES:
                    raise _broken("wrote a line without end", self._err)
                if not selector.select(max(0.0, until - time.monotonic())):
                    raise _too_slow(self._limit_s, asked, self._err)
                more = os.read(process.stdout.fileno(), 65536)
                if not more:
                    raise self._died(process)
                self._rest += more

    def _died(self, process: subprocess.Popen[bytes]) -> MediaError:
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(timeout=1.0)
        return _broken(f"ended in the middle of its work (exit code {process.poll()})", self._err)


def read_answer(text: str) -> float:
    """One answer -> a logit. MediaError: it is no score, or says that there is none."""
    try:
        found = json.loads(text)
    except ValueError:
        found = None
    if isinstance(found, dict) and found.get("error"):
        raise _broken(f"says: {str(found['error'])[:_SHOWN]}")
    if isinstance(found, dict) and "probability" not in found:
        logit = _number(found.get("logit"))
        if logit is not None:
            return logit
    score = _number(found.get("probability") if isinstance(found, dict) else found)
    if score is None or not 0 <= score <= 1:
        raise _broken(
            'gave no score: expected P(manipulated) within 0..1, or JSON with "probability" or "logit"; '
            f"got {text.strip()[:_SHOWN]!r}"
        )
    inside = min(max(score, LEAST_PROBABILITY), 1 - LEAST_PROBABILITY)
    return math.log(inside / (1 - inside))


def _number(value: object) -> float | None:
    """A finite number, or None: true and false are none, nor is text."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return None
    return float(value)


def _path_of(line: str) -> str:
    try:
        found = json.loads(line)
        return str(found["path"])
    except (ValueError, KeyError, TypeError) as error:
        raise _broken(f'expected a JSON line with "path" and "probability"; got {line.strip()[:_SHOWN]!r}') from error


def _start(words: Sequence[str], **streams: object) -> subprocess.Popen[bytes]:
    """In a group of its own, so that what it starts can be ended with it."""
    try:
        return subprocess.Popen(words, start_new_session=True, **streams)  # type: ignore[call-overload, no-any-return]
    except OSError as error:
        raise _broken(f"could not be started: {error}") from error


def _end(process: subprocess.Popen[bytes]) -> None:
    """Its whole group, also where the program itself is gone: it may have left others behind."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def _broken(what: str, err: IO[bytes] | None = None) -> MediaError:
    return MediaError(ErrorCode.MODEL_UNUSABLE, f"the peer's program {what}{_last_words(err)}", stage="score")


def _too_slow(limit_s: float, faces: int, err: IO[bytes] | None) -> MediaError:
    allowed = f"{limit_s:g} s" if faces == 1 else f"{faces} faces x {limit_s:g} s"
    message = f"the peer's program gave no answer within {allowed}; does it flush its output after every line?"
    return MediaError(ErrorCode.TIMEOUT, message + _last_words(err), stage="score")


def _last_words(err: IO[bytes] | None) -> str:
    """The end of what it wrote to standard error."""
    if err is None or err.closed:
        return ""
    text = " ".join(_end_of(err, 4 * _SHOWN).split())[-_SHOWN:]
    return f"; it wrote: {text}" if text else ""


def _end_of(file: IO[bytes], most: int) -> str:
    file.seek(max(0, file.seek(0, os.SEEK_END) - most))
    return file.read().decode("utf-8", "replace")
