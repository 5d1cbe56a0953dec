"""Open the store: SQLite in the data folder, or PostgreSQL by URL. Schemas are made and upgraded by alembic alone."""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Mapping
from importlib import resources
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.pool import ConnectionPoolEntry

from dfdetect.errors import UsageError

Row = Mapping[Any, Any]  # a row of a table: column name -> value

FILE_NAME = "dfdetect.sqlite"
_BUSY_MS = 15_000  # of waiting for another process's commit; commits take milliseconds


def open_store(url: str) -> sa.Engine:
    """Engine for `sqlite:///PATH` or `postgresql://...`.

    SQLite: WAL with synchronous=FULL, so that what is committed survives a power cut; every transaction takes the write
    lock at its start (`BEGIN IMMEDIATE`), so that it cannot fail half-way because somebody else wrote.
    """
    parsed = sa.make_url(url)
    if parsed.get_backend_name() == "sqlite":
        engine = sa.create_engine(parsed, pool_size=8, max_overflow=32, connect_args={"timeout": _BUSY_MS / 1000})
        sa.event.listen(engine, "connect", _set_up_sqlite)
        sa.event.listen(engine, "begin", _begin_immediate)
        return engine
    if parsed.get_backend_name() == "postgresql":
        return sa.create_engine(
            parsed.set(drivername="postgresql+pg8000"), pool_size=8, max_overflow=32, pool_pre_ping=True
        )
    raise UsageError(f"DATABASE_URL: expected sqlite:///PATH or postgresql://..., got {parsed.get_backend_name()}://")


def store_url(data: Path) -> str:
    """DATABASE_URL, else the SQLite file in the data folder."""
    return os.environ.get("DATABASE_URL") or f"sqlite:///{data / FILE_NAME}"


def upgrade(engine: sa.Engine) -> None:
    """Bring the schema to this version. Several processes may do so at once: one does it, the others wait."""
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(resources.files("dfdetect.serve.store") / "migrations"))
    with engine.connect() as connection, _alone(connection):
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
        connection.commit()


class _alone:  # noqa: N801 - a context manager that reads as a word
    """One process at a time: SQLite's transaction is a lock already, PostgreSQL has advisory ones."""

    _LOCK = 7_311_845_102

    def __init__(self, connection: sa.Connection) -> None:
        self._connection = connection

    def __enter__(self) -> None:
        if self._connection.dialect.name == "postgresql":
            self._connection.execute(sa.text("SELECT pg_advisory_xact_lock(:n)"), {"n": self._LOCK})

    def __exit__(self, *_: object) -> None:
        """The lock ends with the transaction."""


def reading(engine: sa.Engine) -> sa.Connection:
    """A connection that only reads: on SQLite it takes no write lock, and nobody waits for it."""
    return engine.connect().execution_options(read_only=True)


def now_s() -> float:
    """Seconds since 1970 of this host. Hosts of one service need clocks that agree within a second or two."""
    return time.time()


def _set_up_sqlite(connection: sqlite3.Connection, _: ConnectionPoolEntry) -> None:
    connection.isolation_level = None  # transactions are begun by us (below), not by the driver's guesses
    connection.execute(f"PRAGMA busy_timeout={_BUSY_MS}")
    _use_wal(connection)
    connection.execute("PRAGMA synchronous=FULL")
    connection.execute("PRAGMA foreign_keys=ON")


def _use_wal(connection: sqlite3.Connection) -> None:
    """The switch to WAL does not wait for others as other statements do: SQLite says `locked` at once."""
    until = time.monotonic() + _BUSY_MS / 1000
    while connection.execute("PRAGMA journal_mode").fetchone()[0] != "wal":
        try:
            connection.execute("PRAGMA journal_mode=WAL")
        except sqlite3.OperationalError:
            if time.monotonic() > until:
                raise
            time.sleep(0.02)


def _begin_immediate(connection: sa.Connection) -> None:
    read_only = connection.get_execution_options().get("read_only", False)
    connection.exec_driver_sql("BEGIN" if read_only else "BEGIN IMMEDIATE")
