"""An example of everything that the API takes and gives, for its OpenAPI document. Tests hold each to its schema."""

from __future__ import annotations

from typing import Any

_SHA256 = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
_SCAN_ID = "scn_k7y4swkm962mj5mzwrkvbm4f3s"
_AT = "2026-11-25T09:00:00Z"
_LATER = "2026-12-25T09:00:04Z"

_RESULT: dict[str, Any] = {
    "schema": "dfdetect.scan/1",
    "dfdetect": "0.1.0",
    "input": {"path": "clip.mp4", "sha256": _SHA256, "bytes": 1_048_576},
    "status": "ok",
    "error": None,
    "media": {
        "kind": "video", "container": "mp4", "codec": "h264", "width_px": 1280, "height_px": 720, "fps": 25.0,
        "duration_s": 12.0, "rotation_deg": 0, "cuts_s": [], "frames_read": 32, "frames_with_face": 32,
    },
    "verdict": "likely_manipulated",
    "probability": 0.94,
    "interval": [0.9, 0.97],
    "thresholds": {
        "likely_manipulated": 0.84, "no_manipulation_found": 0.62, "target_fpr": 0.02, "measured_fpr": 0.011,
        "measured_on": "109 real clips",
    },
    "reasons": [
        {"code": "track_score_high", "text": "Scores 0.94.", "track": 1, "start_s": 0.0, "end_s": 12.0}
    ],
    "limits": [{"code": "experimental_model", "text": "The model is marked experimental by its makers."}],
    "tracks": [
        {
            "id": 1, "verdict": "likely_manipulated", "probability": 0.94, "first_s": 0.0, "last_s": 12.0, "gaps_s": [],
            "frames": [
                {
                    "index": 0, "time_s": 0.0, "box_xyxy": [512.0, 128.0, 640.0, 272.0], "p_manipulated": 0.93,
                    "face_px": 128.0, "blur": 0.1, "yaw_deg": 4.0, "detector_score": 0.95, "heatmap": None,
                }
            ],
        }
    ],
    "model": {"name": "default", "version": "0.4", "sha256": _SHA256, "heatmap": "mask"},
    "timing_s": {"total": 0.9},
}  # fmt: skip
_ENVELOPE: dict[str, Any] = {
    "id": _SCAN_ID, "status": "completed", "external_id": "post-77", "batch_id": None, "rescan_of": None,
    "filename": "clip.mp4", "bytes": 1_048_576, "sha256": _SHA256, "model": "default", "policy": "balanced",
    "created_at": _AT, "started_at": _AT, "completed_at": "2026-11-25T09:00:04Z", "stage": None, "progress": 1.0,
    "attempts": 1, "decision": "review", "decided_by": "policy:balanced@1", "policy_decision": "review",
    "verdict": "likely_manipulated", "probability": 0.94, "interval": [0.9, 0.97], "feedback": None, "listed": None,
    "error": None,
    "retention": {
        "media_kept": False, "media_deletes_at": None, "media_deleted_at": "2026-11-25T09:00:04Z",
        "result_expires_at": _LATER,
    },
    "links": {"self": f"/v1/scans/{_SCAN_ID}", "report_html": f"/v1/scans/{_SCAN_ID}/report.html"},
    "result": _RESULT,
}  # fmt: skip
_LISTED = {
    "sha256": "0" * 64, "decision": "block", "reason": "a known fake, shown wrong on 12 November", "at": _AT,
}  # fmt: skip
_POINT = {
    "likely_manipulated": 0.84, "no_manipulation_found": 0.62, "measured_fpr": 0.011, "measured_on": "109 real clips",
    "n_reals": 109, "target_fpr": None,
}  # fmt: skip
_KEY = {
    "id": "key_3f", "name": "newsroom", "scopes": ["read", "scan"], "scans_per_hour": 0, "scans_at_once": 8,
    "created_at": _AT, "revoked_at": None,
}  # fmt: skip

