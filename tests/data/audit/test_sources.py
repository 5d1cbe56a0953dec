"""Splits in every form that they are written in, and an error that says what to do for every form that is none."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from audit_splits import deepfakebench, write_ff_lists
from dfdetect.data.audit import AuditReport, audit
from dfdetect.data.audit.tables import ReadOptions
from dfdetect.data.sample import Sample, to_table, write_index
from dfdetect.data.shards import FaceRecord, write_shards
from dfdetect.data.split import SplitOptions, make_split
from dfdetect.errors import DataError, UsageError
from dfdetect.values import Label

COLUMNS = {
    "path": ["a/1.png", "a/2.png", "b/1.png", "b/2.png"],
    "label": ["real", "fake", "real", "fake"],
    "split": ["train", "train", "test", "test"],
    "person": ["ann", "ann", "bob", "ann"],
}


def leaks_of(report: AuditReport) -> dict[str, int]:
    return {leak.kind: leak.keys for leak in report.leaks}


def csv_of(folder: Path, columns: dict[str, list[Any]], *, between: str = ",", encoding: str = "utf-8") -> Path:
    rows = [between.join(columns), *(between.join(map(str, row)) for row in zip(*columns.values(), strict=True))]
    (folder / "split.csv").write_bytes("\n".join(rows).encode(encoding))
    return folder / "split.csv"


def in_parquet(folder: Path) -> Path:
    pq.write_table(pa.table(COLUMNS), folder / "split.parquet")
    return folder / "split.parquet"


def in_json_lines(folder: Path) -> Path:
    rows = [dict(zip(COLUMNS, row, strict=True)) for row in zip(*COLUMNS.values(), strict=True)]
    (folder / "split.jsonl").write_text("\n".join(map(json.dumps, rows)))
    return folder / "split.jsonl"


def in_json_objects(folder: Path) -> Path:
    rows = [dict(zip(COLUMNS, row, strict=True)) for row in zip(*COLUMNS.values(), strict=True)]
    (folder / "split.json").write_text(json.dumps(rows))
    return folder / "split.json"


FORMS: dict[str, Any] = {
    "csv": lambda folder: csv_of(folder, COLUMNS),
    "csv with semicolons": lambda folder: csv_of(folder, COLUMNS, between=";"),
    "csv with tabs": lambda folder: csv_of(folder, COLUMNS, between="\t"),
    "csv with a byte order mark": lambda folder: csv_of(folder, COLUMNS, encoding="utf-8-sig"),
    "parquet": in_parquet,
    "json lines": in_json_lines,
    "json objects": in_json_objects,
    "arrow": lambda folder: pa.table(COLUMNS),
    "dict": lambda folder: COLUMNS,
}


@pytest.mark.parametrize("form", FORMS)
def test_every_form_of_a_table_gives_the_same_answer(form: str, tmp_path: Path) -> None:
    report = audit(FORMS[form](tmp_path))
    assert leaks_of(report) == {"identity": 1}
    leak = report.leaks[0]
    assert (leak.examples[0].key, leak.keys_in, leak.samples) == ("ann", (1, 2), (2, 1))
    assert [(split.name, split.real, split.fake) for split in report.splits] == [("train", 1, 1), ("test", 1, 1)]


def test_a_data_frame() -> None:
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame({**COLUMNS, "label": [0, 1, 0, 1], "person": ["ann", "ann", None, "ann"]})
    frame["split"] = frame["split"].astype("category")
    report = audit(frame)
    assert leaks_of(report) == {"identity": 1}
    assert [(split.real, split.fake) for split in report.splits] == [(1, 1), (1, 1)]
    numbers = frame.assign(person=[1.0, 1.0, np.nan, 2.0])
    assert not audit(numbers).leaks_found


def test_pathlib_paths() -> None:
    pandas = pytest.importorskip("pandas")
    split = {**COLUMNS, "path": [Path(name) for name in COLUMNS["path"]]}
    rows = [dict(zip(split, row, strict=True)) for row in zip(*split.values(), strict=True)]
    for source in (split, rows, pandas.DataFrame(split)):
        assert audit(source).leaks[0].examples[0].first == "a/1.png"


def test_other_names_of_columns(tmp_path: Path) -> None:
    columns = {
        "File": COLUMNS["path"],
        "Y": [0, 1, 0, 1],
        "Set": ["Training", "TRAIN", "Testing", "test"],
        "who": COLUMNS["person"],
    }
    report = audit(csv_of(tmp_path, columns), read=ReadOptions(columns={"target_id": "who"}))
    assert leaks_of(report) == {"identity": 1}
    with pytest.raises(UsageError, match="there is no column 'whom'; its columns are 'File', 'Y', 'Set', 'who'"):
        audit(csv_of(tmp_path, columns), read=ReadOptions(columns={"target_id": "whom"}))
    with pytest.raises(UsageError, match="--column takes one of path, label"):
        audit(csv_of(tmp_path, columns), read=ReadOptions(columns={"face": "who"}))


def test_parts_in_files_of_their_own(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("faces/one.jpg real\nfaces/two.jpg fake\n\n")
    (tmp_path / "b.txt").write_text("0 faces/three.jpg\n1 faces/my two.jpg\nfaces/two.jpg\n")
    report = audit(splits={"train": tmp_path / "a.txt", "test": tmp_path / "b.txt"})
    assert leaks_of(report) == {"file": 1}
    assert report.leaks[0].examples[0].second == "faces/two.jpg"
    assert [(s.real, s.fake, s.unlabelled) for s in report.splits] == [(1, 1, 0), (1, 1, 1)]


def test_folders_named_for_splits(tmp_path: Path) -> None:
    for place in ("Train/real/a.jpg", "Train/fake/b.jpg", "valid/real/c.jpg", "testing/fake/d.jpg", "notes/e.jpg"):
        (tmp_path / place).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / place).write_bytes(b"x")
    report = audit(tmp_path)
    assert [(split.name, split.real, split.fake) for split in report.splits] == [
        ("train", 1, 1),
        ("val", 1, 0),
        ("test", 0, 1),
    ]
    assert next(note for note in report.notes if note.code == "no_split").text.startswith("1 of 5 samples")
    parts = audit(splits={"train": tmp_path / "Train", "test": tmp_path / "testing"})
    assert [split.samples for split in parts.splits] == [2, 1]


def test_our_index_split_and_shards(tmp_path: Path) -> None:
    rows = [
        Sample(
            f"/d/{n}.mp4",
            "/d",
            Label(n % 2),
            "d",
            f"v{n}",
            "video",
            target_id=f"p{n // 4}",
            split=("train", "test")[n % 2],
        )  # type: ignore[arg-type]
        for n in range(40)
    ]
    write_index(tmp_path / "index.parquet", rows)
    assert leaks_of(audit(tmp_path / "index.parquet")) == {"identity": 10}
    split, _ = make_split(to_table(rows), SplitOptions(policy="groups"))
    assert not audit(split).leaks_found
    faces = [
        FaceRecord(
            image_bytes=b"x",
            mesh=np.zeros((468, 3), np.float32),
            label=n % 2,
            path=f"{n}.jpg",
            video_id=f"v{n // 2}",
            split=("train", "test")[n % 2],
        )
        for n in range(6)
    ]
    write_shards(tmp_path / "faces", faces, about={})
    assert leaks_of(audit(tmp_path / "faces")) == {"video": 3}


def test_a_dataset_as_downloaded_with_its_lists(tmp_path: Path) -> None:
    write_ff_lists(tmp_path)
    for clip in ("000", "001", "004", "005"):
        place = tmp_path / "original_sequences" / "youtube" / "c23" / "videos" / f"{clip}.mp4"
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(b"x")
    report = audit(tmp_path)
    assert leaks_of(report) == {"source": 1}
    assert [split.name for split in report.splits] == ["train", "val"]


def test_json_of_deepfakebench_with_compressions_and_windows_paths(tmp_path: Path) -> None:
    def clip(name: str, method: str) -> dict[str, Any]:
        frames = [
            f"FaceForensics++\\manipulated_sequences\\{method}\\c23\\frames\\{name}\\{n:03d}.png" for n in range(3)
        ]
        return {"label": "FF-DF", "frames": frames, "masks": ["m.png"]}

    data = {
        "FaceForensics++": {
            "FF-DF": {
                "train": {"c23": {"000_003": clip("000_003", "Deepfakes")}, "c40": {}},
                "val": {"c23": {"003_000": clip("003_000", "Deepfakes")}},
                "test": {"c23": {"010_020": clip("010_020", "Deepfakes")}},
            },
            "FF-real": {"test": {"c23": {"000": {"label": "FF-real", "frames": ["elsewhere/img1.png"]}}}},
        }
    }
    (tmp_path / "ff.json").write_text(json.dumps(data))
    report = audit(tmp_path / "ff.json")
    assert {(leak.kind, *leak.splits) for leak in report.leaks} == {
        ("donor", "train", "val"), ("identity", "train", "val"),
        ("pair", "train", "test"), ("identity", "train", "test"),
        ("donor", "val", "test"), ("identity", "val", "test"),
    }  # fmt: skip
    assert [(split.real, split.fake) for split in report.splits] == [(0, 3), (0, 3), (1, 3)]


def test_json_lists_and_pairs(tmp_path: Path) -> None:
    (tmp_path / "split.json").write_text(json.dumps({"train": ["a.png", "b.png"], "test": ["b.png"]}))
    assert leaks_of(audit(tmp_path / "split.json")) == {"file": 1}
    lists = write_ff_lists(tmp_path / "lists")
    report = audit(splits={"train": lists / "train.json", "test": lists / "test.json"})
    assert not report.leaks_found
    assert [split.people for split in report.splits] == [4, 2]


def test_several_benchmarks_are_one_split(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text(json.dumps(deepfakebench("UADFV", {"UADFV_Real": {"train": ["0001"]}})))
    (tmp_path / "b.json").write_text(json.dumps(deepfakebench("UADFV", {"UADFV_Fake": {"test": ["0001_fake"]}})))
    assert leaks_of(audit(tmp_path / "a.json", tmp_path / "b.json")) == {"pair": 1, "source": 1}


def test_keys_from_an_index(tmp_path: Path) -> None:
    """DFDC's names tell no pair; an index made with metadata.json does."""
    index = [
        Sample(f"/dfdc/{name}.mp4", "/dfdc", label, "dfdc", f"dfdc/{name}", "video", pair_key="dfdc/aaaaaaaaaa")
        for name, label in (("aaaaaaaaaa", Label.REAL), ("bbbbbbbbbb", Label.FAKE))
    ]
    write_index(tmp_path / "index.parquet", index)
    split = {"path": ["aaaaaaaaaa-000-00.png", "bbbbbbbbbb-000-00.png"], "split": ["train", "test"]}
    assert not audit(split).leaks_found
    report = audit(split, keys=tmp_path / "index.parquet")
    assert leaks_of(report) == {"pair": 1}
    assert not [row for row in report.not_checked if row.kind == "pair"]


