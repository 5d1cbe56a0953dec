"""Which rows of the shards make training item k: a function of the seed and k alone, whatever process asks.

Works on the columns of the shards; no picture is read. What it keeps, each by a test (tests/data/test_sampling.py):

- Classes are balanced without throwing rows away: an item is one real and one fake, and the smaller class comes round
  more often. Every row comes, sooner or later.
- A fake stands beside the real clip that it was made from, at the same frame (`pairing = "source"`).
- In one round over a dataset nobody appears more than `max_per_person` times, no upload more than `max_per_source`;
  other rows of theirs come in the next round.
- Several datasets come by weight, whatever their sizes.
- Real fakes and fakes made from reals (data.pairs) are mixed by weight.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from dfdetect.data.history import COPY
from dfdetect.data.shards import FaceRecord, read_columns
from dfdetect.errors import DataError, UsageError, unknown_name

PAIRINGS = ("none", "class", "source")
_BLOCK = 1024  # items over which weights hold exactly


@dataclass(frozen=True, slots=True)
class SamplingOptions:
    """datasets: "name=weight" of every dataset in the shards; () takes each row once a round, whosesoever.

    max_per_person, max_per_source: faces of one person (target_id) or upload (source_key, else clip) in one round
    over its dataset and class; 0 = all. made_share: share of the items whose fake is made from the real (0..1).
    """

    datasets: tuple[str, ...] = ()
    max_per_person: int = 0
    max_per_source: int = 0
    made_share: float = 0.0


@dataclass(frozen=True, slots=True)
class Row:
    """What sampling must know of a row: who, whence, and whether a fake can be made of it."""

    label: int
    dataset: str
    person: str
    source: str
    clip: str
    pair_key: str
    frame_index: int
    track_id: int
    has_mesh: bool
    copy: str = ""  # which of its video copies (data.history.video_copies), "" for the face itself


@dataclass(frozen=True, slots=True)
class Drawn:
    """rows: numbers of (real, fake); of the real alone where the fake is to be made from it (made); of any one row with
    `pairing = "none"`."""

    rows: tuple[int, ...]
    made: bool = False


def row_of(record: FaceRecord) -> Row:
    """The row of a record."""
    clip = record.video_id or record.path
    return Row(
        label=record.label,
        dataset=record.dataset,
        person=record.target_id or clip,
        source=record.source_key or clip,
        clip=clip,
        pair_key=record.pair_key,
        frame_index=record.frame_index,
        track_id=record.track_id,
        has_mesh=record.mesh is not None,
        copy=copy_of(record.compression),
    )


def copy_of(compression: str) -> str:
    """Which video copy a row is, by its compression; "" for none."""
    last = compression.rpartition("+")[2]
    return last if last.startswith(COPY) else ""


def rows_of_shards(folder: Path) -> list[Row]:
    """The rows of all shards in a folder, in the order of `read_shards`, without reading pictures."""
    names = ["label", "dataset", "target_id", "source_key", "video_id", "path", "pair_key", "frame_index", "track_id"]
    names.append("compression")
    table = read_columns(folder, [*names, "mesh"])
    rows = []
    for found, mesh in zip(table.select(names).to_pylist(), table.column("mesh").is_valid().to_pylist(), strict=True):
        clip = found["video_id"] or found["path"]
        row = Row(
            label=int(found["label"]),
            dataset=found["dataset"],
            person=found["target_id"] or clip,
            source=found["source_key"] or clip,
            clip=clip,
            pair_key=found["pair_key"],
            frame_index=int(found["frame_index"]),
            track_id=int(found["track_id"]),
            has_mesh=bool(mesh),
            copy=copy_of(found["compression"]),
        )
        rows.append(row)
    return rows


class Sampler:
    """Item k of a seed. DataError when a class that is needed is missing, UsageError for options that make no sense."""

    def __init__(
        self, rows: Sequence[Row], *, seed: int, pairing: str = "class", options: SamplingOptions | None = None
    ) -> None:
        self.rows, self.options = rows, options or SamplingOptions()
        self.pairing = pairing
        if pairing not in PAIRINGS:
            raise unknown_name("pairing", pairing, PAIRINGS)
        if not 0 <= self.options.made_share <= 1:
            raise UsageError(f"sampling.made_share must be 0..1; got {self.options.made_share}")
        if pairing == "none" and self.options.made_share > 0:
            raise UsageError('sampling.made_share needs pairs: set data.pairing to "class" or "source"')
        real = [number for number, row in enumerate(rows) if row.label == 0]
        fake = [number for number, row in enumerate(rows) if row.label == 1]
        self._turns = Weighted({"made": self.options.made_share, "true": 1 - self.options.made_share}, [seed, 1])
        self._made_from = self._ring([n for n in real if rows[n].has_mesh], [seed, 2], needed=self._turns.has("made"))
        true = self._turns.has("true")
        if pairing == "none":
            self._any = self._ring([*real, *fake], [seed, 3], needed=true)
            return
        if true and not (real and fake):
            raise DataError(
                f"training on labelled rows needs both classes; got {len(real)} real and {len(fake)} fake. "
                'Real rows alone: use data.kind = "self_blend"'
            )
        self._fakes = self._ring(fake, [seed, 4], needed=true)
        self._reals = self._ring(real, [seed, 5], needed=true)
        self._partners = _partners_of(rows, real) if pairing == "source" else {}
        paired = {number for n in fake for number in self._partners.get(rows[n].pair_key, ())}
        alone = [number for number in real if number not in paired] if pairing == "source" else real
        self._alone = self._ring(alone, [seed, 6], needed=False)
        share = len(alone) / max(1, len(real))
        self._beside = Weighted({"partner": 1 - share, "alone": share}, [seed, 7])
        self._seed = seed

    def _ring(self, numbers: Sequence[int], key: list[int], *, needed: bool) -> Ring | None:
        if not numbers:
            if needed:
                raise DataError("no rows to draw from: fakes can be made only of real rows with a mesh")
            return None
        return Ring(self.rows, numbers, key, self.options)

    @property
    def items_per_round(self) -> int:
        """Items after which one round over the fakes, and over the reals, is done (datasets without weights)."""
        made = self.options.made_share
        rounds = [self._made_from.length / made] if self._made_from and made > 0 else []
        if made < 1:
            rings = [self._any] if self.pairing == "none" else [self._fakes, self._reals]
            rounds += [ring.length / (1 - made) for ring in rings if ring]
        return int(np.ceil(max(rounds)))

    def item(self, k: int) -> Drawn:
        """Item k (0, 1, 2, ... without end)."""
        kind, number = self._turns.at(k)
        if kind == "made":
            assert self._made_from is not None
            return Drawn((self._made_from.at(number),), made=True)
        if self.pairing == "none":
            assert self._any is not None
            return Drawn((self._any.at(number),))
        assert self._fakes is not None
        assert self._reals is not None
        fake = self._fakes.at(number)
        beside, place = self._beside.at(number)
        if beside == "alone" and self._alone is not None:
            return Drawn((self._alone.at(place), fake))
        partner = self._partner(fake, k)
        return Drawn((self._reals.at(number) if partner is None else partner, fake))

    def _partner(self, fake: int, k: int) -> int | None:
        """The real row at the same place of the fake's original; else one of its nearest frames; None: it is absent."""
        row = self.rows[fake]
        there = self._partners.get(row.pair_key, ())
        if not there:
            return None
        others = [self.rows[number] for number in there]
        far = [(abs(r.frame_index - row.frame_index), r.track_id != row.track_id, r.copy != row.copy) for r in others]
        nearest = [number for number, distance in zip(there, far, strict=True) if distance == min(far)]
        return nearest[int(np.random.default_rng([self._seed, 8, k]).integers(len(nearest)))]


