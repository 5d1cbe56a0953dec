"""How many items are worked on, by name: processes on this computer, or Ray on one or many."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Protocol, TypeVar

from dfdetect.batch.pool import Outcome
from dfdetect.errors import unknown_name

Item = TypeVar("Item")
Result = TypeVar("Result")

DEFAULT_ENGINE = "local"


class Engine(Protocol):
    """See `pool.run`: every item has one outcome, in the order in which they are done."""

    def __call__(
        self, items: Iterable[Item], make_worker: Callable[[], Callable[[Item], Result]], *, jobs: int
    ) -> Iterator[Outcome[Item, Result]]: ...


def _local() -> Engine:
    from dfdetect.batch.pool import run

    return run


def _ray() -> Engine:
    from dfdetect.batch.ray_engine import run

    return run


ENGINES: dict[str, Callable[[], Engine]] = {"local": _local, "ray": _ray}


def find_engine(name: str) -> Engine:
    """An engine by name: a key of ENGINES. Raises UsageError: no such engine, or what it needs is not installed."""
    if name not in ENGINES:
        raise unknown_name("engine", name, ENGINES)
    return ENGINES[name]()