def test_originals_named_as_files() -> None:
    """Kaggle's tables name a fake's original by its file."""
    split = {
        "filename": ["aaaaaaaaaa.mp4", "bbbbbbbbbb.mp4"],
        "label": ["REAL", "FAKE"],
        "original": [None, "aaaaaaaaaa.mp4"],
        "split": ["train", "test"],
    }
    assert leaks_of(audit(split)) == {"pair": 1}


def test_names_of_ones_own(tmp_path: Path) -> None:
    split = {"path": ["s1_0001.png", "s1_0002.png", "s2_0001.png"], "split": ["train", "test", "test"]}
    assert "--video-from" in next(row.why for row in audit(split).not_checked if row.kind == "video")
    assert leaks_of(audit(split, video_from=r"([^/]+)_\d+\.png$")) == {"video": 1}
    assert leaks_of(audit(split, video_from=r"(?P<clip>s\d)")) == {"video": 1}
    with pytest.raises(UsageError, match="expected a regular expression"):
        audit(split, video_from="([")


def test_hashes_find_copies_under_other_names() -> None:
    split = {"path": ["a.png", "b.png", "c.png"], "split": ["train", "test", "test"], "md5": ["AB12", "ab12", ""]}
    assert leaks_of(audit(split)) == {"content": 1}


