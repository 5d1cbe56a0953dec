"""Detectors from outside, scored in the same run on the same faces as our model.

    NAME = a bundle          any ONNX classifier that `dfdetect models import` took: cut and scored as ours is
    NAME = a command         one process a face ("command {path}"), or one for all (paths in, JSON lines out)

Pooling, mirroring and what is done without a face are `detect.Scanner.scan_beside`'s, so the same for all. A peer that
fails on a face has no score for that file: its record is an error, never a number.
"""

from __future__ import annotations

import re
import shlex
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from dfdetect.calibration import uncalibrated
from dfdetect.detect.backend import make_backend
from dfdetect.detect.examiner import Examiner
from dfdetect.errors import UsageError
from dfdetect.evaluate.peer_command import PATH_MARK, CommandScorer, OneEach, OneForAll
from dfdetect.faces.align import CropView
from dfdetect.models.bundle import load_bundle
from dfdetect.models.sealed import sha256_of
from dfdetect.values import ModelInfo

TIME_LIMIT_S = 60.0  # for one face
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")  # it becomes the name of a folder
_FORMS = 'NAME=FOLDER, NAME=model.onnx, NAME="command {path}" or NAME="command"'


@dataclass(frozen=True, slots=True)
class BundlePeer:
    """A peer whose network was imported. folder: its bundle."""

    name: str
    folder: Path

    @property
    def info(self) -> ModelInfo:
        """ModelUnusable: the bundle fails its checks."""
        return load_bundle(self.folder).info

    def open(self, view: CropView, *, threads: int | None = None) -> Examiner:
        """Ready to score; cut as its own spec says, whatever `view` is. ModelUnusable: the bundle fails its checks."""
        bundle = load_bundle(self.folder)
        return Examiner.of_bundle(bundle, [make_backend(one, threads=threads) for one in bundle.networks])


@dataclass(frozen=True, slots=True)
class CommandPeer:
    """A peer that is a program. command: as typed, no shell; with {path}, started once a face."""

    name: str
    command: str
    time_limit_s: float = TIME_LIMIT_S

    @property
    def info(self) -> ModelInfo:
        """The hash is of the command as typed: what the program is made of is not known."""
        return ModelInfo(self.name, "command", sha256_of(self.command.encode()))

    def open(self, view: CropView, *, threads: int | None = None) -> Examiner:
        """Ready to score faces that are cut as `view` says; `threads` is not the program's to know."""
        arguments = shlex.split(self.command)
        start = OneEach if any(PATH_MARK in one for one in arguments) else OneForAll
        program = start(arguments, time_limit_s=self.time_limit_s)
        return Examiner(self.info, CommandScorer(program, view), uncalibrated())


Peer = BundlePeer | CommandPeer


def read_peer(text: str) -> tuple[str, str]:
    """`NAME=TARGET` -> both. UsageError: no such form, or a name that cannot name a folder."""
    name, equals, target = text.partition("=")
    if not equals or not target.strip() or not _NAME.fullmatch(name):
        raise UsageError(
            f"--peer: expected {_FORMS}, with a NAME of letters, digits, dots, - and _, at most 64; got {text!r}"
        )
    return name, target.strip()


def command_peer(name: str, command: str, *, time_limit_s: float = TIME_LIMIT_S) -> CommandPeer:
    """A peer that is a program, looked up before the first file. UsageError: it is not there, or cannot be read."""
    if not time_limit_s > 0:
        raise UsageError(f"peer {name}: expected a time limit above 0 s; got {time_limit_s:g}")
    try:
        arguments = shlex.split(command)
    except ValueError as error:
        raise UsageError(f"peer {name}: cannot tell the words of {command!r}: {error}") from error
    if not arguments or shutil.which(arguments[0]) is None:
        raise UsageError(
            f"peer {name}: there is no program {arguments[0] if arguments else ''!r}; expected {_FORMS} (a model file "
            "must end in .onnx, a bundle must be a folder)"
        )
    return CommandPeer(name, command, time_limit_s)


def refuse_same_names(peers: Sequence[Peer]) -> None:
    """UsageError where two peers would write their scores to one place."""
    names = [peer.name.lower() for peer in peers]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise UsageError(f"--peer: every peer needs its own name; {', '.join(twice)} is there twice")
