"""Pictures that are face crops already: taken whole, without a detection; a mesh tells their quality where it fits."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from dfdetect.errors import Stage
from dfdetect.faces.align import CropView, crop_whole
from dfdetect.faces.extract import FrameFaces, FrameSource, FrameStream, mesh_holds
from dfdetect.faces.mesh import FaceMesh, FaceRoi, five_points, mesh_box_xyxy
from dfdetect.faces.quality import measure
from dfdetect.faces.track import TrackFrame, colour_histogram
from dfdetect.values import FaceCrop, FaceDetections, Float32Array, Frame, UInt8Array


def whole_face(image: UInt8Array, mesh: FaceMesh) -> tuple[Float32Array, Float32Array | None]:
    """The face of a picture that is a crop: its box and its mesh (468, 3); without a mesh the box is the whole."""
    height, width = image.shape[:2]
    whole = np.array([0, 0, width, height], np.float32)
    fit = mesh.fit_rois(image, [FaceRoi((width / 2, height / 2), float(max(width, height)), 0.0)])
    if not mesh_holds(fit.points[0], float(fit.presence[0]), whole):
        return whole, None
    return mesh_box_xyxy(fit.points[0]), fit.points[0]


class WholeStream(FrameStream):
    """Pictures that are each one face crop: every one is a face, cut no further."""

    def __init__(
        self,
        reader: FrameSource,
        indices: Sequence[int],
        *,
        mesh: FaceMesh,
        views: Sequence[CropView],
        on_stage: Callable[[Stage], None],
    ) -> None:
        super().__init__(reader, indices, find_cuts=False, on_stage=on_stage)
        self._mesh, self._views = mesh, tuple(views)

    def _faces_of(self, frame: Frame) -> FrameFaces:
        image = frame.image
        box, points = whole_face(image, self._mesh)
        landmarks = np.zeros((5, 2), np.float32) if points is None else five_points(points)
        shown, *others = [crop_whole(image, size_px=view.size_px) for view in self._views]
        crop = FaceCrop(
            image=shown.image,
            to_frame=shown.to_frame,
            box_xyxy=box,
            frame_index=frame.index,
            time_s=frame.time_s,
            track_id=-1,
            quality=measure(image, box, points, 1.0),
            mesh=points,
            views=tuple(other.image for other in others),
        )
        found = FaceDetections(box[None], np.ones(1, np.float32), landmarks[None])
        histogram = colour_histogram(image, box)[None]
        return FrameFaces(TrackFrame(frame.index, frame.time_s, found, histogram), (crop,))
