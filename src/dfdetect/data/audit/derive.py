"""Keys of a foreign split, told by its paths: patterns find the clips, the datasets' readers say what they mean."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from dfdetect.data.audit.schemes import SCHEMES, UNKNOWN_METHOD, Groups, Scheme
from dfdetect.data.groups import encode
from dfdetect.data.readers import READERS
from dfdetect.data.readers.reader import Reading
from dfdetect.data.sample import Sample, to_table
from dfdetect.data.tree import NamedFile, Tree
from dfdetect.values import Label

if TYPE_CHECKING:
    import pyarrow as pa

Ints = NDArray[np.int64]

TOLD = ("label", "dataset", "method", "video_id", "target_id", "donor_id", "pair_key", "source_key")
_ROOT = "/dataset"
_ANY_METHOD = "Deepfakes"
_BETWEEN = "\x1f"


@dataclass(frozen=True, slots=True)
class Told:
    """What paths tell. clip: (n_paths,) row of each path in `clips`, -1 where no known dataset was recognised.

    clips: a table of the string columns TOLD.
    """

    clip: Ints
    clips: pa.Table

    def column(self, name: str) -> pa.ChunkedArray:
        """One column for every path, null where the name does not tell."""
        import pyarrow as pa
        import pyarrow.compute as pc

        rows = pa.array(self.clip, mask=self.clip < 0)
        values = self.clips.column(name)
        return pc.if_else(pc.equal(values, ""), pa.scalar(None, pa.string()), values).take(rows)


def tell(paths: pa.ChunkedArray, *, lists: Path | None = None) -> Told:
    """Find the clips of public datasets in paths. lists: a folder with these datasets' lists, for their readers."""
    import pyarrow as pa

    keys = encode(paths)
    clip_of_name = np.full(len(keys), -1, np.int64)
    left = np.arange(len(keys))
    samples: list[Sample] = []
    for scheme in SCHEMES:
        if len(left) == 0:
            break
        code, found = _search(keys.names.take(pa.array(left)), scheme)
        if not found:
            continue
        places = [scheme.as_downloaded(groups) for groups in found]
        row_of_place: dict[str, int] = {}
        for place, sample in _read(scheme, {place for place in places if place}, lists):
            row_of_place[place] = len(samples)
            samples.append(sample)
        rows = np.array([row_of_place.get(place, -1) if place else -1 for place in places], np.int64)
        clip_of_name[left] = np.where(code < 0, -1, rows[code])
        left = left[clip_of_name[left] < 0]
    name_of_path = keys.codes[0]
    clips = to_table(samples).select(TOLD)
    # What no reader told has no label either.
    labels = pa.array([sample.label.name.lower() if sample.root else "" for sample in samples], pa.string())
    clips = clips.set_column(0, TOLD[0], labels)
    return Told(np.where(name_of_path < 0, -1, clip_of_name[name_of_path]), clips)


def _search(values: pa.Array, scheme: Scheme) -> tuple[Ints, list[Groups]]:
    """(for each value the number of what was found in it, -1 for nothing; what was found)."""
    import pyarrow as pa
    import pyarrow.compute as pc

    match = pc.extract_regex(values, pattern=scheme.pattern)
    names = [match.type.field(i).name for i in range(match.type.num_fields)]
    groups = [pc.struct_field(match, name) for name in names]
    joined = pc.binary_join_element_wise(*groups, pa.scalar(_BETWEEN, values.type))
    found = joined.dictionary_encode()
    code = found.indices.fill_null(-1).to_numpy(zero_copy_only=False).astype(np.int64)
    return code, [dict(zip(names, text.split(_BETWEEN), strict=True)) for text in found.dictionary.to_pylist()]


def _read(scheme: Scheme, places: set[str], lists: Path | None) -> Iterator[tuple[str, Sample]]:
    """(path as downloaded, its sample), by the dataset's own reader. A method that no word tells stays unknown."""
    if not scheme.reader:
        for video in sorted(places):
            dataset = video.partition("/")[0]
            yield video, Sample(video, "", Label.REAL, "" if dataset == "crops" else dataset, video, "crop")
        return
    real_place = {place.replace(UNKNOWN_METHOD, _ANY_METHOD): place for place in places if UNKNOWN_METHOD in place}
    known = places - set(real_place.values())
    for place, sample in _read_places(scheme, known, lists):
        yield place, sample
    for place, sample in _read_places(scheme, set(real_place), lists):
        video = sample.video_id.replace(f"/{_ANY_METHOD}/", f"/{UNKNOWN_METHOD}/")
        yield real_place[place], replace(sample, video_id=video, method="")


def _read_places(scheme: Scheme, places: set[str], lists: Path | None) -> Iterator[tuple[str, Sample]]:
    if not places:
        return
    tree = Tree(Path(_ROOT), [NamedFile(place, 1) for place in sorted(places)])
    in_folder = {place.rpartition("/")[0]: place for place in places}  # a folder of crops is one sample
    for sample in READERS[scheme.reader].read(Reading(tree, lists)):
        yield sample.name if sample.name in places else in_folder[sample.name], sample