EXAMPLES: dict[str, dict[str, Any]] = {
    "ScanEnvelope": _ENVELOPE,
    "ScanPage": {"items": [{**_ENVELOPE, "result": None}], "next_cursor": None},
    "LookupAsked": {"sha256": [_SHA256, "0" * 64]},
    "LookupAnswer": {
        "items": [
            {"sha256": _SHA256, "scan": {**_ENVELOPE, "result": None}, "listed": None},
            {"sha256": "0" * 64, "scan": None, "listed": _LISTED},
        ]
    },
    "HashAsked": {"decision": "block", "reason": "a known fake, shown wrong on 12 November"},
    "HashShown": _LISTED,
    "HashPage": {"items": [_LISTED], "next_cursor": None},
    "ScanDocument": _RESULT,
    "MediaShown": {
        "kept": True,
        "deletes_at": "2026-11-25T10:00:04Z",
        "proxy": {"url": f"/v1/scans/{_SCAN_ID}/proxy", "kind": "video", "media_type": "video/mp4", "bytes": 524_288},
    },
    "FramePage": {"track": 1, "items": _RESULT["tracks"][0]["frames"], "next_cursor": None},
    "ScanByUrl": {"url": "https://media.example/clip.mp4", "external_id": "post-77"},
    "Rescan": {"model": "default", "policy": "strict"},
    "FeedbackGiven": {"label": "not_manipulated", "note": "The broadcaster sent the original.", "by": "desk 3"},
    "BatchAsked": {"external_id": "archive 12", "callback_url": "https://hooks.example/dfdetect"},
    "Batch": {
        "id": "bat_zhz74shcd1b0rrb9pv48tpzem3", "external_id": "archive 12", "closed": True, "created_at": _AT,
        "counts": {"completed": 20}, "links": {"scans": "/v1/batches/bat_zhz74shcd1b0rrb9pv48tpzem3/scans"},
    },
    "KeyAsked": {"name": "newsroom", "scopes": ["scan", "read"], "scans_at_once": 8},
    "KeyShown": {**_KEY, "secret": None},
    "SecretShown": {"id": "whs_3f", "created_at": _AT, "expires_at": None, "secret": None},
    "SessionShown": {"logged_in": True, "public": False},
    "Delivery": {
        "id": "msg_3f", "event": "scan.completed", "subject_id": _SCAN_ID, "url": "https://hooks.example/dfdetect",
        "status": "delivered", "attempts": 1, "next_at": None, "last_status": 204, "last_error": None,
        "created_at": _AT,
    },
    "ModelShown": {
        "name": "default", "version": "0.4", "sha256": _SHA256, "is_default": True, "experimental": True,
        "input_size_px": 192, "weights_licence": "Apache-2.0",
        "sources": [{"name": "portraits", "licence": "CC0", "used_for": "training, 147 real photos"}],
        "not_covered": ["wholly generated faces (AUC .27-.39)"], "calibrated": True, "target_fpr": 0.02,
        "thresholds": {"video": {"1": _POINT}}, "card": "# default 0.4",
        "links": {"card": "/v1/models/default/card.html"},
    },
    "PolicyShown": {
        "name": "balanced", "version": 1, "about": "What is unclear goes to a person.", "most_fpr": 0.02,
        "verdict": {"likely_manipulated": "block", "inconclusive": "review"}, "limits": {"partial_decode": "review"},
        "error": "review", "experimental_model": "review",
    },
    "ServiceShown": {
        "version": "0.1.0", "model": "default", "policy": "balanced", "experimental": True, "visitor": False,
        "scopes": ["scan", "read"], "max_upload_bytes": 200_000_000, "most_duration_s": 14_400.0,
        "most_pixels": 200_000_000, "keep_media_s": 0.0, "keep_result_s": 2_592_000.0, "may_choose_retention": True,
        "url_intake": False, "on_this_computer": True, "pdf": False,
    },
    "SampleShown": {
        "name": "astronaut_fake.mp4", "title": "Test fake", "about": "A self-blended test picture", "bytes": 165_000,
        "media_type": "video/mp4", "url": "/v1/samples/astronaut_fake.mp4",
    },
    "Statistics": {
        "by_status": {"completed": 20}, "by_verdict": {"inconclusive": 3}, "by_decision": {"review": 3},
        "overridden_by_humans": 1, "days": {"2026-11-25": 20},
    },
    "ProblemDocument": {
        "type": "https://dfdetect.org/problems/not_found", "title": "There is no such thing", "status": 404,
        "detail": "no scan of that id", "code": "not_found", "request_id": "24ccb09ab4ccdb86", "retryable": False,
    },
}  # fmt: skip


def add_examples(document: dict[str, Any]) -> dict[str, Any]:
    """The OpenAPI document with the example of each of its schemas that has one."""
    schemas = document["components"]["schemas"]
    for name, example in EXAMPLES.items():
        if name in schemas:
            schemas[name]["examples"] = [example]
    return document
