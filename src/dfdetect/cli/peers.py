"""`--peer NAME=TARGET` -> peers that are ready to score. A peer's ONNX file is imported as `models import` does it."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from dfdetect.evaluate.peers import (
    TIME_LIMIT_S,
    BundlePeer,
    Peer,
    command_peer,
    read_peer,
    refuse_same_names,
)


@contextmanager
def peers_ready(texts: Sequence[str], *, time_limit_s: float = TIME_LIMIT_S) -> Iterator[list[Peer]]:
    """Peers as `make_peers` makes them, for as long as the block runs; what was imported is gone afterwards.

    An import has no date and no place in it, so the same file and statement are the same peer in a resumed run.
    """
    with TemporaryDirectory(prefix="dfdetect-peers-") as folder:
        yield make_peers(texts, Path(folder), time_limit_s=time_limit_s)


def make_peers(texts: Sequence[str], folder: Path, *, time_limit_s: float = TIME_LIMIT_S) -> list[Peer]:
    """Peers in their order; everything that can be known to be wrong is said now, before the first file.

    folder: where bundles of ONNX files are made, one folder each.

    Raises:
        UsageError: a text of no known form; a program that is not there; an ONNX file with no good statement beside it.
        ModelUnusable: a network or bundle that cannot be used.
    """
    peers = [_make_peer(*read_peer(text), folder, time_limit_s) for text in texts]
    refuse_same_names(peers)
    return peers


def _make_peer(name: str, target: str, folder: Path, time_limit_s: float) -> Peer:
    path = Path(target)
    if path.is_dir():
        return BundlePeer(name, path)
    if path.suffix.lower() == ".onnx":
        return BundlePeer(name, _imported(name, path, folder / name))
    return command_peer(name, target, time_limit_s=time_limit_s)


def _imported(name: str, path: Path, bundle: Path) -> Path:
    """The bundle of an ONNX file, by what the TOML file beside it states."""
    from dfdetect.export.foreign import import_onnx, read_statement

    for note in import_onnx(path, bundle, read_statement(path.with_suffix(".toml"))).notes:
        sys.stderr.write(f"dfdetect: peer {name}: look: {note}\n")
    return bundle
