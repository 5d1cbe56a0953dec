"""A worker does a job from its upload to its answer, on SQLite and on PostgreSQL."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import sqlalchemy as sa
from PIL import Image

from dfdetect.data.drawn_faces import draw_face
from dfdetect.detect.result_json import ScanDocument
from dfdetect.media.child.reader import DecodeServer
from dfdetect.serve.jobs import Jobs, LeaseLost
from dfdetect.serve.objects import Objects
from dfdetect.serve.settings import ServeSettings
from dfdetect.serve.store.engine import now_s
from dfdetect.serve.store.tables import deliveries, results, scans
from dfdetect.serve.sweep import erase, forget_left_behind, forget_media, forget_results, media_name
from dfdetect.serve.worker import Heart, Worker
from serve.rows import add_key, add_scan, status_of


@pytest.fixture
def settings(tmp_path: Path, store_url: str, bundle: Path) -> ServeSettings:
    return ServeSettings(data=tmp_path / "data", database_url=store_url, model=str(bundle), frames=4)


@pytest.fixture
def objects(settings: ServeSettings) -> Objects:
    return Objects(settings.files_url)


def _picture(path: Path, *, face: bool = True) -> Path:
    image = draw_face(np.random.default_rng(3), 192) if face else np.full((96, 96, 3), 90, np.uint8)
    Image.fromarray(image).save(path)
    return path


def _submit(engine: sa.Engine, objects: Objects, settings: ServeSettings, path: Path, name: str, **more: Any) -> None:
    objects.put_bytes(media_name(name), path.read_bytes())
    add_scan(engine, _key(engine), name, model=settings.model, media_object=media_name(name), **more)


def _key(engine: sa.Engine) -> str:
    with engine.connect() as connection:
        found = connection.execute(sa.text("SELECT id FROM keys")).scalar()
    return str(found) if found else add_key(engine)


def _row(engine: sa.Engine, name: str) -> Any:
    with engine.connect() as connection:
        return connection.execute(sa.select(scans).where(scans.c.id == name)).mappings().one()


def test_from_the_upload_to_the_answer(
    engine: sa.Engine, objects: Objects, settings: ServeSettings, server: DecodeServer, tmp_path: Path
) -> None:
    path = _picture(tmp_path / "face.png")
    _submit(engine, objects, settings, path, "s", filename="<b>x.png", callback_url="https://example.com/hook")
    worker = Worker(engine, settings, server=server)
    assert worker.work_once()
    assert not worker.work_once()
    row = _row(engine, "s")
    assert (row["status"], row["error"], row["decided_by"]) == ("completed", None, "policy:balanced@1")
    assert row["decision"] in ("allow", "review")
    with engine.connect() as connection:
        body = connection.execute(sa.select(results.c.body)).scalar_one()
        told = connection.execute(sa.select(deliveries.c.event, deliveries.c.body)).one()
    document = ScanDocument.model_validate(body)
    assert (document.input.path, document.input.bytes, document.verdict) == (
        "<b>x.png",
        path.stat().st_size,
        row["verdict"],
    )
    assert told.event == "scan.completed"
    assert "face.png" not in told.body
    names = sorted(name.rpartition("/")[2] for name in objects.names())
    assert names == ["crop-1-0.png", "heatmap-1-0.png", "report.html"]  # the upload is gone: keep_media_s is 0
    assert row["media_object"] is None
    assert row["media_deleted_at"] is not None
    report = objects.open(f"{row['result_prefix']}/report.html").read()
    assert b"<b>x.png" not in report


def test_a_file_that_cannot_be_read_is_a_failed_scan_with_its_code(
    engine: sa.Engine, objects: Objects, settings: ServeSettings, server: DecodeServer, tmp_path: Path
) -> None:
    broken = tmp_path / "broken.png"
    broken.write_bytes(b"\x89PNG\r\n\x1a\n" + b"\0" * 50)
    _submit(engine, objects, settings, broken, "broken")
    add_scan(engine, _key(engine), "gone", model=settings.model, media_object=media_name("gone"))
    _submit(engine, objects, settings.model_copy(update={"model": "nowhere"}), broken, "no-model")
    worker = Worker(engine, settings, server=server)
    while worker.work_once():
        pass
    codes = {name: _row(engine, name)["error"]["code"] for name in ("broken", "gone", "no-model")}
    assert codes == {"broken": "corrupt_header", "gone": "io_error", "no-model": "model_unusable"}
    assert {_row(engine, name)["status"] for name in codes} == {"failed"}
    assert {_row(engine, name)["decision"] for name in codes} == {"review"}


def test_a_worker_whose_lease_is_lost_leaves_nothing(
    engine: sa.Engine,
    objects: Objects,
    settings: ServeSettings,
    server: DecodeServer,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A worker that the computer had put to sleep comes back with a result when another one is at the job."""
    _submit(engine, objects, settings, _picture(tmp_path / "face.png"), "s")
    worker = Worker(engine, settings, server=server)
    scan = worker._scan

    def late(job: Any) -> Any:
        result = scan(job)
        Jobs(engine).reap(now=now_s() + 1000)
        return result

    monkeypatch.setattr(worker, "_scan", late)
    assert worker.work_once()
    assert status_of(engine, "s") == "queued"
    assert [name for name in objects.names() if name.startswith("results")] == []
    with engine.connect() as connection:
        assert connection.execute(sa.select(sa.func.count()).select_from(results)).scalar_one() == 0


