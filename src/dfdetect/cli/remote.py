"""`dfdetect scan --server`: the same command, answered by a service."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace

from dfdetect.cli.inputs import Input
from dfdetect.errors import DfdetectError, ErrorCode, UsageError
from dfdetect.values import ErrorInfo, InputInfo, ModelInfo, ScanResult

KEY_VARIABLE = "DFDETECT_KEY"


def remote_model(url: str, name: str) -> ModelInfo:
    """What the service will scan with. UsageError: it has no such model."""
    from dfdetect.serve.client import Client

    with Client(url, _key(), patience_s=10.0) as client:
        models = {one.name: one for one in client.models()}
    if name not in models:
        raise UsageError(f"{url} has no model {name!r}; it has: {', '.join(sorted(models))}")
    return ModelInfo(name, models[name].version, models[name].sha256)


def make_remote_work(url: str, model: ModelInfo) -> Callable[[Input], ScanResult]:
    """Returns what has one input scanned by the service."""
    from dfdetect.detect.result_json import from_document
    from dfdetect.serve.client import Client

    client = Client(url, _key())

    def failed(item: Input, error: ErrorInfo) -> ScanResult:
        return ScanResult(InputInfo(item.path, None, None), "error", error, model=model)

    def work(item: Input) -> ScanResult:
        if item.refusal is not None:
            return failed(item, item.refusal)
        try:
            scan = client.scan(item.path, model=model.name)
        except DfdetectError as error:
            return failed(item, ErrorInfo(str(error.code), error.message, getattr(error, "stage", "open")))
        if scan.result is not None:
            result = from_document(scan.result)
            return replace(result, input=InputInfo(item.path, result.input.sha256, result.input.bytes))
        code = scan.error.code if scan.error is not None else ErrorCode.CANCELLED
        said = scan.error.message if scan.error is not None else f"the scan was {scan.status} on the server"
        return failed(item, ErrorInfo(code, said, scan.error.stage if scan.error is not None else "open"))

    return work


def _key() -> str:
    key = os.environ.get(KEY_VARIABLE)
    if not key:
        raise UsageError(f"--server needs a key: put it into the variable {KEY_VARIABLE}, not on the command line")
    return key
