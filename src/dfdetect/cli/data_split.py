"""`dfdetect data split`: train, val and test of an index, by official lists or by groups that no key crosses."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from collections.abc import Mapping


def command(
    index: Annotated[Path, typer.Argument(help="Index made by `dfdetect data index`.")],
    out: Annotated[Path, typer.Option("--out", "-o", help="The same index with its column split filled (Parquet).")],
    official: Annotated[
        bool,
        typer.Option(
            "--official/--groups",
            help="Keep the official split of every dataset that has one, and group the others; or group all of them.",
        ),
    ] = True,
    ratios: Annotated[
        str, typer.Option(metavar="TRAIN/VAL/TEST", help="Asked shares of the samples of grouped datasets.")
    ] = "80/10/10",
    seed: Annotated[int, typer.Option(help="The same seed gives the same split, whatever the order of rows.")] = 0,
    keep_apart: Annotated[
        str, typer.Option(metavar="KINDS", help="What must not be in two splits; a video never is.")
    ] = "pair,identity,source",
    whole: Annotated[
        list[str] | None,
        typer.Option(metavar="DATASET=SPLIT", help="Put all of a dataset into one split; may be repeated."),
    ] = None,
    ids: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Also write which video is where: .json or .csv.")
    ] = None,
    json_flag: Annotated[bool, typer.Option("--json", help="The report as JSON.")] = False,
) -> None:
    """Split an index so that no video, original, person or upload is on two sides.

    Samples that share such a key, directly or through others, go together. Methods and labels are spread as evenly as
    these groups allow; the report says how evenly. A dataset that hangs together as one group keeps its official split,
    and the report says so: see what leaks there with `dfdetect data audit`.
    """
    from dfdetect.cli.output import check_folder
    from dfdetect.data.split import SplitOptions, make_split
    from dfdetect.data.split_files import read_table, write_ids, write_split

    for path, flag in ((out, "--out"), (ids, "--ids")):
        if path is not None:
            check_folder(path, flag)
    options = SplitOptions(
        policy="official" if official else "groups",
        ratios=_ratios(ratios),
        seed=seed,
        keep_apart=tuple(kind.strip() for kind in keep_apart.split(",") if kind.strip()),
        whole=_whole(whole or []),
    )
    table, report = make_split(read_table(index), options)
    if ids is not None:
        write_ids(ids, table, report)
    write_split(out, table, report)
    typer.echo(json.dumps(report.to_json(), indent=2) if json_flag else report.to_text())


def _ratios(text: str) -> dict[str, float]:
    """`80/10/10` or `.8/.1/.1` -> shares that sum to 1."""
    from dfdetect.data.split import NAMES
    from dfdetect.errors import UsageError

    parts = text.split("/")
    try:
        numbers = [float(part) for part in parts]
    except ValueError:
        numbers = []
    if len(numbers) != len(NAMES) or min(numbers) < 0 or not 0 < sum(numbers) < float("inf"):
        raise UsageError(f"--ratios takes {len(NAMES)} numbers such as 80/10/10 ({', '.join(NAMES)}); got {text!r}")
    return {name: number / sum(numbers) for name, number in zip(NAMES, numbers, strict=True)}


def _whole(texts: list[str]) -> Mapping[str, str]:
    from dfdetect.errors import UsageError

    found = {}
    for text in texts:
        dataset, equals, split = text.partition("=")
        if not (dataset and equals and split):
            raise UsageError(f"--whole takes DATASET=SPLIT, such as uadfv=test; got {text!r}")
        found[dataset] = split
    return found
