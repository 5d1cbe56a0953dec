"""Was the model trained on what it is tested on? The training data and the test data as one split, for `data.audit`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from dfdetect.errors import DataError
from dfdetect.evaluate.findings import Finding, FindingCode, finding
from dfdetect.evaluate.score_table import Column, ScoreTable

if TYPE_CHECKING:
    import pyarrow as pa

    from dfdetect.data.audit import AuditReport

_LEARNED_FROM = ("train", "val")  # val chose the checkpoint and the thresholds


def find_leaks(trained_on: Path, tested: Path | ScoreTable) -> tuple[list[Finding], AuditReport]:
    """What of the training data is in the test data, as findings, and the audit that says so.

    trained_on: an index, list, split or folder of shards, of which train and val count; without a split all of it.
    tested: the same of the test data, all of it; or a score table, whose group is then taken for the person.
    Errors: as `data.audit.audit`.
    """
    from dfdetect.data.audit import audit

    train = _of_training(trained_on) if trained_on.suffix.lower() == ".parquet" else trained_on
    if not isinstance(tested, ScoreTable):
        report = audit(splits={"train": train, "test": tested})
    elif isinstance(train, Path) or "root" not in train.column_names or not (tested["dataset"] != "").all():
        report = audit(splits={"train": train, "test": _as_table(tested, tested["path"])})
    else:
        # `real/001.jpg` of two datasets are two files: the dataset becomes the first folder of both.
        paths = np.char.add(np.char.add(tested["dataset"], "/"), tested["path"])
        report = audit(splits={"train": _named_inside(train), "test": _as_table(tested, paths)})
    return _findings(report), report


def _findings(report: AuditReport) -> list[Finding]:
    from dfdetect.data.audit.wording import KINDS

    found = [finding(FindingCode.TRAIN_TEST_LEAK, leak=leak.text) for leak in report.leaks]
    clean = sorted({KINDS[kind].title.lower() for kind, *_ in report.clean})
    if not found and clean:
        found.append(finding(FindingCode.NO_LEAK_FOUND, checked=", ".join(clean)))
    blind = sorted({KINDS[row.kind].title.lower() for row in report.not_checked if row.samples == row.of})
    if blind or not (found or clean):
        why = f"no keys for {', '.join(blind)}" if blind else "nothing to compare the samples by"
        found.append(finding(FindingCode.LEAK_NOT_CHECKED, why=why))
    return found


def _of_training(path: Path) -> pa.Table:
    """The rows of an index that a model learns from; all of them where it has no splits. DataError: no Parquet file."""
    import pyarrow as pa
    import pyarrow.compute as pc
    import pyarrow.parquet as pq

    if not path.is_file():
        raise DataError(f"{path}: no such file; expected the index of the training data (`dfdetect data index`)")
    try:
        table = pq.read_table(path)
    except (pa.ArrowException, OSError) as error:
        raise DataError(f"{path}: expected the index of the training data as Parquet; {error}") from error
    if "split" not in table.column_names:
        return table
    learned = pc.is_in(table.column("split").cast(pa.string()), pa.array(_LEARNED_FROM))
    return table.filter(learned) if pc.any(learned).as_py() else table


def _named_inside(index: pa.Table) -> pa.Table:
    """An index whose paths are DATASET/PATH INSIDE ITS FOLDER."""
    import pyarrow as pa

    columns = (index.column(name).to_pylist() for name in ("dataset", "root", "path"))
    paths = [
        f"{dataset}/{path.removeprefix(root).lstrip('/') if root else path}"
        for dataset, root, path in zip(*columns, strict=True)
    ]
    return index.set_column(index.column_names.index("path"), "path", pa.array(paths, pa.string()))


def _as_table(table: ScoreTable, paths: Column) -> pa.Table:
    import pyarrow as pa

    person = np.where(table["group"] == table["path"], "", table["group"])
    return pa.table(
        {
            "path": paths,
            "label": np.where(table["label"] == 1, "fake", "real"),
            **{name: table[name] for name in ("dataset", "method", "compression")},
            "target_id": person,
        }
    )
