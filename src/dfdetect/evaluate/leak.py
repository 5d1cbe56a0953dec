"""Was the model trained on what it is tested on? The training data and the test data as one split, for `data.audit`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from dfdetect.evaluate.findings import Finding, FindingCode, finding
from dfdetect.evaluate.score_table import ScoreTable

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
    test = _as_table(tested) if isinstance(tested, ScoreTable) else tested
    report = audit(splits={"train": train, "test": test})
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


def _of_training(path: Path) -> pa.Table | Path:
    """The rows of an index that a model learns from; the file itself where it is no index or has no splits."""
    import pyarrow as pa
    import pyarrow.compute as pc
    import pyarrow.parquet as pq

    if "split" not in pq.read_schema(path).names:
        return path
    table = pq.read_table(path)
    learned = pc.is_in(table.column("split").cast(pa.string()), pa.array(_LEARNED_FROM))
    return table.filter(learned) if pc.any(learned).as_py() else path


def _as_table(table: ScoreTable) -> pa.Table:
    import pyarrow as pa

    person = np.where(table["group"] == table["path"], "", table["group"])
    return pa.table(
        {
            "path": table["path"],
            "label": np.where(table["label"] == 1, "fake", "real"),
            **{name: table[name] for name in ("dataset", "method", "compression")},
            "target_id": person,
        }
    )
