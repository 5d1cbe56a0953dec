"""What a model has learned from, as far as its manifest can tell it without telling who: hashes of people and clips.

An evaluation asks it whether a test sample is one of them. A key is 6 bytes of SHA-256, so that a bundle names nobody,
and a sample that is not among 50,000 of them is taken for one of them once in five thousand million times.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from typing import Annotated, Protocol

from pydantic import BaseModel, ConfigDict, Field

KEY_HEX = 12
MOST_KEYS = 50_000  # 600 kB of a manifest
# Kind of key -> the fields that hold such keys. Only these say "the same person, recording or clip".
KEY_FIELDS: Mapping[str, tuple[str, ...]] = {
    "identity": ("target_id", "donor_id"),
    "recording": ("source_key",),
    "clip": ("video_id", "pair_key"),
}


class Keyed(Protocol):
    """A sample of a dataset, or a face cut out of one."""

    @property
    def dataset(self) -> str: ...


class TrainedOn(BaseModel):
    """datasets: by name. faces: crops learnt from. keys: hashes, KEY_HEX characters each, sorted and joined.

    left_out: keys that there were beyond MOST_KEYS; where it is above 0, a sample that is not found may still be one.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)
    datasets: list[str]
    faces: int = Field(ge=0)
    keys: Annotated[str, Field(pattern=r"^([0-9a-f]{12})*$")]
    left_out: int = Field(ge=0, default=0)

    @property
    def key_set(self) -> frozenset[str]:
        return split_keys(self.keys)


def split_keys(joined: str) -> frozenset[str]:
    """Joined keys, KEY_HEX characters each, apart."""
    return frozenset(joined[at : at + KEY_HEX] for at in range(0, len(joined), KEY_HEX))


def keys_of(sample: Keyed, kinds: Iterable[str] = tuple(KEY_FIELDS)) -> dict[str, tuple[str, str]]:
    """Hash -> (kind, key as written) of one sample's people, recordings and clips.

    A key that names its collection is the same in every dataset; any other is its own dataset's.
    """
    found: dict[str, tuple[str, str]] = {}
    for kind in kinds:
        for field in KEY_FIELDS[kind]:
            value = str(getattr(sample, field, "") or "")
            if value:
                found[_hash(kind, "" if _names_its_collection(value) else sample.dataset, value)] = (kind, value)
    return found


def _names_its_collection(key: str) -> bool:
    """`ffpp:033`, `ffpp/youtube/033`: made by a reader of datasets. A path of a list is none: it has a suffix."""
    return ":" in key or ("/" in key and "." not in key.rpartition("/")[2])


def file_key(sha256: str) -> str:
    """The key of a file by its content."""
    return _hash("file", "", sha256)


def trained_on(samples: Iterable[Keyed]) -> TrainedOn:
    """The record of what was learnt from."""
    datasets: set[str] = set()
    keys: set[str] = set()
    faces = 0
    for sample in samples:
        faces += 1
        datasets.add(sample.dataset)
        keys.update(keys_of(sample))
        sha256 = getattr(sample, "clip_sha256", "")
        if sha256:
            keys.add(file_key(sha256))
    kept = sorted(keys)[:MOST_KEYS]
    return TrainedOn(datasets=sorted(datasets), faces=faces, keys="".join(kept), left_out=len(keys) - len(kept))


def _hash(kind: str, scope: str, value: str) -> str:
    return hashlib.sha256(f"{kind}\0{scope}\0{value}".encode()).hexdigest()[:KEY_HEX]