def test_asked_to_stop_a_worker_gives_back_what_it_cannot_end(
    engine: sa.Engine, objects: Objects, settings: ServeSettings, server: DecodeServer, tmp_path: Path
) -> None:
    _submit(engine, objects, settings, _picture(tmp_path / "face.png"), "s")
    worker = Worker(engine, settings.model_copy(update={"drain_s": 0.0}), server=server)
    opened = worker._opened

    def slow(path: str | Path) -> Any:
        reader = opened(path)
        worker.end_soon()
        assert worker._heart is not None
        worker._heart.stop.wait(5)
        return reader

    worker._scanner(settings.model)._open = slow
    assert worker.work_once()
    row = _row(engine, "s")
    assert (row["status"], row["attempts"]) == ("queued", 0)


def test_a_heart_keeps_the_lease_and_feels_when_it_is_gone(engine: sa.Engine) -> None:
    jobs = Jobs(engine, lease_s=1.0)
    add_scan(engine, add_key(engine), "s")
    job = jobs.claim("w")
    assert job is not None
    with Heart(jobs, job, every_s=0.1) as heart:
        heart.stage, heart.progress = "faces", 0.25
        threading.Event().wait(1.5)
        assert jobs.reap() == []
        row = _row(engine, "s")
        assert (row["stage"], row["progress"]) == ("faces", 0.25)
        with engine.begin() as connection:
            connection.execute(sa.delete(scans))
        assert heart.lost.wait(2)
    with pytest.raises(LeaseLost):
        jobs.heartbeat(job)


def test_media_goes_when_its_time_is_over_and_results_later(
    engine: sa.Engine, objects: Objects, settings: ServeSettings, server: DecodeServer, tmp_path: Path
) -> None:
    _submit(engine, objects, settings, _picture(tmp_path / "a.png", face=False), "s", keep_media_s=3600.0)
    Worker(engine, settings, server=server).work_once()
    now = now_s()
    assert forget_media(engine, objects, now=now + 3000) == 0
    assert forget_media(engine, objects, now=now + 3700) == 1
    assert list(objects.names("media")) == []
    assert forget_results(engine, objects, now=now + 80_000) == 0
    assert forget_results(engine, objects, now=now + 90_000) == 1
    assert list(objects.names()) == []
    row = _row(engine, "s")
    assert (row["status"], row["filename"], row["verdict"]) == ("expired", None, None)


def test_deleting_removes_every_copy(
    engine: sa.Engine, objects: Objects, settings: ServeSettings, server: DecodeServer, tmp_path: Path
) -> None:
    _submit(engine, objects, settings, _picture(tmp_path / "a.png"), "s", keep_media_s=3600.0)
    Worker(engine, settings, server=server).work_once()
    assert len(list(objects.names())) == 4
    erase(engine, objects, "s", status=None)
    assert list(objects.names()) == []
    with engine.connect() as connection:
        for table in (scans, results):
            assert connection.execute(sa.select(sa.func.count()).select_from(table)).scalar_one() == 0


def test_what_a_killed_process_left_is_found(
    engine: sa.Engine, objects: Objects, settings: ServeSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.spool.mkdir(parents=True)
    (settings.spool / "scn_x.part").write_bytes(b"half")
    objects.put_bytes("media/scn_without_row", b"x")
    objects.put_bytes("media/s", b"x")
    add_scan(engine, add_key(engine), "s")
    assert forget_left_behind(engine, objects, settings.spool) == 0
    monkeypatch.setattr("dfdetect.serve.sweep.LEFT_BEHIND_S", -1.0)
    assert forget_left_behind(engine, objects, settings.spool) == 2
    assert list(objects.names()) == ["media/s"]


def test_what_is_left_behind_is_looked_at_in_parts(
    engine: sa.Engine, objects: Objects, settings: ServeSettings
) -> None:
    """All names were listed at once: the clerk grew by a megabyte for every thousand scans that were kept."""
    assert objects.folder is not None
    for number in range(1_100):
        path = objects.folder / "media" / f"scn_{number}"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x")
        os.utime(path, (1, 1))
    assert forget_left_behind(engine, objects, settings.spool) == 1_100
    assert list(objects.names()) == []


def test_a_worker_steps_back_behind_the_api() -> None:
    """In a process of its own: niceness cannot be taken back."""
    code = "import os; from dfdetect.serve.processes import _step_back; _step_back(); print(os.nice(0))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert int(done.stdout) == min(19, os.nice(0) + 5)
