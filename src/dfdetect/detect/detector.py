"""A file -> ScanResult: the whole way, for one file at a time.

    open -> probe -> [decode a frame -> find, crop -> score a batch]* -> track -> pool -> decide -> explain

Decoding runs ahead in a thread, everything else in the caller's. One record for every input, always.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing
from itertools import count
from pathlib import Path

import numpy as np

from dfdetect.detect.backend import DEFAULT_BACKEND, Backend, make_backend
from dfdetect.detect.crop_scores import CropScores
from dfdetect.detect.examination import Examination, Run, Scanned, error_info
from dfdetect.detect.examiner import Examiner, all_views
from dfdetect.detect.policy import SCAN, InputKind, ScanPolicy
from dfdetect.errors import UsageError
from dfdetect.faces.align import CropView
from dfdetect.faces.detector import DEFAULT_DETECTOR, FaceDetector, make_detector
from dfdetect.faces.extract import FaceStream, FrameStream
from dfdetect.faces.mesh import FaceMesh
from dfdetect.faces.track import TrackFrame, link_tracks
from dfdetect.faces.whole import WholeStream
from dfdetect.media.reader import OpenedMedia, open_media
from dfdetect.models.bundle import DEFAULT_MODEL, Bundle, find_bundle, load_bundle
from dfdetect.values import FaceCrop, FaceTrack, Float32Array, InputInfo, ScannedMedia, ScanResult

DEFAULT_FRAMES = 32
MOST_FRAMES = 256  # of a long clip: one every 0.5 s up to this many


class Scanner:
    """Scans files with one model. Holds the working memory of its networks: one object serves one thread.

    >>> Scanner().scan("clip.mp4").verdict                  # doctest: +SKIP
    """

    def __init__(
        self,
        model: str | Path = DEFAULT_MODEL,
        *,
        frames: int = DEFAULT_FRAMES,
        device: str = "auto",
        detector: str | FaceDetector = DEFAULT_DETECTOR,
        threads: int | None = None,
        backend: str | Backend = DEFAULT_BACKEND,
        mesh: FaceMesh | None = None,
        opener: Callable[[str | Path], OpenedMedia] | None = None,
        policy: ScanPolicy = SCAN,
    ) -> None:
        """Load and verify everything, so that what is missing is said before the first file.

        Args:
            model: name of a bundle, or its folder.
            frames: of a video that are looked at, at the least; longer clips get one every 0.5 s, up to MOST_FRAMES.
            device: "auto", "cpu" or "cuda".
            detector: name of a face detector (`faces.detector.FACE_DETECTORS`), or one.
            threads: CPU threads of the model and the face detector; None leaves the libraries' choice.
            backend: name of a backend (`detect.backend.BACKENDS`), or one for a model of one network.
            mesh: a face mesh to share; None makes one.
            opener: opens a file; `media.child.reader.child_opener` has it parsed in a process of its own. None: in
                this one.
            policy: what a benchmark's protocol does otherwise (`evaluate.protocol`); left out by everybody else.

        Raises:
            ModelUnusable: no such model, or it fails its checks.
            UsageError: an unknown detector, backend or device; frames below 1.
        """
        if frames < 1:
            raise UsageError(f"frames: expected at least 1; got {frames}")
        self.bundle = load_bundle(find_bundle(model))
        self._frames = frames
        self._open = opener
        self._policy = policy
        self._own = Examiner.of_bundle(self.bundle, _backends(self.bundle, backend, device=device, threads=threads))
        self._detector = make_detector(detector, threads=threads) if isinstance(detector, str) else detector
        # One thread: the mesh is a small network, and a second one that waits for it in a loop would take the core on
        # which the next frame is being decoded (measured: 1.9 s of CPU a clip with one thread, 3.0 s with two).
        self._mesh = FaceMesh(threads=1) if mesh is None else mesh

    def scan(self, path: str | Path, *, kind: InputKind = "file") -> ScanResult:
        """Scan one image or video. Never raises for what the input is or does: that is an error record.

        kind: "frames" = the path is a folder of the frames of one clip; "crops" = it is a picture of a face that was
        cut already, or a folder of such pictures of one face, and is used whole.
        Only KeyboardInterrupt and SystemExit pass, and everything unexpected where DFDETECT_DEBUG=1 asks for it.
        """
        return self.scan_beside(path, (), kind=kind)[0]

    def scan_beside(
        self, path: str | Path, others: Sequence[Examiner], *, kind: InputKind = "file"
    ) -> tuple[ScanResult, ...]:
        """Scan one file as `scan` does, and let others score the same faces: this model's result, then one for each.

        Frames, faces, tracks, mirroring and pooling are the same for all; a face is cut as each of them wants it. Where
        another examiner fails on a file, its result is an error record, and the others' results stay as they are.
        """
        examiners = (self._own, *others)
        run = Run(str(path))
        try:
            return self._scan(path, run, examiners, kind)
        except Exception as error:  # noqa: BLE001 - one input must not end a run of thousands: its record says it
            failure = error_info(error, run.stage)
            return tuple(run.failed(failure, examiner) for examiner in examiners)

    def scan_many(self, paths: Iterable[str | Path]) -> Iterator[ScanResult]:
        """Scan one after the other; each result comes as soon as it is there."""
        for path in paths:
            yield self.scan(path)

    def score_crops(self, crops: Sequence[FaceCrop]) -> Float32Array:
        """Logits (N,) of the crops of one file, as `scan` scores them: mirrored too in tracks of few crops.

        A crop must be cut as `self.bundle.views` lists: the first its `image`, the others its `views`. Crops without a
        track (-1) are tracks of one. UsageError: they are cut otherwise.
        """
        _check_cuts(crops, self.bundle.views)
        scores = CropScores(self._own.scorer)
        scores.add(crops)
        scores.finish()
        single = count(-1, -1)
        by_track: dict[int, list[int]] = defaultdict(list)
        for number, crop in enumerate(crops):
            by_track[crop.track_id if crop.track_id >= 0 else next(single)].append(number)
        scores.mirror_short(by_track.values())
        return np.asarray(scores.logits, np.float32)

    def _scan(
        self, path: str | Path, run: Run, examiners: Sequence[Examiner], kind: InputKind
    ) -> tuple[ScanResult, ...]:
        views = all_views(examiners)
        examinations = [Examination.of(examiner, views, self._policy) for examiner in examiners]
        with self._opened(path, kind) as reader:
            run.enter("probe")
            run.input = InputInfo(run.input.path, reader.sha256 or None, reader.bytes)
            most = max(self._frames, MOST_FRAMES)
            indices = self._policy.indices(reader.times_s, at_least=self._frames, at_most=most)
            stream = self._stream(reader, indices, run, views, kind)
            frames = _scored(stream, run, examinations)
            media = ScannedMedia(reader.info, reader.cuts_s, stream.frames_read, stream.frames_with_face)
        run.timing_s |= {"decode": stream.decode_s, "faces": stream.faces_s}
        run.enter("score")
        scanned = Scanned.of(
            media,
            bytes_=reader.bytes,
            sha256=reader.sha256,
            frames_asked=len(indices),
            frames=frames,
            tracks=_one_track(frames) if kind == "crops" else link_tracks(frames, media.cuts_s),
        )
        return tuple(one.answer(scanned, run) for one in examinations)

    def _opened(self, path: str | Path, kind: InputKind) -> OpenedMedia:
        if kind == "frames" or (kind == "crops" and Path(path).is_dir()):
            from dfdetect.media.folder import FrameFolder  # here: it needs Pillow, which a run over clips does not

            return FrameFolder(Path(path))
        return (self._open or open_media)(path)

    def _stream(
        self, reader: OpenedMedia, indices: Sequence[int], run: Run, views: Sequence[CropView], kind: InputKind
    ) -> FrameStream:
        if kind == "crops":
            return WholeStream(reader, indices, mesh=self._mesh, views=views, on_stage=run.enter)
        shown, *others = views
        return FaceStream(
            reader,
            indices,
            detector=self._detector,
            mesh=self._mesh,
            margin=shown.margin,
            size_px=shown.size_px,
            more_views=others,
            rule=self._policy.crop,
            face_choice=self._policy.face_choice,
            on_stage=run.enter,
        )


def _scored(stream: FrameStream, run: Run, examinations: Sequence[Examination]) -> list[TrackFrame]:
    """Score the crops while the decoding thread goes on; no further than somebody still scores."""
    frames: list[TrackFrame] = []
    with closing(iter(stream)) as found:
        for faces in found:
            frames.append(faces.boxes)
            run.enter("score")
            for one in examinations:
                one.add(faces.crops)
            if all(one.error for one in examinations):
                break
    run.enter("score")
    for one in examinations:
        one.finish()
    return frames


def _one_track(frames: Sequence[TrackFrame]) -> tuple[FaceTrack, ...]:
    """A folder of crops is of one face; where each lay in its frame, and so what links them, is not known."""
    return (FaceTrack(1, tuple((frame.index, 0) for frame in frames)),) if frames else ()


def _backends(bundle: Bundle, backend: str | Backend, *, device: str, threads: int | None) -> list[Backend]:
    if isinstance(backend, str):
        return [
            make_backend(network, backend, maps=bundle.heatmap, device=device, threads=threads)
            for network in bundle.networks
        ]
    if len(bundle.networks) > 1:
        raise UsageError(f"backend: an ensemble of {len(bundle.networks)} takes a name; one object runs one network")
    return [backend]


def _check_cuts(crops: Sequence[FaceCrop], views: Sequence[CropView]) -> None:
    wanted = [view.size_px for view in views]
    for crop in crops:
        found = [len(cut) for cut in (crop.image, *crop.views)]
        if found != wanted:
            raise UsageError(f"expected a face cut to {wanted} px, as `bundle.views` lists; got {found}")
