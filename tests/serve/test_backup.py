"""Back-up and restore as docs/service.md has it, while the service goes on; a store of the first version upgraded."""

from __future__ import annotations

import shutil
import sqlite3
import subprocess
from collections.abc import Iterator
from importlib import resources
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory

from dfdetect.media.child.reader import DecodeServer
from dfdetect.serve.settings import ServeSettings
from dfdetect.serve.store.engine import open_store, upgrade
from serve.served import Served, picture, serving
from serve.stores import fresh_store, postgres_bin


@pytest.fixture
def settings(tmp_path: Path, store_url: str, bundle: Path) -> ServeSettings:
    return ServeSettings(
        data=tmp_path / "data", database_url=store_url, model=str(bundle), frames=4, free_reserve_bytes=0
    )


@pytest.fixture
def served(settings: ServeSettings, server: DecodeServer) -> Iterator[Served]:
    with serving(settings, server) as one:
        yield one


def copied_store(url: str, folder: Path, postgres_url: str | None) -> str:
    """URL of a store with what the one at `url` held, copied while it is open."""
    folder.mkdir()
    if url.startswith("sqlite"):
        copy = folder / "copy.sqlite"
        source, target = sqlite3.connect(url.removeprefix("sqlite:///")), sqlite3.connect(copy)
        source.backup(target)  # what the shell's ".backup" does
        source.close()
        target.close()
        return f"sqlite:///{copy}"
    programs = postgres_bin()
    assert programs is not None
    dump = subprocess.run([programs / "pg_dump", url], check=True, capture_output=True).stdout
    with fresh_store("postgresql", folder, postgres_url) as other:
        engine = open_store(other)
        with engine.begin() as connection:
            connection.execute(sa.text("DROP SCHEMA public CASCADE"))
            connection.execute(sa.text("CREATE SCHEMA public"))
        engine.dispose()
        subprocess.run(
            [programs / "psql", "-q", "-v", "ON_ERROR_STOP=1", other], input=dump, check=True, capture_output=True
        )
        return other


def test_a_restored_service_knows_what_it_knew_and_goes_on(
    served: Served, settings: ServeSettings, server: DecodeServer, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    done = served.post(picture(1)).json()["id"]
    served.work()
    waiting = served.post(picture(2), params={"keep_media_s": "60"}).json()["id"]
    postgres_url = None if settings.store_url.startswith("sqlite") else request.getfixturevalue("postgres_url")
    copy = copied_store(settings.store_url, tmp_path / "copy", postgres_url)
    shutil.copytree(settings.data / "objects", tmp_path / "restored" / "objects")
    assert served.client.delete(f"/v1/scans/{done}", headers=served.a).status_code == 204  # after the back-up

    restored = settings.model_copy(update={"data": tmp_path / "restored", "database_url": copy})
    with serving(restored, server) as other:
        answer = other.get(f"/v1/scans/{done}", served.a).json()
        assert answer["status"] == "completed"
        shown = answer["result"]["tracks"][0]
        assert other.get(f"/v1/scans/{done}/crops/{shown['id']}/0.png", served.a).content.startswith(b"\x89PNG")
        other.work()
        assert other.get(f"/v1/scans/{waiting}", served.a).json()["status"] == "completed"


def test_a_store_of_the_first_version_is_brought_up_with_its_rows(store_url: str) -> None:
    engine = open_store(store_url)
    config = Config()
    config.set_main_option("script_location", str(resources.files("dfdetect.serve.store") / "migrations"))
    first = ScriptDirectory.from_config(config).get_base()
    assert first is not None
    with engine.connect() as connection:
        config.attributes["connection"] = connection
        command.downgrade(config, first)
        connection.execute(
            sa.text(
                "INSERT INTO keys "
                "(id, secret_sha256, name, scopes, visitor, scans_per_hour, scans_at_once, created_at) "
                "VALUES ('key_1', :digest, 'old', 'scan read', :no, 0, 0, 1.0)"
            ),
            {"digest": "0" * 64, "no": False},
        )
        connection.commit()
    upgrade(engine)
    with engine.connect() as connection:
        assert connection.execute(sa.text("SELECT name FROM keys WHERE id = 'key_1'")).scalar_one() == "old"
        assert connection.execute(sa.text("SELECT version_num FROM alembic_version")).scalar_one() == (
            ScriptDirectory.from_config(config).get_current_head()
        )
    engine.dispose()
