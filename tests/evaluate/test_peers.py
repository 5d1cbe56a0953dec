"""Peers by name: read, refused early, opened as examiners."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

from dfdetect.cli.peers import make_peers
from dfdetect.errors import ModelUnusable, UsageError
from dfdetect.evaluate.peers import BundlePeer, CommandPeer
from dfdetect.faces.align import CropView
from foreign_onnx import GAIN, foreign_onnx

VIEW = CropView(0.2, 48)
STATEMENT = """
input_size = 32
margin = 0.3
mean = [0.0, 0.0, 0.0]
std = [1, 1, 1]
pixels = "0-1"
layout = "NHWC"
channels = "BGR"
output = "probability:fake=low"
source = "drawn for a test"
licence = "Apache-2.0"
"""


@pytest.fixture
def network(tmp_path: Path) -> Path:
    path = tmp_path / "theirs.onnx"
    path.write_bytes(foreign_onnx("probability", layout="NHWC", order="BGR"))
    path.with_suffix(".toml").write_text(STATEMENT)
    return path


def test_an_onnx_file_scores_as_it_was_stated(network: Path, tmp_path: Path) -> None:
    (peer,) = make_peers([f"meso={network}"], tmp_path / "peers")
    assert isinstance(peer, BundlePeer)
    examiner = peer.open(VIEW, threads=1)
    assert examiner.scorer.views == (CropView(0.3, 32),)
    red = np.zeros((32, 32, 3), np.uint8)
    red[..., 0] = 102
    logits, _ = examiner.scorer([(red,)])
    assert logits[0] == pytest.approx(-GAIN * 0.4, abs=1e-4), "low means manipulated here"
    assert not examiner.calibration.is_measured
    assert peer.name == "meso"


def test_a_bundle_can_be_a_peer(network: Path, tmp_path: Path) -> None:
    (first,) = make_peers([f"first={network}"], tmp_path / "peers")
    assert isinstance(first, BundlePeer)
    (second,) = make_peers([f"second={first.folder}"], tmp_path / "more")
    assert second == BundlePeer("second", first.folder)


def test_a_command_is_cut_as_the_model_is(tmp_path: Path) -> None:
    (peer,) = make_peers([f'their.tool-2={sys.executable} -c "print(0.25)" {{path}}'], tmp_path)
    assert isinstance(peer, CommandPeer)
    examiner = peer.open(VIEW)
    assert examiner.scorer.views == (VIEW,)
    logits, _ = examiner.scorer([(np.zeros((48, 48, 3), np.uint8),)])
    assert logits[0] == pytest.approx(np.log(0.25 / 0.75))
    assert (examiner.info.name, examiner.info.version, len(examiner.info.sha256)) == ("their.tool-2", "command", 64)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("meso.onnx", "expected NAME="),
        ("=meso.onnx", "expected NAME="),
        ("../up=x", "expected NAME="),
        ("a b=x", "expected NAME="),
        ("meso=", "expected NAME="),
        ("tool=no-such-program-here {path}", "no program 'no-such-program-here'"),
        ("tool=python 'unclosed", "cannot tell the words"),
        ("meso=missing.onnx", "missing.toml: no such file"),
    ],
)
def test_what_is_wrong_is_said_before_the_first_file(tmp_path: Path, text: str, says: str) -> None:
    with pytest.raises(UsageError) as found:
        make_peers([text], tmp_path)
    assert says in found.value.message


@pytest.mark.parametrize(
    ("before", "after", "says"),
    [
        ("margin = 0.3\n", "", "missing keys: margin"),
        ("margin = 0.3", "margin = 0.3\nmargins = 1", "unknown keys: margins"),
        ("margin = 0.3", 'margin = "wide"', "margin must be of type float"),
        ("input_size = 32", "input_size = true", "input_size must be of type int"),
        ("std = [1, 1, 1]", "std = [1, 1]", "std must be three numbers"),
        ("output = ", "output == ", "expected TOML"),
        ("fake=low", "fake=1", "expected FORM:fake=WHICH"),
    ],
)
def test_a_wrong_statement_is_named(network: Path, tmp_path: Path, before: str, after: str, says: str) -> None:
    statement = network.with_suffix(".toml")
    statement.write_text(STATEMENT.replace(before, after))
    with pytest.raises(UsageError) as found:
        make_peers([f"meso={network}"], tmp_path / "peers")
    assert says in found.value.message


def test_a_network_that_answers_otherwise_than_stated_is_refused(network: Path, tmp_path: Path) -> None:
    network.with_suffix(".toml").write_text(STATEMENT.replace("input_size = 32", "input_size = 64"))
    with pytest.raises(ModelUnusable):
        make_peers([f"meso={network}"], tmp_path / "peers")


def test_every_peer_has_its_own_name(tmp_path: Path) -> None:
    texts = [f"Tool={sys.executable} x {{path}}", f"tool={sys.executable} y {{path}}"]
    with pytest.raises(UsageError, match="tool is there twice"):
        make_peers(texts, tmp_path)
