"""What this service offers: models with their cards, policies, and figures of one's own scans."""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa
from fastapi import APIRouter, Response

from dfdetect import __version__
from dfdetect.detect.card_html import render_card
from dfdetect.errors import ModelUnusable
from dfdetect.media.limits import DEFAULT_LIMITS
from dfdetect.media.sample_clips import sample_clips
from dfdetect.models.bundle import Bundle, list_bundles
from dfdetect.serve.api.service import OWN_PAGE_CSP, VISITOR_KEEPS_MEDIA_S, Read, TheService
from dfdetect.serve.paper import can_print
from dfdetect.serve.problems import described, not_found
from dfdetect.serve.schemas import ModelShown, PolicyShown, SampleShown, ServiceShown, Statistics
from dfdetect.serve.store.engine import now_s, reading
from dfdetect.serve.store.tables import feedback, scans
from dfdetect.serve.views import decided, public_name

router = APIRouter(prefix="/v1", tags=["catalogue"])

_DAYS = 30


@router.get("/models", response_model=list[ModelShown], responses=described("no_key"))
def list_models(service: TheService, access: Read) -> list[dict[str, Any]]:
    """Every model that can be asked for, with its error rates and its card."""
    found = []
    for name in sorted({service.settings.model, *list_bundles()}):
        try:
            found.append(_model(name, service.bundle(name), is_default=name == service.settings.model))
        except ModelUnusable:
            continue  # a broken bundle cannot be asked for
    return found


@router.get(
    "/models/{name}/card.html",
    response_class=Response,
    responses={200: {"content": {"text/html": {}}}, **described("no_key", "not_found")},
)
def model_card(service: TheService, access: Read, name: str) -> Response:
    """A model's card as one page that needs nothing else."""
    if name not in {public_name(one) for one in (service.settings.model, *list_bundles())}:
        raise not_found("model")
    return Response(
        render_card(service.bundle(name)),
        media_type="text/html; charset=utf-8",
        headers={"content-security-policy": OWN_PAGE_CSP},
    )


def _model(name: str, bundle: Bundle, *, is_default: bool) -> dict[str, Any]:
    calibration, manifest = bundle.calibration, bundle.manifest
    thresholds = {
        kind: {faces: asdict(point) for faces, point in by_faces.items()}
        for kind, by_faces in calibration.thresholds.items()
    }
    return {
        "name": public_name(name),
        "version": bundle.info.version,
        "sha256": bundle.info.sha256,
        "is_default": is_default,
        "experimental": manifest.experimental,
        "input_size_px": bundle.views[0].size_px,
        "weights_licence": manifest.weights_licence,
        "sources": [source.model_dump() for source in manifest.sources],
        "not_covered": list(manifest.not_covered or ()),
        "calibrated": calibration.is_measured,
        "target_fpr": calibration.target_fpr if calibration.is_measured else None,
        "thresholds": thresholds,
        "card": bundle.card,
        "links": {"card": f"/v1/models/{public_name(name)}/card.html"},
    }


@router.get("/service", response_model=ServiceShown, responses=described("no_key"))
def about_service(service: TheService, access: Read) -> dict[str, Any]:
    """What is to be known before an upload: limits, what is kept how long, the model for those who name none."""
    settings = service.settings
    return {
        "version": __version__,
        "model": public_name(settings.model),
        "policy": settings.policy,
        "experimental": service.bundle(settings.model).manifest.experimental,
        "visitor": access.visitor,
        "scopes": sorted(access.scopes),
        "max_upload_bytes": settings.max_upload_bytes,
        "most_duration_s": DEFAULT_LIMITS.max_duration_s,
        "most_pixels": DEFAULT_LIMITS.max_image_pixels,
        "keep_media_s": VISITOR_KEEPS_MEDIA_S if access.visitor else settings.keep_media_s,
        "keep_result_s": settings.keep_result_s,
        "may_choose_retention": not access.visitor,
        "url_intake": settings.url_intake,
        "on_this_computer": settings.is_loopback,
        "pdf": can_print(),
    }


@router.get("/samples", response_model=list[SampleShown], responses=described("no_key"))
def list_samples(access: Read) -> list[dict[str, Any]]:
    """Clips that come with the package, to see what an answer looks like. Send one like any other file."""
    return [
        {
            "name": clip.path.name,
            "title": clip.title,
            "about": clip.about,
            "bytes": clip.path.stat().st_size,
            "media_type": "video/mp4",
            "url": f"/v1/samples/{clip.path.name}",
        }
        for clip in sample_clips()
    ]


@router.get(
    "/samples/{name}",
    response_class=Response,
    responses={200: {"content": {"video/mp4": {}}}, **described("no_key", "not_found")},
)
def get_sample(access: Read, name: str) -> Response:
    found = next((clip.path for clip in sample_clips() if clip.path.name == name), None)
    if found is None:
        raise not_found("sample")
    return Response(found.read_bytes(), media_type="video/mp4")


@router.get("/policies", response_model=list[PolicyShown], responses=described("no_key"))
def list_policies(service: TheService, access: Read) -> list[dict[str, Any]]:
    return [asdict(policy) for policy in service.policies.values()]


@router.get("/stats", response_model=Statistics, responses=described("no_key"))
def statistics(service: TheService, access: Read) -> dict[str, Any]:
    """Counts of this key's scans that are still on record."""
    mine = scans.c.key_id == access.key_id
    with reading(service.engine) as connection:

        def counted(column: sa.ColumnElement[Any]) -> dict[str, int]:
            each = sa.select(column.label("word")).where(mine).subquery()
            query = sa.select(each.c.word, sa.func.count()).where(each.c.word.is_not(None)).group_by(each.c.word)
            return {str(row[0]): row[1] for row in connection.execute(query)}

        said = sa.select(sa.func.count(sa.distinct(feedback.c.scan_id))).join(scans, scans.c.id == feedback.c.scan_id)
        day = sa.func.floor(
            scans.c.created_at / sa.literal_column("86400")
        )  # a parameter would be another one in GROUP BY
        lately = scans.c.created_at > now_s() - _DAYS * 86_400
        by_day = sa.select(day, sa.func.count()).where(mine, lately).group_by(day).order_by(day)
        return {
            "by_status": counted(scans.c.status),
            "by_verdict": counted(scans.c.verdict),
            "by_decision": counted(decided()),
            "overridden_by_humans": connection.execute(said.where(mine)).scalar_one(),
            "days": {
                datetime.fromtimestamp(float(row[0]) * 86_400, UTC).date().isoformat(): row[1]
                for row in connection.execute(by_day)
            },
        }
