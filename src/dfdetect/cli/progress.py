"""Progress on standard error, on a terminal only."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.progress import Progress


class Bar:
    """`advance()` for what is done; `with bar.aside():` around writing to standard output on a terminal."""

    def __init__(self, progress: Progress, what: str, total: int, lines: _Lines | None = None) -> None:
        self._progress, self._lines = progress, lines
        self._task = progress.add_task(what, total=total, rate="", note="")

    def begin(self, total: int) -> None:
        """The number of items, where it was not known when the bar was made."""
        self._progress.update(self._task, total=total)

    def reach(self, done: int, total: int) -> None:
        """So many are done, of so many; what is told again is not counted again."""
        self.begin(total)
        self.advance(done - int(self._progress.tasks[0].completed))

    def advance(self, items: int = 1, *, note: str | None = None) -> None:
        """note: shown at the end of the bar until another one comes."""
        speed = self._progress.tasks[0].speed
        self._progress.update(self._task, advance=items, rate=f"{speed:.1f}/s" if speed else "")
        if note is not None:
            self._progress.update(self._task, note=note)
        if self._lines is not None:
            task = self._progress.tasks[0]
            self._lines.tell(task.description, int(task.completed), int(task.total or 0), task.fields["note"])

    def aside(self) -> AbstractContextManager[None]:
        """Takes the bar away while something else is printed, so that the two do not mix."""
        return nullcontext() if self._progress.disable else self._paused()

    @contextmanager
    def _paused(self) -> Iterator[None]:
        self._progress.stop()
        try:
            yield
        finally:
            self._progress.start()


@contextmanager
def resumable(out: Path) -> Iterator[None]:
    """Ctrl-C inside ends the command, and says that the same one goes on in this folder."""
    import typer

    from dfdetect.cli.main import INTERRUPTED

    try:
        yield
    except KeyboardInterrupt:
        typer.echo(f"stopped; the same command goes on where this one was (unfinished: {out})", err=True)
        raise typer.Exit(INTERRUPTED) from None


class _Lines:
    """Says now and then, as a line of text, how far a long run is."""

    def __init__(self, every_s: float) -> None:
        self._every_s = every_s
        self._began = self._told = time.monotonic()
        self._first: int | None = None

    def tell(self, what: str, done: int, total: int, note: str) -> None:
        now = time.monotonic()
        if self._first is None:
            self._first = done  # what an earlier run did says nothing of how fast this one is
        if now - self._told < self._every_s:
            return
        self._told = now
        rate = (done - self._first) / (now - self._began)
        left = f", {rate:.2g}/s, {(total - done) / rate / 60:.0f} min left" if rate > 0 else ""
        sys.stderr.write(f"{what}: {done} of {total}{left}{f' ({note})' if note else ''}\n")
        sys.stderr.flush()


@contextmanager
def progress_bar(
    total: int, *, quiet: bool = False, what: str = "files", lines_every_s: float | None = None
) -> Iterator[Bar]:
    """A bar with rate and time left. Where standard error is no terminal: a line every lines_every_s, or nothing."""
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )

    console = Console(stderr=True)
    progress = Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[rate]}"),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
        TextColumn("{task.fields[note]}"),
        console=console,
        transient=True,
        disable=quiet or not console.is_terminal,
    )
    with progress:
        lines = lines_every_s is not None and not quiet and not console.is_terminal
        yield Bar(progress, what, total, _Lines(lines_every_s) if lines and lines_every_s is not None else None)
