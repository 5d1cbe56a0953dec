"""`dfdetect evaluate`: how good a model is, on data or by scores that were kept, with intervals and refusals."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

if TYPE_CHECKING:
    from dfdetect.evaluate.run import EvalJob
    from dfdetect.evaluate.samples import Asked
    from dfdetect.evaluate.score_set import ScoreSet

# Parameters that say how files are scored, and which: they do nothing where scores are given.
_OF_SCORING = (
    *("model", "protocol", "peer", "peer_seconds", "first_frames", "frames", "detector", "device", "jobs", "engine"),
    *("allow_trained_on", "restart"),
)  # fmt: skip
_OF_DATA = ("split", "dataset", "method", "compression", "limit", "per_source", "root")
LINES_EVERY_S = 60.0  # progress where standard error is no terminal


def command(
    ctx: typer.Context,
    data: Annotated[
        Path | None,
        typer.Option(
            "--data",
            "-d",
            metavar="INDEX|LIST|FOLDER",
            help="What is scored: an index of `dfdetect data index`, a CSV with path,label, or a dataset's folder.",
        ),
    ] = None,
    out: Annotated[
        Path | None, typer.Option("--out", "-o", metavar="FOLDER", help="Where scores and report go; made if absent.")
    ] = None,
    model: Annotated[str, typer.Option("--model", "-m", help="Name of a model, or a bundle's folder.")] = "default",
    protocol: Annotated[
        str, typer.Option(metavar="NAME", help="native, dfb, sbi, ff-official or identity-disjoint (see below).")
    ] = "native",
    scores: Annotated[
        list[Path] | None,
        typer.Option(
            metavar="FOLDER|FILE",
            help="Instead of a model: scores of an earlier run, or a CSV path,label,probability. Repeatable: compared.",
        ),
    ] = None,
    score_column: Annotated[
        str | None, typer.Option(metavar="NAME", help="Column of a score file that holds the score.")
    ] = None,
    higher_means: Annotated[
        str, typer.Option(metavar="fake|real", help="What a high score of a score file means.")
    ] = "fake",
    peer: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME=TARGET",
            help="Score an outside detector on the same faces: a bundle, model.onnx (with model.toml beside it), or a "
            '"command {path}" that prints a score. Repeatable.',
        ),
    ] = None,
    robustness: Annotated[
        bool,
        typer.Option("--robustness", help="Also: what compression, resizing, messengers and filters cost (60 files)."),
    ] = False,
    cells: Annotated[
        str | None, typer.Option(metavar="NAMES", help="Of the laundering only these cells or families, with commas.")
    ] = None,
    explanations: Annotated[
        bool,
        typer.Option(
            "--explanations", help="Also: does the heatmap point at what was changed? Needs `dfdetect data fakes`."
        ),
    ] = False,
    groups: Annotated[
        str | None,
        typer.Option(
            metavar="COLUMNS", help="Columns of the list that say who is shown, with commas: rates for each group."
        ),
    ] = None,
    trained_on: Annotated[
        Path | None,
        typer.Option(metavar="INDEX", help="What the model learned from; the samples are looked up in it."),
    ] = None,
    thumbnails: Annotated[
        Path | None,
        typer.Option(metavar="FOLDER", help="Show pictures of the worst cases, whose files lie here. They show faces."),
    ] = None,
    draws: Annotated[int, typer.Option(min=0, help="Of the bootstrap, for intervals; 0: none.")] = 1000,
    peer_seconds: Annotated[float, typer.Option(metavar="S", help="Time limit of a peer's command for a face.")] = 60.0,
    split: Annotated[list[str] | None, typer.Option(help="Only this split: train, val, test. Repeatable.")] = None,
    dataset: Annotated[list[str] | None, typer.Option(help="Only this dataset. Repeatable.")] = None,
    method: Annotated[list[str] | None, typer.Option(help="Of fakes only those of this method. Repeatable.")] = None,
    compression: Annotated[list[str] | None, typer.Option(help="Only raw, c23 or c40. Repeatable.")] = None,
    limit: Annotated[int | None, typer.Option(min=1, help="At most so many files, drawn by --seed.")] = None,
    per_source: Annotated[
        int | None, typer.Option(metavar="N", min=1, help="At most so many files of each source, method and class.")
    ] = None,
    seed: Annotated[int, typer.Option(help="For what is drawn: files and intervals.")] = 0,
    root: Annotated[
        list[str] | None,
        typer.Option(metavar="[DATASET=]FOLDER", help="Where the files are, if not where the data says; repeatable."),
    ] = None,
    first_frames: Annotated[
        int | None,
        typer.Option(metavar="K", help="dfb and sbi: also the figures of the first K of 32 frames, beside K spread."),
    ] = None,
    frames: Annotated[int, typer.Option(min=1, help="native: frames of a video at the least.")] = 32,
    detector: Annotated[str, typer.Option(help="Face detector: yunet or mtcnn.")] = "yunet",
    device: Annotated[str, typer.Option(help="auto, cpu or cuda.")] = "auto",
    jobs: Annotated[int, typer.Option("--jobs", "-j", min=1, help="Processes.")] = 1,
    engine: Annotated[str, typer.Option(metavar="local|ray", help="This computer, or Ray.")] = "local",
    allow_trained_on: Annotated[
        bool,
        typer.Option(
            "--allow-trained-on", help="Go on although the model learned from this data; every report says so in red."
        ),
    ] = False,
    restart: Annotated[bool, typer.Option("--restart", help="Throw away what an earlier run left in OUT.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No progress bar.")] = False,
) -> None:
    """Score a model on data with known labels.

    Every file goes through the same code as `dfdetect scan`, and its scores are kept in OUT: figures are made again
    without the model, and somebody with access to a dataset can send scores alone. A run that was stopped, or killed,
    goes on with the same command.

    \b
    Protocols; only numbers of one protocol compare:
      native             what `scan` does: the number that users get
      dfb, sbi           as DeepfakeBench and Self-Blended Images test
      ff-official        official test videos of FaceForensics++
      identity-disjoint  people and recordings not trained on

    \b
    Examples:
      dfdetect evaluate -d index.parquet --split test -o out/
      dfdetect evaluate -d list.csv --protocol dfb -j 4 -o dfb/
      dfdetect evaluate --scores out/ --scores dfb/ -o both/
      dfdetect evaluate --scores theirs.csv -d list.csv -o theirs/
      dfdetect evaluate -d list.csv --robustness -j 2 -o out/
      dfdetect evaluate -d fakes/list.csv --explanations -o out/
    """
    from dfdetect.cli.evaluate_report import report
    from dfdetect.errors import UsageError
    from dfdetect.evaluate.assemble import ReportOptions
    from dfdetect.evaluate.fairness import check_columns
    from dfdetect.evaluate.launder.grid import chosen

    if out is None:
        raise UsageError("evaluate needs --out FOLDER (-o), where scores and report go")
    if (robustness or explanations) and (scores or data is None):
        raise UsageError("--robustness and --explanations scan files: give --data and --model, not --scores")
    if scores:
        _refuse_idle(ctx, _OF_SCORING, "files are not scored with --scores")
    if scores and data is None:
        _refuse_idle(ctx, _OF_DATA, "with --scores name the data too (-d), or choose the rows yourself")
    if thumbnails is not None and not thumbnails.is_dir():
        raise UsageError(f"--thumbnails {thumbnails}: expected the folder that holds the data")
    if trained_on is not None and not trained_on.exists():
        raise UsageError(f"--trained-on {trained_on}: nothing there; expected the index of what the model learned from")
    if higher_means not in ("fake", "real"):
        raise UsageError(f"--higher-means: expected fake or real; got {higher_means!r}")
    if cells is not None and not robustness:
        raise UsageError("--cells names what --robustness launders; give that flag too")
    if cells is not None:
        chosen(_words(cells))  # a slip of the pen is told before hours of scoring
    filters = {"split": split, "dataset": dataset, "method": method, "compression": compression}
    asked = None if data is None else _asked(data, root or [], filters, seed, limit, per_source)
    if asked is not None and groups is not None and not scores:
        check_columns(_words(groups), {name for extra in asked.extras.values() for name in extra})
    if scores:
        sets = _opened(scores, score_column, higher_means, asked)  # type: ignore[arg-type]
    elif asked is None:
        raise UsageError("evaluate needs --data INDEX, LIST or FOLDER, or --scores of an earlier run")
    else:
        from dfdetect.cli.peers import peers_ready
        from dfdetect.evaluate.protocol import find_protocol
        from dfdetect.evaluate.run import EvalJob

        with peers_ready(peer or [], time_limit_s=peer_seconds) as peers:
            job = EvalJob(
                model,
                asked,
                find_protocol(protocol, first_frames=first_frames),
                source=data.name if data is not None else "",
                peers=tuple(peers),
                frames=frames,
                device=device,
                detector=detector,
                allow_trained_on=allow_trained_on,
                seed=seed,
            )
            sets = _scored(job, out, jobs=jobs, engine=engine, restart=restart, quiet=quiet)
    if robustness or explanations:
        from dfdetect.cli import evaluate_parts

        options = evaluate_parts.PartOptions(model, out, seed, jobs, device, quiet)
        assert asked is not None
        if robustness:
            evaluate_parts.robustness(asked.samples, options, cells=_words(cells or ""))
        if explanations:
            evaluate_parts.explanations(asked.samples, options)
    wanted = ReportOptions(seed, draws, None if groups is None else _words(groups), trained_on)
    report(sets, wanted, out, thumbnails=thumbnails, quiet=quiet)


def _refuse_idle(ctx: typer.Context, names: Sequence[str], why: str) -> None:
    """UsageError for options that were given and would do nothing: somebody believes that they did."""
    from dfdetect.errors import UsageError

    idle = [name for name in names if str(ctx.get_parameter_source(name)).endswith("COMMANDLINE")]
    if idle:
        flags = ", ".join(f"--{name.replace('_', '-')}" for name in idle)
        raise UsageError(f"{flags}: does nothing here; {why}")


def _asked(
    data: Path,
    roots: Sequence[str],
    filters: dict[str, list[str] | None],
    seed: int,
    limit: int | None,
    per_source: int | None,
) -> Asked:
    """The samples that are asked for; what is wrong with a dataset's folder is said once a kind."""
    from dfdetect.cli.prepare import warn_of_problems
    from dfdetect.data.prepare.plan import Filters
    from dfdetect.evaluate.samples import filtered, read_asked, subset

    everything = read_asked(data, roots)
    warn_of_problems(everything.problems)
    chosen = filtered(everything, Filters(**{name: tuple(values or ()) for name, values in filters.items()}))
    return subset(chosen, seed=seed, limit=limit, per_source=per_source)


