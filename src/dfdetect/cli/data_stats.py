"""`dfdetect data stats`: how many videos, people, methods, bytes and hours an index holds."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer


def command(
    index: Annotated[Path, typer.Argument(help="Index made by `dfdetect data index`.")],
    without: Annotated[
        list[str] | None,
        typer.Option(help="Leave out clips whose video_id begins so, such as ffpp/FaceShifter; repeatable."),
    ] = None,
    csv: Annotated[Path | None, typer.Option("--csv", help="Also write the table as CSV.")] = None,
    plot: Annotated[Path | None, typer.Option("--plot", help="Also draw it (.png, .svg or .pdf).")] = None,
    probe: Annotated[
        bool, typer.Option("--probe", help="Open every video to add up hours. Slow; goes on where it was stopped.")
    ] = False,
    jobs: Annotated[int, typer.Option("--jobs", "-j", min=1, help="Processes for --probe.")] = 1,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No progress bar.")] = False,
) -> None:
    """Count videos, real and fake, identities, methods, bytes and hours, a dataset a row and in total.

    A clip at three compressions is one video and three files. Identities are the people that file names tell apart;
    a dataset whose names say nothing about people counts none.
    """
    from dfdetect.cli.main import DONE, SOME_FAILED
    from dfdetect.data.sample import read_index_table
    from dfdetect.data.stats import stats, stats_csv, stats_plot, stats_text

    table = read_index_table(index)
    hours, failed = None, 0
    if probe:
        videos = [
            str(p)
            for p, kind in zip(table["path"].to_pylist(), table["kind"].to_pylist(), strict=True)
            if kind == "video"
        ]
        hours, failed = _probe(videos, index.with_suffix(".hours.jsonl"), jobs, quiet)
    rows = stats(table, without=without or (), hours=hours)
    typer.echo(stats_text(rows))
    if failed:
        typer.echo(f"{failed:,} videos could not be opened and count no hours; see {index.with_suffix('.hours.jsonl')}")
    if csv is not None:
        csv.write_text(stats_csv(rows), encoding="utf-8")
    if plot is not None:
        stats_plot(rows, plot)
    raise typer.Exit(SOME_FAILED if failed else DONE)


def _probe(videos: list[str], kept: Path, jobs: int, quiet: bool) -> tuple[dict[str, float], int]:
    """(path -> hours, how many could not be opened). Found durations are kept in a file of JSON lines, to go on."""
    import json

    from dfdetect.batch import pool
    from dfdetect.batch.journal import drop_torn_line
    from dfdetect.cli.progress import progress_bar

    drop_torn_line(kept)
    lines = kept.read_text(encoding="utf-8").splitlines() if kept.exists() else []
    found: dict[str, float | None] = {row["path"]: row["seconds"] for row in map(json.loads, lines)}
    waiting = [path for path in videos if path not in found]
    with kept.open("a", encoding="utf-8") as file, progress_bar(len(waiting), quiet=quiet, what="videos") as bar:
        for outcome in pool.run(waiting, _duration_worker, jobs=jobs):
            error = outcome.error.code if outcome.error else None
            found[outcome.item] = outcome.result
            file.write(json.dumps({"path": outcome.item, "seconds": outcome.result, "error": error}) + "\n")
            bar.advance()
    seconds = [found[path] for path in videos]
    return {p: (s or 0.0) / 3600 for p, s in zip(videos, seconds, strict=True)}, sum(s is None for s in seconds)


def _duration_worker() -> Callable[[str], float]:
    from dfdetect.media.reader import open_media

    def duration_s(path: str) -> float:
        with open_media(path) as media:
            return media.info.duration_s

    return duration_s
