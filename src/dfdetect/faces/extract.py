"""Frames -> face crops with track numbers, at flat memory: a frame is cropped at once and dropped.

Decoding runs one small queue ahead in its own thread, so that on two cores it overlaps with finding faces (both leave
the interpreter lock). Cuts are known only when the last frame is decoded, so tracks are made at the end, from boxes
and colour histograms.
"""

from __future__ import annotations

import queue
import threading
from abc import ABC, abstractmethod
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from time import perf_counter
from typing import TYPE_CHECKING, Protocol

import numpy as np
from numpy.typing import NDArray

from dfdetect.errors import Stage
from dfdetect.faces.align import Crop, CropRule, CropView, FivePoints, crop_face, crop_points, crop_stretched
from dfdetect.faces.detector import FaceDetector
from dfdetect.faces.mesh import benchmark_points, mesh_box_xyxy
from dfdetect.faces.quality import measure
from dfdetect.faces.track import TrackFrame, colour_histogram, link_tracks, merge_duplicates
from dfdetect.values import FaceCrop, FaceDetections, FaceTrack, Float32Array, Frame, UInt8Array

if TYPE_CHECKING:
    from dfdetect.faces.mesh import FaceMesh

MIN_PRESENCE = 0.5  # of the mesh: below it the detector's box is the face box
MAX_FACES = 32  # a frame; the largest are kept, a crowd's far rows are too small to judge anyway
QUEUE_FRAMES = 3  # decoded ahead: 3 frames of 1080p are 19 MB


def _largest(areas: Float32Array) -> NDArray[np.bool_]:
    chosen = np.zeros(len(areas), bool)
    if len(areas):
        chosen[int(np.argmax(areas))] = True
    return chosen


# Which faces of a frame are looked at, by the areas (N,) of their detected boxes. `scan` takes all; one face a frame is
# DeepfakeBench's choice, those of at least half the largest one's area that of Self-Blended Images.
FACE_CHOICES: dict[str, Callable[[Float32Array], NDArray[np.bool_]]] = {
    "all": lambda areas: np.ones(len(areas), bool),
    "largest": _largest,
    "half_of_largest": lambda areas: areas >= 0.5 * areas.max(initial=0.0),
}


class FrameSource(Protocol):
    """What extraction needs of `dfdetect.media.reader.MediaReader`."""

    @property
    def cuts_s(self) -> tuple[float, ...]: ...

    def frames(self, indices: Sequence[int], *, find_cuts: bool = True) -> Iterator[Frame]: ...


@dataclass(frozen=True, slots=True)
class FrameFaces:
    """The faces of one frame: row i of `crops` is row i of `boxes.detections`. Track numbers are not known yet."""

    boxes: TrackFrame
    crops: tuple[FaceCrop, ...]


@dataclass(frozen=True, slots=True)
class Extraction:
    """Every face of the sampled frames, in time order. timing_s: seconds by stage; stages overlap."""

    crops: tuple[FaceCrop, ...]
    tracks: tuple[FaceTrack, ...]
    frames_read: int
    frames_with_face: int
    cuts_s: tuple[float, ...]
    timing_s: Mapping[str, float]


class FrameStream(ABC):
    """Iterate once over the sampled frames of a reader: one `FrameFaces` a frame, as decoding goes on.

    After (or during) the iteration: frames_read, frames_with_face, decode_s and faces_s (busy seconds of each stage).
    Errors of decoding come out of the iteration. Close the iterator to stop early: the decoding thread ends with it.
    """

    def __init__(
        self,
        reader: FrameSource,
        indices: Sequence[int],
        *,
        find_cuts: bool = True,
        on_stage: Callable[[Stage], None] | None = None,
    ) -> None:
        """find_cuts: of the reader. on_stage: told what the caller's thread does: "decode" when it waits for a frame,
        "faces" when it looks at one."""
        self._reader, self._indices, self._find_cuts = reader, list(indices), find_cuts
        self._enter: Callable[[Stage], None] = on_stage or (lambda stage: None)
        self.frames_read = 0
        self.frames_with_face = 0
        self.decode_s = 0.0
        self.faces_s = 0.0

    def __iter__(self) -> Generator[FrameFaces, None, None]:
        ahead = frames_ahead(self._reader, self._indices, find_cuts=self._find_cuts, on_decoded=self._add_decode_s)
        with closing(ahead) as frames:
            self._enter("decode")
            for frame in frames:
                self._enter("faces")
                start = perf_counter()
                faces = self._faces_of(frame)
                self.faces_s += perf_counter() - start
                self.frames_read += 1
                self.frames_with_face += bool(faces.crops)
                yield faces
                self._enter("decode")

    def _add_decode_s(self, seconds: float) -> None:
        self.decode_s += seconds

    @abstractmethod
    def _faces_of(self, frame: Frame) -> FrameFaces: ...


