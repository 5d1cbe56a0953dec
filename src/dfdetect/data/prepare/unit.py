"""One unit of work -> rows of the shards, and what was left out and why.

The original is cut first; its fakes are cut by its squares, frame by frame, where they are aligned with it, and looked
through on their own where not. Which faces of a fake were manipulated is told by `manipulated`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass, field
from functools import partial

import numpy as np
from numpy.typing import NDArray

from dfdetect.data.augment import AugmentOptions
from dfdetect.data.face_record import FaceRecord
from dfdetect.data.history import video_copies
from dfdetect.data.prepare.choose import Key, spread, wanted_keys
from dfdetect.data.prepare.cut import (
    ClipReader,
    CutClip,
    Tools,
    crop_number,
    cut_alike,
    find_faces,
    open_clip,
    take_whole,
)
from dfdetect.data.prepare.manipulated import Labelled, by_difference, by_mask, is_aligned, read_masks
from dfdetect.data.prepare.options import PrepareReport
from dfdetect.data.prepare.plan import Unit
from dfdetect.data.sample import Sample
from dfdetect.errors import ErrorCode, MediaError
from dfdetect.media.sampling import even_indices, every_indices
from dfdetect.values import Label

# Fakes are made frame by frame from the start, but may end elsewhere: those of Face2Face are as long as the clip that
# drives them. Frames beyond the shortest one are not looked at, so it must not be too short.
LEAST_COMMON_PART = 0.5
MOST_PX_APART = 2
MOST_RATE_APART = 0.01

# Entered before a sample is touched; gives False for one that must not be, because it killed the process before.
Guard = Callable[[Sample], AbstractContextManager[bool]]


@dataclass(slots=True)
class UnitRows:
    """What came of a unit."""

    rows: list[FaceRecord] = field(default_factory=list)
    report: PrepareReport = field(default_factory=PrepareReport)


@dataclass(slots=True)
class _Clip:
    """A sample on its way to rows. faces: labelled, of `cut`. aligned: cut by the squares of the original."""

    sample: Sample
    reader: ClipReader
    cut: CutClip | None = None
    faces: list[Labelled] = field(default_factory=list)
    aligned: bool = False
    nothing: str = ""  # why there is no face to label, where the cut does not tell

    @property
    def frame_wh(self) -> tuple[int, int]:
        return self.reader.info.width_px, self.reader.info.height_px


def work_on(unit: Unit, tools: Tools, guard: Guard) -> UnitRows:
    """Every sample of a unit is in the report: used, or left out with a reason."""
    done = UnitRows()
    done.report.files = len(unit.samples)
    for group in [unit.samples] if unit.is_pair else [(sample,) for sample in unit.samples]:
        with ExitStack() as readers:
            _Group(group, tools, guard, done, readers).run()
    return done


class _Group:
    """An original with its fakes, or one sample alone."""

    def __init__(
        self, samples: Sequence[Sample], tools: Tools, guard: Guard, done: UnitRows, readers: ExitStack
    ) -> None:
        self._samples, self._tools, self._guard, self._readers = samples, tools, guard, readers
        self._options, self._rows, self._report = tools.options, done.rows, done.report

    def run(self) -> None:
        opened = [self._guarded(sample, partial(self._open, sample)) for sample in self._samples]
        clips = [clip for clip in opened if clip is not None]
        original = next((c for c in clips if c.sample.label is Label.REAL and c.sample.kind != "crop"), None)
        if original is not None:
            fakes = [clip for clip in clips if clip.sample.label is Label.FAKE]
            self._guarded(original.sample, partial(self._cut_original, original, fakes))
        for clip in clips:
            if clip is not original:
                self._guarded(clip.sample, partial(self._cut_other, clip, original))
        kept = self._chosen(clips, original)
        for clip in sorted(clips, key=lambda clip: clip is not original):  # the original first
            self._finish(clip, kept.get(id(clip), set()))

    def _guarded(self, sample: Sample, work: Callable[[], _Clip]) -> _Clip | None:
        """What `work` gives; None, and the sample left out, where its file cannot be read."""
        with self._guard(sample) as allowed:
            if not allowed:
                self._report.leave_out(ErrorCode.DECODER_CRASHED, sample.name)
                return None
            try:
                return work()
            except MediaError as error:
                self._report.leave_out(error.code, sample.name)
                return None

    def _open(self, sample: Sample) -> _Clip:
        return _Clip(sample, self._readers.enter_context(open_clip(sample.path, self._tools)))

    def _indices(self, times_s: NDArray[np.float64]) -> list[int]:
        if self._options.every_s > 0:
            return every_indices(times_s, self._options.every_s)
        return even_indices(times_s, self._options.frames)

    def _cut_original(self, original: _Clip, fakes: Sequence[_Clip]) -> _Clip:
        """Frames that its fakes have too, so that a pair is a pair in every frame."""
        alike = [fake for fake in fakes if not _difference_of_form(original, fake)]
        count = min(len(clip.reader.times_s) for clip in (original, *alike))
        original.cut = find_faces(original.reader, self._indices(original.reader.times_s[:count]), self._tools)
        original.faces = [Labelled(face, Label.REAL) for face in original.cut.faces]
        return original

    def _cut_other(self, clip: _Clip, original: _Clip | None) -> _Clip:
        sample, label = clip.sample, clip.sample.label
        if sample.kind == "crop":
            clip.cut = take_whole(clip.reader, self._indices(clip.reader.times_s), self._tools)
        elif label is Label.FAKE and sample.pair_key:
            why = self._cut_by(clip, original)
            if why:
                self._report.remark(why, sample.name)
        if clip.cut is None:
            clip.cut = find_faces(clip.reader, self._indices(clip.reader.times_s), self._tools)
        if label is Label.REAL:
            clip.faces = [Labelled(face, label) for face in clip.cut.faces]
        else:
            self._label(clip, original)
        return clip

    def _cut_by(self, clip: _Clip, original: _Clip | None) -> str:
        """Cut a fake by its original's squares; or say why that cannot be."""
        if original is None or original.cut is None:
            kinds = {sample.kind for sample in self._samples if sample.label is Label.REAL}
            return "original_unreadable" if kinds - {"crop"} else "original_missing"
        if why := _difference_of_form(original, clip):
            return why
        if not original.cut.faces:
            return "original_without_face"
        cut = cut_alike(clip.reader, original.cut.faces, self._tools)
        before = {face.key: face for face in original.cut.faces}
        if not is_aligned([(face, before[face.key]) for face in cut.faces]):
            return "other_pictures_than_original"
        clip.cut, clip.aligned = cut, True
        return ""

    def _label(self, clip: _Clip, original: _Clip | None) -> None:
        """Which faces of a fake were manipulated: by its mask, else by difference, else all of them."""
        assert clip.cut is not None
        faces = clip.cut.faces
        clip.faces = [Labelled(face, Label.FAKE) for face in faces]
        if clip.sample.mask_path:
            masks = read_masks(clip.sample.mask_path, clip.reader, sorted({f.frame_index for f in faces}), self._tools)
            if not isinstance(masks, str):
                whole = clip.sample.kind == "crop"
                clip.faces = by_mask(faces, masks, clip.frame_wh, whole=whole)
                clip.nothing = "mask_covers_no_face"
                return
            self._report.remark(masks, clip.sample.name)
        if clip.aligned and original is not None and original.cut is not None:
            before = {face.key: face for face in original.cut.faces}
            clip.faces, remark = by_difference([(face, before[face.key]) for face in faces])
            if clip.faces and remark:
                self._report.remark(remark, clip.sample.name)
            elif remark:
                clip.nothing = remark

    def _chosen(self, clips: Sequence[_Clip], original: _Clip | None) -> dict[int, set[Key]]:
        """id of a clip -> keys of its rows. The original keeps what its fakes show, so that no fake lacks its pair."""
        keys = {id(clip): self._wanted(clip) for clip in clips}
        if original is None:
            return {number: spread(wanted, self._options.most_per_clip) for number, wanted in keys.items()}
        mates = [clip for clip in clips if clip.aligned]
        own = keys[id(original)].union(*(keys[id(clip)] for clip in mates))
        kept = spread(own, self._options.most_per_clip)
        out = {number: spread(wanted, self._options.most_per_clip) for number, wanted in keys.items()}
        out |= {id(clip): keys[id(clip)] & kept for clip in mates}
        return out | {id(original): kept}

    def _wanted(self, clip: _Clip) -> set[Key]:
        if clip.sample.label is Label.FAKE and not any(one.label is Label.FAKE for one in clip.faces):
            return {one.face.key for one in clip.faces} if self._options.other_faces == "real" else set()
        return wanted_keys(clip.faces, self._options)

    def _finish(self, clip: _Clip, kept: set[Key]) -> None:
        """Rows and the report of one clip."""
        if clip.cut is None:
            return  # left out with its error already
        report, cut = self._report, clip.cut
        report.frames += cut.frames
        report.frames_without_face += cut.frames_without_face
        report.faces_left_out.update(cut.left_out)
        rows = [one for one in clip.faces if one.face.key in kept]
        for one in clip.faces:
            if one.face.key not in kept:
                untouched = one.label is Label.REAL and clip.sample.label is Label.FAKE
                report.faces_left_out["untouched" if untouched else "not_chosen"] += 1
        if rows:
            report.kept += 1
        else:
            report.leave_out(_why_nothing(clip), clip.sample.name)
        for one in rows:
            record = _record(clip, one)
            self._rows.append(record)
            if self._options.video_copies and record.mesh is not None:
                self._rows += video_copies(record, self._options.video_copies, _copy_rng(record), AugmentOptions())


