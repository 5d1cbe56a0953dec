"""CSV lists: what is kept, and an error for every way to write one wrongly."""

from __future__ import annotations

from pathlib import Path

import pytest

from dfdetect.data.lists import read_list
from dfdetect.errors import DataError
from dfdetect.values import Label


def written(folder: Path, text: str, *, encoding: str = "utf-8") -> Path:
    path = folder / "list.csv"
    path.write_bytes(text.encode(encoding))
    return path


@pytest.mark.parametrize(
    ("word", "label"),
    [("real", 0), ("0", 0), ("fake", 1), ("1", 1), ("REAL", 0), (" Fake ", 1)],
)
def test_polarity_words(tmp_path: Path, word: str, label: int) -> None:
    """Datasets number their classes both ways; here 1 is always fake."""
    (row,) = read_list(written(tmp_path, f"path,label\na.jpg,{word}\n"))
    assert row.label == Label(label)


def test_known_columns_are_kept_others_ignored(tmp_path: Path) -> None:
    text = "note,path,label,person,source,licence,reuse,method\nhm,b/a.jpg,fake, ada ,web,CC0,free,swap\n"
    (row,) = read_list(written(tmp_path, text))
    assert (row.path, row.name) == (f"{tmp_path}/b/a.jpg", "b/a.jpg")
    assert (row.target_id, row.source, row.licence, row.reuse, row.method) == ("ada", "web", "CC0", "free", "swap")


def test_missing_columns_are_empty(tmp_path: Path) -> None:
    (row,) = read_list(written(tmp_path, "path,label,person\na.jpg,real\n"))
    assert (row.target_id, row.source, row.licence, row.reuse, row.method) == ("",) * 5


def test_relative_and_absolute_paths(tmp_path: Path) -> None:
    absolute = tmp_path / "else" / "b.jpg"
    listed = written(tmp_path, f"path,label\na.jpg,real\n{absolute},real\n")
    rows = read_list(listed, root=tmp_path / "photos")
    assert [row.path for row in rows] == [f"{tmp_path}/photos/a.jpg", str(absolute)]
    assert [row.name for row in rows] == ["a.jpg", str(absolute)]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig"])
def test_a_byte_order_mark_is_no_part_of_the_first_column(tmp_path: Path, encoding: str) -> None:
    """Lists saved by a spreadsheet "had no column path"."""
    (row,) = read_list(written(tmp_path, "path,label\nmüller.jpg,real\n", encoding=encoding))
    assert row.name == "müller.jpg"


def test_quotes_and_empty_lines(tmp_path: Path) -> None:
    rows = read_list(written(tmp_path, 'path,label\n"a, b.jpg",real\n\nc.jpg,fake\n'))
    assert [row.name for row in rows] == ["a, b.jpg", "c.jpg"]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", r"list.csv: needs the columns path,label; missing \['label', 'path'\]"),
        ("file,label\na.jpg,real\n", r"missing \['path'\]"),
        ("path;label\na.jpg;real\n", r"missing \['label', 'path'\]"),
        (
            "path,label\na.jpg,real\nb.jpg,maybe\n",
            r"line 3: label must be real, fake, 0 or 1 \(1 = fake\); got 'maybe'",
        ),
        ("path,label\na.jpg\n", r"line 2: label must be .* got ''"),
        ("path,label\na.jpg,real\na.jpg,fake\n", r"line 3: a.jpg is listed twice"),
        ("path,label\n,real\n", r"line 2: the path is empty"),
        ("label,path\nreal\n", r"line 2: the path is empty"),
    ],
)
def test_errors_name_the_line_and_what_was_expected(tmp_path: Path, text: str, says: str) -> None:
    with pytest.raises(DataError, match=says):
        read_list(written(tmp_path, text))


def test_a_list_that_is_not_there_or_not_text(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"none.csv: expected a CSV list in UTF-8 that can be read; .*No such file"):
        read_list(tmp_path / "none.csv")
    with pytest.raises(DataError, match="expected a CSV list in UTF-8"):
        read_list(written(tmp_path, "path,label\nmüller.jpg,real\n", encoding="latin-1"))
