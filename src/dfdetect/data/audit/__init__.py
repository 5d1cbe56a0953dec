"""Any train/val/test split -> what leaks between its parts.

    from dfdetect.data.audit import audit
    report = audit("split.csv")                       # or an index, a folder, a JSON, a DataFrame, several of them
    report.leaks, report.not_checked, report.notes

sources read a split however it is written; names tells keys from paths; leaks finds keys on both sides; pixels finds
pictures that look the same; report says it as text, JSON and HTML.
"""

from __future__ import annotations

from dfdetect.data.audit.report import AuditReport, Leak
from dfdetect.data.audit.run import audit

__all__ = ["AuditReport", "Leak", "audit"]
