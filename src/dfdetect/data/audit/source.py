"""A split as it was written, brought to one form: an Arrow table of strings with known column names."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from dfdetect.data.audit.report import Note
from dfdetect.data.lists import SPLIT_WORDS
from dfdetect.errors import UsageError

if TYPE_CHECKING:
    import pyarrow as pa

# Column -> other names that it goes by, in order of preference; upper and lower case are the same.
COLUMNS: dict[str, tuple[str, ...]] = {
    "path": ("file", "filename", "file_name", "file_path", "filepath", "image", "image_path", "img_path", "video_path",
             "frame_path", "uri", "name"),
    "label": ("class", "y", "is_fake", "fake"),
    "split": ("set", "subset", "partition", "fold", "phase"),
    "dataset": ("db",),
    "method": ("manipulation", "forgery"),
    "compression": (),
    "video_id": ("video", "clip", "clip_id"),
    "target_id": ("person", "person_id", "identity", "subject", "subject_id", "actor"),
    "donor_id": ("donor",),
    "pair_key": ("original", "original_id"),
    "source_key": ("youtube_id", "upload"),
    "sha256": ("sha1", "md5", "hash", "checksum", "clip_sha256"),
}  # fmt: skip
KEY_COLUMNS = ("video_id", "target_id", "donor_id", "pair_key", "source_key")

# Face shards: their paths start in each dataset's own folder, so a path alone is no name.
_OF_FACES = {"path", "dataset", "clip_sha256"}

_REAL = ("real", "0", "0.0", "false", "original", "pristine", "genuine", "authentic", "bonafide")
_FAKE = ("fake", "1", "1.0", "true", "manipulated", "deepfake", "forged", "spoof", "synthetic")
LABEL_WORDS: dict[str, str] = {**dict.fromkeys(_REAL, "real"), **dict.fromkeys(_FAKE, "fake")}


@dataclass(slots=True)
class Source:
    """One file, folder or table of a split.

    name: what was given, for the report. table: string columns named as in COLUMNS, null where unknown; `path` is
    always there; label is "real" or "fake". where: (n_rows,) what names are looked for in, where that is not the path
    itself (the keys of a JSON). base: the folder that relative paths are taken from. is_index: made by `dfdetect data
    index`, so that nothing is told from names.
    """

    name: str
    table: pa.Table
    where: pa.Array | None = None
    is_index: bool = False
    is_faces: bool = False
    base: str = ""
    notes: list[Note] = field(default_factory=list)


def from_columns(table: pa.Table, name: str, columns: Mapping[str, str], *, keep_split_names: bool = False) -> Source:
    """An Arrow table with any column names -> Source.

    columns: known name -> the table's own, for what COLUMNS does not list. UsageError where no column can be the path,
    for a column that is not there, and for unknown words in the split column unless keep_split_names.
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    own = own_columns(table.column_names, name, columns)
    made = {known: as_text(table.column(theirs)) for known, theirs in own.items()}
    is_index = {"path", "label", "dataset", "video_id", "kind", "split"} <= set(table.column_names)
    if "path" not in made:
        made["path"] = made["video_id"]
    is_faces = set(table.column_names) >= _OF_FACES
    if is_faces:
        made["path"] = pc.binary_join_element_wise(made["dataset"], made["path"], "/", null_handling="skip")
    source = Source(name, pa.table(made), is_index=is_index, is_faces=is_faces)
    if "label" in made:
        _set(source, "label", _known_words(made["label"], LABEL_WORDS, source.notes))
    if "split" in made and not keep_split_names:
        _set(source, "split", split_words(made["split"], name))
    return source


def own_columns(found: Sequence[str], name: str, columns: Mapping[str, str]) -> dict[str, str]:
    """Known column name -> the file's own name for it. UsageError where neither path nor video_id can be found."""
    lower = {theirs.strip().lower(): theirs for theirs in reversed(found)}
    own: dict[str, str] = {}
    for known, theirs in columns.items():
        if known not in COLUMNS:
            raise UsageError(f"--column takes one of {', '.join(COLUMNS)}; got {known!r}")
        if theirs not in found:
            raise UsageError(f"{name}: there is no column {theirs!r}; its columns are {', '.join(map(repr, found))}")
        own[known] = theirs
    for known, others in COLUMNS.items():
        for other in (known, *others):
            if known not in own and other in lower and lower[other] not in own.values():
                own[known] = lower[other]
    if "path" not in own and "video_id" not in own:
        raise UsageError(
            f"{name}: expected a column `path` (or video_id); its columns are {', '.join(map(repr, found))}. Say which "
            "one it is with --column path=NAME"
        )
    return own


def as_text(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Any column as strings, null for "" and NaN."""
    import pyarrow as pa
    import pyarrow.compute as pc

    kind = column.type.value_type if pa.types.is_dictionary(column.type) else column.type
    if pa.types.is_floating(kind):
        column = pc.if_else(pc.is_nan(column), pa.scalar(None, kind), column)
    if pa.types.is_dictionary(column.type):
        column = column.cast(kind)
    text = column.cast(pa.string())
    return pc.if_else(pc.equal(text, ""), pa.scalar(None, pa.string()), text)


def split_words(column: pa.ChunkedArray, name: str) -> pa.ChunkedArray:
    """Split words as train, val, test or null. UsageError lists the words that are none of SPLIT_WORDS."""
    found, unknown = _map_words(column, {word: split or None for word, split in SPLIT_WORDS.items()})
    if unknown:
        known = ", ".join(word for word in SPLIT_WORDS if word)
        raise UsageError(
            f"{name}: unknown words in the split column: {', '.join(map(repr, unknown[:5]))}; known are {known}. "
            "--keep-split-names audits between the names as they are"
        )
    return found


def _known_words(column: pa.ChunkedArray, words: Mapping[str, str | None], notes: list[Note]) -> pa.ChunkedArray:
    found, unknown = _map_words(column, words)
    if unknown:
        text = "some labels are neither real nor fake (0 or 1, 1 = fake); these samples count as without label"
        notes.append(Note("unknown_label", text, tuple(unknown[:5])))
    return found


def _map_words(column: pa.ChunkedArray, words: Mapping[str, str | None]) -> tuple[pa.ChunkedArray, list[str]]:
    """(each value's word, values that have none)."""
    import pyarrow as pa
    import pyarrow.compute as pc

    values = pc.unique(column).to_pylist()
    known = {value: words.get(str(value).strip().lower()) for value in values if value is not None}
    unknown = [str(value) for value in known if str(value).strip().lower() not in words]
    place = pc.index_in(column, pa.array(list(known), pa.string()))
    return pc.take(pa.array(list(known.values()), pa.string()), place), unknown


def _set(source: Source, name: str, column: pa.ChunkedArray) -> None:
    source.table = source.table.set_column(source.table.column_names.index(name), name, column)
