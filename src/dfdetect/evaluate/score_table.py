"""Scores of many files as columns: 100,000 videos and their frames in little memory.

table = ScoreTable.from_parquet(Path("out/scores.parquet"))
reals = table.select(table["label"] == 0)
frames = FrameTable.from_parquet(Path("out/frame_scores.parquet"), table)
labels = table["label"][frames["video"]]                     # of every frame
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from dfdetect.evaluate.scores import OK, FrameScore, VideoScore

Column = NDArray[Any]

TEXT_COLUMNS = (
    *("path", "dataset", "source", "method", "compression", "split", "group", "kind", "status", "verdict"),
)  # fmt: skip
NUMBER_COLUMNS: dict[str, type[np.generic]] = {
    "label": np.int8, "probability": np.float64, "logit": np.float64,
    "n_tracks": np.int32, "n_frames": np.int32, "usable": np.bool_, "decided": np.bool_,
}  # fmt: skip
COLUMNS = (*TEXT_COLUMNS, *NUMBER_COLUMNS)
EXTRA_PREFIX = "x_"  # of columns that the user's list carried

FRAME_COLUMNS: dict[str, type[np.generic]] = {
    "video": np.int32, "frame_index": np.int32, "time_s": np.float64, "track_id": np.int32,
    "probability": np.float64, "logit": np.float64, "face_px": np.float32, "blur": np.float32, "yaw_deg": np.float32,
    "pooled": np.bool_,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class ScoreTable:
    """Columns by name, each (N,): the fields of `VideoScore`, and the user's own under `x_NAME`.

    Text that is None in a row is "" here, a number that is None is nan; label is int8, 1 = fake. notes: what was odd
    in the file read but no reason to refuse it; reports print them.
    """

    columns: Mapping[str, Column]
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        missing = set(COLUMNS) - set(self.columns)
        unknown = [name for name in self.columns if name not in COLUMNS and not name.startswith(EXTRA_PREFIX)]
        sizes = {len(column) for column in self.columns.values()}
        if missing or unknown or len(sizes) > 1:
            raise ValueError(
                f"ScoreTable: expected {COLUMNS} of one length; missing {missing}, unknown {unknown}, lengths {sizes}"
            )

    def __len__(self) -> int:
        return len(self.columns["path"])

    def __getitem__(self, name: str) -> Column:
        return self.columns[name]

    @property
    def scored(self) -> NDArray[np.bool_]:
        """(N,) which files have a score."""
        return np.asarray((self["status"] == OK) & np.isfinite(self["probability"]))

    @property
    def extra_names(self) -> tuple[str, ...]:
        """Names of the user's own columns, with their prefix."""
        return tuple(name for name in self.columns if name.startswith(EXTRA_PREFIX))

    def select(self, rows: NDArray[np.bool_] | NDArray[np.intp]) -> ScoreTable:
        """The rows of a mask (N,), or those numbered, in that order."""
        return ScoreTable({name: column[rows] for name, column in self.columns.items()}, self.notes)

    @staticmethod
    def from_rows(rows: Sequence[VideoScore]) -> ScoreTable:
        columns: dict[str, Column] = {
            name: np.array([getattr(row, name) or "" for row in rows], np.str_) for name in TEXT_COLUMNS
        }
        for name, kind in NUMBER_COLUMNS.items():
            values = [getattr(row, name) for row in rows]
            columns[name] = np.array([np.nan if value is None else value for value in values], kind)
        for name in sorted({name for row in rows for name in row.extra}):
            columns[EXTRA_PREFIX + name] = np.array([row.extra.get(name, "") for row in rows], np.str_)
        return ScoreTable(columns)

    def rows(self) -> list[VideoScore]:
        """As rows: for small work, and for the few that a page shows."""
        lists = {name: column.tolist() for name, column in self.columns.items()}
        extra = {name.removeprefix(EXTRA_PREFIX): lists.pop(name) for name in self.extra_names}
        lists["verdict"] = [text or None for text in lists["verdict"]]
        for name in ("probability", "logit"):
            lists[name] = [None if value != value else value for value in lists[name]]
        return [
            VideoScore(
                **{name: values[n] for name, values in lists.items()},
                extra={name: values[n] for name, values in extra.items()},
            )
            for n in range(len(self))
        ]

    @staticmethod
    def from_parquet(path: Path) -> ScoreTable:
        """scores.parquet of a run, checked. DataError: see `score_files.read_parquet`."""
        from dfdetect.evaluate.score_files import read_parquet

        return read_parquet(path)

    @staticmethod
    def from_csv(
        path: Path, *, score_column: str | None = None, higher_means: Literal["fake", "real"] = "fake"
    ) -> ScoreTable:
        """Scores that somebody sends, checked. DataError: see `score_files.read_csv`."""
        from dfdetect.evaluate.score_files import read_csv

        return read_csv(path, score_column=score_column, higher_means=higher_means)

    def to_parquet(self, path: Path) -> None:
        """Write scores.parquet, whole or not at all."""
        from dfdetect.evaluate.score_files import write_parquet

        write_parquet(path, self)


