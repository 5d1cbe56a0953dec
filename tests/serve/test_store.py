"""The schema: what the migrations make is what the tables say, on both kinds of store."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from dfdetect.errors import UsageError
from dfdetect.serve.store.engine import open_store, upgrade
from dfdetect.serve.store.tables import metadata


def test_the_migrations_make_the_tables(engine: sa.Engine) -> None:
    with engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []


def test_an_upgraded_store_is_left_as_it_is(engine: sa.Engine) -> None:
    upgrade(engine)


def test_several_processes_may_upgrade_at_once(tmp_path: Path) -> None:
    """API and workers start together: on a new store each of them finds no tables."""
    code = "import sys; from dfdetect.serve.store.engine import open_store, upgrade; upgrade(open_store(sys.argv[1]))"
    url = f"sqlite:///{tmp_path / 'one.sqlite'}"
    running = [subprocess.Popen([sys.executable, "-c", code, url], stderr=subprocess.PIPE) for _ in range(3)]
    assert [(one.communicate()[1], one.returncode) for one in running] == [(b"", 0)] * 3


def test_what_is_committed_on_sqlite_survives_a_power_cut(tmp_path: Path) -> None:
    engine = open_store(f"sqlite:///{tmp_path / 'one.sqlite'}")
    with engine.connect() as connection:
        assert connection.exec_driver_sql("PRAGMA journal_mode").scalar() == "wal"
        assert connection.exec_driver_sql("PRAGMA synchronous").scalar() == 2
        assert connection.exec_driver_sql("PRAGMA foreign_keys").scalar() == 1


def test_another_database_is_refused() -> None:
    with pytest.raises(UsageError, match="sqlite:///PATH or postgresql"):
        open_store("mysql://localhost/x")
