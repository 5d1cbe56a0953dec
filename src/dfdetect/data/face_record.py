"""One face of a dataset, cut out: the row that `prepare` writes and training reads."""

from __future__ import annotations

from dataclasses import dataclass

from dfdetect.values import Float32Array, UInt8Array


@dataclass(frozen=True, slots=True)
class FaceRecord:
    """One loose face crop with where it came from.

    image_bytes: JPEG (4:4:4) of the crop, made by media.roundtrip. mesh: (468, 3) float32 pixels of that crop, None
    where none could be fitted. label: of this face, 0 real, 1 fake. path ... reuse: of its `Sample` ("" where
    unknown); path is the sample's name inside its dataset. frame_index, time_s, track_id: place in the clip (of a
    folder of crops the number in the name); 0, 0 and a number for a still. face_px, blur, yaw_deg, detector_score:
    quality at native size.
    kind: of the sample. label_from: what the label was told from: "clip" (the dataset's own), "mask", "difference"
    (to the original). A face with label 0 whose label_from is not "clip" is an untouched one of a fake clip.
    landmarks: (5, 2) and box_xyxy: (4,), float32 pixels of the crop: the five points in the order of `FaceDetections`,
    and the face's box. square_xyxy: (4,) float32, whole pixels of the frame that the crop covers.
    mask_bytes: PNG (gray, 255 = manipulated) of the crop's size, or None. aligned: a fake cut by the squares of its
    original: the record of the original with the same frame_index and track_id shows the same place.
    clip_sha256: of the file it was cut from, "" for a folder of images.
    """

    image_bytes: bytes
    mesh: Float32Array | None
    label: int
    path: str
    dataset: str = ""
    method: str = ""
    compression: str = ""
    video_id: str = ""
    target_id: str = ""
    donor_id: str = ""
    pair_key: str = ""
    source_key: str = ""
    split: str = ""
    source: str = ""
    licence: str = ""
    reuse: str = ""
    frame_index: int = 0
    time_s: float = 0.0
    track_id: int = 0
    face_px: float = 0.0
    blur: float = 0.0
    yaw_deg: float = 0.0
    detector_score: float = 0.0
    kind: str = ""
    label_from: str = "clip"
    landmarks: Float32Array | None = None
    box_xyxy: Float32Array | None = None
    square_xyxy: Float32Array | None = None
    mask_bytes: bytes | None = None
    aligned: bool = False
    clip_sha256: str = ""

    def picture(self) -> UInt8Array:
        """The crop, (H, W, 3) uint8 RGB."""
        from dfdetect.media.roundtrip import decode

        return decode(self.image_bytes)

    def mask(self) -> UInt8Array | None:
        """Where the crop was manipulated, (H, W) uint8, 255 = manipulated; None where that is not known."""
        from dfdetect.media.roundtrip import decode

        return None if self.mask_bytes is None else decode(self.mask_bytes)[..., 0]

    @property
    def held_bytes(self) -> int:
        """About what it takes in a shard."""
        return len(self.image_bytes) + len(self.mask_bytes or b"") + (0 if self.mesh is None else self.mesh.nbytes)
