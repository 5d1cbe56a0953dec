"""A contact sheet for each dataset of a prepared folder: clips from all over it, each fake beside its original."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Container, Sequence
from pathlib import Path

from dfdetect.batch.whole_file import whole_file
from dfdetect.data.face_record import FaceRecord
from dfdetect.data.shards import read_columns, read_shards
from dfdetect.data.sheet import Tile, captioned_sheet
from dfdetect.media.roundtrip import encode_png

MOST_TILES = 96
_COLUMNS, _TILE_PX = 8, 160
_MOST_OF_A_GROUP = 8  # an original and seven of its fakes

Place = tuple[str, str, int, int]  # dataset, path, frame, track: names a row


def write_sheets(shards: Path, folder: Path) -> list[Path]:
    """Write `sheet-DATASET.png` for every dataset of the shards into `folder`; returns the paths."""
    picked = _pick(shards)
    wanted = {place for places in picked.values() for place in places}
    found: dict[Place, FaceRecord] = {}
    for record in read_shards(shards, where=lambda record: _place(record) in wanted):
        found.setdefault(_place(record), record)
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for dataset, places in picked.items():
        path = folder / f"sheet-{re.sub(r'[^A-Za-z0-9_.-]', '_', dataset) or 'faces'}.png"
        with whole_file(path) as part:
            stacks = [[_tile(found[place])] for place in places]
            page = captioned_sheet([("", stacks)], columns=min(_COLUMNS, len(stacks)), tile_px=_TILE_PX)
            part.write_bytes(encode_png(page))
        paths.append(path)
    return paths


def _place(record: FaceRecord) -> Place:
    return record.dataset, record.path, record.frame_index, record.track_id


def _pick(shards: Path) -> dict[str, list[Place]]:
    """Dataset -> the rows to show, a group after the other; groups spread evenly over the dataset."""
    names = ["dataset", "path", "frame_index", "track_id", "pair_key", "video_id", "compression", "label"]
    columns = read_columns(shards, names).to_pydict()
    groups: dict[str, dict[tuple[str, str], dict[str, list[Place]]]] = defaultdict(lambda: defaultdict(dict))
    real: set[str] = set()
    fake: set[Place] = set()
    for dataset, path, frame, track, pair, video, compression, label in zip(*columns.values(), strict=True):
        clips = groups[dataset][pair or video, compression]
        clips.setdefault(path, []).append((dataset, path, frame, track))
        if label == 1:
            fake.add(clips[path][-1])
        else:
            real.add(path)
    out: dict[str, list[Place]] = {}
    for dataset, members in sorted(groups.items()):
        rows = []
        for clips in members.values():
            originals_first = sorted(clips.items(), key=lambda item: item[0] not in real)
            rows.append(_of_group(dict(originals_first), fake))
        mean = sum(map(len, rows)) / len(rows)
        many = max(1, min(len(rows), int(MOST_TILES / mean)))
        shown = [rows[(2 * number + 1) * len(rows) // (2 * many)] for number in range(many)]
        out[dataset] = [place for row in shown for place in row][:MOST_TILES]
    return out


def _of_group(clips: dict[str, list[Place]], fake: Container[Place]) -> list[Place]:
    """One row of every clip, in their order: of the frame and face that most of them show, a fake one if there is."""
    counts: Counter[tuple[int, int]] = Counter()
    for places in clips.values():
        counts.update(place[2:] for place in places if place in fake)
    if not counts:
        counts.update(place[2:] for places in clips.values() for place in places)
    most = max(counts.values())
    shared = sorted(key for key, count in counts.items() if count == most)
    wanted = shared[len(shared) // 2]
    return [_nearest(places, wanted) for places in clips.values()][:_MOST_OF_A_GROUP]


def _nearest(places: Sequence[Place], wanted: tuple[int, int]) -> Place:
    return min(places, key=lambda place: (place[2:] != wanted, abs(place[2] - wanted[0])))


def _tile(record: FaceRecord) -> Tile:
    fake = record.label == 1
    first = " ".join(part for part in ("FAKE" if fake else "real", record.method, record.compression) if part)
    if not fake and record.label_from != "clip":
        first = "real (untouched)"
    how = {"mask": "mask", "difference": "differs"}.get(record.label_from, "")
    second = record.video_id.rpartition("/")[2] or record.path
    third = ", ".join(part for part in (f"frame {record.frame_index}", f"{record.face_px:.0f} px", how) if part)
    return Tile(record.picture(), (first, second, third), fake, record.mask())