def _scored(job: EvalJob, out: Path, *, jobs: int, engine: str, restart: bool, quiet: bool) -> list[ScoreSet]:
    """Score everything that is not scored yet; this model's scores, then each peer's."""
    from dfdetect.cli.progress import progress_bar, resumable
    from dfdetect.evaluate.run import evaluate
    from dfdetect.evaluate.score_set import open_scores, peers_of

    tally: Counter[str] = Counter()
    total = len(job.asked.samples)
    with (
        resumable(out),
        progress_bar(total, quiet=quiet, what="files scored", lines_every_s=LINES_EVERY_S) as bar,
    ):

        def begun(asked: int, done: int) -> None:
            bar.begin(asked)
            bar.advance(done)

        def scored(status: str) -> None:
            tally[status] += 1
            bar.advance(note=", ".join(f"{n} {status}" for status, n in tally.most_common() if status != "ok"))

        evaluate(job, out, jobs=jobs, engine=engine, restart=restart, on_start=begun, on_progress=scored)
    return [open_scores(out), *peers_of(out)]


def _opened(
    paths: Sequence[Path], score_column: str | None, higher_means: Literal["fake", "real"], asked: Asked | None
) -> list[ScoreSet]:
    """Kept or sent scores, and those of the peers beside them; held against the data where that is given."""
    from dfdetect.evaluate.score_set import held_against, open_scores, peers_of, told_apart

    found = []
    for path in paths:
        found.append(open_scores(path, score_column=score_column, higher_means=higher_means))
        found += peers_of(path)
    found = told_apart(found)
    return found if asked is None else [held_against(one, asked) for one in found]


def _words(text: str) -> tuple[str, ...]:
    return tuple(word.strip() for word in text.split(",") if word.strip())
