"""Progress on standard error, on a terminal only."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.progress import Progress


class Bar:
    """`advance()` for what is done; `with bar.aside():` around writing to standard output on a terminal."""

    def __init__(self, progress: Progress, what: str, total: int) -> None:
        self._progress = progress
        self._task = progress.add_task(what, total=total, rate="", note="")

    def advance(self, items: int = 1, *, note: str | None = None) -> None:
        """note: shown at the end of the bar until another one comes."""
        speed = self._progress.tasks[0].speed
        self._progress.update(self._task, advance=items, rate=f"{speed:.1f}/s" if speed else "")
        if note is not None:
            self._progress.update(self._task, note=note)

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
def progress_bar(total: int, *, quiet: bool = False, what: str = "files") -> Iterator[Bar]:
    """A bar with rate and time left; nothing where standard error is no terminal."""
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
        yield Bar(progress, what, total)
