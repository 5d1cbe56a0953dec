"""A scan's answer, written down: objects first, then one transaction that holds only while the lease does."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa

from dfdetect.detect.explain import full_scale, heatmap_overlay
from dfdetect.detect.report_html import render
from dfdetect.detect.result_json import to_dict
from dfdetect.media.roundtrip import encode_png
from dfdetect.serve.jobs import Job, Jobs
from dfdetect.serve.objects import Objects
from dfdetect.serve.policy import Policy
from dfdetect.serve.store.tables import batches, results, scans
from dfdetect.serve.views import Above, above, decision
from dfdetect.serve.webhooks import enqueue
from dfdetect.values import ScanResult

REPORT = "report.html"


def heatmap_name(track: int, frame_index: int) -> str:
    return f"heatmap-{track}-{frame_index}.png"


def crop_name(track: int, frame_index: int) -> str:
    return f"crop-{track}-{frame_index}.png"


def crop_of_name(name: str) -> tuple[int, int] | None:
    """(track, frame index) of a name that `crop_name` made."""
    parts = name.removesuffix(".png").split("-")
    if len(parts) != 3 or parts[0] != "crop":
        return None
    return int(parts[1]), int(parts[2])


def write_result(
    engine: sa.Engine,
    objects: Objects,
    jobs: Jobs,
    job: Job,
    result: ScanResult,
    *,
    policy: Policy,
    prefix: str,
) -> None:
    """LeaseLost: nothing of it is in the store; the caller removes the objects below `prefix`."""
    _write_pictures(objects, result, prefix)
    objects.put_bytes(f"{prefix}/{REPORT}", render(result).encode())
    body = to_dict(result)
    values: dict[str, Any] = {
        "status": "completed" if result.status == "ok" else "failed",
        "verdict": body["verdict"],
        "decision": policy.decide(body),
        "decided_by": policy.label,
        "error": body["error"],
        "result_prefix": prefix,
        "stage": None,
        "progress": 1.0,
    }
    with engine.begin() as connection:
        jobs.finish(connection, job, **values)
        connection.execute(sa.delete(results).where(results.c.scan_id == job.id))
        connection.execute(sa.insert(results).values(scan_id=job.id, body=body))
        tell(connection, job.row, "scan.completed" if result.status == "ok" else "scan.failed", values)
        if job.row["batch_id"]:
            tell_batch(connection, job.row["batch_id"])


def tell(connection: sa.Connection, row: Mapping[str, Any], event: str, values: Mapping[str, Any]) -> None:
    """A webhook about one scan, where its asker gave an address: ids and words only; the rest is fetched."""
    if not row["callback_url"]:
        return
    now = {**row, **values}
    known = {name: now[name] for name in ("status", "verdict", "error")}
    known["decision"], known["decided_by"] = decision(now, above(connection, [row["id"]]).get(row["id"], Above()))
    data = {"id": row["id"], "external_id": row["external_id"], **known}
    enqueue(
        connection,
        key_id=row["key_id"],
        subject_id=row["id"],
        event=event,
        url=row["callback_url"],
        data=data,
    )


def tell_batch(connection: sa.Connection, batch: str) -> None:
    """`batch.completed`, once, when its last scan is over and no more will come."""
    open_ = sa.select(sa.func.count()).where(scans.c.batch_id == batch, scans.c.status.in_(("queued", "running")))
    if connection.execute(open_).scalar_one():
        return
    once = (
        sa.update(batches)
        .where(batches.c.id == batch, batches.c.closed, sa.not_(batches.c.told))
        .values(told=True)
        .returning(*batches.c)
    )
    row = connection.execute(once).mappings().first()
    if row is None or not row["callback_url"]:
        return
    data = {"id": batch, "external_id": row["external_id"], "counts": batch_counts(connection, batch)}
    enqueue(
        connection,
        key_id=row["key_id"],
        subject_id=batch,
        event="batch.completed",
        url=row["callback_url"],
        data=data,
    )


def batch_counts(connection: sa.Connection, batch: str) -> dict[str, int]:
    """Status -> scans of a batch."""
    counted = sa.select(scans.c.status, sa.func.count()).where(scans.c.batch_id == batch).group_by(scans.c.status)
    return {row[0]: row[1] for row in connection.execute(counted)}


def _write_pictures(objects: Objects, result: ScanResult, prefix: str) -> None:
    """The crops that weighed most, as they are and with their evidence: our own pixels, no byte of the upload."""
    cams = {(t.id, s.frame_index): s.cam for t in result.tracks for s in t.scores if s.cam is not None}
    kind = None if result.model is None else result.model.heatmap
    strongest = full_scale(kind, (cams[key] for key in result.evidence if key in cams))
    for (track, frame_index), crop in result.evidence.items():
        objects.put_bytes(f"{prefix}/{crop_name(track, frame_index)}", encode_png(crop))
        if (track, frame_index) in cams:
            drawn = heatmap_overlay(crop, cams[track, frame_index], full_scale=strongest)
            objects.put_bytes(f"{prefix}/{heatmap_name(track, frame_index)}", encode_png(drawn))
