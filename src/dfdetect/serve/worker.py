"""A worker process: claims a scan, has it decoded in a child, scores it, writes the answer while the lease holds."""

from __future__ import annotations

import contextlib
import os
import socket
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import sqlalchemy as sa
import structlog

from dfdetect.detect.detector import Scanner
from dfdetect.errors import DfdetectError, ErrorCode, MediaError, ModelUnusable
from dfdetect.media.child.limits import DEFAULT_CHILD_LIMITS, ChildLimits
from dfdetect.media.child.reader import ChildReader, DecodeServer, child_opener
from dfdetect.serve.answers import write_result
from dfdetect.serve.jobs import HEARTBEAT_S, Job, Jobs, LeaseLost
from dfdetect.serve.objects import Objects
from dfdetect.serve.policy import Policy, load_policies
from dfdetect.serve.proxies import Proxies
from dfdetect.serve.settings import ServeSettings
from dfdetect.serve.store.engine import now_s
from dfdetect.serve.store.tables import workers
from dfdetect.serve.sweep import forget_media
from dfdetect.values import ErrorInfo, Frame, InputInfo, ScanResult

IDLE_S = 0.2  # between two looks into an empty queue
_REAP_EVERY_S = 5.0
_MODELS_KEPT = 2  # loaded at a time; the oldest is dropped

log = structlog.get_logger()


