"""Contact sheets: one a dataset, a fake beside its original, captions that can be read."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from dfdetect.data.prepare import sheets
from dfdetect.data.prepare.sheets import MOST_TILES, write_sheets
from dfdetect.data.shards import write_shards
from dfdetect.media.roundtrip import decode, encode_jpeg
from face_pictures import plain_records


def record(dataset: str, path: str, *, gray: int, label: int = 0, pair: str = "", frame: int = 0, **more: object):  # type: ignore[no-untyped-def]
    """A face of one gray, by which it is found again on the sheet."""
    image = encode_jpeg(np.full((96, 96, 3), gray, np.uint8), 95)
    plain = plain_records(1)[0]
    keys = {"dataset": dataset, "path": path, "label": label, "video_id": path, "pair_key": pair, "frame_index": frame}
    return replace(plain, image_bytes=image, **keys, **more)  # type: ignore[arg-type]


def grays(path: Path, *, columns: int) -> list[int]:
    """The gray of every tile's middle, row by row."""
    page = decode(path.read_bytes())
    step = 160 + 3 * 14 + 6
    middles = page[80::step, 80::160, 0][:, :columns].ravel()
    return [int(v) for v in middles if v < 250]


def test_each_dataset_has_a_sheet_and_each_fake_stands_behind_its_original(tmp_path: Path) -> None:
    rows = [
        record("ffpp", "m/a_b.mp4", gray=50, label=1, pair="a", frame=2),
        record("ffpp", "m/a_b.mp4", gray=60, label=1, pair="a", frame=7),
        record("ffpp", "a.mp4", gray=100, pair="a", frame=2),
        record("ffpp", "a.mp4", gray=110, pair="a", frame=7),
        record("ffpp", "c.mp4", gray=150, pair="c"),
        record("데이터/x", "1.jpg", gray=200),
    ]
    write_shards(tmp_path / "faces", rows, about={})
    made = write_sheets(tmp_path / "faces", tmp_path / "sheets")
    assert [path.name for path in made] == ["sheet-ffpp.png", "sheet-____x.png"]
    assert grays(made[0], columns=3) == [110, 60, 150]


def test_of_a_fake_clip_the_changed_face_is_shown(tmp_path: Path) -> None:
    rows = [
        record("d", "two.mp4", gray=100, pair="two", track_id=1),
        record("d", "two.mp4", gray=110, pair="two", track_id=2),
        record("d", "fake.mp4", gray=50, pair="two", track_id=1, label_from="difference"),
        record("d", "fake.mp4", gray=60, pair="two", track_id=2, label=1, label_from="difference"),
    ]
    write_shards(tmp_path / "faces", rows, about={})
    (sheet,) = write_sheets(tmp_path / "faces", tmp_path)
    assert grays(sheet, columns=2) == [110, 60]


def test_a_large_set_is_shown_from_its_start_to_its_end(tmp_path: Path, monkeypatch) -> None:  # type: ignore[no-untyped-def]
    monkeypatch.setattr(sheets, "MOST_TILES", 4)
    write_shards(tmp_path / "faces", [record("d", f"{n}.jpg", gray=10 * n) for n in range(20)], about={})
    (sheet,) = write_sheets(tmp_path / "faces", tmp_path)
    assert grays(sheet, columns=4) == [20, 70, 120, 170]
    assert MOST_TILES >= 48