WRONG: dict[str, tuple[Any, type[Exception], str]] = {
    "no split column": (
        {"path": ["a"], "label": ["real"]},
        UsageError,
        r"nothing says what is train.*--split train=A --split test=B",
    ),
    "one split": ({"path": ["a", "b"], "split": ["train"] * 2}, UsageError, r"found only 'train' \(2 samples\)"),
    "no row in a split": ({"path": ["a"], "split": [""]}, UsageError, "found no sample that is in one"),
    "no rows": ({"path": [], "split": []}, UsageError, "found no sample that is in one"),
    "unknown words": (
        {"path": ["a", "b"], "split": ["train", "fold3"]},
        UsageError,
        r"unknown words in the split column: 'fold3'; known are train, .*--keep-split-names",
    ),
    "no path": (
        {"image_id": ["a"], "split": ["train"]},
        UsageError,
        r"expected a column `path` \(or video_id\); its columns are 'image_id', 'split'.*--column path=NAME",
    ),
    "not a table": (7, UsageError, "expected a path, a pandas DataFrame"),
    "no such file": ("none.csv", UsageError, "there is no such file or folder"),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_is_no_split(name: str) -> None:
    source, error, says = WRONG[name]
    with pytest.raises(error, match=says):
        audit(source)


FILES: dict[str, tuple[str, bytes, type[Exception], str]] = {
    "empty": ("a.csv", b"", DataError, "this file is empty; expected a header line"),
    "latin-1": ("a.csv", "path,split\nü.jpg,train\n".encode("latin-1"), DataError, "in utf-8.*--encoding"),
    "latin-1 header": ("a.csv", "päth,split\n".encode("latin-1"), DataError, "expected text in utf-8"),
    "ragged": ("a.csv", b"path,split\na,b,c\n", DataError, "cannot be read as a table; .*Expected 2 columns, got 3"),
    "twice the same column": ("a.csv", b"path,path,split\na,b,train\n", DataError, "several columns named 'path'"),
    "no parquet": ("a.parquet", b"PAR0", DataError, "expected Parquet that can be read"),
    "no json": ("a.json", b"{", DataError, "expected JSON;"),
    "other json": ("a.json", b'{"a": 1}', DataError, "expected DeepfakeBench's .* found none of these"),
    "other file": ("a.xlsx", b"PK", UsageError, r"a split is \.parquet, .*got a file with the suffix '\.xlsx'"),
}  # fmt: skip


@pytest.mark.parametrize("name", FILES)
def test_files_that_cannot_be_read(name: str, tmp_path: Path) -> None:
    file_name, content, error, says = FILES[name]
    (tmp_path / file_name).write_bytes(content)
    with pytest.raises(error, match=says):
        audit(tmp_path / file_name)


def test_another_encoding_when_said(tmp_path: Path) -> None:
    path = csv_of(tmp_path, {"path": ["müller.jpg", "müller.jpg"], "split": ["train", "test"]}, encoding="latin-1")
    report = audit(path, read=ReadOptions(encoding="latin-1"))
    assert report.leaks[0].examples[0].key == "müller.jpg"


def test_any_words_may_be_splits_when_said() -> None:
    split = {"path": ["a", "b", "a"], "split": ["fold0", "fold1", "fold2"]}
    report = audit(split, read=ReadOptions(keep_split_names=True))
    assert [(leak.kind, *leak.splits) for leak in report.leaks] == [("file", "fold0", "fold2")]


def test_a_folder_without_splits(tmp_path: Path) -> None:
    (tmp_path / "a.jpg").write_bytes(b"x")
    with pytest.raises(UsageError, match=r"no folders named train, .*--split train=DIR --split test=DIR"):
        audit(tmp_path)


def test_nothing_given() -> None:
    with pytest.raises(UsageError, match="an audit needs a split"):
        audit()
