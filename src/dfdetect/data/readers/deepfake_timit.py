"""DeepFake-TIMIT (Korshunov and Marcel 2018, arXiv:1812.08685) and its reals, VidTIMIT (Sanderson 2002), as downloaded.

The fakes come without their reals. VidTIMIT has them, as folders of frames or remuxed to video; the two may lie in one
folder or be named one after the other. Only subjects that were swapped count as reals.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence

from dfdetect.data.names import NameKeys, deepfake_timit
from dfdetect.data.readers.reader import CountCheck, DatasetReader, Reading, in_order
from dfdetect.data.sample import Sample, SampleKind
from dfdetect.data.tree import IMAGE_SUFFIXES, VIDEO_SUFFIXES, NamedFile, Tree
from dfdetect.values import Label

NAME = "deepfake_timit"
METHODS = {"higher": "faceswap-GAN-HQ", "lower": "faceswap-GAN-LQ"}

LAYOUT = """
DeepfakeTIMIT/higher_quality/fadg0/sa1-video-fram1.avi     (and lower_quality; faces of 128 and 64 pixels)
VidTIMIT/fadg0/video/sa1/001                               (JPEG frames without a suffix, as downloaded)
VidTIMIT/fadg0/sa1.avi                                     (or remuxed to video; `video/` may stand between)
"""

_FAKE = re.compile(r"(?:.*/)?(higher|lower)_quality/(.+)", re.IGNORECASE)
_IN_QUALITY = re.compile(r"([^/]+)/(?:videos?/)?([^/]+)", re.IGNORECASE)
_REAL = re.compile(r"(?:.*/)?([fm][a-z]{3}\d)/(?:videos?/)?([^/]+)", re.IGNORECASE)
_OURS = re.compile(
    r"(?:higher|lower)_quality/.*-video-"
    r"|(?:^|/)[fm][a-z]{3}\d/(?:videos?/)?s[aix]\d+(?:/\d+(?:\.jpe?g|\.png)?|\.(?:avi|mp4|mov|mkv|webm))$",
    re.IGNORECASE,
)


def matches(tree: Tree) -> bool:
    """Names of the form UTTERANCE-video-SUBJECT under a quality folder, or VidTIMIT's subjects and utterances."""
    return any(_OURS.search(file.path) for file in tree.files)


def read(reading: Reading) -> Iterator[Sample]:
    """Fakes of both qualities and the recordings they were made from."""
    fakes = list(_fakes(reading))
    return in_order(reading, [*fakes, *_reals(reading, fakes)])


def _fakes(reading: Reading) -> Iterator[Sample]:
    for file in reading.tree.files:
        match = _FAKE.fullmatch(file.path)
        if match is None or file.suffix not in VIDEO_SUFFIXES or not reading.usable(file):
            continue
        inside = _IN_QUALITY.fullmatch(match[2].rpartition(".")[0])
        keys = deepfake_timit(f"{inside[1]}/{inside[2]}".lower()) if inside else None
        if keys is None or not keys.is_fake:
            reading.problem("unknown_name", file.path, "expected SUBJECT/UTTERANCE-video-SUBJECT.avi")
            continue
        yield _sample(reading, file.path, "video", keys, file.bytes, METHODS[match[1].lower()])


def _reals(reading: Reading, fakes: Sequence[Sample]) -> Iterator[Sample]:
    swapped = {name for fake in fakes for name in (fake.target_id, fake.donor_id)}
    left_out: Counter[str] = Counter()
    found = False
    for path, kind, n_bytes in _recordings(reading):
        keys = _real_keys(path)
        if keys is None and not path.rpartition("/")[2].lower().startswith("head"):
            reading.problem("unknown_name", path, "expected SUBJECT/[video/]UTTERANCE of VidTIMIT, as fadg0/video/sa1")
            continue
        if keys is None or (swapped and f"timit:{keys.target}" not in swapped):
            left_out[_subject(path)] += 1
            continue
        found = True
        yield _sample(reading, path, kind, keys, n_bytes, "")
    for subject, count in sorted(left_out.items()):
        text = f"{count} recordings are left out: no fake here was made from them (head poses, or a person not swapped)"
        reading.problem("not_swapped", subject, text)
    if found and not swapped:
        text = "no fakes in this folder: which 32 of VidTIMIT's 43 people were swapped cannot be told, all are read; "
        reading.problem("swapped_unknown", "", text + "put DeepfakeTIMIT into the same folder to keep only those")


def _recordings(reading: Reading) -> Iterator[tuple[str, SampleKind, int]]:
    """(path, kind, bytes) of everything of VidTIMIT that is a clip: videos, and folders of frames."""
    for folder, files in reading.tree.by_folder().items():
        if _FAKE.fullmatch(folder + "/x"):
            continue
        if _REAL.fullmatch(folder) and (frames := [file for file in files if _is_frame(file)]):
            usable = [file.bytes for file in frames if reading.usable(file)]
            if usable:
                yield folder, "frames", sum(usable)
            continue
        for file in files:
            if file.suffix in VIDEO_SUFFIXES and reading.usable(file):
                yield file.path, "video", file.bytes


def _is_frame(file: NamedFile) -> bool:
    """VidTIMIT's frames are JPEG files named by their number alone."""
    stem, dot, _ = file.file_name.rpartition(".")
    return file.file_name.isdigit() or (bool(dot) and stem.isdigit() and file.suffix in IMAGE_SUFFIXES)


def _real_keys(path: str) -> NameKeys | None:
    """Keys of a clip of VidTIMIT: SUBJECT/[video/]UTTERANCE, as a folder or as a video file."""
    match = _REAL.fullmatch(path.rpartition(".")[0] if path.lower().endswith(VIDEO_SUFFIXES) else path)
    keys = deepfake_timit(f"{match[1]}/{match[2]}".lower()) if match else None
    return None if keys is None or keys.is_fake else keys


def _subject(path: str) -> str:
    match = _REAL.fullmatch(path)
    return path[: match.end(1)] if match else path


def _sample(reading: Reading, path: str, kind: SampleKind, keys: NameKeys, n_bytes: int, method: str) -> Sample:
    original = video_id(keys.original or keys.video, "")
    return Sample(
        path=reading.tree.absolute(path),
        root=reading.tree.absolute(""),
        label=Label.FAKE if keys.is_fake else Label.REAL,
        dataset=NAME,
        video_id=video_id(keys.video, method),
        kind=kind,
        method=method,
        target_id=f"timit:{keys.target}",
        donor_id=f"timit:{keys.donor}" if keys.donor else "",
        pair_key=original,
        source_key=original,
        bytes=n_bytes,
    )


def video_id(name: str, method: str) -> str:
    """`timit/VidTIMIT/fadg0/sa1` or `timit/faceswap-GAN-HQ/fadg0/sa1-video-fram1`."""
    return f"timit/{method or 'VidTIMIT'}/{name}"


def check(samples: Sequence[Sample]) -> list[CountCheck]:
    """320 fakes a quality, made from 320 recordings of 32 people."""
    counts = Counter(sample.method for sample in samples)
    out = [CountCheck(method, counts[method], 320) for method in METHODS.values() if counts[method]]
    if counts[""] and out:
        out.append(CountCheck("recordings of VidTIMIT that were swapped", counts[""], 320))
    return out


READER = DatasetReader(
    name=NAME,
    title="DeepFake-TIMIT with VidTIMIT",
    layout=LAYOUT,
    source="three independent readers of it agree; the publishers' pages could not be seen",
    matches=matches,
    read=read,
    check=check,
    verified=False,
)
