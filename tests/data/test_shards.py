"""Face shards: what is written is what is read, and nothing else is."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from dfdetect.data import shards
from dfdetect.data.face_record import FaceRecord
from dfdetect.data.shard_table import records_of
from dfdetect.data.shards import describe, read_columns, read_shards, shards_hash, write_shards
from dfdetect.errors import DataError
from dfdetect.media.roundtrip import encode_png
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
    assert {"image", "mask", "mesh", "label", "path", "target_id", "licence"} <= set(table.column_names)
    assert table["image"][0].as_py()["bytes"][:2] == b"\xff\xd8"
    assert table["image"][1].as_py()["path"] == "1-000000-0.jpg"
    assert len(table["mesh"][0].as_py()) == 468 * 3


def test_datasets_shows_pictures_and_label_names(tmp_path: Path, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HF_HUB_OFFLINE", "HF_DATASETS_OFFLINE", "HF_HUB_DISABLE_TELEMETRY"):
        monkeypatch.setenv(name, "1")
    datasets = pytest.importorskip("datasets")
    files = sorted(str(path) for path in folder.glob("*.parquet"))
    found = datasets.load_dataset("parquet", data_files=files, split="train", cache_dir=str(tmp_path / "cache"))
    assert found.features["label"].names == ["real", "fake"]
    assert len(found) == 7
    row, written = found[6], plain_records(7)[6]
    assert np.array_equal(np.asarray(row["image"]), written.picture())
    assert row["mask"] is None
    assert np.array_equal(np.reshape(row["mesh"], (468, 3)), written.mesh)
    assert row["path"] == "free/6.jpg"


def test_reading_needs_neither_a_decoder_for_video_nor_settings(folder: Path) -> None:
    """A training machine has PyTorch, pyarrow and OpenCV; `import av` there ended a night's run at its start."""
    code = """
import sys
for name in ("av", "PIL", "pydantic", "pydantic_settings", "onnxruntime", "scenedetect", "lap", "rich", "typer"):
    sys.modules[name] = None
from pathlib import Path
from dfdetect.data.shards import read_shards
print(sum(record.picture().shape[0] for record in read_shards(Path(sys.argv[1]))))
"""
    done = subprocess.run([sys.executable, "-c", code, str(folder)], capture_output=True, text=True, check=False)
    assert (done.stderr, done.stdout) == ("", f"{7 * 96}\n")


def test_rows_are_chosen_before_pictures_are_read(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[bytes] = []

    def odd(record: FaceRecord) -> bool:
        asked.append(record.image_bytes)
        return int(record.path[5]) % 2 == 1

    found = list(read_shards(folder, where=odd))
    assert [record.path for record in found] == ["free/1.jpg", "free/3.jpg", "free/5.jpg"]
    assert [record.image_bytes for record in found] == [record.image_bytes for record in plain_records(7)[1::2]]
    assert asked == [b""] * 7
    assert [record.image_bytes for record in read_shards(folder, images=False)] == [b""] * 7


def test_columns_can_be_read_alone(folder: Path, tmp_path: Path) -> None:
    table = read_columns(folder, ["path", "face_px"])
    assert table.column_names == ["path", "face_px"]
    assert table["path"].to_pylist() == [record.path for record in plain_records(7)]
    with pytest.raises(DataError, match=r"no column \['colour'\]; the columns are image, mask, label"):
        read_columns(folder, ["colour"])
    write_shards(tmp_path / "none", [], about={})
    assert read_columns(tmp_path / "none", ["path"]).num_rows == 0


def test_what_is_not_known_stays_unknown(tmp_path: Path) -> None:
    """A face without a mesh once came back with a mesh of zeros: a point, for everything that cuts by it."""
    plain = plain_records(3)
    corners = np.array([1, 2, 3, 4], np.float32)
    mask = encode_png(np.full((8, 8), 255, np.uint8))
    mixed = [
        replace(plain[0], mesh=None, box_xyxy=corners),
        replace(plain[1], landmarks=np.arange(10, dtype=np.float32).reshape(5, 2), mask_bytes=mask, aligned=True),
        plain[2],
    ]
    write_shards(tmp_path, mixed, about={})
    none, masked, whole = read_shards(tmp_path)
    assert none.mesh is None
    assert np.array_equal(none.box_xyxy, corners)
    assert (none.landmarks, none.mask()) == (None, None)
    assert np.array_equal(masked.landmarks, mixed[1].landmarks)
    assert masked.mask().shape == (8, 8)
    assert masked.aligned
    assert np.array_equal(whole.mesh, plain[2].mesh)


def test_no_shard_is_larger_than_promised(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shards, "SHARD_BYTES", 40_000)
    record = plain_records(1)[0]
    write_shards(tmp_path, [replace(record, image_bytes=record.image_bytes * k) for k in (1, 2, 1, 2, 1)], about={})
    sizes = [sum(len(r.image_bytes) for r in records_of(pq.read_table(p))) for p in tmp_path.glob("*.parquet")]
    assert max(sizes) <= 40_000


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
    with pytest.raises(
        DataError, match=r"shard-00001.parquet was altered: expected SHA-256 [0-9a-f]{64}, found .*--restart"
    ):
        list(read_shards(folder))


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
    left_out = {"image_bytes", "mask_bytes", "mesh", "landmarks", "box_xyxy", "square_xyxy"}
    assert set(asdict(record)) - set(describe(record)) == left_out
