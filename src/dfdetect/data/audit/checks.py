"""What else is wrong with a split: not leaks, but to be known before anybody trusts a score on it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from dfdetect.data.audit.leaks import SplitRows
from dfdetect.data.audit.report import Note
from dfdetect.data.groups import NONE, Keys

if TYPE_CHECKING:
    import pyarrow as pa

REVERSED_SHARE = 0.9
_MOST_DEPTH = 16
_MOST_EXAMPLES = 3


def comparable_paths(paths: pa.ChunkedArray) -> tuple[pa.ChunkedArray, list[Note]]:
    """Paths by which files can be compared: with `/`, and where some are absolute and some relative, without the folder
    that makes most of the absolute ones equal to relative ones."""
    import pyarrow as pa
    import pyarrow.compute as pc

    paths = pc.replace_substring(paths, "\\", "/")
    paths = pc.replace_substring_regex(paths, r"^(?:\./)+|(/)/+", r"\1")
    absolute = pc.match_substring_regex(paths, r"^(?:/|[A-Za-z]:/)")
    n_absolute = int(pc.sum(absolute).as_py() or 0)
    if n_absolute in (0, len(paths)):
        return paths, []
    relative = pc.unique(paths.filter(pc.invert(absolute)))
    best, most = paths, 0
    for depth in range(1, _MOST_DEPTH):
        shorter = pc.replace_substring_regex(paths, rf"^(?:/|[A-Za-z]:/)(?:[^/]*/){{{depth - 1}}}", "")
        hits = int(pc.sum(pc.and_(absolute, pc.is_in(shorter, relative))).as_py() or 0)
        if hits > most:
            best, most = pc.if_else(absolute, shorter, paths), hits
    text = f"{n_absolute:,} paths are absolute and {len(paths) - n_absolute:,} relative"
    text += (
        f"; {most:,} absolute ones end in a relative one and are taken as the same file"
        if most
        else "; none of the absolute ones ends in a relative one, so the same file may hide under both"
    )
    return best if most else paths, [Note("mixed_paths", text, (str(pa.scalar(paths[0].as_py())),))]


def find_notes(rows: SplitRows, table: pa.Table, *, of_faces: bool) -> list[Note]:
    """Doubled rows, labels that contradict one another or their paths, and equal file names that nothing explains.

    of_faces: a file has a row for every face and frame, and a fake clip may show an untouched face too.
    """
    several = [] if of_faces else [*_doubled(rows), *_contradictions(rows)]
    return [*several, *_polarity(rows, table)]


def _doubled(rows: SplitRows) -> list[Note]:
    (codes,) = rows.keys["file"].codes
    cells = codes.astype(np.int64) * len(rows.splits) + rows.split
    _, first, counts = np.unique(cells, return_index=True, return_counts=True)
    again = int((counts - 1).sum())
    if not again:
        return []
    examples = tuple(str(rows.path[int(row)].as_py()) for row in first[counts > 1][:_MOST_EXAMPLES])
    return [Note("doubled_rows", f"{again:,} rows repeat a file of the same split", examples)]


def _contradictions(rows: SplitRows) -> list[Note]:
    """Files and videos that are real in one row and fake in another."""
    notes = []
    for kind, what in (("file", "files"), ("video", "videos")):
        keys = rows.keys[kind]
        (codes,) = keys.codes
        seen = np.zeros((len(keys), 2), bool)
        known = (codes != NONE) & (rows.label >= 0)
        seen[codes[known], rows.label[known]] = True
        both = np.flatnonzero(seen.all(axis=1))
        if len(both):
            names = tuple(keys.name(code) for code in both[:_MOST_EXAMPLES].tolist())
            notes.append(Note("two_labels", f"{len(both):,} {what} are labelled both real and fake", names))
            break
    return notes


def _polarity(rows: SplitRows, table: pa.Table) -> list[Note]:
    """Labels against what the paths call the samples."""
    import pyarrow as pa
    import pyarrow.compute as pc

    named = pc.index_in(table.column("named_label"), pa.array(["real", "fake"])).fill_null(-1).to_numpy()
    told = (named >= 0) & (rows.label >= 0)
    # A word that stands above everything, such as the name of the whole folder, says nothing.
    if len(np.unique(named[told])) < 2:
        return []
    wrong = np.flatnonzero(told & (named != rows.label))
    if not len(wrong):
        return []
    share = len(wrong) / int(told.sum())
    examples = tuple(
        f"{rows.path[int(row)].as_py()}: label {('real', 'fake')[rows.label[row]]}" for row in wrong[:_MOST_EXAMPLES]
    )
    if share >= REVERSED_SHARE:
        text = (
            f"the labels look reversed: for {len(wrong):,} of {int(told.sum()):,} samples the path says the opposite. "
            "Here 1 = fake; some lists, such as Celeb-DF's, have 1 = real"
        )
        return [Note("reversed_labels", text, examples)]
    return [Note("label_against_path", f"for {len(wrong):,} samples the path says the opposite of the label", examples)]


def clear_empty_keys(source: Keys) -> Keys:
    """A source key that only repeats the clip's own number (FaceForensics++ read without conversion_dict.json) tells
    nothing about uploads."""
    names = source.names.to_pylist()
    nothing = np.array([name.startswith("ffpp:") for name in names], bool)
    if not nothing.any():
        return source
    (codes,) = source.codes
    return Keys((np.where((codes != NONE) & nothing[codes], NONE, codes).astype(np.int32),), source.names)