class FaceStream(FrameStream):
    """The faces that a detector finds, cut out."""

    def __init__(
        self,
        reader: FrameSource,
        indices: Sequence[int],
        *,
        detector: FaceDetector,
        mesh: FaceMesh,
        margin: float,
        size_px: int,
        more_views: Sequence[CropView] = (),
        enlarge: bool = True,
        rule: CropRule | None = None,
        face_choice: str = "all",
        on_stage: Callable[[Stage], None] | None = None,
    ) -> None:
        """margin: added on each side of the face box, as a fraction of its longer side. size_px: side of a crop.

        more_views: further cuts of every face, into `FaceCrop.views`; faces are found once for all of them.
        enlarge: False keeps smaller faces at their native size.
        rule: cuts otherwise than by the margins; by five points, faces without a mesh are left out.
        face_choice: one of FACE_CHOICES. on_stage: as of `FrameStream`.
        """
        super().__init__(reader, indices, on_stage=on_stage)
        self._detector, self._mesh = detector, mesh
        self._views = (CropView(margin, size_px), *more_views)
        self._enlarge, self._rule, self._choose = enlarge, rule, FACE_CHOICES[face_choice]

    def _faces_of(self, frame: Frame) -> FrameFaces:
        image = frame.image
        found = _worth_a_look(merge_duplicates(self._detector.detect(image)), image.shape[1], image.shape[0])
        found = _rows(found, self._choose(_areas(found)))
        fit = self._mesh.fit(image, found)
        meshes = [
            points if mesh_holds(points, float(presence), box) else None
            for points, presence, box in zip(fit.points, fit.presence, found.boxes_xyxy, strict=True)
        ]
        if isinstance(self._rule, FivePoints):
            found = _rows(found, np.array([points is not None for points in meshes], bool))
            meshes = [points for points in meshes if points is not None]
        crops: list[FaceCrop] = []
        for row, points in enumerate(meshes):
            detected = found.boxes_xyxy[row]
            box = detected if points is None else mesh_box_xyxy(points)
            crop, *others = [self._cut(image, box, detected, points, view) for view in self._views]
            quality = measure(image, detected, points, float(found.score[row]), landmarks=found.landmarks[row])
            views = tuple(other.image for other in others)
            place = (crop.to_frame, box, frame.index, frame.time_s)
            crops.append(FaceCrop(crop.image, *place, -1, quality=quality, mesh=points, views=views))
        histograms = [colour_histogram(image, box) for box in found.boxes_xyxy]
        stacked = np.stack(histograms) if histograms else np.zeros((0, 0), np.float32)
        return FrameFaces(TrackFrame(frame.index, frame.time_s, found, stacked), tuple(crops))

    def _cut(
        self,
        image: UInt8Array,
        box: Float32Array,
        detected: Float32Array,
        mesh: Float32Array | None,
        view: CropView,
    ) -> Crop:
        rule = self._rule
        if isinstance(rule, FivePoints):
            assert mesh is not None
            return crop_points(image, benchmark_points(mesh), rule=rule, size_px=view.size_px)
        if rule is not None:
            box = detected if rule.detected else box
            if rule.stretched:
                return crop_stretched(image, box, margin=rule.margin, size_px=view.size_px)
            return crop_face(image, box, margin=rule.margin, size_px=view.size_px, enlarge=self._enlarge)
        return crop_face(image, box, margin=view.margin, size_px=view.size_px, enlarge=self._enlarge)


def frames_ahead(
    reader: FrameSource,
    indices: Sequence[int],
    *,
    find_cuts: bool = True,
    on_decoded: Callable[[float], None] | None = None,
) -> Generator[Frame, None, None]:
    """The reader's frames, decoded a little ahead in a thread; until it ends the reader is that thread's alone.

    on_decoded: told, in that thread, the seconds that each frame took. Errors of decoding come out of the iteration.
    """
    ready: queue.Queue[Frame | BaseException | None] = queue.Queue(QUEUE_FRAMES)
    stop = threading.Event()

    def produce() -> None:
        last: BaseException | None = None
        try:
            for frame in _timed(reader.frames(indices, find_cuts=find_cuts), on_decoded):
                if not _put(ready, frame, stop):
                    break
        except BaseException as error:  # noqa: BLE001 - not handled here: handed over and raised in the caller's thread
            last = error
        _put(ready, last, stop)

    thread = threading.Thread(target=produce, name="dfdetect-decode", daemon=True)
    thread.start()
    try:
        while (item := ready.get()) is not None:
            if isinstance(item, BaseException):
                raise item
            yield item
    finally:
        stop.set()
        thread.join()


