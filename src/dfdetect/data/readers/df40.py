"""DF40 (Yan et al. 2024, arXiv:2406.13495): 40 methods, most of them run on FaceForensics++ and Celeb-DF-v2.

31 methods come as fakes alone: their reals are those two datasets, whose keys the fakes carry, so that an audit sees a
clip of FaceForensics++ in training and the fake made from it in the test. The other nine bring their own reals, of
which nothing is known. Its published lists use one set for validation and test.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from dfdetect.data import names
from dfdetect.data.readers import faceforensics
from dfdetect.data.readers.reader import CountCheck, DatasetReader, Reading, in_order
from dfdetect.data.sample import Sample, SampleKind
from dfdetect.data.tree import IMAGE_SUFFIXES, VIDEO_SUFFIXES, Tree
from dfdetect.values import Label

NAME = "df40"

# Folder names as published, which are not always those of the paper.
SWAPS = ("fsgan", "faceswap", "simswap", "inswap", "blendface", "uniface", "mobileswap", "e4s", "facedancer")
REENACTMENTS = (
    *("fomm", "facevid2vid", "wav2lip", "mraa", "one_shot_free", "pirender", "tpsm", "lia", "dagan", "danet"),
    *("sadtalker", "mcnet", "hyperreenact"),
)  # fmt: skip
WHOLE_FACES = ("vqgan", "stylegan2", "stylegan3", "styleganxl", "sd2.1", "ddim", "rddm", "pixart", "dit", "sit")
WITH_REALS = (
    *("deepfacelab", "heygen", "whichisreal", "midjourney", "stargan", "starganv2", "styleclip", "e4e"),
    "collabdiff",
)  # fmt: skip

LAYOUT = """
DF40/simswap/ff/frames/033_097/000.png          fakes of FaceForensics++ clip 033 (`train` or `test` may stand above)
DF40/simswap/cdf/frames/id0_id16_0003/000.png   fakes of Celeb-DF-v2
DF40/simswap/ff/033_097.mp4                     the same as videos
DF40/heygen/fake/NAME/000.png                   nine methods bring their reals: heygen/real/...
DF40/stargan/fake/00931.jpg                     or single pictures
"""

_BASED = "|".join(re.escape(name) for name in (*SWAPS, *REENACTMENTS, *WHOLE_FACES, "e4e"))
_OURS = re.compile(
    rf"(?:^|/)(?:(?:{_BASED})/(?:ff|ffpp|cdf|cdfv2)|(?:{'|'.join(WITH_REALS)})/(?:fake|real))/", re.IGNORECASE
)
_ITEM = re.compile(
    rf"(?P<above>.*/|)(?P<method>{_BASED}|{'|'.join(WITH_REALS)})/(?P<base>ff|ffpp|cdf|cdfv2|fake|real)/(?P<inside>.+)",
    re.IGNORECASE,
)
_SPLIT = re.compile(r"(?:^|[/_-])(train|test)(?=/)", re.IGNORECASE)
_LEVELS = ("frames", "faces", "crops", "videos", "inversions", "images", "celeb-real", "youtube-real")
_HOLDERS = (*_LEVELS, "ff", "ffpp", "cdf", "cdfv2", "fake", "real")  # folders whose images are not frames of one clip
_ASIDE = ("landmarks", "masks")


@dataclass(frozen=True, slots=True)
class _Keys:
    """What the name of a fake says, in the namespaces of the dataset that it was made from."""

    target: str = ""
    donor: str = ""
    original: str = ""
    source: str = ""


def matches(tree: Tree) -> bool:
    """One of its methods' folders with ff or cdf below, or with fake or real below for the nine that have reals."""
    return any(_OURS.search(file.path) for file in tree.files)


def read(reading: Reading) -> Iterator[Sample]:
    """Folders of crops, single crops and videos."""
    return in_order(reading, _samples(reading, faceforensics.uploads(reading)))


def _samples(reading: Reading, uploads: Mapping[str, str]) -> Iterator[Sample]:
    for path, named, kind, n_bytes in _clips(reading):
        match = _ITEM.fullmatch(named)
        if match is None:
            reading.problem("unknown_name", path, "expected METHOD/ff/..., METHOD/cdf/... or METHOD/fake/...")
            continue
        method, base = match["method"].lower(), match["base"].lower()
        if base in ("fake", "real") and method not in WITH_REALS:
            reading.problem("unknown_name", path, f"{method} comes without reals; expected ff or cdf below it")
            continue
        inside = "/".join(part for part in match["inside"].split("/") if part.lower() not in _LEVELS)
        keys = _Keys() if base in ("fake", "real") else _keys(base, method, inside.rpartition("/")[2], uploads)
        if keys is None:
            reading.problem("unknown_name", path, "expected the name of a clip of FaceForensics++ or of Celeb-DF")
            continue
        fake = base != "real"
        split = _SPLIT.search(match["above"])
        video_id = f"df40/{method}/{base}/{inside}"
        yield Sample(
            path=reading.tree.absolute(path),
            root=reading.tree.absolute(""),
            label=Label.FAKE if fake else Label.REAL,
            dataset=NAME,
            video_id=video_id,
            kind=kind,
            method=method if fake else "",
            target_id=keys.target,
            donor_id=keys.donor,
            pair_key=keys.original if fake else video_id,
            source_key=keys.source,
            split=split[1].lower() if split else "",  # type: ignore[arg-type]
            bytes=n_bytes,
        )


def _clips(reading: Reading) -> Iterator[tuple[str, str, SampleKind, int]]:
    """(path, path without suffix, kind, bytes): videos; folders of crops; single crops in a folder of many."""
    for folder, files in reading.tree.by_folder().items():
        parts = folder.lower().split("/")
        if any(part in _ASIDE for part in parts):
            continue
        images = [file for file in files if file.suffix in IMAGE_SUFFIXES and reading.usable(file)]
        if parts[-1] in _HOLDERS:
            yield from ((file.path, file.path.rpartition(".")[0], "crop", file.bytes) for file in images)
        elif images:
            yield folder, folder, "crop", sum(file.bytes for file in images)
        for file in files:
            if file.suffix in VIDEO_SUFFIXES and reading.usable(file):
                yield file.path, file.path.rpartition(".")[0], "video", file.bytes


def _keys(base: str, method: str, name: str, uploads: Mapping[str, str]) -> _Keys | None:
    """Only swaps are made frame by frame from the target's clip; the others have no `original`."""
    if base.startswith("ff"):
        clip = names.faceforensics(name)
        if clip is None:
            return None
        original = faceforensics.video_id(clip.target, "") if method in SWAPS else ""
        donor = f"ffpp:{clip.donor}" if clip.donor else ""
        return _Keys(f"ffpp:{clip.target}", donor, original, uploads.get(clip.target, f"ffpp:{clip.target}"))
    clip = names.celeb_df(name)
    if clip is None:
        return None
    real = clip.original or name
    original = f"celeb_df/{'YouTube-real' if real.isdigit() else 'Celeb-real'}/{real}"
    donor = f"celeb_df:{clip.donor}" if clip.donor else ""
    target = f"celeb_df:{clip.target}" if clip.target else ""  # nobody knows the people of YouTube-real
    return _Keys(target, donor, original if method in SWAPS else "", original)


def check(samples: Sequence[Sample]) -> list[CountCheck]:
    """Nothing: the counts of clips a method were not published where we could read them."""
    return []


READER = DatasetReader(
    name=NAME,
    title="DF40",
    layout=LAYOUT,
    source="README and rearrange.py of YZY-stack/DF40, and paths in its issues",
    matches=matches,
    read=read,
    check=check,
)
