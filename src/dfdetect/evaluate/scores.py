"""What one file scored, as rows: of a `ScanResult` one row for the file, and one for every scored face.

Small work keeps rows as JSON lines (`append_score`, `read_scores`), so that it resumes; tables of 100,000 videos are
columns (`score_table`), written and read by `score_files`.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

from dfdetect.batch.journal import drop_torn_line
from dfdetect.calibration import NOT_CALIBRATED
from dfdetect.data.sample import Sample
from dfdetect.scoring import POOLERS, Pooling, counted_tracks, pooled_scores
from dfdetect.values import ScanResult, TrackResult, Verdict

OK, NO_FACE, MISSING = "ok", "no_face", "missing"  # of `status`; else a code of `errors.ErrorCode`
DECIDED = frozenset((Verdict.LIKELY_MANIPULATED.value, Verdict.NO_MANIPULATION_FOUND.value))


@dataclass(frozen=True, slots=True)
class VideoScore:
    """What one file scored: a row of scores.parquet. One is made for every sample that was asked.

    path: inside the dataset's root; with `dataset` it names the sample. label: 0 real, 1 fake. method: how the fake was
    made, "" for reals. source: who published it. group: who or what a bootstrap draws (`group_of`). kind: what lay on
    disk (`data.sample.KINDS`), "" where unknown.
    status: "ok"; "no_face"; "missing" = the score file says nothing of it; else the error code. verdict, probability
    (calibrated P(manipulated)), logit (pooled over the track that decided): None where there is no score.
    n_tracks: faces that counted. n_frames: frames looked at. usable: at least one face was good enough to be judged.
    decided: the verdict is one of the two that say something. extra: columns of the user's own list, by name.
    """

    path: str
    label: int
    dataset: str = ""
    source: str = ""
    method: str = ""
    compression: str = ""
    split: str = ""
    group: str = ""
    kind: str = ""
    status: str = OK
    verdict: str | None = None
    probability: float | None = None
    logit: float | None = None
    n_tracks: int = 0
    n_frames: int = 0
    usable: bool = True
    decided: bool = False
    extra: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class FrameScore:
    """One scored face of one frame: a row of frame_scores.parquet.

    pooled: it is one of those that the file's score was made of; the others are other people's or unusable.
    """

    path: str
    dataset: str
    frame_index: int
    time_s: float
    track_id: int
    probability: float
    logit: float
    face_px: float
    blur: float
    yaw_deg: float
    pooled: bool


def group_of(sample: Sample) -> str:
    """Who or what a bootstrap draws: the person, else the recording, else the clip, else the file."""
    return sample.target_id or sample.source_key or sample.video_id or sample.name


def unscored(sample: Sample, status: str, *, extra: Mapping[str, str] | None = None) -> VideoScore:
    """The row of a sample that has no score: what the data says of it. status: why there is none.

    extra: columns of the user's own list.
    """
    return VideoScore(
        path=sample.name,
        label=int(sample.label),
        dataset=sample.dataset,
        source=sample.source or sample.dataset,
        method=sample.method,
        compression=sample.compression,
        split=sample.split,
        group=group_of(sample),
        kind=sample.kind,
        status=status,
        usable=False,
        extra=dict(extra or {}),
    )


def video_score(
    sample: Sample, result: ScanResult, *, pooling: Pooling = "tracks", extra: Mapping[str, str] | None = None
) -> VideoScore:
    """One scanned file as a row. A file without a face has no score; a failed one has its code.

    A model that nobody calibrated has no verdicts here: its "inconclusive" would be counted as if it never raised a
    false alarm.
    pooling: as the file was scanned. extra: columns of the user's own list.
    """
    top = _deciding(result)
    status = OK if result.error is None else result.error.code
    if result.error is None and result.probability is None:
        status = NO_FACE
    calibrated = result.thresholds is None or result.thresholds.measured_on != NOT_CALIBRATED
    verdict = str(result.verdict) if result.verdict and calibrated else None
    return replace(
        unscored(sample, status, extra=extra),
        verdict=verdict,
        probability=result.probability,
        logit=POOLERS[pooling]([score.logit for score in pooled_scores(top, pooling)]) if top else None,
        n_tracks=len(_counted(result, pooling)),
        n_frames=result.media.frames_read if result.media else 0,
        usable=status == OK and all(reason.code != "no_usable_face" for reason in result.reasons),
        decided=verdict in DECIDED,
    )


def _counted(result: ScanResult, pooling: Pooling) -> Sequence[object]:
    if result.media is None or pooling == "frames":
        return result.tracks
    return counted_tracks(result.media.info.kind, result.tracks)


def frame_scores(sample: Sample, result: ScanResult, *, pooling: Pooling = "tracks") -> list[FrameScore]:
    """Every scored face of a scanned file, track by track, in time order."""
    top = _deciding(result)
    pooled = {id(score) for score in (pooled_scores(top, pooling) if top else ())}
    return [
        FrameScore(
            path=sample.name,
            dataset=sample.dataset,
            frame_index=score.frame_index,
            time_s=score.time_s,
            track_id=score.track_id,
            probability=score.p_manipulated,
            logit=score.logit,
            face_px=score.quality.face_px,
            blur=score.quality.blur,
            yaw_deg=score.quality.yaw_deg,
            pooled=id(score) in pooled,
        )
        for track in result.tracks
        for score in track.scores
    ]


def _deciding(result: ScanResult) -> TrackResult | None:
    return max(result.tracks, key=lambda t: (t.probability == result.probability, len(t.scores)), default=None)


def append_score(path: Path, row: VideoScore) -> None:
    """Add one line to a scores file."""
    with path.open("a") as file:
        file.write(json.dumps(asdict(row)) + "\n")


def read_scores(path: Path) -> list[VideoScore]:
    """Rows of a scores file, none where there is no file.

    A torn last line (the run was killed while writing) is cut off, or the next row would be glued to it and lost too.
    """
    if not path.exists():
        return []
    drop_torn_line(path)
    rows = []
    for line in path.read_text().splitlines():
        try:
            rows.append(VideoScore(**json.loads(line)))
        except (ValueError, TypeError):  # torn, or of another version
            continue
    return rows


def counts(rows: Iterable[VideoScore]) -> dict[str, int]:
    """asked, scored, no_face, failed."""
    found = {"asked": 0, "scored": 0, "no_face": 0, "failed": 0}
    for row in rows:
        found["asked"] += 1
        found["scored" if row.status == OK else "no_face" if row.status == NO_FACE else "failed"] += 1
    return found
