"""FakeAVCeleb v1.2 (Khalid et al. 2021, arXiv:2108.05080): videos whose picture, sound or both were faked.

Labels here are about the picture: RealVideo-FakeAudio shows the untouched clip and is REAL. The list meta_data.csv has
the file name in its column `path`, and the folder in a tenth column without a name.
"""

from __future__ import annotations

import csv
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from dfdetect.data.names import fakeavceleb
from dfdetect.data.readers.reader import CountCheck, DatasetReader, Reading, clips, in_order
from dfdetect.data.sample import Sample
from dfdetect.data.tree import Tree
from dfdetect.errors import DataError
from dfdetect.values import Label

NAME = "fakeavceleb"
PUBLISHED = {
    "RealVideo-RealAudio": 500,
    "RealVideo-FakeAudio": 500,
    "FakeVideo-RealAudio": 9709,
    "FakeVideo-FakeAudio": 10835,
}

LAYOUT = """
RealVideo-RealAudio/African/men/id00076/00109.mp4
FakeVideo-RealAudio/African/men/id00076/00109_id00171_faceswap.mp4
FakeVideo-FakeAudio/African/men/id00076/00109_10_id00476_wavtolip.mp4
RealVideo-FakeAudio/African/men/id00076/00109_fake.mp4               (real to the eye: labelled real)
meta_data.csv                                                        (optional: method and donor)
"""

_CLIP = re.compile(
    r"(?:.*/)?((?:Real|Fake)Video)-((?:Real|Fake)Audio)/(?:videos/)?([^/]+)/([^/]+)/(id\d{5})/"
    r"(?:(?:videos|frames|faces|crops)/)?([^/]+)",
    re.IGNORECASE,
)
_OURS = re.compile(r"(?:^|/)(?:Real|Fake)Video-(?:Real|Fake)Audio/", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class _Listed:
    """What meta_data.csv says of a clip; donor is "" where there is none."""

    method: str
    donor: str


def matches(tree: Tree) -> bool:
    """One of the four category folders."""
    return any(_OURS.search(file.path) for file in tree.files)


def read(reading: Reading) -> Iterator[Sample]:
    """Videos or folders of crops."""
    return in_order(reading, _samples(reading, _meta(reading)))


def _samples(reading: Reading, meta: Mapping[tuple[str, str, str], _Listed]) -> Iterator[Sample]:
    for path, files, kind in clips(reading):
        match = _CLIP.fullmatch(path.rpartition(".")[0] if kind == "video" else path)
        keys = fakeavceleb(match[6]) if match else None
        if match is None or keys is None:
            text = "expected CATEGORY/RACE/GENDER/idNNNNN/NNNNN[_...].mp4 with RealVideo-RealAudio or the like"
            reading.problem("unknown_name", path, text)
            continue
        category, person = _canonical(match[1], match[2]), match[5].lower()
        fake = category.startswith("Fake")
        listed = meta.get((category, person, match[6]), _Listed("", ""))
        recording = f"fakeavceleb/RealVideo-RealAudio/{person}/{keys.original or keys.video}"
        video_id = f"fakeavceleb/{category}/{person}/{match[6]}"
        donor = (listed.donor or keys.donor) if fake else ""
        yield Sample(
            path=reading.tree.absolute(path),
            root=reading.tree.absolute(""),
            label=Label.FAKE if fake else Label.REAL,
            dataset=NAME,
            video_id=video_id,
            kind=kind,
            method=(listed.method or _method(match[6])) if fake else "",
            target_id=f"fakeavceleb:{person}",
            donor_id=f"fakeavceleb:{donor}" if donor else "",
            pair_key=recording if fake else video_id,
            source_key=recording,
            bytes=sum(file.bytes for file in files),
        )


def _canonical(video: str, audio: str) -> str:
    """`realvideo`, `FAKEAUDIO` -> `RealVideo-FakeAudio`."""
    return f"{video[:4].capitalize()}Video-{audio[:4].capitalize()}Audio"


def _method(stem: str) -> str:
    """The last word of a fake's name, for copies without the list."""
    word = stem.rpartition("_")[2].lower()
    return {"wavtolip": "wav2lip"}.get(word, word if word.isalpha() else "")


def _meta(reading: Reading) -> dict[tuple[str, str, str], _Listed]:
    """(category, person, file stem) -> method and donor, from meta_data.csv: the columns count, not their names."""
    path = reading.find_list("meta_data.csv")
    if path is None:
        text = "no meta_data.csv: methods and donors come from the file names"
        reading.problem("no_list", "meta_data.csv", text)
        return {}
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = list(csv.reader(file))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise DataError(f"{path}: expected the CSV of FakeAVCeleb in UTF-8; {error}") from error
    if not rows or rows[0][:6] != ["source", "target1", "target2", "method", "category", "type"]:
        raise DataError(
            f"{path}: expected the header source,target1,target2,method,category,type,race,gender,path; "
            f"got {','.join(rows[0]) if rows else 'nothing'}"
        )
    found = {}
    for row in rows[1:]:
        if len(row) >= 9:
            donor = row[1] if row[1].startswith("id") else ""
            found[row[5], row[0].lower(), row[8].rpartition(".")[0]] = _Listed(row[3], donor)
    return found


def check(samples: Sequence[Sample]) -> list[CountCheck]:
    """Published counts of the four categories, for those that are there."""
    counts = Counter(sample.video_id.split("/")[1] for sample in samples)
    return [CountCheck(name, counts[name], published) for name, published in PUBLISHED.items() if counts[name]]


READER = DatasetReader(
    name=NAME,
    title="FakeAVCeleb v1.2",
    layout=LAYOUT,
    source="many independent readers agree, dfwb-research/deepfake-workbench among them; the site could not be seen",
    matches=matches,
    read=read,
    check=check,
    verified=False,
)
