"""How training pictures are varied: the options of a recipe's `[augment]`.

Their defaults are broad on purpose. Detectors trained on sharp photographs alone give soft, small or often re-encoded
real faces a higher score; so real and fake alike are made small, soft, sharpened, smoothed and re-encoded here
(data.history), always with the same numbers for both of a pair.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class AugmentOptions:
    """Probabilities 0..1; sizes in pixels of the face box's longer side; qualities on the codec's own scale.

    Frame (data.framing). max_rotation_deg: two standard deviations of the turn (normal), so that 1 in 20 turns further.
    min_margin .. max_margin: of the crop, a fraction of the face's side: its zoom.

    Whole picture. p_retouch: smoothing (as of skin, or noise reduction) or sharpening of everything.
    p_colour: of hue, saturation and value; of brightness and contrast; half of it of the channels. p_gray: no colour.

    Photo or video (p_video) (data.history). photo_face_px, video_face_px: what the face is shrunk to, evenly on a
    logarithmic scale. p_again: another generation: shrunk again, JPEG again or another codec.
    video_codecs: "name=weight" of media.roundtrip.CODECS. p_broadcast: enlarged from a smaller picture, with the soft
    lines and the ringing of television. p_interlaced: one field doubled, or two fields mixed.

    Afterwards. p_cutout: eyes, nose, mouth or half of the face painted over. p_mixup: real and fake of an aligned pair
    mixed by Beta(.5, .5), with labels to match (for true fakes; a self-blend of ratio .25 is one already).
    """

    p_flip: float = 0.5
    p_turn: float = 0.6
    max_rotation_deg: float = 10.0
    p_shear: float = 0.1
    max_shear_deg: float = 4.0
    p_stretch: float = 0.1
    max_stretch: float = 0.06  # width against height
    min_margin: float = 0.05
    max_margin: float = 0.22
    max_off_centre: float = 0.04  # of the crop's side
    p_colour: float = 0.4
    p_gray: float = 0.03
    p_retouch: float = 0.2
    p_blur: float = 0.15
    p_noise: float = 0.2
    p_shrink: float = 0.4
    photo_face_px: tuple[int, int] = (56, 320)
    p_photo_jpeg: float = 0.6
    jpeg_quality: tuple[int, int] = (30, 100)
    p_webp: float = 0.1
    p_again: float = 0.2
    p_video: float = 0.5
    video_face_px: tuple[int, int] = (48, 260)
    video_crf: tuple[int, int] = (18, 38)
    video_codecs: tuple[str, ...] = ("h264=0.7", "mpeg4=0.1", "vp9=0.1", "mpeg2=0.06", "mpeg1=0.04")
    p_broadcast: float = 0.3
    p_interlaced: float = 0.1
    p_motion_blur: float = 0.15
    p_cutout: float = 0.05
    p_mixup: float = 0.0
