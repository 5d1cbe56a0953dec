"""Deployment files, as far as it goes without building an image: what they name exists, nobody is root."""

from __future__ import annotations

import configparser
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer
import yaml

from dfdetect.cli.serve import app
from dfdetect.serve.settings import PREFIX, ServeSettings

DEPLOY = Path(__file__).parents[2] / "deploy"
COMPOSE = yaml.safe_load((DEPLOY / "compose.yaml").read_text())
MANIFESTS = list(yaml.safe_load_all((DEPLOY / "kubernetes" / "dfdetect.yaml").read_text()))
DOCKERFILE = (DEPLOY / "Dockerfile").read_text()


def _deployments() -> Iterator[dict[str, Any]]:
    yield from (one for one in MANIFESTS if one["kind"] == "Deployment")


def test_every_setting_that_is_named_exists() -> None:
    known = {PREFIX + name.upper() for name in ServeSettings.model_fields}
    for path in (*DEPLOY.glob("*"), *DEPLOY.glob("*/*")):
        if path.is_file():
            named = set(re.findall(rf"{PREFIX}[A-Z_]+[A-Z]", path.read_text()))
            assert named <= known, path.name


def test_every_command_that_is_named_exists() -> None:
    commands = set(typer.main.get_command(app).commands)  # type: ignore[attr-defined]
    started = [one["command"] for one in COMPOSE["services"].values() if "command" in one]
    started += [one["spec"]["template"]["spec"]["containers"][0]["args"] for one in _deployments()]
    assert len(started) == 6
    for words in started:
        assert words[0] == "serve"
        assert words[1:] == ["--workers", "0"] or set(words[1:]) <= commands


def test_containers_run_as_nobody_with_a_read_only_root() -> None:
    assert re.search(r"^USER 10001$", DOCKERFILE, re.MULTILINE)
    assert "HEALTHCHECK" in DOCKERFILE
    for name in ("api", "worker", "clerk"):
        service = COMPOSE["services"][name]
        assert service["read_only"] is True
        assert service["cap_drop"] == ["ALL"]
    for one in _deployments():
        pod = one["spec"]["template"]["spec"]
        assert pod["securityContext"]["runAsNonRoot"] is True
        assert pod["automountServiceAccountToken"] is False
        locked = pod["containers"][0]["securityContext"]
        assert locked["readOnlyRootFilesystem"] is True
        assert locked["allowPrivilegeEscalation"] is False


def test_labels_of_the_manifests_meet() -> None:
    pods = [one["spec"]["template"]["metadata"]["labels"] for one in _deployments()]
    for one in _deployments():
        assert one["spec"]["selector"]["matchLabels"] == one["spec"]["template"]["metadata"]["labels"]
    [service] = [one for one in MANIFESTS if one["kind"] == "Service"]
    assert any(service["spec"]["selector"].items() <= labels.items() for labels in pods)


def test_the_longest_drain_fits_into_every_grace_period() -> None:
    longest = ServeSettings.model_fields["drain_s"].default + 4
    assert int(COMPOSE["services"]["worker"]["stop_grace_period"].removesuffix("s")) > longest
    for one in _deployments():
        assert one["spec"]["template"]["spec"].get("terminationGracePeriodSeconds", 30) > longest
    unit = configparser.ConfigParser(strict=False, interpolation=None)
    unit.optionxform = str  # type: ignore[assignment,method-assign]
    unit.read(DEPLOY / "dfdetect.service")
    assert int(unit["Service"]["TimeoutStopSec"]) > longest
    assert unit["Service"]["ExecStart"].endswith("dfdetect serve")


def test_the_image_carries_the_notice() -> None:
    assert "COPY LICENSE NOTICE /usr/share/doc/dfdetect/" in DOCKERFILE
    assert "GPL" in (DEPLOY.parent / "NOTICE").read_text()


_UNIT = str(DEPLOY / "dfdetect.service")
_TOOLS = {
    "hadolint": ["deploy/Dockerfile"],
    "check-jsonschema": ["--builtin-schema", "vendor.compose-spec", "deploy/compose.yaml"],
    "systemd-analyze": ["verify", _UNIT],
}


@pytest.mark.parametrize("tool", _TOOLS)
def test_the_tools_of_the_trade_find_nothing(tool: str) -> None:
    beside = Path(sys.executable).parent / tool  # the extra `dev` brings the first two
    program = str(beside) if beside.is_file() else shutil.which(tool)
    if program is None:
        pytest.skip(f"NOT CHECKED: {tool} is not installed")
    done = subprocess.run([program, *_TOOLS[tool]], cwd=DEPLOY.parent, capture_output=True, text=True, check=False)
    if tool == "systemd-analyze":
        missing = "Command /opt/dfdetect/bin/dfdetect is not executable"  # it is not installed where tests run
        problems = [line for line in (done.stdout + done.stderr).splitlines() if line and missing not in line]
        assert [line for line in problems if "dfdetect" in line.lower()] == []
    else:
        assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("version", ["1.28", "1.37"])
@pytest.mark.parametrize("manifest", MANIFESTS, ids=lambda one: f"{one['kind']} {one['metadata']['name']}")
def test_manifests_keep_to_the_schema_of_kubernetes(manifest: dict[str, Any], version: str) -> None:
    validate = pytest.importorskip("kubernetes_validate", reason="NOT CHECKED: kubernetes-validate is not installed")
    validate.validate(manifest, version, strict=True)
    with pytest.raises(validate.ValidationError):
        validate.validate({**manifest, "specs": {}}, version, strict=True)
