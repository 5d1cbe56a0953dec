"""Logs of the service."""

from __future__ import annotations

import sys

import structlog


def set_up_logs(*, as_json: bool) -> None:
    """One line an event on standard error; JSON where no person reads along. Never media, names of files or keys."""
    shown: structlog.types.Processor = (
        structlog.processors.JSONRenderer() if as_json else structlog.dev.ConsoleRenderer()
    )
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            shown,
        ],
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )
