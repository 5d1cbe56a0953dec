"""Was the model trained on what it is tested on? What its manifest, and those of its members, say of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from dfdetect.data.sample import Sample
from dfdetect.models.bundle import Bundle
from dfdetect.models.manifest import Manifest
from dfdetect.models.trained_on import keys_of, split_keys

_SHOWN = 3


@dataclass(frozen=True, slots=True)
class Overlap:
    """keys: hashes of everything that the model learned from. leaks: people, recordings and clips of the samples that
    are among them, in words. sources: training sources whose name the samples bear, where no keys say more. known: the
    manifest tells what was learned from at all. calibrated: hashes of the files with which a user set the bounds.
    left_out: how many keys the manifests had no room for, so that a sample which is not found may still be one.
    """

    keys: frozenset[str]
    leaks: tuple[str, ...]
    sources: tuple[str, ...]
    known: bool
    calibrated: frozenset[str] = frozenset()
    left_out: int = 0

    @property
    def found(self) -> tuple[str, ...]:
        """Everything that speaks against a test on these samples."""
        return (*self.leaks, *(f"the training source {name!r} is tested" for name in self.sources))


def find_overlap(bundle: Bundle, samples: Sequence[Sample]) -> Overlap:
    """What of the samples the bundle learned from, by its own word."""
    records = [one.trained_on for one in _manifests(bundle) if one.trained_on is not None]
    keys = frozenset[str]().union(*(record.key_set for record in records))
    hits: dict[str, Counter[str]] = {}
    for sample in samples:
        for key, (kind, name) in keys_of(sample).items():
            if key in keys:
                hits.setdefault(kind, Counter())[name] += 1
    leaks = tuple(
        f"{len(names)} {_WORDS[kind][len(names) > 1]} of the test data ({', '.join(list(names)[:_SHOWN])}"
        f"{', ...' if len(names) > _SHOWN else ''}; {names.total()} samples) are among what the model learned from"
        for kind, names in sorted(hits.items())
    )
    learned = {name for one in _manifests(bundle) if one.trained_on is None for name in _training_sources(one)}
    tested = {name for sample in samples for name in (sample.source, sample.dataset) if name}
    record = bundle.calibration.record
    calibrated = split_keys(record.file_keys) if record is not None else frozenset[str]()
    return Overlap(
        keys,
        leaks,
        tuple(sorted(learned & tested)),
        bool(records) or bool(learned),
        calibrated,
        sum(one.left_out for one in records),
    )


_WORDS = {
    "identity": ("person", "people"),
    "recording": ("recording", "recordings"),
    "clip": ("clip", "clips"),
}


def _manifests(bundle: Bundle) -> Iterator[Manifest]:
    yield bundle.manifest
    for member in bundle.members:
        yield from _manifests(member)


def _training_sources(manifest: Manifest) -> Iterator[str]:
    return (source.name for source in manifest.sources if source.used_for.startswith("training"))