def _partners_of(rows: Sequence[Row], real: Iterable[int]) -> dict[str, list[int]]:
    """Real rows by every name that a fake may call its original by."""
    found: dict[str, list[int]] = {}
    for number in real:
        for name in {rows[number].clip, rows[number].pair_key} - {""}:
            found.setdefault(name, []).append(number)
    return found


class Weighted:
    """A choice of names by weight: exact over every 1,024 places, in an order drawn anew for each block."""

    def __init__(self, weights: Mapping[str, float], key: Sequence[int]) -> None:
        self.names = [name for name, weight in weights.items() if weight > 0]
        self._key = list(key)
        total = sum(weights.values())
        exact = np.array([weights[name] / total * _BLOCK for name in self.names])
        counts = np.maximum(1, np.floor(exact)).astype(int)
        for place in np.argsort(counts - exact, kind="stable")[: max(0, _BLOCK - counts.sum())]:
            counts[place] += 1
        while counts.sum() > _BLOCK:
            counts[int(np.argmax(counts))] -= 1
        self.counts = counts

    def has(self, name: str) -> bool:
        """Whether this name is ever chosen."""
        return name in self.names

    def at(self, k: int) -> tuple[str, int]:
        """The name at place k, and how often it was chosen before."""
        block, place = divmod(k, _BLOCK)
        order, before = self._block(block)
        name = int(order[place])
        return self.names[name], block * int(self.counts[name]) + int(before[place])

    @functools.lru_cache(maxsize=4)  # noqa: B019 - a handful of these live as long as the run
    def _block(self, block: int) -> tuple[np.ndarray, np.ndarray]:
        order = np.repeat(np.arange(len(self.names)), self.counts)
        order = np.random.default_rng([*self._key, block]).permutation(order)
        before = np.zeros(_BLOCK, int)
        for name in range(len(self.names)):
            places = np.flatnonzero(order == name)
            before[places] = np.arange(len(places))
        return order, before


