"""Errors of the API: RFC 9457 documents whose `type` never changes its meaning.

Written here and not taken from `fastapi-problem`, which puts the text of unexpected exceptions into its answers.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

MEDIA_TYPE = "application/problem+json"
BASE = "https://dfdetect.org/problems/"  # names, not addresses: nothing is fetched from there

# code -> (status, title, whether the same request may work later)
PROBLEMS: dict[str, tuple[int, str, bool]] = {
    "malformed": (400, "The request cannot be understood", False),
    "bad_cursor": (400, "The cursor is not one that this service gave", False),
    "no_key": (401, "A key is needed", False),
    "forbidden": (403, "The key may not do this", False),
    "cross_site": (403, "The request comes from another site", False),
    "not_found": (404, "There is no such thing", False),
    "method_not_allowed": (405, "This address does not know this method", False),
    "too_slow": (408, "The body stopped coming", True),
    "not_ready": (409, "The scan is not done yet", True),
    "gone": (410, "It has been deleted", False),
    "length_required": (411, "The length must be told", False),
    "too_large": (413, "The upload is too large", False),
    "not_media": (415, "The content type is not one that is taken", False),
    "bad_range": (416, "The range lies outside of the file", False),
    "unprocessable": (422, "A value is not what is expected", False),
    "key_reused": (422, "The Idempotency-Key was used for another request", False),
    "address_refused": (422, "This address is not called", False),
    "fetch_failed": (422, "The URL could not be fetched", True),
    "quota": (429, "The quota of this key is used up", True),
    "internal": (500, "Something went wrong here", True),
    "not_available": (403, "This installation cannot do this", False),
    "queue_full": (503, "Too many scans are waiting", True),
    "store_away": (503, "The store cannot be reached", True),
    "disk_full": (507, "There is no room for the upload", True),
}


class ProblemDocument(BaseModel):
    """What every error of the API looks like."""

    model_config = ConfigDict(extra="allow")

    type: str = Field(examples=[BASE + "not_found"])
    title: str
    status: int
    detail: str
    code: str = Field(description="Last part of `type`. A closed list per version; new codes may be added.")
    request_id: str
    retryable: bool


class Problem(Exception):  # noqa: N818 - the name of RFC 9457
    """Raise it anywhere below a route. headers: Retry-After and the like."""

    def __init__(self, code: str, detail: str, *, headers: Mapping[str, str] | None = None, **more: Any) -> None:
        super().__init__(detail)
        self.code, self.detail = code, detail
        self.status, self.title, self.retryable = PROBLEMS[code]
        self.headers, self.more = dict(headers or {}), more

    def document(self, request_id: str) -> dict[str, Any]:
        known = ProblemDocument(
            type=BASE + self.code,
            title=self.title,
            status=self.status,
            detail=self.detail,
            code=self.code,
            request_id=request_id,
            retryable=self.retryable,
        )
        return known.model_dump() | self.more


def described(*codes: str) -> dict[int | str, dict[str, Any]]:
    """The `responses` of a route for OpenAPI."""
    found: dict[int | str, dict[str, Any]] = {}
    for code in codes:
        status, title, _ = PROBLEMS[code]
        entry = found.setdefault(status, {"model": ProblemDocument, "content": {MEDIA_TYPE: {}}, "description": ""})
        entry["description"] = "; ".join(filter(None, [entry["description"], f"{title} (`{code}`)"]))
    return found


Kind = Literal["scan", "batch", "key", "delivery", "model", "sample"]


def not_found(kind: Kind) -> Problem:
    """The same for what does not exist, what is another's and what is no id at all."""
    return Problem("not_found", f"no {kind} of that id")
