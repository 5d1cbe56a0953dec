"""calibration.json: what was written is what is read, in the form of old bundles and in the new one."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from dfdetect.calibration import Calibration, Curve, OperatingPoint
from dfdetect.calibration_record import CalibrationRecord, FileCounts, KindRate, ScaleRecord
from dfdetect.errors import ModelUnusable
from dfdetect.models.bundle import find_bundle
from dfdetect.models.calibration_file import SCHEMA, calibration_from_json, calibration_to_json
from tiny_bundle import tiny_calibration

RATE = KindRate("video", 0.01, 0.02, 70, 60, 0.05, 1, 70, 5, 1 / 70, (0.0, 0.08), 0.3)
RECORD = CalibrationRecord(
    base="default 1.0",
    base_sha256="ab" * 32,
    date="2026-11-25",
    said_by="newsroom",
    list_sha256="cd" * 32,
    confidence=0.95,
    reals=FileCounts(80, 70, 2, 3, 1, 4),
    fakes=FileCounts(20, 20, 0, 0, 0, 0),
    rates=(RATE,),
    scale=ScaleRecord("isotonic", 70, 20, 0.2, 0.03, 0.6, 0.05),
)


def full() -> Calibration:
    point = OperatingPoint(0.9, 0.5, 0.02, "own", 70, 0.02)
    return replace(
        tiny_calibration(), thresholds={"video": {"1": point}}, curve=Curve((-1.0, 2.0), (0.1, 0.8)), record=RECORD
    )


@pytest.mark.parametrize("calibration", [tiny_calibration(), full(), replace(full(), record=None)])
def test_what_was_written_is_what_is_read(calibration: Calibration) -> None:
    assert calibration_from_json(calibration_to_json(calibration)) == calibration


def test_the_shipped_file_is_of_the_first_form_and_stays_so() -> None:
    """A new key in every file would lock older installations out of models that need nothing new."""
    text = (find_bundle("default") / "calibration.json").read_text()
    assert calibration_to_json(calibration_from_json(text)) == text
    assert "schema" not in json.loads(text)
    assert json.loads(calibration_to_json(full()))["schema"] == SCHEMA


@pytest.mark.parametrize(
    ("old", "new", "match"),
    [
        (SCHEMA, "dfdetect.calibration/3", r"found 'dfdetect.calibration/3': this dfdetect is older"),
        ('"said_by"', '"saidby"', r"record\.said_by: Field required"),
        ('"n_people": 60', '"n_people": "sixty"', r"record\.rates\.0\.n_people"),
        ('"said_by"', '"more": 1, "said_by"', r"record\.more"),
        ('"isotonic"', '"magic"', r"record\.scale\.method"),
        ("0.8\n", "0.05\n", "Curve: expected"),
        ('"probabilities"', '"percent"', r"curve\.probabilities"),
        ('"target_fpr": 0.02\n', '"target_fpr": 0\n', r"video\.1\.target_fpr"),
    ],
)
def test_a_wrong_file_is_refused_by_name(old: str, new: str, match: str) -> None:
    text = calibration_to_json(full())
    assert old in text
    with pytest.raises(ModelUnusable, match=match):
        calibration_from_json(text.replace(old, new, 1))


@pytest.mark.parametrize("text", ["", "[]", "3", "{", "null"])
def test_no_object_is_refused(text: str) -> None:
    with pytest.raises(ModelUnusable, match=r"calibration\.json"):
        calibration_from_json(text)
