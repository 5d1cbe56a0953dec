"""`dfdetect doctor`: is this installation sound, what is missing, and the command that mends it."""

from __future__ import annotations

import importlib.metadata
import json
import os
import platform
import re
import sys
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from typing import Annotated, Literal
from urllib.parse import unquote

import typer

from dfdetect import __version__
from dfdetect.cli.main import DONE, NO_MODEL
from dfdetect.detect.wording import plain
from dfdetect.errors import DfdetectError, ModelUnusable

FFMPEG_FLOOR = (8, 1, 3)  # older ones: a VP9 bound can be crossed on a seek under frame threads (fixed 2026-09)
_GUI_OPENCV = ("opencv-python", "opencv-contrib-python")  # need libGL, and overwrite the headless one's files


@dataclass(frozen=True, slots=True)
class Check:
    """One finding. mend: the command or step that mends it, empty where nothing is wrong."""

    state: Literal["ok", "warning", "failed", "info"]
    name: str
    text: str
    mend: str = ""


def command(json_flag: Annotated[bool, typer.Option("--json", help="Data instead of text.")] = False) -> None:
    """Check this installation: versions, model files, what is missing and the command that adds it."""
    checks = list(all_checks())
    if json_flag:
        sys.stdout.write(json.dumps([asdict(check) for check in checks], indent=2) + "\n")
    else:
        for check in checks:
            mark = {"ok": "ok     ", "info": "       ", "warning": "WARNING", "failed": "FAILED "}[check.state]
            mend = f"\n{'':33}{check.mend}" if check.mend else ""
            sys.stdout.write(f"{mark}  {check.name:<23} {plain(check.text)}{mend}\n")
    no_model = any(check.state == "failed" and check.name.startswith("model") for check in checks)
    raise typer.Exit(NO_MODEL if no_model else DONE)


def all_checks() -> Iterator[Check]:
    """Every check, in the order shown. One that breaks is a finding itself, never the end of the others."""
    for checks in (_basics, _libraries, _onnx_runtime, _ffmpeg, _opencv, _models, _settings, _limits, _extras):
        yield from _guarded(checks)


def _guarded(checks: Callable[[], Iterator[Check]]) -> Iterator[Check]:
    try:
        yield from checks()
    except Exception as error:  # noqa: BLE001 - doctor exists for broken installations: any error is what it looks for
        yield Check("failed", checks.__name__.strip("_"), f"{type(error).__name__}: {error}", _pip("--force-reinstall"))


