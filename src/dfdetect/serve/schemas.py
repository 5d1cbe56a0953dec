"""What goes over the wire: the envelope around a scan's answer, and what may be asked. The client reads the same."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

from dfdetect.detect.result_json import FramePart, ScanDocument

ScanStatus = Literal["queued", "running", "completed", "failed", "cancelled", "expired"]
Decision = Literal["allow", "review", "block"]
FeedbackLabel = Literal["manipulated", "not_manipulated", "unsure"]


MOST_PER_KEY = 1_000_000_000  # what an integer column of every store holds


class _Open(BaseModel):
    """New fields may come: readers must not mind."""

    model_config = ConfigDict(extra="allow", frozen=True)


class _Asked(BaseModel):
    """What is sent to us: an unknown field is an error that names it, and so is text that a store cannot keep."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    @model_validator(mode="after")
    def _can_be_kept(self) -> Self:
        for name, value in self:
            if isinstance(value, str) and not keepable(value):
                raise ValueError(f"{name}: expected text without NUL and without halves of surrogate pairs")
        return self


def keepable(text: str) -> bool:
    """Whether every store can keep this text: PostgreSQL refuses NUL, UTF-8 halves of surrogate pairs."""
    return "\x00" not in text and not any("\ud800" <= char <= "\udfff" for char in text)


class FeedbackGiven(_Asked):
    """What a person says of a scan."""

    label: FeedbackLabel
    note: str | None = Field(default=None, max_length=4_000)
    by: str | None = Field(default=None, max_length=200)


class FeedbackShown(_Open):
    label: FeedbackLabel
    note: str | None
    by: str | None
    at: str


class Retention(_Open):
    """When what goes. None: not yet known (the scan is not over), or gone already."""

    media_kept: bool
    media_deletes_at: str | None
    media_deleted_at: str | None
    result_expires_at: str | None


class ScanError(_Open):
    """Why a scan failed: a code of the closed list of dfdetect.scan/1."""

    code: str
    message: str
    stage: str
    dead_letter: bool = False


class HashAsked(_Asked):
    """What is to be done with a known file."""

    decision: Decision
    reason: str | None = Field(default=None, max_length=1_000)


class HashShown(_Open):
    """A listed file."""

    sha256: str
    decision: Decision
    reason: str | None
    at: str


class HashPage(_Open):
    items: list[HashShown]
    next_cursor: str | None


class ScanEnvelope(_Open):
    """One scan. `result` is a document of schema dfdetect.scan/1, unchanged; null until it is over."""

    id: str
    status: ScanStatus
    external_id: str | None
    batch_id: str | None
    rescan_of: str | None
    filename: str | None
    bytes: int
    sha256: str
    model: str
    policy: str
    created_at: str
    started_at: str | None
    completed_at: str | None
    stage: str | None = Field(description="While it runs: open, faces, write")
    progress: float | None = Field(description="0..1 of its frames")
    attempts: int
    decision: Decision | None = Field(
        description="Of the person who gave feedback, else of the list of known files, else of the policy"
    )
    decided_by: str | None = Field(description="`human`, `hash_list` or `policy:NAME@VERSION`")
    policy_decision: Decision | None
    verdict: str | None = Field(description="Of the model, as in `result`; lists have it too")
    probability: float | None
    interval: list[float] | None
    feedback: FeedbackShown | None
    listed: HashShown | None = Field(description="The file's entry in this key's list of known files")
    error: ScanError | None
    retention: Retention
    links: dict[str, str]
    result: ScanDocument | None


class ScanPage(_Open):
    items: list[ScanEnvelope]
    next_cursor: str | None


class LookupAsked(_Asked):
    """Files by their SHA-256, in lower case."""

    sha256: list[Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]] = Field(min_length=1, max_length=100)


class LookupFound(_Open):
    """scan: the latest completed scan of these bytes under this key, without its result; null: there is none.

    listed: its entry in this key's list of known files.
    """

    sha256: str
    scan: ScanEnvelope | None
    listed: HashShown | None


class LookupAnswer(_Open):
    items: list[LookupFound]


class ProxyShown(_Open):
    """A small copy of the upload, at most 720p, without sound or metadata; its times are those of the file."""

    url: str
    kind: Literal["video", "image"]
    media_type: str
    bytes: int


class MediaShown(_Open):
    """proxy: null while there is none: not made yet, of a file that is too long for it, or deleted with the upload."""

    kept: bool
    deletes_at: str | None
    proxy: ProxyShown | None


class FramePage(_Open):
    """Frames of one track in time order."""

    track: int
    items: list[FramePart]
    next_cursor: str | None


