"""Score files, written and read: what `dfdetect evaluate` keeps, and what somebody else sends.

    scores.parquet, .csv   one row a file asked           ours; every COLUMN is there
    frame_scores.parquet   one row a scored face          ours
    scores.csv             path,label,probability         anybody's; further known columns are kept, x_NAME too

A file that says something impossible (NaN, 1.2, the same file twice, a label that is none) is refused with its line.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray

from dfdetect.batch.whole_file import whole_file
from dfdetect.calibration import sigmoid
from dfdetect.errors import DataError
from dfdetect.evaluate.score_table import (
    COLUMNS,
    EXTRA_PREFIX,
    FRAME_COLUMNS,
    TEXT_COLUMNS,
    Column,
    FrameTable,
    ScoreTable,
)
from dfdetect.evaluate.scores import DECIDED, MISSING, NO_FACE, OK
from dfdetect.values import Label, Verdict

if TYPE_CHECKING:
    import pyarrow as pa

SCORE_NAMES = ("probability", "score", "p", "logit")  # what a score column may be called without being named
_LABELS = {"real": 0, "0": 0, "0.0": 0, "fake": 1, "1": 1, "1.0": 1}
_TRUE_FALSE = {"true": True, "1": True, "false": False, "0": False}
_POLARITY = "label must be real, fake, 0 or 1, where 1 = fake, and every score is P(fake)"
_SHOWN = 5  # examples in a message


# ---- writing ----


def write_parquet(path: Path, table: ScoreTable) -> None:
    """Every column; no score and no verdict are null, a label is "real" or "fake"."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    columns: dict[str, pa.Array] = {}
    for name, values in table.columns.items():
        if name == "label":
            columns[name] = pa.array(np.where(values == Label.FAKE, "fake", "real"), pa.string())
        elif name in ("probability", "logit"):
            columns[name] = pa.array(values, mask=np.isnan(values))
        elif name == "verdict":
            columns[name] = pa.array(values, pa.string(), mask=values == "")
        else:
            columns[name] = pa.array(values, pa.string() if values.dtype.kind == "U" else None)
    with whole_file(path) as part:
        pq.write_table(pa.table(columns), part, compression="zstd")


def write_csv(path: Path, table: ScoreTable) -> None:
    """The same as text, for spreadsheets and for whoever is sent scores; `read_csv` takes it back."""
    from dfdetect.detect.result_json import csv_cell

    columns = {name: values.tolist() for name, values in table.columns.items()}
    columns["label"] = ["fake" if label == Label.FAKE else "real" for label in columns["label"]]
    for name, values in columns.items():
        if table[name].dtype.kind == "U":
            columns[name] = [csv_cell(text) for text in values]
        elif table[name].dtype.kind == "f":
            columns[name] = ["" if value != value else repr(value) for value in values]
        elif table[name].dtype.kind == "b":
            columns[name] = ["true" if value else "false" for value in values]
    with whole_file(path) as part, part.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(columns)
        writer.writerows(zip(*columns.values(), strict=True))