def _timed(decoded: Iterator[Frame], on_decoded: Callable[[float], None] | None) -> Generator[Frame, None, None]:
    frames = iter(decoded)
    try:
        while True:
            start = perf_counter()
            frame = next(frames, None)
            if on_decoded is not None:
                on_decoded(perf_counter() - start)
            if frame is None:
                return
            yield frame
    finally:
        # Closed in the thread that ran it: a generator may hold decoder state.
        if hasattr(frames, "close"):
            frames.close()


def extract_faces(
    reader: FrameSource,
    indices: Sequence[int],
    *,
    detector: FaceDetector,
    mesh: FaceMesh,
    margin: float,
    size_px: int,
    more_views: Sequence[CropView] = (),
    on_progress: Callable[[int], None] | None = None,
) -> Extraction:
    """Find, crop and track the faces of the frames at `indices`. Keeps every crop; frames are dropped at once.

    margin: added on each side of the face box, as a fraction of its longer side. size_px: side of a crop. more_views:
    further cuts of every face, into `FaceCrop.views`. on_progress: called with the number of frames done.

    Raises:
        MediaError: whatever the reader raises, at the first frame that it cannot give.
    """
    stream = FaceStream(
        reader, indices, detector=detector, mesh=mesh, margin=margin, size_px=size_px, more_views=more_views
    )
    frames: list[TrackFrame] = []
    crops: list[FaceCrop] = []
    rows: list[tuple[int, int]] = []
    with closing(iter(stream)) as found:
        for faces in found:
            frames.append(faces.boxes)
            crops += faces.crops
            rows += [(faces.boxes.index, row) for row in range(len(faces.crops))]
            if on_progress:
                on_progress(stream.frames_read)
    tracks = link_tracks(frames, reader.cuts_s)
    numbers = {member: track.id for track in tracks for member in track.members}
    return Extraction(
        crops=tuple(replace(crop, track_id=numbers[row]) for crop, row in zip(crops, rows, strict=True)),
        tracks=tracks,
        frames_read=stream.frames_read,
        frames_with_face=stream.frames_with_face,
        cuts_s=reader.cuts_s,
        timing_s={"decode": stream.decode_s, "faces": stream.faces_s},
    )


def _put(
    ready: queue.Queue[Frame | BaseException | None], item: Frame | BaseException | None, stop: threading.Event
) -> bool:
    """Wait for room in the queue; False once nobody wants the item any more."""
    while not stop.is_set():
        try:
            ready.put(item, timeout=0.05)
        except queue.Full:
            continue
        return True
    return False


def _worth_a_look(found: FaceDetections, width_px: int, height_px: int) -> FaceDetections:
    """Leave out boxes whose centre lies outside the frame, and all but the MAX_FACES largest."""
    boxes = found.boxes_xyxy
    centre = 0.5 * (boxes[:, :2] + boxes[:, 2:])
    sides = boxes[:, 2:] - boxes[:, :2]
    inside = np.all((centre >= 0) & (centre <= (width_px, height_px)) & (sides >= 1), axis=1)
    largest = np.argsort(-np.prod(sides, axis=1), kind="stable")
    rows = np.sort(largest[inside[largest]][:MAX_FACES])
    return _rows(found, rows)


def _areas(found: FaceDetections) -> Float32Array:
    boxes = found.boxes_xyxy
    return np.asarray(np.prod(boxes[:, 2:] - boxes[:, :2], axis=1), np.float32)


def _rows(found: FaceDetections, rows: NDArray[np.bool_] | NDArray[np.intp]) -> FaceDetections:
    return FaceDetections(found.boxes_xyxy[rows], found.score[rows], found.landmarks[rows])


def mesh_holds(points: Float32Array, presence: float, detected_xyxy: Float32Array) -> bool:
    """A mesh is believed if it says that a face is there, and is where the detector saw one."""
    if presence < MIN_PRESENCE or not np.all(np.isfinite(points)):
        return False
    box = mesh_box_xyxy(points)
    centre = 0.5 * (box[:2] + box[2:])
    return bool(np.all(centre > detected_xyxy[:2]) and np.all(centre < detected_xyxy[2:]))
