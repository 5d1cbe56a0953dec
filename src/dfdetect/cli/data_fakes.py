"""`dfdetect data fakes`: real photographs and clips -> fakes for testing a detector, for those who have no dataset."""

from __future__ import annotations

import functools
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Self

import typer

if TYPE_CHECKING:
    from dfdetect.cli.progress import Bar

_SHOWN = 4  # names a reason


def command(
    reals: Annotated[
        Path,
        typer.Argument(
            metavar="REALS",
            help="CSV list with path,label and, best, person; an index of `dfdetect data index`; a dataset's folder. "
            "Fakes in it are passed over.",
        ),
    ],
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder for the fakes; the same command goes on in it.")],
    kinds: Annotated[str, typer.Option(metavar="NAMES", help="Which, with commas: t1, t2, t3, t5.")] = "t1,t2,t3,t5",
    seconds: Annotated[float, typer.Option(min=0.1, help="Of every clip, from its start.")] = 4.0,
    limit: Annotated[
        int | None, typer.Option(min=2, help="Of the list at most so many files, drawn by the seed.")
    ] = None,
    seed: Annotated[int, typer.Option(help="The same seed makes the same files.")] = 0,
    jobs: Annotated[int, typer.Option("--jobs", "-j", min=1, help="Processes.")] = 1,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No progress bar.")] = False,
) -> None:
    """Make fakes for testing from your own real photographs and clips.

    None of the ways shares an operator with what `dfdetect train` learns from. They are tests of compositing: a score
    on them is not a score on deepfakes. Give people that the model was not trained on, and look at OUT/sheet.jpg.

    \b
      t1  another's face bent onto 68 landmarks, mean colours, feathered
      t2  the same with Poisson blending
      t3  another's face aligned as a whole, joined in a Laplacian pyramid
      t5  the own mouth, eyes and brows moved like another's, nothing pasted

    \b
    Examples:
      dfdetect data fakes reals.csv -o fakes/ -j 2
      dfdetect evaluate -d fakes/list.csv -o out/
    """
    import numpy as np

    from dfdetect.cli.prepare import warn_of_problems
    from dfdetect.cli.progress import resumable
    from dfdetect.data.lists import read_list
    from dfdetect.data.prepare.inputs import read_samples
    from dfdetect.evaluate.test_fakes.make import LIST, make_fakes
    from dfdetect.evaluate.test_fakes.sheet import write_sheet
    from dfdetect.evaluate.test_fakes.write import FakeOptions
    from dfdetect.values import Label

    everything, problems = read_samples(reals, [])
    warn_of_problems(problems)
    samples = [sample for sample in everything if sample.label is Label.REAL]
    if limit is not None and limit < len(samples):
        drawn = np.random.default_rng([seed, 0]).permutation(len(samples))[:limit]
        samples = [samples[i] for i in sorted(drawn)]
    options = FakeOptions(tuple(name.strip() for name in kinds.split(",") if name.strip()), seconds, seed)
    with resumable(out), _Bars(quiet) as bars:
        looked, made = functools.partial(bars.show, "faces of files"), functools.partial(bars.show, "files")
        done = make_fakes(samples, out, options, jobs=jobs, on_looked=looked, on_made=made)
    typer.echo(f"{done.fakes} fakes and {done.rows - done.fakes} reals in {out / LIST}")
    if done.fakes:
        typer.echo(f"contact sheet: {write_sheet(out, read_list(out / LIST))}")
    for reason, names in sorted(done.left_out.items(), key=lambda item: -len(item[1])):
        more = ", ..." if len(names) > _SHOWN else ""
        typer.echo(f"  left out, {reason}: {len(names)} ({', '.join(names[:_SHOWN])}{more})", err=True)


class _Bars(ExitStack):
    """One progress bar after another, each from its first report on."""

    def __init__(self, quiet: bool) -> None:
        super().__init__()
        self._quiet = quiet
        self._bars: dict[str, Bar] = {}

    def __enter__(self) -> Self:
        return self

    def show(self, what: str, done: int, total: int) -> None:
        """`done` of `total` of this are ready."""
        from dfdetect.cli.progress import progress_bar

        if what not in self._bars:
            self.close()
            self._bars[what] = self.enter_context(progress_bar(total, quiet=self._quiet, what=what))
        self._bars[what].reach(done, total)
