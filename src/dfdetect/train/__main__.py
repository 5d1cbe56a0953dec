"""`python -m dfdetect.train RECIPE --data SHARDS --out RUN`: `dfdetect train` for machines without Typer and pydantic.

Needs PyTorch, Lightning, timm, OpenCV, pyarrow and NumPy, and nothing else of dfdetect's packages.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from dfdetect.errors import DfdetectError, UsageError

DONE, USAGE, FAILED, INTERRUPTED = 0, 2, 3, 130  # as the command line's


def main(arguments: Sequence[str]) -> int:
    """Train as the arguments say; returns the exit code."""
    given = _parser().parse_args(arguments)
    from dfdetect.train.recipe import load_recipe
    from dfdetect.train.run import Machine, train

    machine = Machine(given.workers, given.threads, given.device, given.devices, given.quiet, given.minutes)
    try:
        train(
            load_recipe(given.recipe, given.set),
            given.data,
            given.out,
            resume=given.resume,
            start_from=given.start_from,
            max_epochs=given.epochs,
            allow_leaks=given.allow_leaks,
            machine=machine,
        )
    except DfdetectError as error:
        sys.stderr.write(f"dfdetect: {error.message}\n")
        return USAGE if isinstance(error, UsageError) else FAILED
    except KeyboardInterrupt:
        return INTERRUPTED
    sys.stdout.write(f"run folder: {given.out}\n")
    return DONE


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("python -m dfdetect.train", description="Train a detector from face shards.")
    parser.add_argument("recipe", help="a bundled recipe by name, or a TOML file")
    parser.add_argument("--data", "-d", type=Path, required=True, help="face shards made by `dfdetect prepare`")
    parser.add_argument("--out", "-o", type=Path, required=True, help="run folder")
    parser.add_argument("--set", action="append", default=[], metavar="PART.KEY=VALUE", help="change one value")
    parser.add_argument("--resume", action="store_true", help="go on from the newest whole checkpoint")
    parser.add_argument("--from", dest="start_from", type=Path, help="begin with these weights (safetensors)")
    parser.add_argument("--epochs", type=int, help="stop after so many epochs; go on later with --resume")
    parser.add_argument("--minutes", type=float, help="stop after so long with a checkpoint; go on with --resume")
    parser.add_argument("--workers", type=int, default=1, help="processes that make pictures")
    parser.add_argument("--threads", type=int, help="threads of the network")
    parser.add_argument("--device", default="auto", help="auto, cpu, cuda or mps")
    parser.add_argument("--devices", type=int, default=1, help="GPUs that share each batch")
    parser.add_argument("--allow-leaks", action="store_true", help="train although the audit finds a leak")
    parser.add_argument("--quiet", "-q", action="store_true", help="no progress bar")
    return parser


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