def _difference_of_form(original: _Clip, fake: _Clip) -> str:
    """Why a fake cannot be aligned with its original, told from sizes alone; "" where it may be."""
    a, b = original.frame_wh, fake.frame_wh
    if max(abs(a[0] - b[0]), abs(a[1] - b[1])) > MOST_PX_APART:
        return "other_size_than_original"
    if len(fake.reader.times_s) < LEAST_COMMON_PART * len(original.reader.times_s):
        return "much_shorter_than_original"
    rates = [clip.reader.info.fps for clip in (original, fake)]
    if rates[0] and rates[1] and abs(float(rates[1] / rates[0]) - 1) > MOST_RATE_APART:
        return "other_frame_rate_than_original"
    return "" if fake.sample.kind != "crop" else "crop"


def _copy_rng(record: FaceRecord) -> np.random.Generator:
    """Original and fake at one place get the same numbers, so that copies of an aligned pair are an aligned pair."""
    place = f"{record.pair_key or record.video_id or record.path}|{record.frame_index}|{record.track_id}"
    return np.random.default_rng(list(hashlib.sha256(place.encode()).digest()))


def _why_nothing(clip: _Clip) -> str:
    assert clip.cut is not None
    if clip.cut.faces:
        return clip.nothing or "not_chosen"
    if clip.cut.left_out:
        return "face_too_small" if clip.cut.left_out["face_too_small"] else "no_mesh"
    return "no_face"


