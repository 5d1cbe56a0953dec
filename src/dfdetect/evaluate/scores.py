"""A list of files -> one score row a file, through `Scanner.scan`; kept as JSON lines, so that work resumes."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from dfdetect.data.lists import MediaRow
from dfdetect.detect.detector import Scanner
from dfdetect.scoring import pool_track
from dfdetect.values import ScanResult


@dataclass(frozen=True, slots=True)
class ScoreRow:
    """What one file scored.

    group: person, else the file: what a bootstrap draws. logit: pooled over the track that decided. status: "ok",
    "no_face" or an error code. probability, logit, verdict: None where there is no score.
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


def score_row(row: MediaRow, result: ScanResult) -> ScoreRow:
    """One scanned file as a row. A file without a face has no score; a failed one has its code."""
    top = max(result.tracks, key=lambda t: (t.probability == result.probability, len(t.scores)), default=None)
    status = "ok" if result.error is None else result.error.code
    if result.error is None and result.probability is None:
        status = "no_face"
    return ScoreRow(
        path=row.listed_path,
        label=int(row.label),
        source=Path(row.listed_path).parent.name or row.source,
        method=row.method,
        group=row.person or row.listed_path,
        kind=result.media.info.kind if result.media else None,
        status=status,
        verdict=str(result.verdict) if result.verdict else None,
        probability=result.probability,
        logit=pool_track([s.logit for s in top.scores]) if top else None,
        n_tracks=len(result.tracks),
        usable=all(reason.code != "no_usable_face" for reason in result.reasons),
    )


def score_list(rows: Sequence[MediaRow], scanner: Scanner, out: Path | None = None) -> Iterator[ScoreRow]:
    """Yield a row for every file, in order; rows already in `out` (JSON lines) are not scanned again."""
    done = {row.path: row for row in read_scores(out)} if out is not None and out.exists() else {}
    for row in rows:
        if row.listed_path in done:
            yield done[row.listed_path]
            continue
        scored = score_row(row, scanner.scan(row.path))
        if out is not None:
            with out.open("a") as file:
                file.write(json.dumps(asdict(scored)) + "\n")
        yield scored


def read_scores(path: Path) -> list[ScoreRow]:
    """Rows of a scores file; a torn last line (the run was killed while writing) is left out."""
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