class ScanByUrl(_Asked):
    """A scan of something that we fetch ourselves; off unless the operator has turned it on."""

    url: str = Field(max_length=2_000)
    model: str | None = Field(default=None, max_length=100)
    policy: str | None = Field(default=None, max_length=100)
    external_id: str | None = Field(default=None, max_length=200)
    callback_url: str | None = Field(default=None, max_length=2_000)
    batch_id: str | None = Field(default=None, max_length=40)
    keep_media_s: float | None = Field(default=None, ge=0)
    keep_result_s: float | None = Field(default=None, gt=0)


class Rescan(_Asked):
    """The same upload once more, while it is kept."""

    model: str | None = Field(default=None, max_length=100)
    policy: str | None = Field(default=None, max_length=100)


class BatchAsked(_Asked):
    external_id: str | None = Field(default=None, max_length=200)
    callback_url: str | None = Field(default=None, max_length=2_000)


class Batch(_Open):
    id: str
    external_id: str | None
    closed: bool
    created_at: str
    counts: dict[str, int] = Field(description="status -> scans")
    links: dict[str, str]


class KeyAsked(_Asked):
    name: str = Field(min_length=1, max_length=200, pattern=r"[^\s\x00]")
    scopes: list[Literal["scan", "read", "admin"]] = Field(default=["scan", "read"], min_length=1, max_length=3)
    scans_per_hour: int = Field(default=0, ge=0, le=MOST_PER_KEY)
    scans_at_once: int = Field(default=0, ge=0, le=MOST_PER_KEY)


class SessionShown(_Open):
    logged_in: bool
    public: bool


class KeyShown(_Open):
    id: str
    name: str
    scopes: list[str]
    scans_per_hour: int
    scans_at_once: int
    created_at: str
    revoked_at: str | None
    secret: str | None = Field(default=None, description="Told once, when the key is made")


class SecretShown(_Open):
    id: str
    created_at: str
    expires_at: str | None
    secret: str | None = Field(default=None, description="Told once, when it is made")


class Delivery(_Open):
    id: str
    event: str
    subject_id: str
    url: str
    status: Literal["waiting", "delivered", "given_up"]
    attempts: int
    next_at: str | None
    last_status: int | None
    last_error: str | None
    created_at: str


class PointShown(_Open):
    """Bounds of the verdict for one kind of file. measured_fpr: of real files other than those that set the bounds."""

    likely_manipulated: float
    no_manipulation_found: float
    measured_fpr: float | None
    measured_on: str
    n_reals: int
    target_fpr: float | None = Field(description="Of this kind, where it is not the model's")


class SourceShown(_Open):
    name: str
    licence: str
    used_for: str


class ModelShown(_Open):
    name: str
    version: str
    sha256: str
    is_default: bool = Field(description="It scans for those who name none")
    experimental: bool
    input_size_px: int
    weights_licence: str
    sources: list[SourceShown] = Field(description="What its weights were made from")
    not_covered: list[str] = Field(description="Kinds of fakes that it was measured to miss, with the figure")
    calibrated: bool = Field(description="False: its score is no probability, and every verdict is inconclusive")
    target_fpr: float | None
    thresholds: dict[str, dict[str, PointShown]] = Field(description="Kind of file -> number of faces -> bounds")
    card: str
    links: dict[str, str]


class ServiceShown(_Open):
    """What is to be known before an upload. keep_*_s: after a scan is over, for those who choose nothing."""

    version: str
    model: str
    policy: str
    experimental: bool = Field(description="The model is labelled so: its error rates are not known well")
    visitor: bool = Field(description="The asker has no key: a visitor of a public page")
    scopes: list[str]
    max_upload_bytes: int
    most_duration_s: float
    most_pixels: int = Field(description="Of a still")
    keep_media_s: float
    keep_result_s: float
    may_choose_retention: bool
    url_intake: bool
    on_this_computer: bool = Field(description="It can be reached from the computer that it runs on alone")
    pdf: bool = Field(description="Whether report.pdf can be made here")


class SampleShown(_Open):
    """A clip that comes with the package and may be shown to anybody."""

    name: str
    title: str
    about: str
    bytes: int
    media_type: str
    url: str


class PolicyShown(_Open):
    name: str
    version: int
    about: str
    most_fpr: float
    verdict: dict[str, str]
    limits: dict[str, str]
    error: str
    experimental_model: str


class Statistics(_Open):
    """Of this key's scans. days: by day (UTC) of the last 30."""

    by_status: dict[str, int]
    by_verdict: dict[str, int]
    by_decision: dict[str, int]
    overridden_by_humans: int
    days: dict[str, int]
