"""Sources joined into one split in integers: keys given, told by names, or looked up in an index."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from dfdetect.data.audit.derive import TOLD, tell
from dfdetect.data.audit.leaks import SplitRows
from dfdetect.data.audit.report import Note
from dfdetect.data.audit.source import COLUMNS, KEY_COLUMNS, Source
from dfdetect.data.groups import Keys, encode
from dfdetect.data.lists import SPLIT_WORDS
from dfdetect.data.readers.folders import FAKE_WORDS, REAL_WORDS
from dfdetect.errors import UsageError

if TYPE_CHECKING:
    import pyarrow as pa

# What a row has when sources are joined. named_label: what its path calls it. base: where a relative path starts.
JOINED = (*COLUMNS, "named_label", "base")
MOST_SPLITS = 64

_LABEL_CODES = {"real": 0, "fake": 1}


def name_keys(source: Source, *, lists: Path | None, video_from: str | None) -> None:
    """Fill what a source does not say with what its paths tell. An index stays as it is."""
    if source.is_index:
        return
    where = _text(source.where if source.where is not None else source.table.column("path"))
    where = _slashes(where)
    told = tell(where, lists=lists)
    given = {name: _text(source.table.column(name)) for name in source.table.column_names}
    by_name = {name: told.column(name) for name in TOLD}
    named = _coalesce(by_name["label"], label_words(where))
    _keep_identities_together(given, by_name, source)
    _tell_celeb_version(where, by_name["dataset"], source)
    if "pair_key" in given:
        given["pair_key"] = _coalesce(tell(given["pair_key"], lists=lists).column("video_id"), given["pair_key"])
    if video_from is not None:
        by_name["video_id"] = _coalesce(_extract(where, video_from), by_name["video_id"])
    for name in TOLD:
        given[name] = _coalesce(given[name], by_name[name]) if name in given else by_name[name]
    given["label"] = _coalesce(given["label"], named)
    given["named_label"] = named
    source.table = _table(given)


def _table(columns: dict[str, pa.ChunkedArray]) -> pa.Table:
    import pyarrow as pa

    return pa.table({name: columns[name] for name in JOINED if name in columns})


def _keep_identities_together(
    given: dict[str, pa.ChunkedArray], by_name: dict[str, pa.ChunkedArray], source: Source
) -> None:
    """Two ways to name people in one split hide that they are the same: where only names tell the donors, they tell the
    targets of these datasets too."""
    if "target_id" not in given or "donor_id" in given or by_name["donor_id"].null_count == len(by_name["donor_id"]):
        return
    given["target_id"] = _coalesce(by_name["target_id"], given["target_id"])
    text = (
        "people are named by the clips' names where these tell them, not by the column of people, since there is none "
        "of donors; give a column donor_id to have your names used"
    )
    source.notes.append(Note("people_by_name", text))


def _tell_celeb_version(where: pa.ChunkedArray, dataset: pa.ChunkedArray, source: Source) -> None:
    """Celeb-DF v1 and v2 name their clips alike: what no folder calls v1 is taken for v2, and that is said."""
    import pyarrow.compute as pc

    clips = where.filter(pc.equal(dataset, "celeb_df_v2"))
    unsaid = clips.filter(pc.invert(pc.match_substring_regex(clips, r"(?i)celeb[ _-]?df[ _-]*\(?(?:v2|pp|\+\+)")))
    if len(unsaid):
        text = (
            f"{len(unsaid):,} samples are named like clips of Celeb-DF, and no folder says of which version; they are "
            "taken for v2's. Fakes of v1 are other clips of the same names: if these are v1's, put them below a "
            "folder named Celeb-DF-v1, or give an index of them with --keys"
        )
        source.notes.append(Note("celeb_df_version", text, tuple(unsaid.slice(0, 3).to_pylist())))


def _text(column: pa.ChunkedArray | pa.Array) -> pa.ChunkedArray:
    import pyarrow as pa

    chunked = column if isinstance(column, pa.ChunkedArray) else pa.chunked_array([column])
    return chunked.cast(pa.string())


def _slashes(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Windows paths with `/`, without `./` in front or `//` inside."""
    import pyarrow.compute as pc

    column = pc.replace_substring(column, "\\", "/")
    return pc.replace_substring_regex(column, r"^(?:\./)+|(/)/+", r"\1")


def _coalesce(first: pa.ChunkedArray, second: pa.ChunkedArray) -> pa.ChunkedArray:
    import pyarrow.compute as pc

    return pc.coalesce(first, second)


def _extract(where: pa.ChunkedArray, pattern: str) -> pa.ChunkedArray:
    """The first group of a regular expression, null where it does not match."""
    import pyarrow as pa
    import pyarrow.compute as pc

    named = pattern if "(?P<" in pattern else pattern.replace("(", "(?P<video>", 1)
    try:
        return pc.struct_field(pc.extract_regex(where, pattern=named), 0).cast(pa.string())
    except pa.ArrowException as error:
        raise UsageError(
            f"--video-from {pattern}: expected a regular expression (RE2) with a group for the video's name, such as "
            f"'([^/]+)_\\d+\\.png$'; {error}"
        ) from error


