"""Settings, weakest first: the user's file, ./dfdetect.toml, DFDETECT_* in the environment, flags. Unknown = error."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Literal

from pydantic import Field, ValidationError
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict, TomlConfigSettingsSource

from dfdetect.errors import UsageError

PREFIX = "DFDETECT_"
PROJECT_FILE = "dfdetect.toml"
SERVICE_PREFIX = "DFDETECT_SERVE_"  # settings of the service, which reads and checks them itself

# Read where they are needed, by rooms that must not depend on settings: places of models, and raising instead of
# recording unexpected errors.
OTHER_VARIABLES = frozenset({"DFDETECT_MODELS", "DFDETECT_DEBUG", "DFDETECT_KEY"})


def user_file() -> Path:
    """Where the settings of this user live: XDG_CONFIG_HOME or ~/.config; APPDATA on Windows."""
    base = os.environ.get("APPDATA") if sys.platform == "win32" else os.environ.get("XDG_CONFIG_HOME")
    return (Path(base) if base else Path.home() / ".config") / "dfdetect" / PROJECT_FILE


class Settings(BaseSettings):
    """What may be set outside the command line. Names are those of the flags of `dfdetect scan`."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, extra="forbid", frozen=True)

    model: str = "default"
    device: Literal["auto", "cpu", "cuda"] = "auto"
    detector: str = "yunet"
    frames: int = Field(default=32, ge=1)
    jobs: int = Field(default=1, ge=1, le=256)
    quiet: bool = False

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Strongest first. No .env file: a folder of evidence must not change what a scan does by a hidden file."""
        files = [TomlConfigSettingsSource(settings_cls, path) for path in (Path(PROJECT_FILE), user_file())]
        return (init_settings, env_settings, *files)


def load_settings(**flags: object) -> Settings:
    """Settings with these flags on top (None = not given). Raises UsageError that names the setting and the places."""
    _refuse_unknown_variables()
    try:
        return Settings(**{name: value for name, value in flags.items() if value is not None})  # type: ignore[arg-type]
    except ValidationError as error:
        raise UsageError(_explain(error)) from None
    except (ValueError, OSError) as error:  # TOML that cannot be read
        raise UsageError(f"cannot read settings from {PROJECT_FILE} or {user_file()}: {error}") from None


def _refuse_unknown_variables() -> None:
    known = {PREFIX + name.upper() for name in Settings.model_fields} | OTHER_VARIABLES
    unknown = sorted(
        name
        for name in os.environ
        if name.startswith(PREFIX) and not name.startswith(SERVICE_PREFIX) and name.upper() not in known
    )
    if unknown:
        raise UsageError(f"unknown variable {', '.join(unknown)}; the options are: {', '.join(sorted(known))}")


def _explain(error: ValidationError) -> str:
    places = f"(from flags, {PREFIX}* variables, ./{PROJECT_FILE} or {user_file()})"
    lines = []
    for problem in error.errors():
        name = ".".join(str(part) for part in problem["loc"])
        if problem["type"] == "extra_forbidden":
            lines.append(f"unknown setting {name!r}; the options are: {', '.join(sorted(Settings.model_fields))}")
        else:
            lines.append(f"setting {name!r}: {problem['msg'].lower()}, got {problem['input']!r}")
    return f"{'; '.join(lines)} {places}"
