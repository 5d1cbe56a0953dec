"""The numbers of an index, up to the published size of the datasets that people add up."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import pytest

import published_trees
from dfdetect.data.readers import READERS
from dfdetect.data.readers.reader import Reading
from dfdetect.data.sample import Sample, to_table
from dfdetect.data.stats import readable_bytes, stats, stats_csv, stats_plot, stats_text
from dfdetect.errors import DataError
from dfdetect.values import Label


def sample(video: str, *, fake: bool = False, dataset: str = "one", **keys: str) -> Sample:
    label = Label.FAKE if fake else Label.REAL
    path = f"/d/{video}{keys.get('compression', '')}"
    return Sample(path, "/d", label, dataset, video, "video", bytes=1000, method="swap" if fake else "", **keys)  # type: ignore[arg-type]


def test_a_clip_at_three_compressions_is_one_video_and_three_files() -> None:
    rows = [sample("a", compression=c, target_id="p:1") for c in ("raw", "c23", "c40")]
    one, total = stats(to_table([*rows, sample("b", fake=True, target_id="p:1", donor_id="p:2")]))
    assert (one.videos, one.real, one.fake, one.files, one.bytes) == (2, 1, 1, 4, 4000)
    assert (one.identities, one.methods) == (2, 1)
    assert one.hours is None
    assert (total.dataset, total.videos) == ("total", 2)


def test_people_of_two_datasets_are_counted_once_in_the_total() -> None:
    rows = [sample("a", target_id="p:1"), sample("b", dataset="two", target_id="p:1")]
    assert [row.identities for row in stats(to_table(rows))] == [1, 1, 1]


def test_hours_are_summed_over_files() -> None:
    rows = [sample("a"), sample("b", dataset="two")]
    found = stats(to_table(rows), hours={"/d/a": 0.5, "/d/b": 0.25})
    assert [row.hours for row in found] == [0.5, 0.25, 0.75]


def test_leaving_out_by_the_beginning_of_video_id() -> None:
    table = to_table([sample("x/a"), sample("x/b"), sample("y/a")])
    assert stats(table, without=["x/"])[-1].videos == 1
    with pytest.raises(DataError, match=r"--without z: no video_id of the index begins so; try one of x, y"):
        stats(table, without=["z"])


def test_text_csv_and_plot_hold_the_same_rows(tmp_path: Path) -> None:
    rows = stats(to_table([sample("a"), sample("b", fake=True, dataset="two")]))
    assert [line.split()[0] for line in stats_text(rows).splitlines()] == ["dataset", "one", "two", "total"]
    table = list(csv.DictReader(io.StringIO(stats_csv(rows))))
    assert [(row["dataset"], row["videos"], row["hours"]) for row in table] == [
        ("one", "1", ""),
        ("two", "1", ""),
        ("total", "2", ""),
    ]
    stats_plot(rows, tmp_path / "plot.png")
    assert (tmp_path / "plot.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize(("size", "text"), [(0, "0 B"), (999, "999 B"), (1_834_213, "1.8 MB"), (3 * 10**12, "3.00 TB")])
def test_bytes_for_people(size: int, text: str) -> None:
    assert readable_bytes(size) == text


def test_the_selection_that_people_quote_at_full_published_size(tmp_path: Path) -> None:
    """5,000 FF++ + 3,431 DFD + 6,229 Celeb-DF + 640 TIMIT + 119,146 DFDC = 134,446 videos (docs/datasets.md)."""
    trees = {
        "faceforensics": published_trees.faceforensics(tmp_path),
        "dfd": published_trees.google_dfd(tmp_path),
        "celeb_df_v2": published_trees.celeb_df_v2(tmp_path / "Celeb-DF-v2"),
        "deepfake_timit": published_trees.deepfake_timit(tmp_path),
        "dfdc": published_trees.dfdc_train(tmp_path / "dfdc"),
    }
    samples = [one for name, tree in trees.items() for one in READERS[name].read(Reading(tree))]
    rows = {row.dataset: row for row in stats(to_table(samples), without=["ffpp/FaceShifter", "celeb_df/YouTube-real"])}
    counts = {"faceforensics": 5_000, "dfd": 3_431, "celeb_df_v2": 6_229, "deepfake_timit": 640, "dfdc": 119_146}
    assert {name: row.videos for name, row in rows.items() if name != "total"} == counts
    assert rows["total"].videos == pytest.approx(134_446, rel=0.001)
    assert (rows["dfd"].real, rows["dfd"].identities) == (363, 28)
    assert (rows["celeb_df_v2"].identities, rows["deepfake_timit"].identities) == (59, 32)
