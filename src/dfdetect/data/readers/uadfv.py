"""UADFV (Yang, Li and Lyu 2019, arXiv:1811.00661): 49 real and 49 fake clips, a pair by number.

No official split, no persons. It is used as a test set, so every clip is `test`: DeepfakeBench puts all of them into
train, validation and test alike.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from dfdetect.data.names import uadfv
from dfdetect.data.readers.reader import CountCheck, DatasetReader, Reading, clips, in_order
from dfdetect.data.sample import Sample
from dfdetect.data.tree import Tree
from dfdetect.values import Label

NAME = "uadfv"

LAYOUT = """
fake_videos/real/0031.mp4            (the folder above may have any name, UADFV too; `videos/` may stand between)
fake_videos/fake/0031_fake.mp4
cropped: real/frames/0031/000.png    fake/frames/0031_fake/000.png
"""

_CLIP = re.compile(r"(?:.*/)?(real|fake)/(?:(?:videos|frames|faces|crops)/)?([^/]+)", re.IGNORECASE)
_FAKE = re.compile(r"(?:^|/)fake/(?:(?:videos|frames|faces|crops)/)?\d{4}_fake[./]", re.IGNORECASE)
_REAL = re.compile(r"(?:^|/)real/(?:(?:videos|frames|faces|crops)/)?\d{4}[./]", re.IGNORECASE)
_NAMED = re.compile(r"(?:^|/)(?:fake_videos|uadfv)/", re.IGNORECASE)


def matches(tree: Tree) -> bool:
    """fake/NNNN_fake, which nothing else has; or the reals alone in a folder named fake_videos or UADFV."""
    if any(_FAKE.search(file.path) for file in tree.files):
        return True
    named = bool(_NAMED.search(f"{tree.root.name}/"))
    return any(_REAL.search(file.path) and (named or _NAMED.search(file.path)) for file in tree.files)


def read(reading: Reading) -> Iterator[Sample]:
    """Videos or folders of crops."""
    return in_order(reading, _samples(reading))


def _samples(reading: Reading) -> Iterator[Sample]:
    for path, files, kind in clips(reading):
        match = _CLIP.fullmatch(path.rpartition(".")[0] if kind == "video" else path)
        keys = uadfv(match[2].lower()) if match else None
        if match is None or keys is None or keys.is_fake != (match[1].lower() == "fake"):
            reading.problem("unknown_name", path, "expected real/NNNN or fake/NNNN_fake")
            continue
        original = f"uadfv/real/{keys.original or keys.video}"
        yield Sample(
            path=reading.tree.absolute(path),
            root=reading.tree.absolute(""),
            label=Label.FAKE if keys.is_fake else Label.REAL,
            dataset=NAME,
            video_id=f"uadfv/fake/{keys.video}" if keys.is_fake else original,
            kind=kind,
            method="FakeApp" if keys.is_fake else "",
            pair_key=original,
            source_key=original,
            split="test",
            bytes=sum(file.bytes for file in files),
        )


def check(samples: Sequence[Sample]) -> list[CountCheck]:
    """49 real and 49 fake."""
    fakes = sum(sample.label is Label.FAKE for sample in samples)
    return [CountCheck("real", len(samples) - fakes, 49), CountCheck("fake", fakes, 49)]


READER = DatasetReader(
    name=NAME,
    title="UADFV",
    layout=LAYOUT,
    source="three independent readers of it agree; the publisher's page could not be seen",
    matches=matches,
    read=read,
    check=check,
    verified=False,
)
