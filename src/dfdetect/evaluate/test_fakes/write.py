"""The files of one test fake: the picture or clip, its mask, and the real copy, each with a compression of its own."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import numpy as np

from dfdetect.batch.whole_file import whole_file
from dfdetect.errors import MediaError
from dfdetect.evaluate.test_fakes.clips import Finders, clip_fps, donor_faces, faked_frames, first_frames
from dfdetect.evaluate.test_fakes.face import FakeRefused
from dfdetect.evaluate.test_fakes.kinds import KINDS
from dfdetect.evaluate.test_fakes.motion import largest_face
from dfdetect.evaluate.test_fakes.plan import Subject
from dfdetect.media.image import read_rgb
from dfdetect.media.reader import open_media
from dfdetect.media.roundtrip import encode_jpeg, encode_png, write_video
from dfdetect.values import Float32Array, UInt8Array

JPEG_QUALITY = (55, 96)
CRF = (18, 33)
_MASK_CRF = 10


@dataclass(frozen=True, slots=True)
class FakeOptions:
    """kinds: names of KINDS. seconds: of a clip, from its start. seed: the same one makes the same files."""

    kinds: tuple[str, ...] = tuple(KINDS)
    seconds: float = 4.0
    seed: int = 0


@dataclass(frozen=True, slots=True)
class Item:
    """A real copy (kind "real") or a fake to be made of one file. stem: of the names of what is made."""

    subject: Subject
    stem: str
    kind: str
    donors: tuple[Subject, ...] = ()

    @property
    def name(self) -> str:
        return f"{self.kind}/{self.stem}{'.mp4' if self.subject.is_clip else '.jpg'}"

    @property
    def mask_name(self) -> str:
        return f"masks/{self.name.rpartition('.')[0]}{'.mp4' if self.subject.is_clip else '.png'}"


@dataclass(frozen=True, slots=True)
class Made:
    """What came of an item. reason: "" for a file that is there. donor: whose face it shows."""

    name: str
    reason: str
    donor: str = ""


def finders() -> Finders:
    """What a process finds faces with."""
    from dfdetect.faces.detector import make_detector
    from dfdetect.faces.mesh import FaceMesh

    return Finders(make_detector(threads=1), FaceMesh(threads=1))


def make_work(out: Path, options: FakeOptions) -> Callable[[Item], Made]:
    """In a worker process: an item -> its files in `out`, or the reason why there are none."""
    tools = finders()

    def work(item: Item) -> Made:
        for name in (item.name, item.mask_name):
            (out / name).parent.mkdir(parents=True, exist_ok=True)
        if item.kind == "real":
            _write_real(item, out, options)
            return Made(item.name, "")
        reason = "no_donor_fits"
        for donor in item.donors:
            try:
                _write_fake(item, donor, out, options, tools)
                return Made(item.name, "", donor.person)
            except FakeRefused:
                continue
            except MediaError as error:
                reason = str(error.code)
        return Made(item.name, reason)

    return work


def _write_real(item: Item, out: Path, options: FakeOptions) -> None:
    if not item.subject.is_clip:
        _write_jpeg(out / item.name, read_rgb(Path(item.subject.sample.path)), options)
        return
    with open_media(item.subject.sample.path) as reader:
        frames = reader.frames(first_frames(reader, options.seconds), find_cuts=False)
        _write_clip(out / item.name, (_even(f.image) for f in frames), clip_fps(reader), clip_crf(item.name, options))


def _write_fake(item: Item, donor: Subject, out: Path, options: FakeOptions, tools: Finders) -> None:
    donors = donor_faces(Path(donor.sample.path), tools, seconds=options.seconds)
    seed = [options.seed, 2, zlib.crc32(item.name.encode())]
    if not item.subject.is_clip:
        image = read_rgb(Path(item.subject.sample.path))
        face = largest_face(image, tools.detector, tools.mesh)
        if face is None:
            raise FakeRefused("the face was not found again")
        fake = KINDS[item.kind](face, donors[0], np.random.default_rng(seed))
        mask = np.rint(fake.mask * 255).astype(np.uint8)
        with whole_file(out / item.mask_name) as part:
            part.write_bytes(encode_png(mask))
        _write_jpeg(out / item.name, fake.image, options)
        return
    with open_media(item.subject.sample.path) as reader:
        read = reader.frames(first_frames(reader, options.seconds), find_cuts=False)
        made = faked_frames((_even(f.image) for f in read), KINDS[item.kind], donors, tools, seed=seed)
        masks: list[UInt8Array] = []
        frames = (_keeping_mask(frame, mask, masks) for frame, mask in made)
        _write_clip(out / item.name, frames, clip_fps(reader), clip_crf(item.name, options))
        gray = (np.repeat(mask[..., None], 3, axis=2) for mask in masks)
        _write_clip(out / item.mask_name, gray, clip_fps(reader), _MASK_CRF)


def _keeping_mask(frame: UInt8Array, mask: Float32Array, masks: list[UInt8Array]) -> UInt8Array:
    masks.append(np.rint(mask * 255).astype(np.uint8))
    return frame


def _even(image: UInt8Array) -> UInt8Array:
    """Cut to even sides, which every codec takes."""
    return np.ascontiguousarray(image[: image.shape[0] // 2 * 2, : image.shape[1] // 2 * 2])


def _drawn(name: str, options: FakeOptions) -> np.random.Generator:
    """By the file's own name: the original and the fake draw apart, from the same distribution."""
    return np.random.default_rng([options.seed, 3, zlib.crc32(name.encode())])


def clip_crf(name: str, options: FakeOptions) -> int:
    """How hard a clip of this name (kind/stem.mp4) is compressed."""
    return int(_drawn(name, options).integers(CRF[0], CRF[1] + 1))


def _write_jpeg(path: Path, image: UInt8Array, options: FakeOptions) -> None:
    quality = int(_drawn(f"{path.parent.name}/{path.name}", options).integers(JPEG_QUALITY[0], JPEG_QUALITY[1] + 1))
    with whole_file(path) as part:
        part.write_bytes(encode_jpeg(image, quality))


def _write_clip(path: Path, frames: Iterator[UInt8Array], fps: Fraction, crf: int) -> None:
    part = path.with_name("part-" + path.name)  # the container follows the suffix
    try:
        write_video(part, frames, fps=fps, crf=crf, repeatable=True)
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)