@dataclass(slots=True)
class Heart:
    """Keeps the lease of one job while it is worked on, and tells the work when to stop.

    lost: the job is no longer ours (or was cancelled). stop: the worker is asked to end and the job shall go back.
    """

    jobs: Jobs
    job: Job
    lost: threading.Event = field(default_factory=threading.Event)
    stop: threading.Event = field(default_factory=threading.Event)
    stage: str = "open"
    progress: float = 0.0
    every_s: float = HEARTBEAT_S
    _end: threading.Event = field(default_factory=threading.Event)
    _thread: threading.Thread | None = None

    def __enter__(self) -> Heart:
        self._thread = threading.Thread(target=self._beat, name="dfdetect-heart", daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._end.set()
        assert self._thread is not None
        self._thread.join()

    def check(self) -> None:
        """Raise `cancelled` in the middle of the work when it is for nothing."""
        if self.lost.is_set() or self.stop.is_set():
            raise MediaError(ErrorCode.CANCELLED, "the work on this file was stopped", stage="decode")

    def _beat(self) -> None:
        alive_until = now_s() + self.jobs.lease_s
        while not self._end.wait(min(self.every_s, self.jobs.lease_s / 4)):
            try:
                self.jobs.heartbeat(self.job, stage=self.stage, progress=round(self.progress, 3))
                alive_until = now_s() + self.jobs.lease_s
            except LeaseLost:
                self.lost.set()
                return
            except sa.exc.DBAPIError as error:
                log.warning("heartbeat failed", scan=self.job.id, error=type(error).__name__)
                if now_s() > alive_until:
                    self.lost.set()
                    return


class Worker:
    """One process's work. `run` until `stop` is set; it then finishes or gives back what it has in hand."""

    def __init__(
        self,
        engine: sa.Engine,
        settings: ServeSettings,
        *,
        name: str | None = None,
        server: DecodeServer | None = None,
        child_limits: ChildLimits = DEFAULT_CHILD_LIMITS,
    ) -> None:
        self.name = name or f"{socket.gethostname()}:{os.getpid()}"
        self.stop = threading.Event()
        self._engine, self._settings = engine, settings
        self._jobs = Jobs(engine, lease_s=settings.lease_s)
        self._objects = Objects(settings.files_url)
        self._policies: dict[str, Policy] = load_policies(settings.policies)
        self._server = server or DecodeServer()
        self._open = child_opener(self._server, child_limits=child_limits)
        self._proxies = Proxies(engine, self._objects, settings.spool, self._open)
        self._scanners: dict[str, Scanner] = {}
        self._heart: Heart | None = None
        self._last_reap = 0.0

    def run(self) -> None:
        """Work until asked to stop."""
        self._scanner(self._settings.model)  # what is missing is said now, not at the first file
        try:
            while not self.stop.is_set():
                self._housekeeping()
                if not self.work_once():
                    self.stop.wait(IDLE_S)
        finally:
            self._server.close()
            self._signed_off()

    def work_once(self) -> bool:
        """Claim and do one job, or else make a copy for the page to play; False where there is nothing to do."""
        job = self._jobs.claim(self.name)
        if job is None:
            return self._proxies.make_one(break_off=self._is_wanted)
        bound = log.bind(scan=job.id, attempt=job.row["attempts"], fence=job.fence)
        prefix = f"results/{job.id}/{job.fence}"
        try:
            self._do(job, prefix)
        except LeaseLost:
            self._objects.delete_folder(prefix)
            bound.warning("scan given up: the lease is lost, or it was cancelled or deleted")
        return True

    def end_soon(self) -> None:
        """SIGTERM: take no more jobs; what is in hand has drain_s to come to its end, then it goes back."""
        self.stop.set()
        heart = self._heart
        if heart is not None:
            timer = threading.Timer(self._settings.drain_s, heart.stop.set)
            timer.daemon = True
            timer.start()

    def _do(self, job: Job, prefix: str) -> None:
        with Heart(self._jobs, job) as heart:
            self._heart = heart
            try:
                result = self._scan(job)
            finally:
                self._heart = None
            if heart.lost.is_set():
                raise LeaseLost(job.id)
            if heart.stop.is_set() and result.error is not None and result.error.code == ErrorCode.CANCELLED:
                self._jobs.put_back(job)
                log.info("scan given back", scan=job.id)
                return
            policy = self._policies.get(job.row["policy"]) or self._policies[self._settings.policy]
            heart.stage = "write"
            write_result(self._engine, self._objects, self._jobs, job, result, policy=policy, prefix=prefix)
        log.info("scan done", scan=job.id, status=result.status, verdict=result.verdict)
        if job.row["attempts"] > 1:
            self._drop_earlier(job)
        forget_media(self._engine, self._objects, scan_id=job.id)
        if result.status == "ok" and job.row["keep_media_s"] > 0:
            scored = {score.frame_index for track in result.tracks for score in track.scores}
            self._proxies.want(job.id, job.row["media_object"], sorted(scored))

    def _is_wanted(self) -> bool:
        return self.stop.is_set() or bool(self._jobs.waiting())

    def _drop_earlier(self, job: Job) -> None:
        """What workers before this one had written when they were killed."""
        for fence in range(1, job.fence):
            self._objects.delete_folder(f"results/{job.id}/{fence}")

    def _scan(self, job: Job) -> ScanResult:
        row = job.row
        shown = row["filename"] or job.id
        try:
            with self._objects.local_file(row["media_object"]) as path:
                result = self._scanner(row["model"]).scan(path)
        except DfdetectError as error:
            failed = ErrorInfo(str(error.code), error.message, "open")
            return ScanResult(InputInfo(shown, row["sha256"], row["bytes"]), "error", failed)
        named = InputInfo(shown, result.input.sha256 or row["sha256"], result.input.bytes or row["bytes"])
        return replace(result, input=named)

    def _scanner(self, model: str) -> Scanner:
        if model not in self._scanners:
            if len(self._scanners) >= _MODELS_KEPT:
                self._scanners.pop(next(iter(self._scanners)))
            self._scanners[model] = Scanner(model, frames=self._settings.frames, opener=self._opened)
        return self._scanners[model]

    def _opened(self, path: str | Path) -> ChildReader:
        heart = self._heart
        reader = self._open(path)
        if heart is not None:
            heart.stage = "faces"
            reader.frames = _told(reader.frames, heart)  # type: ignore[method-assign]
        return reader

    def _housekeeping(self) -> None:
        now = now_s()
        if now - self._last_reap < _REAP_EVERY_S:
            return
        self._last_reap = now
        for scan, status in self._jobs.reap():
            log.warning("lease was over", scan=scan, now=status)
        mine = {"models": " ".join(self._scanners), "seen_at": now}
        with self._engine.begin() as connection:
            seen = sa.update(workers).where(workers.c.name == self.name).values(**mine)
            if connection.execute(seen).rowcount == 0:
                connection.execute(sa.insert(workers).values(name=self.name, started_at=now, **mine))

    def _signed_off(self) -> None:
        with contextlib.suppress(sa.exc.DBAPIError), self._engine.begin() as connection:
            connection.execute(sa.delete(workers).where(workers.c.name == self.name))


def _told(frames: Callable[..., Iterator[Frame]], heart: Heart) -> Callable[..., Iterator[Frame]]:
    """The same frames, counted for the progress, and ended early when the work is for nothing."""

    def counted(indices: Sequence[int], *, find_cuts: bool = True) -> Iterator[Frame]:
        wanted = max(1, len(set(indices)))
        for number, frame in enumerate(frames(indices, find_cuts=find_cuts)):
            heart.check()
            heart.progress = number / wanted
            yield frame

    return counted


def refuse_unusable(model: str) -> None:
    """ModelUnusable, with its reason, before anything is started."""
    from dfdetect.models.bundle import find_bundle, load_bundle

    try:
        load_bundle(find_bundle(model))
    except ModelUnusable as error:
        raise ModelUnusable(f"the service cannot start: {error.message}") from error
