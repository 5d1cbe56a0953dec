"""A user's own real (or fake) files -> one score a file, once for the same bytes, kept so that the work resumes."""

from __future__ import annotations

import functools
import hashlib
import json
import stat
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from dfdetect.batch import pool
from dfdetect.batch.journal import drop_torn_line
from dfdetect.calibration_record import FileCounts
from dfdetect.data.sample import Sample
from dfdetect.detect.detector import DEFAULT_FRAMES, Scanner
from dfdetect.errors import DataError, ErrorCode, UsageError
from dfdetect.evaluate.overlap import find_overlap
from dfdetect.evaluate.scores import NO_FACE, OK, VideoScore, unscored, video_score
from dfdetect.faces.detector import DEFAULT_DETECTOR
from dfdetect.models.bundle import Bundle
from dfdetect.models.trained_on import MOST_KEYS, file_key
from dfdetect.values import Label

_SHOWN = 5  # names in a message
_HEAD = b'{"scan": '  # of every line of kept scores


@dataclass(frozen=True, slots=True)
class OwnFile:
    """A file and what it holds. sha256: "" where it could not be read, then error says why."""

    sample: Sample
    sha256: str
    error: str = ""


@dataclass(frozen=True, slots=True)
class OwnScan:
    """How every file is scanned: as `dfdetect scan` with the same settings would. bundle: its folder."""

    bundle: Path
    bundle_sha256: str
    frames: int = DEFAULT_FRAMES
    detector: str = DEFAULT_DETECTOR
    device: str = "auto"
    threads: int | None = None

    @property
    def key(self) -> str:
        """What a kept score depends on, beside the file's bytes."""
        return f"{self.bundle_sha256} {self.frames} {self.detector}"


def hash_file(sample: Sample) -> OwnFile:
    """Name the bytes of a file; one that cannot be read is kept, with the reason."""
    if sample.kind not in ("video", "image"):
        raise DataError(
            f"{sample.name}: kind {sample.kind!r}; calibration takes image and video files as they are scanned"
        )
    try:
        if not stat.S_ISREG(Path(sample.path).stat().st_mode):
            return OwnFile(sample, "", "not a regular file")
        with Path(sample.path).open("rb") as file:
            return OwnFile(sample, hashlib.file_digest(file, "sha256").hexdigest())
    except OSError as error:
        return OwnFile(sample, "", error.strerror or str(error))


def refuse_wrong_labels(samples: Sequence[Sample], label: Label, flag: str) -> None:
    """DataError for a list under --reals that names fakes, or the reverse: bounds from such a list are worthless."""
    wrong = [sample.name for sample in samples if sample.label is not label]
    if wrong:
        other = "fake" if label is Label.REAL else "real"
        raise DataError(
            f"{flag}: expected {label.name.lower()} files only; {len(wrong)} of {len(samples)} are labelled {other}: "
            f"{_listed(wrong)}. Take them out of the list"
        )


def refuse_shared(reals: Sequence[OwnFile], fakes: Sequence[OwnFile]) -> None:
    """DataError for the same bytes on both sides."""
    names = {file.sha256: file.sample.name for file in reals if file.sha256}
    both = [f"{file.sample.name} = {names[file.sha256]}" for file in fakes if file.sha256 in names]
    if both:
        raise DataError(f"{len(both)} files are in --fakes and in --reals, byte for byte: {_listed(both)}")


def refuse_learned_from(bundle: Bundle, files: Sequence[OwnFile], flag: str) -> None:
    """DataError for files that the model was trained on, by its manifest: it scores them unlike those of new people."""
    overlap = find_overlap(bundle, [file.sample for file in files])
    seen = [file.sample.name for file in files if file.sha256 and file_key(file.sha256) in overlap.keys]
    found = [*overlap.found, *([f"{len(seen)} files, byte for byte ({_listed(seen)})"] if seen else [])]
    if found:
        raise DataError(
            f"{flag}: {bundle.manifest.name} was trained on some of these, and scores what it knows unlike new "
            f"people's files: {'; '.join(found)}. Take them out of the list"
        )


def once(files: Sequence[OwnFile]) -> tuple[list[OwnFile], int]:
    """The files without those whose bytes came before, and how many those were."""
    first = {file.sha256 or file.sample.path: file for file in reversed(files)}
    kept = [file for file in files if first[file.sha256 or file.sample.path] is file]
    return kept, len(files) - len(kept)


