"""A store of each kind for the tests: SQLite in a folder, PostgreSQL started from Debian's package (one a test run)."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import uuid
from collections.abc import Iterator
from pathlib import Path

import sqlalchemy as sa

from dfdetect.serve.store.engine import open_store, upgrade

KINDS = ("sqlite", "postgresql")


def postgres_bin() -> Path | None:
    """Folder of PostgreSQL's programs, None where it is not installed."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    if found:
        return found[-1].parent
    on_path = shutil.which("initdb")
    return Path(on_path).parent if on_path else None


@contextlib.contextmanager
def postgres_server() -> Iterator[str]:
    """URL of a server of our own, in a temporary folder, on a free port of the loopback; gone afterwards."""
    programs = postgres_bin()
    assert programs is not None
    with tempfile.TemporaryDirectory(prefix="dfpg") as name:
        folder = Path(name)
        folder.chmod(0o755)
        data = folder / "data"
        data.mkdir()
        as_user: list[str] = []
        if os.geteuid() == 0:  # PostgreSQL refuses to run as root
            shutil.chown(folder, "postgres", "postgres")
            shutil.chown(data, "postgres", "postgres")
            as_user = ["setpriv", "--reuid=postgres", "--regid=postgres", "--init-groups"]
        quiet = {"check": True, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "cwd": folder}
        subprocess.run([*as_user, programs / "initdb", "-D", data, "-A", "trust", "-U", "dfdetect", "-N"], **quiet)  # type: ignore[call-overload]
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        options = ["-p", str(port), "-k", str(folder), "-c", "listen_addresses=127.0.0.1", "-c", "max_connections=200"]
        options += ["-c", "fsync=off", "-c", "shared_buffers=32MB"]
        server = subprocess.Popen(
            [*as_user, programs / "postgres", "-D", data, *options],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            cwd=folder,
        )
        try:
            url = f"postgresql://dfdetect@127.0.0.1:{port}/postgres"
            _wait_for(url)
            yield url
        finally:
            server.send_signal(signal.SIGQUIT)  # "immediate": its data is thrown away
            server.wait(timeout=30)


def _wait_for(url: str) -> None:
    until = time.monotonic() + 30
    while True:
        engine = open_store(url)
        try:
            with engine.connect() as connection:
                connection.execute(sa.text("SELECT 1"))
            return
        except sa.exc.DBAPIError:
            if time.monotonic() > until:
                raise
            time.sleep(0.1)
        finally:
            engine.dispose()


@contextlib.contextmanager
def fresh_store(kind: str, folder: Path, server_url: str | None) -> Iterator[str]:
    """URL of an empty store with the newest schema."""
    if kind == "sqlite":
        url = f"sqlite:///{folder / 'store.sqlite'}"
    else:
        assert server_url is not None
        name = f"t{uuid.uuid4().hex}"
        admin = sa.create_engine(
            sa.make_url(server_url).set(drivername="postgresql+pg8000"), isolation_level="AUTOCOMMIT"
        )
        with admin.connect() as connection:
            connection.execute(sa.text(f"CREATE DATABASE {name}"))
        admin.dispose()
        url = sa.make_url(server_url).set(database=name).render_as_string(hide_password=False)
    engine = open_store(url)
    upgrade(engine)
    engine.dispose()
    yield url
