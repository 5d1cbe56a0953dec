"""Rows that tests put into a store."""

from __future__ import annotations

import secrets
from typing import Any

import sqlalchemy as sa

from dfdetect.serve.store.engine import now_s
from dfdetect.serve.store.tables import keys, scans


def add_key(engine: sa.Engine, name: str = "a") -> str:
    values = {
        "id": f"key_{name}", "secret_sha256": secrets.token_hex(32), "name": name, "scopes": "scan read",
        "visitor": False, "scans_per_hour": 0, "scans_at_once": 0, "created_at": now_s(),
    }  # fmt: skip
    with engine.begin() as connection:
        connection.execute(sa.insert(keys).values(values))
    return f"key_{name}"


def add_scan(engine: sa.Engine, key: str, name: str, **changes: Any) -> str:
    now = now_s()
    values = {
        "id": name, "key_id": key, "created_at": now, "lane": 0, "model": "default", "policy": "balanced",
        "model_sha256": "0" * 64,
        "sha256": "0" * 64, "bytes": 1, "keep_media_s": 0.0, "keep_result_s": 86400.0, "status": "queued",
        "not_before": 0.0, "fence": 0, "attempts": 0, "cancel_asked": False, "updated_at": now,
    }  # fmt: skip
    with engine.begin() as connection:
        connection.execute(sa.insert(scans).values({**values, **changes}))
    return name


def status_of(engine: sa.Engine, name: str) -> str:
    with engine.connect() as connection:
        return str(connection.execute(sa.select(scans.c.status).where(scans.c.id == name)).scalar_one())
