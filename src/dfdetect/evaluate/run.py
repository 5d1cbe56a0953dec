"""Samples -> a folder of scores, every file through `detect`, in many processes, resumable at any moment.

out/scores.parquet, .csv, frame_scores.parquet   written when every file is scored
out/peers/NAME/                                  the same of each outside detector
out/run.json                                     written last: without it the run is not finished
the folder `work` inside out                     of an unfinished run only (`progress_file`)
"""

from __future__ import annotations

import functools
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from dfdetect import __version__
from dfdetect.batch.engines import DEFAULT_ENGINE, find_engine
from dfdetect.batch.journal import InputKey, input_key
from dfdetect.batch.pool import Outcome
from dfdetect.data.sample import Sample
from dfdetect.detect.backend import DEVICES
from dfdetect.detect.detector import DEFAULT_FRAMES, Scanner
from dfdetect.detect.examiner import Examiner
from dfdetect.detect.policy import InputKind
from dfdetect.errors import DataError, DfdetectError, ErrorCode, UsageError, unknown_name
from dfdetect.evaluate.overlap import Overlap, find_overlap
from dfdetect.evaluate.peers import Peer
from dfdetect.evaluate.progress_file import ProgressFile, Scored, columns_of
from dfdetect.evaluate.protocol import EvalProtocol
from dfdetect.evaluate.run_file import (
    FRAME_SCORES,
    PEERS,
    RUN_FILE,
    SCORES,
    SCORES_CSV,
    WORK,
    plan_hash,
    read_run,
    write_run,
)
from dfdetect.evaluate.samples import Asked, choose, refuse_repeated, samples_hash
from dfdetect.evaluate.score_files import write_csv
from dfdetect.evaluate.score_table import ScoreTable
from dfdetect.evaluate.scores import frame_scores, unscored, video_score
from dfdetect.faces.detector import DEFAULT_DETECTOR, FACE_DETECTORS
from dfdetect.models.bundle import Bundle, find_bundle, load_bundle
from dfdetect.models.trained_on import file_key

_INPUT_KINDS: dict[str, InputKind] = {"video": "file", "image": "file", "frames": "frames", "crop": "crops"}
_OWN_FAULTS = (ErrorCode.DISK_FULL, ErrorCode.QUOTA)  # a run cannot go on


@dataclass(frozen=True, slots=True)
class EvalJob:
    """What is evaluated and how. model: name of a bundle, or its folder. source: what run.json calls the data.

    allow_trained_on: go on although the model's manifest says that it learned from the test data; run.json and every
    report then say so. seed: by which a part was drawn, for run.json.
    """

    model: str | Path
    asked: Asked
    protocol: EvalProtocol
    source: str = ""
    peers: tuple[Peer, ...] = ()
    frames: int = DEFAULT_FRAMES
    device: str = "auto"
    detector: str = DEFAULT_DETECTOR
    allow_trained_on: bool = False
    seed: int = 0


@dataclass(frozen=True, slots=True)
class Evaluated:
    """A finished run. run: run.json. was_done: it was finished before this call."""

    run: Mapping[str, Any]
    was_done: bool


@dataclass(frozen=True, slots=True)
class _Item:
    number: int
    sample: Sample
    extra: Mapping[str, str]


def evaluate(
    job: EvalJob,
    out: Path,
    *,
    jobs: int = 1,
    engine: str = DEFAULT_ENGINE,
    restart: bool = False,
    on_start: Callable[[int, int], None] | None = None,
    on_progress: Callable[[str], None] | None = None,
) -> Evaluated:
    """Score every sample into `out`. A run that was stopped, or killed, goes on where it was.

    The scores depend on the job alone: not on jobs, engine, or how often the run was stopped. restart: throw away what
    an earlier run left in `out`. on_start: told samples in all, and those done already. on_progress: told the status
    of each file as it is done.

    Raises:
        UsageError: `out` holds something else, or was begun with another job; the protocol leaves no sample; the model
            learned from the test data.
        DataError: no samples, two of one name, or none of their files is there.
        ModelUnusable: the model, or a peer's, fails its checks.
        DfdetectError: disk_full; make room and call again.
    """
    find_engine(engine)
    if job.detector not in FACE_DETECTORS:  # here, for a folder that was begun with it would refuse the right one
        raise unknown_name("face detector", job.detector, FACE_DETECTORS)
    if job.device not in DEVICES:
        raise unknown_name("device", job.device, DEVICES)
    bundle = load_bundle(find_bundle(job.model))
    asked = choose(job.asked, job.protocol, trained_keys=find_overlap(bundle, ()).keys)
    if not asked.samples:
        raise DataError("there is nothing to score: the data has no samples, or the filters leave none")
    refuse_repeated(asked.samples)
    overlap = find_overlap(bundle, asked.samples)
    if overlap.found and not job.allow_trained_on:
        raise UsageError(
            f"{bundle.manifest.name} was trained on what it would be tested on: {'; '.join(overlap.found)}. Use "
            "--protocol identity-disjoint or other data; or --allow-trained-on, and every report will say so in red"
        )
    about = _about(job, asked, bundle)
    if read_run(out) is None:
        _refuse_if_nothing_is_there(asked.samples)  # before a folder is begun, which would look like a stopped run
    work = _open_folder(out, about, restart=restart)
    if work is None:
        return Evaluated(read_run(out) or {}, was_done=True)
    with work:
        keys = [_key(sample, about) for sample in asked.samples]
        done = work.done(keys)
        if on_start:
            on_start(len(asked.samples), len(done))
        waiting = [
            _Item(n, sample, asked.extras.get(sample.path, {}))
            for n, sample in enumerate(asked.samples)
            if n not in done
        ]
        _score(waiting, keys, job, overlap.keys | overlap.calibrated, work, (jobs, engine), on_progress)
        run = about | {"notes": _notes(asked, overlap), "plan_sha256": plan_hash(about)}
        run = _write(out, work, asked, job, run)
    work.remove()
    return Evaluated(run, was_done=False)


