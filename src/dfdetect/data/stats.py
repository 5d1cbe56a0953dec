"""The table that people quote: videos, real and fake, identities, methods, bytes and hours, a dataset a row."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dfdetect.errors import DataError

if TYPE_CHECKING:
    import pyarrow as pa


@dataclass(frozen=True, slots=True)
class StatsRow:
    """One dataset, or the total.

    videos: distinct clips (a clip at three compressions is one video and three files). identities: distinct people
    that the names carry, as target or donor. methods: distinct ways of faking. hours: None until probed.
    """

    dataset: str
    videos: int
    real: int
    fake: int
    identities: int
    methods: int
    files: int
    bytes: int
    hours: float | None = None


def stats(table: pa.Table, *, without: Sequence[str] = (), hours: Mapping[str, float] | None = None) -> list[StatsRow]:
    """Rows by dataset in order of name, then the total.

    table: an index (`Sample` columns). without: beginnings of `video_id` to leave out, such as "ffpp/FaceShifter".
    hours: path -> duration in hours of those that were probed.
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    for start in without:
        left = pc.starts_with(table["video_id"], pattern=start)
        if not pc.any(left).as_py():
            raise DataError(f"--without {start}: no video_id of the index begins so; try one of {_starts(table)}")
        table = table.filter(pc.invert(left))
    if hours is not None:
        table = table.append_column("hours", pa.array([hours.get(path, 0.0) for path in table["path"].to_pylist()]))
    names = sorted(name for name in pc.unique(table["dataset"]).to_pylist())
    parts = [(name, table.filter(pc.equal(table["dataset"], name))) for name in names]
    return [_row(name, part) for name, part in [*parts, ("total", table)]]


def _row(name: str, table: pa.Table) -> StatsRow:
    import pyarrow as pa
    import pyarrow.compute as pc

    def distinct(values: Any) -> int:
        found = pc.unique(values)
        return len(found) - int(pc.any(pc.equal(found, "")).as_py() or False)

    fake = pc.equal(table["label"], "fake")
    people = pa.chunked_array([*table["target_id"].chunks, *table["donor_id"].chunks], type=pa.string())
    return StatsRow(
        dataset=name,
        videos=distinct(table["video_id"]),
        real=distinct(table.filter(pc.invert(fake))["video_id"]),
        fake=distinct(table.filter(fake)["video_id"]),
        identities=distinct(people),
        methods=distinct(table["method"]),
        files=table.num_rows,
        bytes=int(pc.sum(table["bytes"]).as_py() or 0),
        hours=float(pc.sum(table["hours"]).as_py() or 0.0) if "hours" in table.column_names else None,
    )


def _starts(table: pa.Table) -> str:
    found = sorted({str(name).rpartition("/")[0] for name in table["video_id"].to_pylist()})
    return ", ".join(found[:12]) + (", ..." if len(found) > 12 else "")


def stats_text(rows: Sequence[StatsRow]) -> str:
    """The table in columns, for a terminal."""
    probed = any(row.hours is not None for row in rows)
    head = [
        "dataset",
        "videos",
        "real",
        "fake",
        "identities",
        "methods",
        "files",
        "size",
        *(["hours"] if probed else []),
    ]
    lines = [head]
    for row in rows:
        numbers = (row.videos, row.real, row.fake, row.identities, row.methods, row.files)
        cells = [row.dataset, *(f"{n:,}" for n in numbers), readable_bytes(row.bytes)]
        lines.append(cells + ([f"{row.hours or 0:,.2f}"] if probed else []))
    widths = [max(len(line[column]) for line in lines) for column in range(len(head))]
    return "\n".join(
        "  ".join(cell.ljust(width) if column == 0 else cell.rjust(width) for column, (cell, width) in enumerate(pairs))
        for pairs in (list(zip(line, widths, strict=True)) for line in lines)
    )


def readable_bytes(count: int) -> str:
    """1834213 -> "1.8 MB"; powers of 1000, as disks are sold."""
    size = float(count)
    for unit in ("B", "kB", "MB", "GB"):
        if size < 1000:
            return f"{size:.0f} {unit}" if unit == "B" else f"{size:.1f} {unit}"
        size /= 1000
    return f"{size:.2f} TB"


def stats_csv(rows: Sequence[StatsRow]) -> str:
    """The table as CSV, numbers unrounded; hours empty where they were not probed."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    names = ("dataset", "videos", "real", "fake", "identities", "methods", "files", "bytes", "hours")
    writer.writerow(names)
    for row in rows:
        writer.writerow(["" if (value := getattr(row, name)) is None else value for name in names])
    return out.getvalue()


def stats_plot(rows: Sequence[StatsRow], path: Path) -> None:
    """A PNG (or SVG, PDF by suffix): real and fake videos a dataset as bars on a logarithmic axis."""
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot as plt

    shown = [row for row in rows if row.dataset != "total"]
    figure, axes = plt.subplots(figsize=(8, 1.4 + 0.55 * len(shown)), layout="constrained")
    places = range(len(shown))
    for offset, name, colour in ((-0.2, "real", "#3b7dd8"), (0.2, "fake", "#d9622b")):
        counts = [getattr(row, name) for row in shown]
        bars = axes.barh([place + offset for place in places], counts, height=0.38, color=colour, label=name)
        axes.bar_label(bars, labels=[f"{count:,}" if count else "none" for count in counts], padding=3, fontsize=8)
    axes.set_yticks(list(places), [row.dataset for row in shown])
    axes.invert_yaxis()
    axes.set_xscale("log")
    axes.set_xlim(left=0.7, right=max([10, *(max(row.real, row.fake) for row in shown)]) * 4)
    axes.set_xlabel("videos (logarithmic)")
    total = rows[-1]
    axes.set_title(f"{total.videos:,} videos: {total.real:,} real, {total.fake:,} fake", loc="left", fontsize=10)
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(frameon=False, loc="lower right")
    figure.savefig(path, dpi=150)
    plt.close(figure)
