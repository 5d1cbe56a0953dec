"""A list of files -> one score row a file, through `Scanner.scan`; kept as JSON lines, so that work resumes."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from dfdetect.batch.journal import drop_torn_line
from dfdetect.data.sample import Sample
from dfdetect.detect.detector import Scanner
from dfdetect.scoring import counted_tracks, faults, pool_track
from dfdetect.values import ScanResult, TrackResult


@dataclass(frozen=True, slots=True)
class ScoreRow:
    """What one file scored.

    group: person, else the file: what a bootstrap draws. status: "ok", "no_face" or an error code. logit: pooled over
    the track that decided. n_tracks: those that counted. usable: at least one face was good enough to be judged.
    probability, logit, verdict: None where there is no score.
    """

    path: str
    label: int
    source: str
    method: str
    group: str
    kind: str | None
    status: str
    verdict: str | None
    probability: float | None
    logit: float | None
    n_tracks: int
    usable: bool


def score_row(row: Sample, result: ScanResult) -> ScoreRow:
    """One scanned file as a row. A file without a face has no score; a failed one has its code."""
    top = max(result.tracks, key=lambda t: (t.probability == result.probability, len(t.scores)), default=None)
    status = "ok" if result.error is None else result.error.code
    if result.error is None and result.probability is None:
        status = "no_face"
    return ScoreRow(
        path=row.name,
        label=int(row.label),
        source=Path(row.name).parent.name or row.source,
        method=row.method,
        group=row.target_id or row.name,
        kind=result.media.info.kind if result.media else None,
        status=status,
        verdict=str(result.verdict) if result.verdict else None,
        probability=result.probability,
        logit=_pooled(top) if top else None,
        n_tracks=len(counted_tracks(result.media.info.kind, result.tracks)) if result.media else 0,
        usable=all(reason.code != "no_usable_face" for reason in result.reasons),
    )


def _pooled(track: TrackResult) -> float:
    """The logit behind the track's probability: over the frames that can be judged, where there are any."""
    usable = [score.logit for score in track.scores if not faults(score.quality)]
    return pool_track(usable or [score.logit for score in track.scores])


def score_list(rows: Sequence[Sample], scanner: Scanner, out: Path | None = None) -> Iterator[ScoreRow]:
    """Yield a row for every file, in order; rows already in `out` (JSON lines) are not scanned again."""
    done = {row.path: row for row in read_scores(out)} if out is not None else {}
    for row in rows:
        if row.name in done:
            yield done[row.name]
            continue
        scored = score_row(row, scanner.scan(row.path))
        if out is not None:
            append_score(out, scored)
        yield scored


def append_score(path: Path, row: ScoreRow) -> None:
    """Add one line to a scores file."""
    with path.open("a") as file:
        file.write(json.dumps(asdict(row)) + "\n")


def read_scores(path: Path) -> list[ScoreRow]:
    """Rows of a scores file, none where there is no file.

    A torn last line (the run was killed while writing) is cut off, or the next row would be glued to it and lost too.
    """
    if not path.exists():
        return []
    drop_torn_line(path)
    rows = []
    for line in path.read_text().splitlines():
        try:
            rows.append(ScoreRow(**json.loads(line)))
        except ValueError:
            continue
    return rows


def counts(rows: Iterable[ScoreRow]) -> dict[str, int]:
    """asked, scored, no_face, failed."""
    found = {"asked": 0, "scored": 0, "no_face": 0, "failed": 0}
    for row in rows:
        found["asked"] += 1
        found["scored" if row.status == "ok" else "no_face" if row.status == "no_face" else "failed"] += 1
    return found
