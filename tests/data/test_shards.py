"""Face shards: what is written is what is read, and nothing else is."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from dfdetect.data import shards
from dfdetect.data.shards import describe, read_shards, shards_hash, write_shards
from dfdetect.errors import DataError
from face_pictures import plain_records


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Seven records in shards of a few records each."""
    monkeypatch.setattr(shards, "SHARD_BYTES", 40_000)
    write_shards(tmp_path / "faces", plain_records(7), about={"list": "mine.csv"})
    return tmp_path / "faces"


def test_records_come_back_in_order_and_whole(folder: Path) -> None:
    found, written = list(read_shards(folder)), plain_records(7)
    assert len(found) == 7
    for record, before in zip(found, written, strict=True):
        assert np.array_equal(record.mesh, before.mesh)
        assert record.mesh.dtype == np.float32
        assert np.array_equal(record.picture(), before.picture())
        rest, rest_before = asdict(record), asdict(before)
        del rest["mesh"], rest_before["mesh"]
        assert rest == rest_before


def test_the_manifest_says_what_there_is(folder: Path) -> None:
    manifest = json.loads((folder / "manifest.json").read_text())
    assert manifest["records"] == 7
    assert manifest["list"] == "mine.csv"
    assert len(manifest["shards"]) > 1
    assert sum(shard["records"] for shard in manifest["shards"]) == 7
    assert [shard["file"] for shard in manifest["shards"]] == sorted(path.name for path in folder.glob("*.parquet"))


def test_a_shard_opens_without_our_code(folder: Path) -> None:
    table = pq.read_table(folder / "shard-00000.parquet")
    assert {"image_bytes", "mesh", "label", "path", "target_id", "licence"} <= set(table.column_names)
    assert bytes(table["image_bytes"][0].as_py())[:2] == b"\xff\xd8"


def test_same_records_same_hash_other_records_another(folder: Path, tmp_path: Path) -> None:
    write_shards(tmp_path / "again", plain_records(7), about={"list": "renamed.csv"})
    write_shards(tmp_path / "fewer", plain_records(6), about={})
    assert shards_hash(tmp_path / "again") == shards_hash(folder)
    assert shards_hash(tmp_path / "fewer") != shards_hash(folder)


def test_no_records_are_an_empty_set(tmp_path: Path) -> None:
    write_shards(tmp_path, [], about={})
    assert list(read_shards(tmp_path)) == []


def test_a_half_written_file_is_ignored(folder: Path) -> None:
    """A killed `prepare` left half a shard that training then read."""
    (folder / "shard-00099.part").write_bytes(b"PAR1 half")
    (folder / "manifest.json.part").write_bytes(b"{")
    assert len(list(read_shards(folder))) == 7


def test_a_broken_source_leaves_no_manifest(tmp_path: Path) -> None:
    def failing() -> object:
        yield from plain_records(2)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_shards(tmp_path, failing(), about={})  # type: ignore[arg-type]
    with pytest.raises(DataError, match=r"holds no manifest.json; make face shards with `dfdetect prepare LIST.csv"):
        list(read_shards(tmp_path))


def test_an_altered_shard_is_named_with_both_hashes(folder: Path) -> None:
    path = folder / "shard-00001.parquet"
    data = bytearray(path.read_bytes())
    data[100] ^= 1
    path.write_bytes(data)
    with pytest.raises(DataError, match=r"shard-00001.parquet was altered: expected SHA-256 [0-9a-f]{64}, found"):
        next(read_shards(folder))


def test_a_missing_shard_is_named(folder: Path) -> None:
    (folder / "shard-00001.parquet").unlink()
    with pytest.raises(DataError, match=r"shard-00001.parquet is named in the manifest but missing"):
        next(read_shards(folder))


@pytest.mark.parametrize("text", ["{", "[]", "{}", "null"])
def test_a_manifest_that_is_none_is_named(folder: Path, text: str) -> None:
    (folder / "manifest.json").write_text(text)
    with pytest.raises(DataError, match=r"manifest.json is no manifest of face shards"):
        next(read_shards(folder))


def test_a_description_has_no_picture() -> None:
    (record,) = plain_records(1)
    assert set(asdict(record)) - set(describe(record)) == {"image_bytes", "mesh"}