def label_words(where: pa.ChunkedArray) -> pa.ChunkedArray:
    """ "real" or "fake" by the last word of a path that says so, null for a path that does not."""
    import pyarrow as pa
    import pyarrow.compute as pc

    pattern = rf"(?i)^.*(?:^|[^a-z])(?P<word>{'|'.join([*REAL_WORDS, *FAKE_WORDS])})(?:[^a-z].*)?$"
    word = pc.utf8_lower(pc.struct_field(pc.extract_regex(where, pattern=pattern), 0))
    is_fake = pc.is_in(word, pa.array(FAKE_WORDS))
    return pc.if_else(pc.is_null(word), pa.scalar(None, pa.string()), pc.if_else(is_fake, "fake", "real"))


def look_up(source: Source, index: pa.Table) -> None:
    """Take the keys of an index of the same datasets for every video that is in it."""
    import pyarrow as pa
    import pyarrow.compute as pc

    names = [name for name in KEY_COLUMNS if name in index.column_names and name != "video_id"]
    place = pc.index_in(source.table.column("video_id"), index.column("video_id").combine_chunks())
    columns = {name: source.table.column(name) for name in source.table.column_names}
    for name in names:
        found = index.column(name).take(place)
        found = pc.if_else(pc.equal(found, ""), pa.scalar(None, pa.string()), found)
        columns[name] = _coalesce(_text(found), columns[name]) if name in columns else _text(found)
    source.table = _table(columns)


def join_sources(sources: Sequence[Source]) -> pa.Table:
    """All rows of all sources that are in a split, columns JOINED."""
    import pyarrow as pa

    parts = []
    for source in sources:
        base = pa.array([source.base] * source.table.num_rows, pa.string())
        source.table = source.table.append_column("base", base)
        columns = {
            name: _text(source.table.column(name))
            if name in source.table.column_names
            else _text(pa.nulls(source.table.num_rows, pa.string()))
            for name in JOINED
        }
        parts.append(pa.table(columns))
    return pa.concat_tables(parts)


def to_rows(table: pa.Table, paths: pa.ChunkedArray) -> SplitRows:
    """Integers for an audit. paths: normalized, by which files are compared. UsageError for fewer than two splits."""
    import pyarrow as pa
    import pyarrow.compute as pc

    split = encode(table.column("split"))
    names = _in_order(split.names.to_pylist())
    if len(names) < 2:
        only = f"only {names[0]!r} ({table.num_rows:,} samples)" if names else "no sample that is in one"
        raise UsageError(
            f"an audit compares splits; found {only}. Give a list with a column split, or several parts: --split "
            "train=A --split test=B"
        )
    if len(names) > MOST_SPLITS:
        raise UsageError(f"expected at most {MOST_SPLITS} splits, got {len(names)} ({', '.join(names[:5])}, ...)")
    place = np.array([names.index(name) if name else -1 for name in split.names.to_pylist()], np.int16)
    label = table.column("label")
    codes = pc.index_in(label, pa.array(list(_LABEL_CODES))).fill_null(-1).to_numpy().astype(np.int8)
    pair = encode(table.column("video_id"), table.column("pair_key"))
    keys = {
        "file": encode(paths),
        "content": content_keys(table, [""] * table.num_rows),
        "video": Keys(pair.codes[:1], pair.names),
        "pair": pair,
        "identity": encode(table.column("target_id"), table.column("donor_id")),
        "source": encode(table.column("source_key")),
    }
    return SplitRows(
        splits=names,
        split=place[split.codes[0]],
        label=codes,
        path=table.column("path"),
        dataset=encode(table.column("dataset")),
        keys=keys,
    )


def files_of(table: pa.Table, root: Path | None) -> list[str]:
    """Where each sample lies: absolute paths as they are, others below root or their list's folder."""
    paths = _slashes(table.column("path")).to_pylist()
    bases = table.column("base").to_pylist()
    return [str(Path(root or base or "") / path) for path, base in zip(paths, bases, strict=True)]


def content_keys(table: pa.Table, sha256: Sequence[str]) -> Keys:
    """Hashes given in the split, else those of the files as read. Lists of one kind of hash do not meet the other's."""
    import pyarrow as pa
    import pyarrow.compute as pc

    return encode(pc.utf8_lower(_coalesce(table.column("sha256"), pa.chunked_array([pa.array(sha256, pa.string())]))))


def _in_order(names: Sequence[str]) -> tuple[str, ...]:
    """train, val, test, then others as they come."""
    usual = tuple(dict.fromkeys(SPLIT_WORDS.values()))
    return tuple([name for name in usual if name in names] + [name for name in names if name and name not in usual])
