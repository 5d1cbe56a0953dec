"""Who may do what: keys with scopes and quotas, log-ins of the page, anonymous visitors of a public page."""

from __future__ import annotations

import hashlib
import secrets as random
from collections.abc import Iterable
from dataclasses import dataclass

import sqlalchemy as sa

from dfdetect.errors import UsageError, unknown_name
from dfdetect.serve.ids import new_id
from dfdetect.serve.store.engine import now_s, reading
from dfdetect.serve.store.tables import keys, secrets, sessions

SCOPES = ("scan", "read", "admin")  # ask for scans; read one's own; keys, dead letters and figures of the service
KEY_PREFIX = "dfk_"
SESSION_S = 12 * 3_600.0
VISITOR_S = 30 * 86_400.0
VISITOR_SCANS_PER_HOUR, VISITOR_SCANS_AT_ONCE = 10, 2


@dataclass(frozen=True, slots=True)
class Access:
    """Who asks. scans_per_hour, scans_at_once: 0 = no limit."""

    key_id: str
    name: str
    scopes: frozenset[str]
    visitor: bool
    scans_per_hour: int
    scans_at_once: int


def digest(secret: str) -> str:
    """SHA-256 in hex: what is kept of a random secret."""
    return hashlib.sha256(secret.encode()).hexdigest()


def create_key(
    engine: sa.Engine,
    name: str,
    scopes: Iterable[str] = ("scan", "read"),
    *,
    scans_per_hour: int = 0,
    scans_at_once: int = 0,
    visitor: bool = False,
) -> tuple[str, str]:
    """(id, secret). The secret is told once and kept only as its digest. UsageError for an unknown scope."""
    wanted = sorted(set(scopes), key=str)
    for scope in wanted:
        if scope not in SCOPES:
            raise unknown_name("scope", scope, SCOPES)
    if not name.strip() or len(name) > 200:
        raise UsageError("a key needs a name of 1 to 200 characters")
    key_id, secret = new_id("key"), _new_secret()
    values = {
        "id": key_id,
        "secret_sha256": digest(secret),
        "name": name,
        "scopes": " ".join(wanted),
        "visitor": visitor,
        "scans_per_hour": scans_per_hour,
        "scans_at_once": scans_at_once,
        "created_at": now_s(),
    }
    with engine.begin() as connection:
        connection.execute(sa.insert(keys).values(values))
    return key_id, secret


def create_visitor(engine: sa.Engine) -> tuple[str, str]:
    """A visitor's key: (id, secret of the cookie)."""
    return create_key(
        engine,
        "visitor",
        scans_per_hour=VISITOR_SCANS_PER_HOUR,
        scans_at_once=VISITOR_SCANS_AT_ONCE,
        visitor=True,
    )


def revoke_key(engine: sa.Engine, key_id: str) -> bool:
    """False where there is no such live key. Its log-ins end with it."""
    gone = sa.update(keys).where(keys.c.id == key_id, keys.c.revoked_at.is_(None)).values(revoked_at=now_s())
    with engine.begin() as connection:
        connection.execute(sa.delete(sessions).where(sessions.c.key_id == key_id))
        return connection.execute(gone).rowcount == 1


def end_secret(engine: sa.Engine, key_id: str) -> None:
    """The key opens nothing until it is renewed; its log-ins wait."""
    with engine.begin() as connection:
        connection.execute(sa.update(keys).where(keys.c.id == key_id).values(revoked_at=now_s()))


def renew_key(engine: sa.Engine, key_id: str) -> str:
    """A new secret for a key; the one before ends. Scans and log-ins of the key stay its own."""
    secret = _new_secret()
    renewed = sa.update(keys).where(keys.c.id == key_id).values(secret_sha256=digest(secret), revoked_at=None)
    with engine.begin() as connection:
        connection.execute(renewed)
    return secret


def access_of_key(engine: sa.Engine, secret: str) -> Access | None:
    """Who holds this key; None for an unknown or revoked one."""
    if not secret.startswith(KEY_PREFIX) or len(secret) > 100:
        return None
    return _access(engine, sa.select(keys).where(keys.c.secret_sha256 == digest(secret)))


def access_of_session(engine: sa.Engine, token: str) -> Access | None:
    """Who logged in with this cookie."""
    now = now_s()
    found = sessions.c.token_sha256 == digest(token)
    joined = sa.select(keys).join(sessions, sessions.c.key_id == keys.c.id)
    return _access(engine, joined.where(found, sessions.c.expires_at > now))


def open_session(engine: sa.Engine, key_id: str) -> str:
    """Log in: the cookie's value."""
    token = random.token_urlsafe(32)
    with engine.begin() as connection:
        values = {"token_sha256": digest(token), "key_id": key_id, "expires_at": now_s() + SESSION_S}
        connection.execute(sa.insert(sessions).values(values))
    return token


def close_session(engine: sa.Engine, token: str) -> None:
    with engine.begin() as connection:
        connection.execute(sa.delete(sessions).where(sessions.c.token_sha256 == digest(token)))


def _new_secret() -> str:
    return KEY_PREFIX + random.token_urlsafe(32)


def asker_digest(engine: sa.Engine, address: str) -> str:
    """A visitor's address as something to count by: another one every day, not to be turned back without the store."""
    day = int(now_s() // 86_400)
    return digest(f"{_service_secret(engine)} {day} {address}")


def _service_secret(engine: sa.Engine) -> str:
    """Made at the first use; read without a lock afterwards, since every visitor's request asks for it."""
    chosen = sa.select(secrets.c.value).where(secrets.c.name == "askers")
    with reading(engine) as connection:
        value = connection.execute(chosen).scalar()
    if value is None:
        try:
            with engine.begin() as connection:
                connection.execute(sa.insert(secrets).values(name="askers", value=random.token_urlsafe(32)))
        except sa.exc.IntegrityError:  # another process was first
            pass
        with reading(engine) as connection:
            value = connection.execute(chosen).scalar_one()
    return str(value)


def _access(engine: sa.Engine, query: sa.Select[tuple[object, ...]]) -> Access | None:
    with reading(engine) as connection:
        row = connection.execute(query.where(keys.c.revoked_at.is_(None))).mappings().first()
    if row is None:
        return None
    return Access(
        row["id"],
        row["name"],
        frozenset(row["scopes"].split()),
        row["visitor"],
        row["scans_per_hour"],
        row["scans_at_once"],
    )
