"""The JSON and CSV of an answer: the schema, its key order, rounding, and what a spreadsheet must not run."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, ValidationError

import scan_results as results
from dfdetect import __version__
from dfdetect.detect import result_json
from dfdetect.detect.result_json import CSV_COLUMNS, ScanDocument, csv_cell, csv_row, to_dict, to_json
from dfdetect.errors import ErrorCode
from dfdetect.values import InputInfo, ScanResult, Verdict


@pytest.mark.parametrize("result", results.every_result(), ids=lambda r: r.verdict or "error")
@pytest.mark.parametrize("heatmaps", [False, True])
def test_every_result_fits_the_schema(result: ScanResult, heatmaps: bool) -> None:
    text = to_json(result, heatmaps=heatmaps)
    assert "\n" not in text
    document = ScanDocument.model_validate_json(text)
    assert document.verdict == result.verdict
    assert json.loads(to_json(result, pretty=True, heatmaps=heatmaps)) == json.loads(text)


def test_top_level_keys_and_their_order() -> None:
    """The order in which readers meet the fields is part of what is documented."""
    assert list(to_dict(results.video_result())) == [
        "schema", "dfdetect", "input", "status", "error", "media", "verdict", "probability", "interval", "thresholds",
        "reasons", "limits", "tracks", "model", "timing_s",
    ]  # fmt: skip


def test_the_dict_and_the_reader_s_model_have_the_same_fields() -> None:
    def names(part: type[BaseModel]) -> list[str]:
        return [field.alias or name for name, field in part.model_fields.items()]

    data = to_dict(results.video_result())
    assert list(data) == names(ScanDocument)
    for part, found in (
        (result_json.InputPart, data["input"]),
        (result_json.MediaPart, data["media"]),
        (result_json.ThresholdsPart, data["thresholds"]),
        (result_json.ReasonPart, data["reasons"][0]),
        (result_json.LimitPart, data["limits"][0]),
        (result_json.TrackPart, data["tracks"][0]),
        (result_json.FramePart, data["tracks"][0]["frames"][0]),
        (result_json.ModelPart, data["model"]),
        (result_json.ErrorPart, to_dict(results.error_result())["error"]),
    ):
        assert list(found) == names(part)


def test_numbers_are_rounded_and_heatmaps_only_on_request() -> None:
    data = to_dict(results.video_result())
    assert data["schema"] == "dfdetect.scan/1"
    assert data["dfdetect"] == __version__
    assert data["media"]["fps"] == 29.97
    assert data["media"]["duration_s"] == 12.012
    assert data["timing_s"]["total"] == 1.912
    frame = data["tracks"][0]["frames"][0]
    assert frame["box_xyxy"] == [410.0, 120.0, 590.0, 330.0]
    assert frame["heatmap"] is None
    shown = to_dict(results.video_result(), heatmaps=True)["tracks"][0]["frames"][0]["heatmap"]
    assert [len(row) for row in shown] == [4] * 4


def test_an_error_has_no_verdict() -> None:
    data = to_dict(results.error_result())
    assert (data["status"], data["verdict"], data["probability"], data["thresholds"]) == ("error", None, None, None)
    assert data["error"] == {
        "code": "corrupt_data",
        "message": "decoded 3 of 250 frames; get the file again",
        "stage": "decode",
    }


def test_no_interval_for_a_still() -> None:
    assert to_dict(results.image_result())["interval"] is None


def test_nan_is_refused() -> None:
    """NaN in the output makes the whole line unreadable for strict JSON parsers."""
    with pytest.raises(ValueError):
        to_json(replace(results.image_result(), probability=float("nan")))


def test_readers_tolerate_new_fields_and_codes_but_not_wrong_values() -> None:
    data = to_dict(results.video_result())
    data["new"] = {"anything": 1}
    data["reasons"][0]["code"] = "a_code_of_next_year"
    data["tracks"][0]["frames"][0]["new"] = 1
    ScanDocument.model_validate(data)
    with pytest.raises(ValidationError):
        ScanDocument.model_validate(data | {"probability": 1.2})
    with pytest.raises(ValidationError):
        ScanDocument.model_validate(data | {"verdict": "authentic"})


@pytest.mark.parametrize("path", ["na\udce9ve.mp4", "a\nb.mp4", '"; rm -rf', "日本.mp4"])
def test_any_file_name_makes_valid_utf8_json(path: str) -> None:
    result = replace(results.video_result(), input=InputInfo(path, None, None))
    text = to_json(result).encode("utf-8")
    found = json.loads(text)["input"]["path"]
    assert found == path.replace("\udce9", "\\xe9")


@pytest.mark.parametrize(
    ("value", "cell"),
    [
        ("=1+1", "'=1+1"),
        ("+49", "'+49"),
        ("-1", "'-1"),
        ("@SUM(A1)", "'@SUM(A1)"),
        ("\tx", "'\ufffdx"),
        ("\r=1", "'\ufffd=1"),
        ("a=b", "a=b"),
        (None, ""),
        (0.5, "0.5"),
        ("a\x1b[31mb", "a\ufffd[31mb"),
        ("gpj\u202eexe.mp4", "gpj\ufffdexe.mp4"),
    ],
)
def test_csv_cells_are_inert(value: object, cell: str) -> None:
    """A file named =cmd|... once ran in the analyst's spreadsheet (CSV injection)."""
    assert csv_cell(value) == cell


@given(st.text())
def test_csv_rows_stay_on_one_line(path: str) -> None:
    row = csv_row(replace(results.video_result(), input=InputInfo(path, None, None)))
    buffer = io.StringIO()
    csv.writer(buffer, lineterminator="\n").writerow(row)
    assert len(buffer.getvalue().splitlines()) == 1
    assert len(next(csv.reader([buffer.getvalue()]))) == len(CSV_COLUMNS)
    assert row[0][:1] not in ("=", "+", "-", "@")


@pytest.mark.parametrize("result", results.every_result(), ids=lambda r: r.verdict or "error")
def test_csv_row_names_what_the_json_says(result: ScanResult) -> None:
    row = dict(zip(CSV_COLUMNS, csv_row(result), strict=True))
    assert row["path"] == result.input.path
    assert row["verdict"] == (result.verdict or "")
    assert row["error_code"] == (result.error.code if result.error else "")
    assert row["faces"] == str(len(result.tracks))


@pytest.mark.parametrize("code", list(ErrorCode))
def test_every_error_code_is_written_as_it_is(code: ErrorCode) -> None:
    data = json.loads(to_json(results.error_result(code)))
    assert data["error"]["code"] == code.value
    assert data["verdict"] is None


def test_every_verdict_is_in_the_reader_s_model() -> None:
    for verdict in Verdict:
        data = to_dict(results.video_result()) | {"verdict": verdict.value}
        ScanDocument.model_validate(data)