def _about(job: EvalJob, asked: Asked, bundle: Bundle) -> dict[str, Any]:
    samples, record = asked.samples, bundle.calibration.record
    return {
        "model": {"name": bundle.info.name, "version": bundle.info.version, "sha256": bundle.info.sha256},
        "protocol": job.protocol.as_dict(),
        "data": {
            "name": job.source,
            "rows": len(samples),
            "sha256": samples_hash(samples),
            "left_out": dict(asked.left_out),
        },
        "thresholds": {
            kind: asdict(bounds)
            for kind in ("video", "image")
            for bounds, measured in [bundle.calibration.bounds(kind, 1)]
            if measured
        },
        "calibration": None if record is None else asdict(record),
        "peers": {peer.name: {"name": peer.info.name, "sha256": peer.info.sha256} for peer in job.peers},
        "frames": {"at_least": job.frames, "detector": job.detector},
        "seed": job.seed,
        "dfdetect": __version__,
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
    }


def _open_folder(out: Path, about: Mapping[str, Any], *, restart: bool) -> ProgressFile | None:
    """The progress of this run; None when it is finished. UsageError: the folder is not this run's."""
    if out.exists() and not out.is_dir():
        raise UsageError(f"{out}: expected a folder for the scores, this is a file")
    work = ProgressFile(out / WORK)
    if restart:
        _clear(out)
    what_to_do = (
        "go on with the model, data and protocol of that run, name another folder, or begin anew with --restart"
    )
    finished = read_run(out)
    if finished is not None:
        if finished.get("plan_sha256") != plan_hash(about):
            raise UsageError(f"{out} holds the scores of another run ({_changes(finished, about)}); {what_to_do}")
        if work.folder.is_dir():
            work.remove()  # a kill between run.json and this
        return None
    begun = work.plan()
    if begun is None:
        others = sorted(path.name for path in out.iterdir() if not _is_ours(path.name)) if out.is_dir() else []
        if others:
            raise UsageError(f"{out} holds other files ({', '.join(others[:3])}); name a new or an empty folder")
        work.begin(about)
    elif plan_hash(begun) != plan_hash(about):
        raise UsageError(f"{out} was begun differently ({_changes(begun, about)}); {what_to_do}")
    return work


def _changes(before: Mapping[str, Any], now: Mapping[str, Any]) -> str:
    def said(of: Mapping[str, Any], name: str) -> str:
        value = of.get(name)
        return str(value.get("name") or value) if isinstance(value, Mapping) else str(value)

    names = [name for name in ("model", "protocol", "data", "peers", "frames") if before.get(name) != now[name]]
    return ", ".join(
        f"{name}: {said(before, name)} then, {said(now, name)} now"
        if said(before, name) != said(now, name)
        else f"another content of {name}"
        for name in names
    )


def _is_ours(name: str) -> bool:
    """What `evaluate` makes beside the scores and may make again."""
    return name in (WORK, PEERS) or name.startswith(("report", "robustness", "explanation"))


def _clear(out: Path) -> None:
    """Remove what a run writes, and nothing else."""
    for name in (RUN_FILE, SCORES, SCORES_CSV, FRAME_SCORES):
        (out / name).unlink(missing_ok=True)
    for folder in (out / WORK, out / PEERS):
        shutil.rmtree(folder, ignore_errors=True)


