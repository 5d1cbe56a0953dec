"""`dfdetect scan` with a scanner told by file names: records, places, exit codes, resume, Ctrl-C."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import Any

import pytest

from dfdetect.cli.main import run
from dfdetect.detect.result_json import CSV_COLUMNS, ScanDocument
from dfdetect.detect.wording import CANNOT_TELL
from fake_scanner import FakeScanner, install, make_files


@pytest.fixture(autouse=True)
def scanner(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> FakeScanner:
    """In an empty folder, with nothing set but what a test sets."""
    for name in ("DFDETECT_MODELS", "DFDETECT_DEBUG"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    (tmp_path / "work").mkdir()
    monkeypatch.chdir(tmp_path / "work")
    return install(monkeypatch)


@pytest.fixture
def here(tmp_path: Path) -> Path:
    return tmp_path / "work"


def lines(text: str) -> list[dict[str, Any]]:
    records = [json.loads(line) for line in text.splitlines()]
    for record in records:
        ScanDocument.model_validate(record)
    return records


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["real.mp4"], 0),
        (["fake.mp4"], 0),
        (["empty.png"], 0),
        (["fake.mp4", "--fail-on", "likely_manipulated"], 1),
        (["real.mp4", "--fail-on", "likely_manipulated"], 0),
        (["unsure.mp4", "--fail-on", "likely_manipulated", "--fail-on", "inconclusive"], 1),
        (["broken.mp4"], 3),
        (["broken.mp4", "real.mp4"], 3),
        (["absent.mp4"], 3),
        (["broken.mp4", "fake.mp4", "--fail-on", "likely_manipulated"], 1),
        (["broken.mp4", "real.mp4", "--fail-on", "likely_manipulated"], 3),
        ([], 2),
        (["real.mp4", "--fail-on", "fake"], 2),
        (["real.mp4", "--format", "xml"], 2),
        (["real.mp4", "--json", "--format", "csv"], 2),
        (["real.mp4", "--frames", "0"], 2),
        (["real.mp4", "--jobs", "0"], 2),
        (["real.mp4", "--device", "tpu"], 2),
        (["real.mp4", "--list", "absent.txt"], 2),
        (["real.mp4", "--archive", "no/folder/done.txt"], 2),
        (["real.mp4", "--out", "real.mp4"], 2),
        (["real.mp4", "--unknown"], 2),
        (["stop.mp4"], 130),
    ],
    ids=lambda value: " ".join(value) or "nothing" if isinstance(value, list) else str(value),
)
def test_exit_codes(here: Path, arguments: list[str], code: int) -> None:
    make_files(here, "real.mp4", "fake.mp4", "unsure.mp4", "empty.png", "broken.mp4", "stop.mp4")
    assert run(["scan", *arguments]) == code


def test_json_of_one_file_is_indented_and_of_several_is_a_line_each(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    make_files(here, "real.mp4", "fake.mp4", "folder/photo.jpg")
    run(["scan", "real.mp4", "--json"])
    text = capsys.readouterr().out
    assert text.count("\n") > 20
    ScanDocument.model_validate_json(text)
    run(["scan", "real.mp4", "fake.mp4", "--json"])
    assert len(lines(capsys.readouterr().out)) == 2
    for arguments in (["folder", "--json"], ["*.mp4", "--json"], ["real.mp4", "--format", "jsonl"]):
        run(["scan", *arguments])
        lines(capsys.readouterr().out)


def test_every_input_has_its_record(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    make_files(here, "real.mp4", "broken.mp4")
    (here / "none").mkdir()
    assert run(["scan", "real.mp4", "absent.mp4", "none", "broken.mp4", "--format", "jsonl"]) == 3
    records = lines(capsys.readouterr().out)
    assert [record["input"]["path"] for record in records] == ["real.mp4", "absent.mp4", "none", "broken.mp4"]
    assert [record["error"] and record["error"]["code"] for record in records] == [
        None, "io_error", "empty", "corrupt_data",
    ]  # fmt: skip


def test_csv_has_one_header(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    make_files(here, "real.mp4", "fake.mp4")
    run(["scan", "real.mp4", "fake.mp4", "--format", "csv"])
    rows = list(csv.reader(io.StringIO(capsys.readouterr().out)))
    assert tuple(rows[0]) == CSV_COLUMNS
    assert [row[0] for row in rows[1:]] == ["real.mp4", "fake.mp4"]


def test_text_says_once_what_it_cannot_tell(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    make_files(here, "real.mp4", "fake.mp4")
    run(["scan", "real.mp4", "fake.mp4"])
    out, err = capsys.readouterr()
    assert out.count(CANNOT_TELL) == 1
    assert "LIKELY MANIPULATED" in out
    assert "1 likely manipulated, 1 no manipulation found" in err


def test_data_goes_to_standard_output_and_nothing_else_does(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    make_files(here, "real.mp4", "fake.mp4")
    run(["scan", "real.mp4", "fake.mp4", "--format", "jsonl", "--quiet"])
    out, err = capsys.readouterr()
    assert len(lines(out)) == 2
    assert err == ""


def test_a_list_from_standard_input(
    here: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    make_files(here, "real.mp4", "fake.mp4")
    monkeypatch.setattr("sys.stdin", io.StringIO("real.mp4\n\nfake.mp4\n"))
    assert run(["scan", "--list", "-", "--json"]) == 0
    assert len(lines(capsys.readouterr().out)) == 2


def test_an_empty_list_is_done_at_once(
    here: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(""))
    assert run(["scan", "--list", "-", "--json"]) == 0
    out, err = capsys.readouterr()
    assert out == ""
    assert "nothing to scan" in err


def test_a_folder_of_results(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    make_files(here, "real.mp4", "fake.mp4", "broken.mp4")
    assert run(["scan", ".", "--out", "out", "--json", "--format", "csv,jsonl", "--html", "--heatmaps"]) == 3
    names = sorted(path.name for path in (here / "out").iterdir())
    clips = ("broken.mp4", "fake.mp4", "real.mp4")
    assert names == sorted(
        [f"{c}.{e}" for c in clips for e in ("json", "report.html")] + ["results.csv", "results.jsonl"]
    )
    fake = ScanDocument.model_validate_json((here / "out" / "fake.mp4.json").read_text())
    assert fake.tracks[0].frames[0].heatmap is not None
    assert len(lines((here / "out" / "results.jsonl").read_text())) == 3
    assert len(capsys.readouterr().out.splitlines()) == 3


def test_out_alone_writes_a_json_file_an_input(here: Path) -> None:
    make_files(here, "real.mp4")
    run(["scan", "real.mp4", "--out", "deep/out"])
    assert [path.name for path in (here / "deep" / "out").iterdir()] == ["real.mp4.json"]


def test_html_alone_is_written_here(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    make_files(here, "sub/fake.mp4")
    run(["scan", "sub/fake.mp4", "--html"])
    assert "Likely manipulated" in (here / "fake.mp4.report.html").read_text()
    assert "LIKELY MANIPULATED" in capsys.readouterr().out


def test_a_fresh_run_does_not_mix_with_old_results(here: Path) -> None:
    make_files(here, "real.mp4")
    for _ in range(2):
        run(["scan", "real.mp4", "--out", "out", "--format", "csv"])
    assert len((here / "out" / "results.csv").read_text().splitlines()) == 2


def test_an_archive_skips_what_is_done_and_tries_failures_again(
    here: Path, scanner: FakeScanner, capsys: pytest.CaptureFixture[str]
) -> None:
    make_files(here, "real.mp4", "broken.mp4", "fake.mp4")
    arguments = [
        "scan",
        "real.mp4",
        "broken.mp4",
        "fake.mp4",
        "--archive",
        "done.txt",
        "--out",
        "out",
        "--format",
        "csv",
    ]
    assert run(arguments) == 3
    assert scanner.seen == ["real.mp4", "broken.mp4", "fake.mp4"]
    (here / "real.mp4").write_bytes(b"\xff\xd8\xff\xe0 changed")
    assert run(arguments) == 3
    assert scanner.seen[3:] == ["real.mp4", "broken.mp4"]
    assert "1 of 3 inputs are done already" in capsys.readouterr().err
    assert (here / "out" / "results.csv").read_text().splitlines()[0].startswith("path,")
    assert len((here / "out" / "results.csv").read_text().splitlines()) == 1 + 3 + 2


def test_ctrl_c_keeps_what_is_finished(here: Path, scanner: FakeScanner, capsys: pytest.CaptureFixture[str]) -> None:
    """Finished work was once only written at the end."""
    make_files(here, "real.mp4", "stop.mp4", "fake.mp4")
    arguments = ["scan", "real.mp4", "stop.mp4", "fake.mp4", "--archive", "done.txt", "--format", "jsonl"]
    assert run(arguments) == 130
    out, err = capsys.readouterr()
    assert len(lines(out)) == 1
    assert "stopped after 1 of 3" in err
    (here / "stop.mp4").rename(here / "photo.mp4")
    arguments[2] = "photo.mp4"
    assert run(arguments) == 0
    assert [record["input"]["path"] for record in lines(capsys.readouterr().out)] == ["photo.mp4", "fake.mp4"]


def test_a_result_that_cannot_be_written_is_said(
    here: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    make_files(here, "real.mp4")

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("dfdetect.cli.output._replace", full)
    assert run(["scan", "real.mp4", "--out", "out"]) == 3
    assert "No space left" in capsys.readouterr().err


def test_a_reader_that_goes_away_ends_the_run_quietly(
    here: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    make_files(here, "real.mp4", "fake.mp4")

    def gone(*_: object) -> None:
        raise BrokenPipeError

    monkeypatch.setattr("dfdetect.cli.output.Outputs.write", gone)
    assert run(["scan", ".", "--json", "--fail-on", "likely_manipulated"]) == 141
    assert capsys.readouterr().err == ""


def test_a_file_name_cannot_drive_the_terminal(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    make_files(here, "real-\x1b[2J.mp4")
    run(["scan", "."])
    assert "\x1b" not in capsys.readouterr().out


def test_no_colour_where_there_is_no_terminal(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    make_files(here, "fake.mp4")
    run(["scan", "fake.mp4"])
    out, err = capsys.readouterr()
    assert "\x1b" not in out + err


def test_settings_reach_the_scanner(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make_files(here, "real.mp4")
    seen: list[Any] = []
    monkeypatch.setattr("dfdetect.cli.scan.check_model", lambda settings: seen.append(settings) or exit(4))
    monkeypatch.setenv("DFDETECT_FRAMES", "64")
    (here / "dfdetect.toml").write_text('detector = "mtcnn"\nframes = 40\n')
    run(["scan", "real.mp4", "--model", "mine", "--device", "cpu"])
    assert (seen[0].model, seen[0].device, seen[0].frames, seen[0].detector) == ("mine", "cpu", 64, "mtcnn")