def _basics() -> Iterator[Check]:
    yield Check("ok", "dfdetect", __version__)
    yield Check("ok", "python", f"{platform.python_version()} ({sys.executable})")
    yield Check("info", "computer", f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores")


def _requirements() -> Iterator[tuple[str, str, str]]:
    """(package, version floor, extra or "") of everything that this installation says it needs."""
    for line in importlib.metadata.requires("dfdetect") or []:
        name = re.match(r"[A-Za-z0-9._-]+", line)
        floor, extra = re.search(r">=\s*([0-9.]+)", line), re.search(r"extra == ['\"]([\w-]+)['\"]", line)
        if name is not None and name[0] != "dfdetect":
            yield name[0], floor[1] if floor else "0", extra[1] if extra else ""


def version_tuple(text: str) -> tuple[int, ...]:
    """The leading numbers of a version: "8.1.2-static" -> (8, 1, 2)."""
    numbers = re.match(r"\D*(\d+(?:\.\d+)*)", text)
    return tuple(int(part) for part in numbers[1].split(".")) if numbers else ()


def _installed(package: str) -> str | None:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None


def _libraries() -> Iterator[Check]:
    """The core's packages against the floors that the package itself declares."""
    for package, floor, extra in _requirements():
        if extra:
            continue
        version = _installed(package)
        if version is None:
            yield Check("failed", package, "not installed", _pip("--force-reinstall"))
        elif version_tuple(version) < version_tuple(floor):
            command_line = f"{sys.executable} -m pip install '{package}>={floor}'"
            yield Check("warning", package, f"{version}, below {floor}", command_line)
        else:
            yield Check("ok", package, version)


def _onnx_runtime() -> Iterator[Check]:
    import onnxruntime

    providers = [name.removesuffix("ExecutionProvider") for name in onnxruntime.get_available_providers()]
    yield Check("ok", "providers", ", ".join(providers))
    if "CUDA" not in providers:
        yield Check("info", "gpu", "not used: this ONNX Runtime has no CUDA provider (scanning needs none)")


def _ffmpeg() -> Iterator[Check]:
    import av  # noqa: TID251 - asked for its version only, nothing is decoded

    version = str(av.ffmpeg_version_info)
    if version_tuple(version) < FFMPEG_FLOOR:
        floor = ".".join(str(part) for part in FFMPEG_FLOOR)
        mend = f"{sys.executable} -m pip install --upgrade av"
        if sys.version_info < (3, 12):
            mend = "use Python 3.12 or newer: the releases of av that bring it need that"
        yield Check("warning", "ffmpeg (in av)", f"{version}, below {floor}: security fixes are missing", mend)
    else:
        yield Check("ok", "ffmpeg (in av)", version)


def _opencv() -> Iterator[Check]:
    import cv2

    gui = [package for package in _GUI_OPENCV if _installed(package) is not None]
    if gui:
        mend = f"{sys.executable} -m pip uninstall -y {' '.join(gui)} && {_pip('--force-reinstall')}"
        yield Check("warning", "opencv", f"{', '.join(gui)} is installed beside the headless one", mend)
    else:
        yield Check("ok", "opencv", f"{cv2.__version__}, headless")


def _models() -> Iterator[Check]:
    """Every model, verified whole; without a usable default one nothing can be scanned."""
    from dfdetect.cli.models import try_network
    from dfdetect.models.bundle import DEFAULT_MODEL, find_bundle, list_bundles, load_bundle

    found = list_bundles()
    for name, folder in found.items():
        try:
            bundle = load_bundle(folder)
            try_network(bundle)
        except DfdetectError as error:
            state: Literal["failed", "warning"] = "failed" if name == DEFAULT_MODEL else "warning"
            yield Check(state, f"model {name}", error.message, _pip("--force-reinstall"))
        else:
            yield Check(
                "ok", f"model {name}", f"{bundle.manifest.version}, {bundle.model_bytes / 1e6:.1f} MB, verified"
            )
    if DEFAULT_MODEL not in found:
        try:
            find_bundle(DEFAULT_MODEL)
        except ModelUnusable as error:
            yield Check("failed", "model default", error.message, _pip("--force-reinstall"))


def _settings() -> Iterator[Check]:
    from dfdetect.config import load_settings

    try:
        values = load_settings().model_dump()
    except DfdetectError as error:
        yield Check("failed", "settings", error.message)
    else:
        yield Check("ok", "settings", ", ".join(f"{name}={value}" for name, value in values.items()))


def _limits() -> Iterator[Check]:
    from dfdetect.media.limits import DEFAULT_LIMITS

    limits = DEFAULT_LIMITS
    text = (
        f"{limits.max_bytes / 1024**3:.0f} GiB a file, {limits.max_image_pixels / 1e6:.0f} million pixels an image, "
        f"{limits.max_duration_s / 3600:.0f} h and {limits.max_frames:,} frames a video"
    )
    yield Check("info", "limits", text)


def _extras() -> Iterator[Check]:
    """What was not asked for at install time, and the command that adds it."""
    missing: dict[str, list[str]] = {}
    for package, _, extra in _requirements():
        if extra:
            missing.setdefault(extra, [])
            if _installed(package) is None:
                missing[extra].append(package)
    for extra, packages in missing.items():
        if packages:
            yield Check("info", f"extra {extra}", f"not installed: {', '.join(packages)}", _pip("", extra))
        else:
            yield Check("ok", f"extra {extra}", "installed")


def _pip(flags: str, extra: str = "") -> str:
    """The command that installs this package again the way it was installed: from a folder, or by name."""
    distribution = importlib.metadata.distribution("dfdetect")
    origin = json.loads(distribution.read_text("direct_url.json") or "{}")
    source = unquote(origin.get("url", "")).removeprefix("file://") or "dfdetect"
    editable = "-e " if origin.get("dir_info", {}).get("editable") else ""
    parts = [f"{sys.executable} -m pip install", flags, f"{editable}'{source}{f'[{extra}]' if extra else ''}'"]
    return " ".join(part for part in parts if part)
