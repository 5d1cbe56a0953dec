"""A client of the API: the same documents, as typed objects.

with Client("http://127.0.0.1:8000", key) as client:
    scan = client.scan("clip.mp4")
    print(scan.decision, scan.result.verdict)
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import httpx2

from dfdetect.errors import DfdetectError, ErrorCode
from dfdetect.media.boundary import open_source
from dfdetect.media.limits import DEFAULT_LIMITS
from dfdetect.serve.problems import ProblemDocument
from dfdetect.serve.schemas import (
    Decision,
    FeedbackGiven,
    FeedbackLabel,
    HashAsked,
    HashShown,
    LookupAnswer,
    LookupFound,
    ModelShown,
    ScanEnvelope,
    ScanPage,
)
from dfdetect.serve.views import OVER

_WAIT_S = 30
_LOOK_EVERY_S = 1.0
_PIECE_BYTES = 1 << 20


class ServiceError(DfdetectError):
    """The service refused, or could not be reached. problem: what it said, None where it said nothing."""

    code = ErrorCode.IO_ERROR

    def __init__(self, message: str, problem: ProblemDocument | None = None) -> None:
        super().__init__(message)
        self.problem = problem


class Client:
    """One service, one key. Waits and tries again when the service is full or away for a moment."""

    def __init__(self, url: str, key: str, *, timeout_s: float = 60.0, patience_s: float = 300.0) -> None:
        """timeout_s: of one request. patience_s: how long a full or absent service is waited for."""
        headers = {"authorization": f"Bearer {key}"} if key else {}
        self._http = httpx2.Client(base_url=url.rstrip("/"), headers=headers, timeout=timeout_s, trust_env=False)
        self._patience_s = patience_s

    def scan(
        self,
        path: str | Path,
        *,
        model: str | None = None,
        policy: str | None = None,
        external_id: str | None = None,
        keep_media_s: float | None = None,
    ) -> ScanEnvelope:
        """Send a file and wait for its answer. Errors: MediaError of the path, ServiceError."""
        options = {"model": model, "policy": policy, "external_id": external_id, "keep_media_s": keep_media_s}
        params = {name: str(value) for name, value in options.items() if value is not None}
        params["filename"] = Path(path).name.encode("utf-8", "replace").decode()
        headers = {"content-type": "application/octet-stream", "prefer": f"wait={_WAIT_S}"}
        answer = self._ask("POST", "/v1/scans", params=params, headers=headers, path=path)
        scan = ScanEnvelope.model_validate_json(answer.content)
        while scan.status not in OVER:
            time.sleep(_LOOK_EVERY_S)
            scan = self.get(scan.id)
        return scan

    def get(self, scan_id: str) -> ScanEnvelope:
        return ScanEnvelope.model_validate_json(self._ask("GET", f"/v1/scans/{scan_id}").content)

    def scans(self, **filters: str) -> Iterator[ScanEnvelope]:
        """Every scan of this key, newest first, page by page."""
        cursor: str | None = None
        while True:
            params = filters if cursor is None else {**filters, "cursor": cursor}
            page = ScanPage.model_validate_json(self._ask("GET", "/v1/scans", params=params).content)
            yield from page.items
            cursor = page.next_cursor
            if cursor is None:
                return

    def delete(self, scan_id: str) -> None:
        self._ask("DELETE", f"/v1/scans/{scan_id}")

    def feedback(self, scan_id: str, label: FeedbackLabel, note: str | None = None) -> ScanEnvelope:
        said = FeedbackGiven(label=label, note=note).model_dump()
        return ScanEnvelope.model_validate_json(self._ask("POST", f"/v1/scans/{scan_id}/feedback", json=said).content)

    def look_up(self, sha256s: Sequence[str]) -> list[LookupFound]:
        """What is known of these files (at most 100), by their SHA-256, before any is sent."""
        answer = self._ask("POST", "/v1/lookups", json={"sha256": list(sha256s)})
        return LookupAnswer.model_validate_json(answer.content).items

    def list_file(self, sha256: str, decision: Decision, reason: str | None = None) -> HashShown:
        """Decide beforehand on a known file: a fake (`block`), one's own footage (`allow`)."""
        asked = HashAsked(decision=decision, reason=reason).model_dump()
        return HashShown.model_validate_json(self._ask("PUT", f"/v1/hashes/{sha256}", json=asked).content)

    def unlist_file(self, sha256: str) -> None:
        self._ask("DELETE", f"/v1/hashes/{sha256}")

    def models(self) -> list[ModelShown]:
        return [ModelShown.model_validate(one) for one in self._ask("GET", "/v1/models").json()]

    def report_html(self, scan_id: str) -> str:
        return str(self._ask("GET", f"/v1/scans/{scan_id}/report.html").text)

    def close(self) -> None:
        self._http.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self.close()

    def _ask(self, method: str, url: str, *, path: str | Path | None = None, **how: Any) -> httpx2.Response:
        until = time.monotonic() + self._patience_s
        while True:
            try:
                content = None if path is None else _pieces(path)
                answer = self._http.request(method, url, content=content, **how)
            except httpx2.TransportError as error:
                wait_s, said = 1.0, ServiceError(f"{self._http.base_url} cannot be reached ({type(error).__name__})")
            else:
                if answer.is_success:
                    return answer
                said = _error_of(answer)
                if answer.status_code not in (429, 503):
                    raise said
                wait_s = float(answer.headers.get("retry-after", "1"))
            if time.monotonic() + wait_s > until:
                raise said
            time.sleep(wait_s)


def _pieces(path: str | Path) -> Iterator[bytes]:
    """The file, piece by piece. MediaError for what is no regular file."""
    source = open_source(path, DEFAULT_LIMITS)
    try:
        while piece := source.read(_PIECE_BYTES):
            yield piece
    finally:
        source.close()


def _error_of(answer: httpx2.Response) -> ServiceError:
    try:
        problem = ProblemDocument.model_validate_json(answer.content)
    except ValueError:
        return ServiceError(
            f"the server answered {answer.status_code}, and not as dfdetect does; is the address right?"
        )
    return ServiceError(f"{problem.title}: {problem.detail} (request {problem.request_id})", problem)