class Ring:
    """Rows of one class in endless rounds: datasets by weight, within each every person and upload up to its cap."""

    def __init__(self, rows: Sequence[Row], numbers: Sequence[int], key: list[int], options: SamplingOptions) -> None:
        if not options.datasets:
            self._weighted: Weighted | None = None
            self._rounds = {"": Rounds(rows, numbers, key, options)}
        else:
            groups = _grouped(numbers, lambda n: rows[n].dataset)
            weights = dataset_weights(options.datasets, groups)
            self._weighted = Weighted(weights, [*key, 0])
            self._rounds = {
                name: Rounds(rows, groups[name], [*key, 1 + place], options)
                for place, name in enumerate(self._weighted.names)
            }
        self.length = sum(rounds.length for rounds in self._rounds.values())

    def at(self, k: int) -> int:
        """The row at place k."""
        name, number = self._weighted.at(k) if self._weighted else ("", k)
        return self._rounds[name].at(number)


def dataset_weights(entries: Sequence[str], found: Iterable[str]) -> dict[str, float]:
    """("ffpp=2", "own=1") -> weights of the datasets found. UsageError where one has none, or for another list."""
    weights: dict[str, float] = {}
    for entry in entries:
        name, equals, weight = entry.rpartition("=")
        try:
            weights[name] = float(weight)
        except ValueError:
            weights[name] = -1.0
        if not equals or not weights[name] >= 0:
            raise UsageError(f"sampling.datasets: expected NAME=WEIGHT with a weight of 0 or more; got {entry!r}")
    names = sorted(found)
    missing = [name for name in names if name not in weights]
    if missing:
        raise UsageError(f"sampling.datasets: no weight for {missing}; the shards hold {', '.join(names)}")
    own = {name: weights[name] for name in names}
    if sum(own.values()) <= 0:
        raise UsageError(f"sampling.datasets: every weight of {', '.join(names)} is 0")
    return own


class Rounds:
    """Rows in endless rounds of `length` places, within which caps hold; rows left out of one come in another."""

    def __init__(self, rows: Sequence[Row], numbers: Sequence[int], key: list[int], options: SamplingOptions) -> None:
        people = _grouped(numbers, lambda n: rows[n].person)
        self._people = [_Person(rows, own, [*key, 1, place], options) for place, own in enumerate(people.values())]
        self._places = np.repeat(np.arange(len(self._people)), [person.quota for person in self._people])
        first = np.cumsum([0, *(person.quota for person in self._people)])
        self._slots = np.arange(len(self._places)) - first[self._places]
        self.length = len(self._places)
        self._key = [*key, 2]

    def at(self, k: int) -> int:
        """The row at place k."""
        turn, place = divmod(k, self.length)
        ticket = int(_round_order(tuple(self._key), turn, self.length)[place])
        return self._people[int(self._places[ticket])].at(turn, int(self._slots[ticket]))


class _Person:
    """One person's rows: in each turn `quota` of them, from as many uploads as can be."""

    def __init__(self, rows: Sequence[Row], numbers: Sequence[int], key: list[int], options: SamplingOptions) -> None:
        sources = list(_grouped(numbers, lambda n: rows[n].source).values())
        caps = [_capped(len(own), options.max_per_source) for own in sources]
        self._sources = sources
        self._caps = caps
        self._tickets = [(place, slot) for place, cap in enumerate(caps) for slot in range(cap)]
        self.quota = _capped(len(self._tickets), options.max_per_person)
        self._key = key

    def at(self, turn: int, slot: int) -> int:
        ticket, cycle = _window((*self._key, 0), len(self._tickets), self.quota, turn, slot)
        source, place = self._tickets[ticket]
        own = self._sources[source]
        row, _ = _window((*self._key, 1 + source), len(own), self._caps[source], cycle, place)
        return own[row]


def _capped(count: int, cap: int) -> int:
    return min(count, cap) if cap > 0 else count


def _window(key: tuple[int, ...], count: int, width: int, window: int, slot: int) -> tuple[int, int]:
    """Of `count` things in an order drawn anew each cycle, cut into windows of `width`: what lies in this slot, and the
    cycle. The last window of a cycle is filled from its beginning, so no window holds a thing twice."""
    cycle, place = divmod(window, -(-count // width))
    return int(_order(key, cycle, count)[(place * width + slot) % count]), cycle


@functools.lru_cache(maxsize=8)  # orders of all rows are large
def _round_order(key: tuple[int, ...], turn: int, count: int) -> np.ndarray:
    return np.random.default_rng([*key, turn]).permutation(count)


@functools.lru_cache(maxsize=4096)
def _order(key: tuple[int, ...], turn: int, count: int) -> np.ndarray:
    return np.zeros(1, int) if count == 1 else np.random.default_rng([*key, turn]).permutation(count)


def _grouped(numbers: Iterable[int], of: Callable[[int], str]) -> dict[str, list[int]]:
    groups: dict[str, list[int]] = {}
    for number in numbers:
        groups.setdefault(of(number), []).append(number)
    return groups
