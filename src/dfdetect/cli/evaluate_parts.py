"""The optional parts of `dfdetect evaluate`: --robustness and --explanations. Each leaves a file beside the scores."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from dfdetect.data.sample import Sample
    from dfdetect.evaluate.estimates import Estimate


LINES_EVERY_S = 60.0  # progress where standard error is no terminal


@dataclass(frozen=True, slots=True)
class PartOptions:
    """What both parts are run with. out: the folder of the scores."""

    model: str
    out: Path
    seed: int
    jobs: int
    device: str
    quiet: bool


def robustness(samples: Sequence[Sample], options: PartOptions, *, cells: Sequence[str] = ()) -> None:
    """Launder a fixed subset, score it, and say what it costs. cells: names or families, else the whole grid.

    UsageError: an unknown cell; scores of another model in the folder.
    """
    import numpy as np

    from dfdetect.evaluate.launder.grid import GRID, chosen
    from dfdetect.evaluate.robustness import measure_robustness, write_robustness
    from dfdetect.evaluate.robustness_run import fixed_subset, launder_and_score

    grid = chosen(cells) if cells else GRID
    subset = fixed_subset(samples, seed=options.seed)
    how = {"seed": options.seed, "jobs": options.jobs, "device": options.device}
    with _shown("laundered scores", options) as show:
        rows = launder_and_score(subset, options.model, options.out, cells=grid, on_done=show, **how)  # type: ignore[arg-type]
    found = measure_robustness(rows, model=_name(options.model), rng=np.random.default_rng(options.seed))
    path = write_robustness(options.out, found)
    typer.echo(
        f"robustness: {found.files} files, {len(found.cells) - 1} cells, mean loss of AUC {_told(found.mean_loss)}"
    )
    for name in found.worst:
        typer.echo(f"  {name}: loss {_told(found.cell(name).loss)}")
    for check in found.gate:
        answer = {True: "passed", False: "FAILED", None: "not measured"}[check.passed]
        value = "" if check.value is None else f": {check.value:.3f}, at most {check.bound:.3f}"
        typer.echo(f"  gate, {answer}: {check.text}{value}{f' ({check.where})' if check.where else ''}")
    typer.echo(f"  {path}")


def explanations(samples: Sequence[Sample], options: PartOptions) -> None:
    """Check the heatmap on fakes whose mask is known. DataError: none is listed, or the model gives no heatmap."""
    import numpy as np

    from dfdetect.evaluate.explanations import measure_explanations, write_explanations
    from dfdetect.evaluate.explanations_run import check_faces, pairs_of

    pairs = pairs_of(samples, seed=options.seed)
    how = {"seed": options.seed, "jobs": options.jobs, "device": options.device}
    with _shown("explained fakes", options) as show:
        faces, left_out = check_faces(pairs, options.model, on_done=show, **how)  # type: ignore[arg-type]
    found = measure_explanations(faces, left_out, model=_name(options.model), rng=np.random.default_rng(options.seed))
    path = write_explanations(options.out, found)
    typer.echo(
        f"explanations: {found.faces} faces of {found.files} fakes, {found.noticed} of them noticed by the model"
    )
    for one in found.maps:
        typer.echo(
            f"  {one.name}: points into the mask {_told(one.pointing)}, deletion {_told(one.deletion)}, "
            f"insertion {_told(one.insertion)}"
        )
    for name in found.left_out:
        typer.echo(f"  left out: {name}", err=True)
    typer.echo(f"  {path}")


def _name(model: str) -> str:
    """What the model calls itself: its folder is nobody else's business."""
    from dfdetect.models.bundle import find_bundle, load_bundle

    return load_bundle(find_bundle(model)).info.name


def _told(figure: Estimate) -> str:
    if figure.value is None:
        return f"not measured ({figure.why})"
    interval = "" if figure.interval is None else " ({:.3f} - {:.3f})".format(*figure.interval)
    return f"{figure.value:.3f}{interval}"


@contextmanager
def _shown(what: str, options: PartOptions) -> Iterator[Callable[[int, int], None]]:
    """A progress bar that is told (done, total); Ctrl-C says how to go on."""
    from dfdetect.cli.progress import progress_bar, resumable

    with (
        resumable(options.out),
        progress_bar(0, quiet=options.quiet, what=what, lines_every_s=LINES_EVERY_S) as bar,
    ):
        yield bar.reach
