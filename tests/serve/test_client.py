"""The client and `scan --server` against a service in processes of its own: the same answers as a scan here."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from dfdetect import Scanner
from dfdetect.cli.main import run
from dfdetect.detect.result_json import ScanDocument, from_document, to_dict
from dfdetect.serve.client import Client, ServiceError
from serve.served import picture


def test_a_scan_by_the_service_is_a_scan_here(service: tuple[str, str, Path], tmp_path: Path) -> None:
    url, key, bundle = service
    path = tmp_path / "clip.png"
    path.write_bytes(picture(5))
    here = Scanner(bundle).scan(path)
    with Client(url, key) as client:
        scan = client.scan(path, policy="newsroom", external_id="x")
        assert (scan.status, scan.policy, scan.decided_by) == ("completed", "newsroom", "policy:newsroom@1")
        assert scan.result is not None
        there = scan.result.model_dump(by_alias=True)
        mine = to_dict(here)
        for part in ("verdict", "probability", "thresholds", "reasons", "limits", "media", "status"):
            assert json.loads(json.dumps(there[part])) == json.loads(json.dumps(mine[part]))
        assert [one.id for one in client.scans(external_id="x")] == [scan.id]
        assert client.feedback(scan.id, "unsure").decided_by == "human"
        assert "<html" in client.report_html(scan.id)
        client.list_file(scan.sha256, "block", "a known fake")
        (found,) = client.look_up([scan.sha256])
        assert found.listed is not None
        assert (found.listed.decision, found.scan and found.scan.id) == ("block", scan.id)
        client.unlist_file(scan.sha256)
        assert client.look_up([scan.sha256])[0].listed is None
        client.delete(scan.id)
        with pytest.raises(ServiceError, match="no scan of that id") as caught:
            client.get(scan.id)
        assert caught.value.problem is not None
    with pytest.raises(ServiceError, match="A key is needed"):
        Client(url, "dfk_wrong").models()


def test_the_command_line_asks_a_service(
    service: tuple[str, str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    url, key, _ = service
    (tmp_path / "a.png").write_bytes(picture(6))
    (tmp_path / "b.png").write_bytes(b"\x89PNG\r\n\x1a\nbroken")
    arguments = ["scan", str(tmp_path), str(tmp_path / "none.mp4"), "--server", url, "--model", "tiny", "--json", "-q"]
    monkeypatch.delenv("DFDETECT_KEY", raising=False)
    assert run(arguments) == 2
    assert "DFDETECT_KEY" in capsys.readouterr().err
    monkeypatch.setenv("DFDETECT_KEY", key)
    assert run(arguments) == 3
    records = {Path(r["input"]["path"]).name: r for r in map(json.loads, capsys.readouterr().out.splitlines())}
    assert records["a.png"]["verdict"] is not None
    assert records["b.png"]["error"]["code"] == "corrupt_header"
    assert records["none.mp4"]["error"]["code"] == "io_error"
    assert run([*arguments, "--html"]) == 2
    assert run(["scan", str(tmp_path), "--server", url, "--model", "other"]) == 2
    assert "it has: default, tiny" in capsys.readouterr().err.replace("tiny, default", "default, tiny")


def test_a_document_read_back_says_the_same() -> None:
    samples = Path(__file__).parents[2] / "src" / "dfdetect" / "samples"
    result = Scanner(frames=6).scan(samples / "astronaut_fake.mp4")
    document = to_dict(result)
    again = to_dict(from_document(ScanDocument.model_validate(document)))
    assert again == document