def write_frames(path: Path, frames: FrameTable, table: ScoreTable) -> None:
    """One row a scored face, named by path and dataset, so that the file can be read without ours."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    video = pa.array(frames["video"])
    columns: dict[str, pa.Array] = {
        name: pa.DictionaryArray.from_arrays(video, pa.array(table[name], pa.string())) for name in ("path", "dataset")
    }
    for name in FRAME_COLUMNS:
        if name != "video":
            columns[name] = pa.array(frames[name])
    with whole_file(path) as part:
        pq.write_table(pa.table(columns), part, compression="zstd")


# ---- reading ----


def read_parquet(path: Path) -> ScoreTable:
    """scores.parquet of a run. DataError: no such file, no Parquet, or what `table_of` refuses."""
    return table_of(_parquet(path, "scores.parquet of `dfdetect evaluate`"), str(path))


def read_csv(
    path: Path, *, score_column: str | None = None, higher_means: Literal["fake", "real"] = "fake"
) -> ScoreTable:
    """Scores as text with a header line (comma, tab or semicolon). DataError: see `table_of`."""
    from dfdetect.data.audit.tables import ReadOptions, text_header, text_table

    if not path.is_file():
        raise DataError(f"{path}: no such file; expected scores as CSV with the columns path,label,probability")
    header, _ = text_header(path, ReadOptions(encoding_flag=""))
    found = text_table(path, list(dict.fromkeys(header)), ReadOptions(encoding_flag=""))
    return table_of(found, str(path), score_column=score_column, higher_means=higher_means, first_line=2)


def read_frames(path: Path, table: ScoreTable) -> FrameTable:
    """frame_scores.parquet. DataError: a column is missing, a frame is of no file of the table, a score impossible."""
    found = _parquet(path, "frame_scores.parquet of `dfdetect evaluate`")
    missing = {"path", "dataset", *FRAME_COLUMNS} - {"video"} - set(found.column_names)
    if missing:
        raise DataError(f"{path}: needs the columns {', '.join(sorted(missing))}; has {', '.join(found.column_names)}")
    columns: dict[str, Column] = {"video": _video_numbers(found, table, path)}
    for name, kind in FRAME_COLUMNS.items():
        if name != "video":
            columns[name] = found.column(name).to_numpy().astype(kind)
    wrong = ~((columns["probability"] >= 0) & (columns["probability"] <= 1) & np.isfinite(columns["logit"]))
    if wrong.any():
        raise DataError(f"{path}: row {int(np.flatnonzero(wrong)[0])} has no probability within 0..1 and finite logit")
    return FrameTable(columns)


def table_of(
    found: pa.Table,
    where: str,
    *,
    score_column: str | None = None,
    higher_means: Literal["fake", "real"] = "fake",
    first_line: int = 0,
) -> ScoreTable:
    """An Arrow table of scores, checked and with every column.

    score_column: its name for the score: a probability, or where it is called `logit`, a logit, whose sigmoid is then
    the probability. higher_means: "real" turns the scores round. first_line: number of the first row, for messages.
    DataError: path, label or score missing; a label of another word; a score that is no number, nan or outside 0..1;
    the same path twice in one dataset; a status "ok" without a score.
    """
    check = _Checked(found, where, first_line)
    name = _score_name(found.column_names, where, score_column)
    notes = check.unknown({name})
    columns: dict[str, Column] = {column: check.text(column) for column in TEXT_COLUMNS}
    columns["label"] = check.labels()
    for column in ("n_tracks", "n_frames"):
        columns[column] = np.nan_to_num(check.numbers(column)).astype(np.int32)
    columns["probability"], columns["logit"] = check.scores(name, higher_means)
    if name == "logit" and "probability" not in found.column_names:
        notes.append("only logits were given: P(manipulated) is their sigmoid, which nobody calibrated")
    has_score = np.isfinite(columns["probability"])
    columns["status"] = check.statuses(columns["status"], has_score)
    columns["verdict"] = check.verdicts(columns["verdict"])
    columns["usable"] = check.flags("usable", has_score)
    columns["decided"] = np.isin(columns["verdict"], sorted(DECIDED))
    if not (columns["verdict"] != "").any() and len(found):
        notes.append("no verdicts were given: how often the model abstains is not known")
    nobody = columns["group"] == ""
    columns["group"] = np.where(nobody, columns["path"], columns["group"])
    if nobody.all() and len(found):
        notes.append("no groups were given: each file is its own in every interval, which makes them too narrow")
    check.refuse_repeated(columns)
    for column in found.column_names:
        if column.startswith(EXTRA_PREFIX):
            columns[column] = check.text(column)
    return ScoreTable(columns, tuple(notes))


def _score_name(names: Sequence[str], where: str, asked: str | None) -> str:
    missing = {"path", "label"} - set(names)
    if missing:
        raise DataError(
            f"{where}: scores need the columns path, label and probability; missing {', '.join(sorted(missing))}; "
            f"found {', '.join(names)}. Known too: {', '.join(COLUMNS)}, and x_NAME for groups of your own"
        )
    if asked is not None:
        if asked not in names:
            raise DataError(f"{where}: there is no score column {asked!r}; the columns are {', '.join(names)}")
        return asked
    present = [name for name in SCORE_NAMES if name in names]
    if "probability" in present:
        return "probability"
    if len(present) != 1:
        raise DataError(
            f"{where}: expected one column of scores called {', '.join(SCORE_NAMES[:-1])} or logit; found "
            f"{' and '.join(present) or 'none'}. Name it with --score-column; the columns are {', '.join(names)}"
        )
    return present[0]


class _Checked:
    """Columns of one table, each checked as it is taken."""

    def __init__(self, table: pa.Table, where: str, first_line: int) -> None:
        self._table, self._where, self._first = table, where, first_line

    def _refuse(self, wrong: NDArray[np.bool_], values: Column, says: str) -> None:
        if wrong.any():
            rows = np.flatnonzero(wrong)
            shown = ", ".join(f"{values[n]!s} (row {n + self._first})" for n in rows[:_SHOWN])
            more = f" and {len(rows) - _SHOWN} more" if len(rows) > _SHOWN else ""
            raise DataError(f"{self._where}: {says}; got {shown}{more}")

    def unknown(self, known: set[str]) -> list[str]:
        names = [
            name
            for name in self._table.column_names
            if name not in COLUMNS and name not in known and not name.startswith(EXTRA_PREFIX)
        ]
        if not names:
            return []
        return [f"columns left out because nothing is known of them: {', '.join(names)} (x_NAME keeps one as a group)"]

    def text(self, name: str) -> Column:
        """ "" where there is no such column or no value."""
        import pyarrow as pa
        import pyarrow.compute as pc

        if name not in self._table.column_names:
            return np.zeros(len(self._table), "U1")
        values = pc.fill_null(self._table.column(name).cast(pa.string()), "")
        return np.asarray(values.to_numpy(), np.str_)

    def numbers(self, name: str) -> NDArray[np.float64]:
        """nan where there is no value; a nan that was written is refused."""
        import pyarrow as pa

        if name not in self._table.column_names:
            return np.full(len(self._table), np.nan)
        column = self._table.column(name)
        given = ~column.is_null().to_numpy()
        try:
            values = np.asarray(column.cast(pa.float64()).to_numpy(), np.float64)
        except pa.ArrowInvalid:
            texts = self.text(name)
            fine = np.array([_is_number(text) for text in texts], bool)
            self._refuse(given & ~fine, texts, f"{name} must be numbers")
            values = np.array([float(text) if text.strip() else np.nan for text in texts])
        self._refuse(given & ~np.isfinite(values), values, f"{name} must be finite; leave it empty where there is none")
        return values

    def labels(self) -> Column:
        words = np.char.lower(self.text("label"))
        known, of_row = np.unique(words, return_inverse=True)
        codes = np.array([_LABELS.get(str(word).strip(), -1) for word in known], np.int8)
        values: Column = codes[of_row] if len(known) else np.zeros(0, np.int8)
        self._refuse(values < 0, words, _POLARITY)
        return values

    def scores(self, name: str, higher_means: str) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        given, logit = self.numbers(name), self.numbers("logit")
        if name == "logit":
            logit = -given if higher_means == "real" else given
            return np.asarray(sigmoid(logit), np.float64), logit
        wrong = (given < 0) | (given > 1)
        self._refuse(wrong, given, f"{name} must be within 0..1, the probability of a manipulation")
        return (1 - given, -logit) if higher_means == "real" else (given, logit)

    def statuses(self, status: Column, has_score: NDArray[np.bool_]) -> Column:
        status = np.where(status == "", np.where(has_score, OK, MISSING), status)
        wrong = (status == OK) & ~has_score
        self._refuse(wrong, self.text("path"), f"status {OK!r} needs a score; write {NO_FACE!r} or leave it empty")
        self._refuse((status != OK) & has_score, status, f"a file with a score has status {OK!r}")
        return status

    def verdicts(self, verdict: Column) -> Column:
        known = ("", *(one.value for one in Verdict))
        self._refuse(~np.isin(verdict, known), verdict, f"verdict must be one of {', '.join(known[1:])} or empty")
        return verdict

    def flags(self, name: str, otherwise: NDArray[np.bool_]) -> NDArray[np.bool_]:
        words = np.char.lower(self.text(name))
        self._refuse(~np.isin(words, ["", *_TRUE_FALSE]), words, f"{name} must be true or false")
        return np.where(words == "", otherwise, np.isin(words, [w for w, true in _TRUE_FALSE.items() if true]))

    def refuse_repeated(self, columns: Mapping[str, Column]) -> None:
        paths, datasets = columns["path"], columns["dataset"]
        self._refuse(paths == "", paths, "every row needs a path")
        order = np.lexsort((paths, datasets))
        before, after = order[:-1], order[1:]
        same = (paths[after] == paths[before]) & (datasets[after] == datasets[before])
        repeated = np.zeros(len(paths), bool)
        repeated[after[same]] = True
        self._refuse(repeated, paths, "each path may be there once in its dataset")


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return not text.strip()
    return True


def _parquet(path: Path, what: str) -> pa.Table:
    import pyarrow as pa
    import pyarrow.parquet as pq

    if not path.is_file():
        raise DataError(f"{path}: no such file; expected {what}")
    try:
        return pq.read_table(path)
    except (pa.ArrowException, OSError) as error:
        raise DataError(f"{path}: expected {what}; {error}") from error


def _video_numbers(found: pa.Table, table: ScoreTable, path: Path) -> Column:
    """(M,) int32: which row of the table each frame's path and dataset name."""
    numbers = {key: n for n, key in enumerate(zip(table["dataset"].tolist(), table["path"].tolist(), strict=True))}
    datasets, of_dataset = _encoded(found.column("dataset"))
    paths, of_path = _encoded(found.column("path"))
    pairs = of_dataset.astype(np.int64) * (len(paths) + 1) + of_path
    unique, of_row = np.unique(pairs, return_inverse=True)
    rows = [numbers.get((datasets[pair // (len(paths) + 1)], paths[pair % (len(paths) + 1)]), -1) for pair in unique]
    video = np.array(rows, np.int32)[of_row] if len(unique) else np.zeros(0, np.int32)
    if (video < 0).any():
        lost = paths[of_path[np.flatnonzero(video < 0)[0]]]
        raise DataError(f"{path}: has frames of {lost}, a file that its scores do not name; keep both files of one run")
    return video


def _encoded(column: pa.ChunkedArray) -> tuple[list[str], Column]:
    """Values and each row's number in them."""
    import pyarrow as pa

    whole = column.cast(pa.string()) if pa.types.is_dictionary(column.type) else column
    array = whole.dictionary_encode().unify_dictionaries().combine_chunks()
    if isinstance(array, pa.ChunkedArray):
        array = pa.concat_arrays(array.chunks) if array.num_chunks else pa.array([], pa.string()).dictionary_encode()
    return array.dictionary.to_pylist(), array.indices.to_numpy()
