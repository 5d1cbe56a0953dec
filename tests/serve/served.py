"""A service of one process for the tests: the application, and a worker that works when it is told to."""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import sqlalchemy as sa
from fastapi.testclient import TestClient
from PIL import Image

from dfdetect.data.drawn_faces import draw_face
from dfdetect.media.child.reader import DecodeServer
from dfdetect.serve.access import create_key
from dfdetect.serve.api.app import make_app
from dfdetect.serve.settings import ServeSettings
from dfdetect.serve.store.engine import open_store
from dfdetect.serve.worker import Worker


@dataclass
class Served:
    """client: without a key. a, b: headers of two keys; admin: of one with every scope."""

    client: TestClient
    engine: sa.Engine
    settings: ServeSettings
    worker: Worker
    a: dict[str, str]
    b: dict[str, str]
    admin: dict[str, str]

    def work(self) -> None:
        while self.worker.work_once():
            pass

    def post(self, data: bytes, key: dict[str, str] | None = None, **how: Any) -> Any:
        headers = {**(key or self.a), "content-type": "application/octet-stream", **how.pop("headers", {})}
        return self.client.post("/v1/scans", content=data, headers=headers, **how)

    def get(self, path: str, key: dict[str, str] | None = None, **how: Any) -> Any:
        return self.client.get(path, headers={**(key or self.a), **how.pop("headers", {})}, **how)


@contextmanager
def serving(settings: ServeSettings, server: DecodeServer) -> Iterator[Served]:
    """The store of the settings must have its schema."""
    engine = open_store(settings.store_url)
    keys = [create_key(engine, name)[1] for name in ("a", "b")]
    admin = create_key(engine, "admin", ("scan", "read", "admin"))[1]
    headers = [{"authorization": f"Bearer {secret}"} for secret in (*keys, admin)]
    with TestClient(make_app(settings)) as client:
        yield Served(client, engine, settings, Worker(engine, settings, server=server), *headers)
    engine.dispose()


def picture(seed: int = 3, *, face: bool = True) -> bytes:
    """A PNG with a drawn face, or without one."""
    image = draw_face(np.random.default_rng(seed), 192) if face else np.full((64, 64, 3), seed % 256, np.uint8)
    out = io.BytesIO()
    Image.fromarray(image).save(out, "PNG")
    return out.getvalue()


def spooled(settings: ServeSettings) -> list[Path]:
    return list(settings.spool.iterdir())