def _refuse_if_nothing_is_there(samples: Sequence[Sample]) -> None:
    """A moved folder must not become a table of 100,000 errors; single missing files are rows."""
    looked_at = samples[:: max(1, len(samples) // 200)]
    if not any(Path(sample.path).exists() for sample in looked_at):
        raise DataError(
            f"none of the files is there, for example {looked_at[0].path}; say where they lie with --root FOLDER"
        )


def _key(sample: Sample, about: Mapping[str, Any]) -> InputKey | None:
    """A changed file, model, protocol or peer is work again."""
    peers = "".join(peer["sha256"] for peer in about["peers"].values())
    return input_key(sample.path, f"{about['model']['sha256']}/{about['protocol']['hash']}/{peers}")


# ---- scoring ----


def _score(
    waiting: Sequence[_Item],
    keys: Sequence[InputKey | None],
    job: EvalJob,
    trained_keys: frozenset[str],
    work: ProgressFile,
    how: tuple[int, str],
    on_progress: Callable[[str], None] | None,
) -> None:
    jobs, engine = how
    make = functools.partial(
        _make_work, job.model, job.protocol, job.peers, job.frames, job.device, job.detector, trained_keys
    )
    for last in (False, True):  # a process may have been killed for somebody else's sake: its file is tried once more
        died: list[_Item] = []
        for outcome in find_engine(engine)(waiting, make, jobs=min(jobs, max(1, len(waiting)))) if waiting else ():
            if outcome.error is not None and outcome.error.code == ErrorCode.DECODER_CRASHED and not last:
                died.append(outcome.item)
                continue
            scored = outcome.result if outcome.result is not None else _failed(outcome, job)
            work.add(outcome.item.number, keys[outcome.item.number], scored)
            if on_progress:
                on_progress(scored.rows[0].status)
        waiting = died


def _failed(outcome: Outcome[_Item, Scored], job: EvalJob) -> Scored:
    """The process of a file died, or its work broke down: its rows say so."""
    assert outcome.error is not None
    if outcome.error.code in _OWN_FAULTS:
        raise DfdetectError(outcome.error.message, code=ErrorCode(outcome.error.code))
    row = unscored(outcome.item.sample, outcome.error.code, extra=outcome.item.extra)
    times = 1 + len(job.peers)
    return Scored((row,) * times, (columns_of(()),) * times)


def _make_work(
    model: str | Path,
    protocol: EvalProtocol,
    peers: Sequence[Peer],
    frames: int,
    device: str,
    detector: str,
    trained_keys: frozenset[str],
) -> Callable[[_Item], Scored]:
    """Load the models once in this process; returns what scores one sample."""
    # One thread each: what a network answers must not depend on how many processes share the computer.
    scanner = Scanner(model, frames=frames, device=device, detector=detector, threads=1, policy=protocol.scan)
    others: list[Examiner] = [peer.open(scanner.bundle.views[0], threads=1) for peer in peers]
    pooling = protocol.scan.pooling

    def work(item: _Item) -> Scored:
        results = scanner.scan_beside(item.sample.path, others, kind=_INPUT_KINDS[item.sample.kind])
        rows = tuple(video_score(item.sample, result, pooling=pooling, extra=item.extra) for result in results)
        frames = tuple(columns_of(frame_scores(item.sample, result, pooling=pooling)) for result in results)
        sha256 = results[0].input.sha256
        learned = sha256 is not None and file_key(sha256) in trained_keys
        return Scored(rows, frames, learned)

    return work


# ---- writing ----


def _notes(asked: Asked, overlap: Overlap) -> list[dict[str, str]]:
    warnings = list(asked.notes)
    if overlap.left_out:
        warnings.insert(
            0,
            f"the model's manifest names {len(overlap.keys):,} of the people, recordings, clips and files that "
            f"taught it, and had no room for {overlap.left_out:,} more: a leak through those cannot be told; "
            "give --trained-on",
        )
    if not overlap.known:
        text = "the model's manifest does not say what it learned from, so a leak of training data cannot be told"
        warnings.insert(0, text)
    red = [{"severity": "red", "text": f"trained on the test data: {text}"} for text in overlap.found]
    return red + [{"severity": "warning", "text": text} for text in warnings]


def _write(out: Path, work: ProgressFile, asked: Asked, job: EvalJob, run: dict[str, Any]) -> dict[str, Any]:
    """The tables of this model and of every peer; run.json of this model last."""
    folders = [*(out / PEERS / peer.name for peer in job.peers), out]
    runs = [*(run | _about_peer(peer, run["model"]["name"]) for peer in job.peers), run]
    for place, (folder, about) in enumerate(zip(folders, runs, strict=True)):
        examiner = place + 1 if place < len(job.peers) else 0
        rows, frames, learned = work.collect(len(asked.samples), examiner)
        table = ScoreTable.from_rows([row for row in rows if row is not None])
        assert len(table) == len(asked.samples)
        if learned and examiner == 0:
            text = f"trained on the test data: {learned} files have the SHA-256 of a file that the model learned from"
            text += ", or that set its bounds" if about["calibration"] else ""
            about["notes"] = [{"severity": "red", "text": text}, *about["notes"]]
        folder.mkdir(parents=True, exist_ok=True)
        table.to_parquet(folder / SCORES)
        write_csv(folder / SCORES_CSV, table)
        frames.to_parquet(folder / FRAME_SCORES, table)
        write_run(folder, about)
    return runs[-1]


def _about_peer(peer: Peer, of: str) -> dict[str, Any]:
    """What run.json of a peer says otherwise."""
    model = {"name": peer.name, "version": peer.info.version, "sha256": peer.info.sha256}
    return {"model": model, "peer_of": of, "thresholds": {}, "calibration": None}