@dataclass(frozen=True, slots=True)
class FrameTable:
    """Columns by name, each (M,): one row a scored face. video: (M,) row of the file in its `ScoreTable`."""

    columns: Mapping[str, Column]

    def __post_init__(self) -> None:
        if set(self.columns) != set(FRAME_COLUMNS) or len({len(column) for column in self.columns.values()}) > 1:
            raise ValueError(f"FrameTable: expected {tuple(FRAME_COLUMNS)} of one length; got {tuple(self.columns)}")

    def __len__(self) -> int:
        return len(self.columns["video"])

    def __getitem__(self, name: str) -> Column:
        return self.columns[name]

    def select(self, rows: NDArray[np.bool_] | NDArray[np.intp]) -> FrameTable:
        """The rows of a mask (M,), or those numbered, in that order."""
        return FrameTable({name: column[rows] for name, column in self.columns.items()})

    def of_videos(self, mask: NDArray[np.bool_]) -> FrameTable:
        """The frames of the files of a mask (N,) over the `ScoreTable`, numbered as `table.select(mask)` does."""
        number = np.cumsum(mask) - 1
        kept = self.select(mask[self["video"]])
        return FrameTable({**kept.columns, "video": number[kept["video"]].astype(np.int32)})

    def renumbered(self, places: NDArray[np.intp]) -> FrameTable:
        """The frames under a table of other rows. places: (N,) the new row of each old one; -1 = gone."""
        video = places[self["video"]]
        kept = self.select(video >= 0)
        return FrameTable({**kept.columns, "video": video[video >= 0].astype(np.int32)})

    @staticmethod
    def from_rows(rows: Iterable[FrameScore], table: ScoreTable) -> FrameTable:
        """KeyError for a frame of a file that the table does not hold."""
        numbers = {key: n for n, key in enumerate(zip(table["dataset"].tolist(), table["path"].tolist(), strict=True))}
        kept = list(rows)
        columns: dict[str, Column] = {"video": np.array([numbers[row.dataset, row.path] for row in kept], np.int32)}
        for name, kind in FRAME_COLUMNS.items():
            if name != "video":
                columns[name] = np.array([getattr(row, name) for row in kept], kind)
        return FrameTable(columns)

    @staticmethod
    def from_parquet(path: Path, table: ScoreTable) -> FrameTable:
        """frame_scores.parquet of the run whose files are `table`. DataError: see `score_files.read_frames`."""
        from dfdetect.evaluate.score_files import read_frames

        return read_frames(path, table)

    def to_parquet(self, path: Path, table: ScoreTable) -> None:
        """Write frame_scores.parquet, whole or not at all."""
        from dfdetect.evaluate.score_files import write_frames

        write_frames(path, self, table)
