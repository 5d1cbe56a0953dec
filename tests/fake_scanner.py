"""A stand-in for the scanner behind `dfdetect scan`: the answer is told by the file's name, no file is opened."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

import scan_results as results
from dfdetect.cli.inputs import Input
from dfdetect.cli.scan import error_result
from dfdetect.errors import ErrorCode
from dfdetect.values import InputInfo, ModelInfo, ScanResult, Verdict

ANSWERS: dict[str, Callable[[], ScanResult]] = {
    "fake": lambda: results.video_result(Verdict.LIKELY_MANIPULATED),
    "unsure": lambda: results.video_result(Verdict.INCONCLUSIVE),
    "real": lambda: results.video_result(Verdict.NO_MANIPULATION_FOUND),
    "photo": results.image_result,
    "empty": results.no_face_result,
    "broken": lambda: results.error_result(ErrorCode.CORRUPT_DATA),
}


class FakeScanner:
    """Scans by name: "fake-2.mp4" is likely_manipulated. `seen` holds what was asked; "stop" in a name is Ctrl-C."""

    def __init__(self) -> None:
        self.seen: list[str] = []

    def make_work(self, _settings: object, model: ModelInfo) -> Callable[[Input], ScanResult]:
        return lambda item: self._work(item, model)

    def _work(self, item: Input, model: ModelInfo) -> ScanResult:
        if item.refusal is not None:
            return error_result(item, item.refusal, model)
        self.seen.append(item.path)
        name = Path(item.path).name
        if "stop" in name:
            raise KeyboardInterrupt
        answer = ANSWERS[name.split("-")[0].split(".")[0]]()
        return replace(answer, input=InputInfo(item.path, answer.input.sha256, answer.input.bytes))


def install(monkeypatch: pytest.MonkeyPatch) -> FakeScanner:
    """Put a fake scanner behind the command, and no model before it."""
    scanner = FakeScanner()
    monkeypatch.setattr("dfdetect.cli.scan.make_work", scanner.make_work)
    monkeypatch.setattr("dfdetect.cli.scan.check_model", lambda _settings: results.MODEL)
    return scanner


def make_files(folder: Path, *names: str) -> list[str]:
    """Files of one byte of JPEG magic, so that their content says image."""
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"\xff\xd8\xff\xe0")
    return [str(folder / name) for name in names]