def _record(clip: _Clip, one: Labelled) -> FaceRecord:
    sample, face, quality = clip.sample, one.face, one.face.quality
    untouched = one.label is not sample.label
    return FaceRecord(
        image_bytes=face.image_bytes,
        mesh=None if face.mesh is None else face.in_crop(face.mesh),
        label=int(one.label),
        path=sample.name,
        dataset=sample.dataset,
        method="" if untouched else sample.method,
        compression=sample.compression,
        video_id=sample.video_id,
        target_id=sample.target_id,
        donor_id="" if untouched else sample.donor_id,
        pair_key=sample.pair_key,
        source_key=sample.source_key,
        split=sample.split,
        source=sample.source,
        licence=sample.licence,
        reuse=sample.reuse,
        frame_index=crop_number(clip.reader, face.frame_index) if sample.kind == "crop" else face.frame_index,
        time_s=face.time_s,
        track_id=face.track_id,
        face_px=quality.face_px,
        blur=quality.blur,
        yaw_deg=quality.yaw_deg,
        detector_score=quality.detector_score,
        kind=sample.kind,
        label_from=one.label_from,
        landmarks=None if face.landmarks is None else face.in_crop(face.landmarks),
        box_xyxy=face.in_crop(face.box_xyxy.reshape(2, 2)).reshape(4),
        square_xyxy=np.array(face.square, np.float32),
        mask_bytes=one.mask_bytes,
        aligned=clip.aligned,
        clip_sha256=clip.reader.sha256,
    )
