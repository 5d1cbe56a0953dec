"""What an operator sets: flags of `dfdetect serve`, DFDETECT_SERVE_* in the environment (containers), DATABASE_URL."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from pydantic import Field, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from dfdetect.config import SERVICE_PREFIX
from dfdetect.errors import UsageError

PREFIX = SERVICE_PREFIX
HOUR_S, DAY_S = 3_600.0, 86_400.0


def default_data_folder() -> Path:
    """Where an unconfigured service keeps everything: XDG_DATA_HOME or ~/.local/share; LOCALAPPDATA on Windows."""
    base = os.environ.get("LOCALAPPDATA") if sys.platform == "win32" else os.environ.get("XDG_DATA_HOME")
    return (Path(base) if base else Path.home() / ".local" / "share") / "dfdetect"


class ServeSettings(BaseSettings):
    """Defaults are those of one's own computer: loopback, SQLite, everything in one folder."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, extra="forbid", frozen=True)

    data: Path = Field(default_factory=default_data_folder)
    database_url: str = ""  # "": DATABASE_URL, else SQLite in `data`
    objects_url: str = ""  # "": the folder `objects` in `data`
    host: str = "127.0.0.1"
    port: int = Field(default=8000, ge=0, le=65_535)
    public: bool = False  # anybody may scan, as an anonymous visitor with small limits
    workers: int = Field(default=1, ge=0, le=256)  # processes that `serve` starts itself; 0: they run elsewhere

    model: str = "default"
    policy: str = "balanced"
    policies: Path | None = None  # folder of further policies
    frames: int = Field(default=32, ge=1, le=256)

    max_upload_bytes: int = Field(default=200_000_000, ge=1)
    max_queued: int = Field(default=1_000, ge=1)
    free_reserve_bytes: int = Field(default=1_000_000_000, ge=0)
    keep_media_s: float = Field(default=0.0, ge=0)  # after the answer; the page asks for its own
    keep_result_s: float = Field(default=30 * DAY_S, gt=0)
    keep_idempotency_s: float = Field(default=DAY_S, gt=0)

    url_intake: bool = False
    callback_hosts: tuple[str, ...] = ()  # host:port of one's own network that webhooks may go to
    lease_s: float = Field(default=30.0, gt=0)
    drain_s: float = Field(default=15.0, ge=0)
    log_json: bool = True

    @property
    def store_url(self) -> str:
        from dfdetect.serve.store.engine import store_url

        return self.database_url or store_url(self.data)

    @property
    def files_url(self) -> str:
        return self.objects_url or f"file://{self.data.absolute() / 'objects'}"

    @property
    def spool(self) -> Path:
        """Uploads that are still coming in; on the disk of the objects, so that finishing one is a rename."""
        return self.data / "spool"

    @property
    def is_loopback(self) -> bool:
        return self.host in ("127.0.0.1", "::1", "localhost")


def load_serve_settings(**flags: object) -> ServeSettings:
    """Settings with these flags on top (None = not given). UsageError names the setting."""
    try:
        return ServeSettings(**{name: value for name, value in flags.items() if value is not None})  # type: ignore[arg-type]
    except ValidationError as error:
        lines = [
            f"setting {'.'.join(map(str, p['loc']))!r}: {p['msg'].lower()}, got {p['input']!r}" for p in error.errors()
        ]
        raise UsageError(f"{'; '.join(lines)} (from flags or {PREFIX}* variables)") from None
