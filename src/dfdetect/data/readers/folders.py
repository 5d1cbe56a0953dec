"""One's own data: folders whose names say real or fake, with videos, images, folders of frames or crops in them.

Looked at last, when no public dataset's layout fits. The word decides, never a number before it: `0_fake` is fake.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from dfdetect.data.lists import SPLIT_WORDS
from dfdetect.data.names import numbered_crop
from dfdetect.data.readers.reader import CountCheck, DatasetReader, Reading
from dfdetect.data.sample import Sample, SampleKind, Split
from dfdetect.data.tree import IMAGE_SUFFIXES, VIDEO_SUFFIXES, NamedFile, Tree
from dfdetect.values import Label

NAME = "folders"

LAYOUT = """
real/clip.mp4    fake/clip.mp4                 videos; also original(s), pristine, manipulated, 0_real, 1_fake ...
real/photo.jpg   fake/METHOD/photo.jpg         images; a folder below fake is taken as the method
real/clip/frame_0001.png                       numbered frames of one clip
real/frames/clip/000.png                       face crops of one clip (also faces/, crops/), used whole
train/real/...   real/train/...                optional: train, val, test
"""

REAL_WORDS = ("real", "reals", "original", "originals", "pristine", "genuine", "authentic", "untouched")
FAKE_WORDS = ("fake", "fakes", "manipulated", "deepfake", "deepfakes", "forged", "forgery", "swapped", "tampered")

_WORDS = {**dict.fromkeys(REAL_WORDS, Label.REAL), **dict.fromkeys(FAKE_WORDS, Label.FAKE)}
_LABEL = re.compile(
    rf"(?:\d+[ _-]?|training[ _-])?({'|'.join(_WORDS)})(?:[ _-](?:videos?|images?|faces?|frames?))?", re.I
)
_CROP_FOLDERS = ("frames", "faces", "crops")
_FILLERS = ("videos", "video", "images", "imgs", *_CROP_FOLDERS)
_NUMBERED = re.compile(r"(?:frame|image|img)?[ _-]?\d+", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class _Folder:
    """What a folder's path says. inside: the folders below the one that gives the label, without the split."""

    label: Label
    split: Split
    inside: tuple[str, ...]

    def method(self, below: Sequence[str]) -> str:
        """The first folder with a name of its own below the label's; "" for reals."""
        own = [part for part in below if part.lower() not in _FILLERS]
        return own[0] if own and self.label is Label.FAKE else ""


def matches(tree: Tree) -> bool:
    """A media file below a folder named for a label."""
    folders = {file.folder for file in tree.files if file.suffix in (*VIDEO_SUFFIXES, *IMAGE_SUFFIXES)}
    parts = {part for folder in folders for part in folder.split("/")} | ({tree.root.name} if folders else set())
    return any(label_word(part) is not None for part in parts)


def label_word(folder: str) -> Label | None:
    """`real`, `0_real`, `Original`, `training_fake` -> its label; None for another name, and for a number alone."""
    match = _LABEL.fullmatch(folder)
    return _WORDS[match[1].lower()] if match else None


def read(reading: Reading) -> Iterator[Sample]:
    """Everything below a folder with a label; what is elsewhere, or below both labels, becomes a problem."""
    return iter(sorted(_samples(reading), key=lambda sample: sample.path))


def _samples(reading: Reading) -> Iterator[Sample]:
    for path, files in reading.tree.by_folder().items():
        media = [file for file in files if file.suffix in (*VIDEO_SUFFIXES, *IMAGE_SUFFIXES)]
        if not media:
            continue
        folder = _understood(path.split("/") if path else [], label_word(reading.tree.root.name))
        if isinstance(folder, str):
            reading.problem("no_label", path, f"{len(media)} files are left out: {folder}")
            continue
        usable = [file for file in media if reading.usable(file)]
        videos = [file for file in usable if file.suffix in VIDEO_SUFFIXES]
        for file in videos:
            yield _sample(reading, file.path, "video", folder, file.bytes, folder.method(folder.inside))
        yield from _pictures(reading, path, folder, [file for file in usable if file.suffix in IMAGE_SUFFIXES])


def _understood(parts: Sequence[str], root_label: Label | None) -> _Folder | str:
    """The path's label and split, or why they cannot be told."""
    labels = [(index, label) for index, part in enumerate(parts) if (label := label_word(part)) is not None]
    splits = {SPLIT_WORDS[part.lower()] for part in parts if part.lower() in SPLIT_WORDS}
    if len({label for _, label in labels}) > 1:
        return "folders above them say both real and fake"
    if len(splits) > 1:
        return f"folders above them say both {' and '.join(sorted(splits))}"
    if not labels and root_label is None:
        return f"no folder above them is named for a label ({', '.join((*REAL_WORDS[:3], *FAKE_WORDS[:3]))}, ...)"
    start, label = (labels[0][0] + 1, labels[0][1]) if labels else (0, root_label)
    inside = tuple(part for part in parts[start:] if part.lower() not in SPLIT_WORDS)
    return _Folder(label, splits.pop() if splits else "", inside)  # type: ignore[arg-type]


def _pictures(reading: Reading, path: str, folder: _Folder, images: Sequence[NamedFile]) -> Iterator[Sample]:
    """One clip of crops, one clip of frames, or as many single pictures."""
    above = {part.lower() for part in folder.inside[:-1]}
    own = folder.inside[-1:] if folder.inside and folder.inside[-1].lower() not in _FILLERS else ()
    numbered = len(images) > 1 and all(_NUMBERED.fullmatch(file.stem) for file in images)
    if images and own and (above & set(_CROP_FOLDERS) or numbered):
        kind: SampleKind = "crop" if above & set(_CROP_FOLDERS) else "frames"
        if kind == "frames" and all(file.stem.isdigit() for file in images):
            text = f"{len(images)} numbered images are taken as frames of one clip; use a CSV list if they are not"
            reading.problem("taken_as_frames", path, text)
        n_bytes = sum(file.bytes for file in images)
        yield _sample(reading, path, kind, folder, n_bytes, folder.method(folder.inside[:-1]))
        return
    kind = "crop" if {part.lower() for part in folder.inside} & {"faces", "crops"} else "image"
    for file in images:
        keys = numbered_crop(file.stem)
        yield _sample(
            *(reading, file.path, "crop" if keys else kind, folder, file.bytes, folder.method(folder.inside)),
            video=keys.video if keys else "",
        )


def _sample(
    reading: Reading, path: str, kind: SampleKind, folder: _Folder, n_bytes: int, method: str, video: str = ""
) -> Sample:
    """video: name of the video that a single crop was cut from, without split or label, so that its frames meet."""
    root = reading.tree.root
    home = f"{root.parent.name}/{root.name}" if label_word(root.name) is not None else root.name
    video_id = f"folders/{home}/{video or path}"
    return Sample(
        path=reading.tree.absolute(path),
        root=reading.tree.absolute(""),
        label=folder.label,
        dataset=NAME,
        video_id=video_id,
        kind=kind,
        method=method,
        pair_key=video_id if folder.label is Label.REAL else "",
        split=folder.split,
        bytes=n_bytes,
    )


def check(samples: Sequence[Sample]) -> list[CountCheck]:
    """Nothing: nobody published counts of your own data."""
    return []


READER = DatasetReader(
    name=NAME,
    title="One's own folders real/ and fake/",
    layout=LAYOUT,
    source="words in use on public sites and in published code",
    matches=matches,
    read=read,
    check=check,
)