def score_own(files: Sequence[OwnFile], scan: OwnScan, kept: Path, *, jobs: int) -> Iterator[VideoScore]:
    """A score for every file as it is done; `kept` (JSON lines) holds those of earlier runs, by bytes and model.

    VideoScore.kind is what the content is, "image" or "video". A file that failed is scanned again next time.
    """
    done = _read(kept, scan.key)
    waiting = []
    for file in files:
        if file.error:
            yield unscored(file.sample, ErrorCode.IO_ERROR)
        elif file.sha256 in done:
            yield _named(done[file.sha256], file.sample)
        else:
            waiting.append(file)
    if not waiting:
        return  # no model need be loaded
    for outcome in pool.run(waiting, functools.partial(_make_work, scan), jobs=min(jobs, len(waiting))):
        code = outcome.error.code if outcome.error else ErrorCode.INTERNAL
        score = outcome.result or unscored(outcome.item.sample, code)
        if score.status in (OK, NO_FACE):
            _append(kept, scan.key, outcome.item.sha256, score)
        yield score


def counts_of(scores: Sequence[VideoScore], repeated: int) -> FileCounts:
    """What became of every file that was named."""
    return FileCounts(
        asked=len(scores) + repeated,
        used=sum(is_used(score) for score in scores),
        unusable=sum(score.status == OK and not is_used(score) for score in scores),
        no_face=sum(score.status == NO_FACE for score in scores),
        failed=sum(score.status not in (OK, NO_FACE) for score in scores),
        repeated=repeated,
    )


def is_used(score: VideoScore) -> bool:
    """Whether a file can set a bound: it has a score, of a face that can be judged."""
    return score.status == OK and score.usable and score.logit is not None


def list_sha256(files: Sequence[OwnFile]) -> str:
    """Names the set of files whatever their order and place: SHA-256 of `LABEL SHA256` lines, sorted."""
    lines = sorted({f"{file.sample.label.name.lower()} {file.sha256}\n" for file in files if file.sha256})
    return hashlib.sha256("".join(lines).encode()).hexdigest()


def file_keys(files: Sequence[OwnFile]) -> str:
    """Keys of the files by content, sorted and joined, at most MOST_KEYS of them."""
    return "".join(sorted({file_key(file.sha256) for file in files if file.sha256})[:MOST_KEYS])


def _make_work(scan: OwnScan) -> Callable[[OwnFile], VideoScore]:
    scanner = Scanner(scan.bundle, frames=scan.frames, device=scan.device, detector=scan.detector, threads=scan.threads)

    def work(file: OwnFile) -> VideoScore:
        result = scanner.scan(file.sample.path)
        if result.input.sha256 not in (None, file.sha256):
            return unscored(file.sample, ErrorCode.CHANGED_DURING_READ)
        kind = result.media.info.kind if result.media else file.sample.kind
        return replace(video_score(file.sample, result), kind=kind)

    return work


def _named(score: VideoScore, sample: Sample) -> VideoScore:
    """A kept score under what the list says of the file now: a corrected person or label needs no new scan."""
    fresh = unscored(sample, score.status)
    said = {name: getattr(fresh, name) for name in ("path", "label", "dataset", "source", "method", "group", "split")}
    return replace(score, **said)


def _append(kept: Path, key: str, sha256: str, score: VideoScore) -> None:
    with kept.open("a", encoding="utf-8") as file:
        file.write(json.dumps({"scan": key, "sha256": sha256, "score": asdict(score)}) + "\n")


def _read(kept: Path, key: str) -> dict[str, VideoScore]:
    done: dict[str, VideoScore] = {}
    if kept.exists():
        _refuse_other_file(kept)
        drop_torn_line(kept)
        for line in kept.read_text(encoding="utf-8").splitlines():
            try:
                found = json.loads(line)
                if found["scan"] == key:
                    done[found["sha256"]] = VideoScore(**found["score"])
            except (ValueError, TypeError, KeyError):  # of another version: scanned again
                continue
    return done


def _refuse_other_file(kept: Path) -> None:
    """A wrong path must not cost the user a file: only an empty one, or one of ours, is written to."""
    with kept.open("rb") as file:
        head = file.read(len(_HEAD))
    if not _HEAD.startswith(head):
        raise UsageError(f"--scores {kept}: not a file of scores kept by `dfdetect calibrate`; name another")


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names[:_SHOWN]) + (f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else "")
