"""What makes a result weaker without deciding it: measured facts of the file and of the scan, as the closed list."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from dfdetect.errors import LimitCode, ReasonCode
from dfdetect.scoring import Decision, faults
from dfdetect.values import FaceScore, Limit, MediaInfo, Verdict

# Bits of a pixel of a frame. FaceForensics++ c40 (H.264, CRF 40) has 0.002-0.007, ordinary web clips 0.03 and more.
HEAVY_VIDEO_BITS = 0.015
HEAVY_JPEG_BITS = 0.5  # photographs from the web have 0.7 and more; JPEG of quality 30 is near 0.5
LOSSY_STILLS = ("jpeg", "webp", "avif")
LOW_SIDE_PX = 240  # shorter side of the picture
FAULTY_SHARE = 0.2  # of all face pictures left out for one cause
FEW_FRAMES = 16  # half of the 32 that the bounds were fitted with
MANY_FACES = 3  # from here one row of bounds stands for every number


def limits_of(
    info: MediaInfo,
    n_bytes: int,
    decision: Decision,
    *,
    frames_asked: int,
    frames_read: int,
    experimental: bool,
    not_covered: Sequence[str] = (),
) -> tuple[Limit, ...]:
    """Every limit that holds for one scanned file, in the order of LimitCode.

    n_bytes: size of the file. not_covered: kinds of fakes that the model does not find, in its makers' words.
    """
    found = {
        LimitCode.HEAVY_COMPRESSION: _heavily_compressed(info, n_bytes),
        LimitCode.LOW_RESOLUTION: _if(
            min(info.width_px, info.height_px) < LOW_SIDE_PX, f"The picture is {info.width_px}x{info.height_px} px."
        ),
        **_face_limits(decision),
        **_frame_limits(info, decision, frames_asked, frames_read),
        LimitCode.EXPERIMENTAL_MODEL: _if(experimental, "The model is marked experimental by its makers."),
        LimitCode.KIND_NOT_COVERED: _not_covered(info, decision, not_covered),
    }
    return tuple(Limit(code, text) for code in LimitCode if (text := found.get(code)))


def _heavily_compressed(info: MediaInfo, n_bytes: int) -> str | None:
    pixels = info.width_px * info.height_px
    if info.kind == "image":
        bits = 8 * n_bytes / pixels
        lossy = info.container in LOSSY_STILLS
        return _if(lossy and bits < HEAVY_JPEG_BITS, f"{bits:.2f} bits a pixel: compression may have removed traces.")
    rate = info.bit_rate_bps or (8 * n_bytes / info.duration_s if info.duration_s else None)
    if not rate or not info.fps:
        return None
    bits = rate / (pixels * float(info.fps))
    return _if(bits < HEAVY_VIDEO_BITS, f"{bits:.3f} bits a pixel of each frame: compression may have removed traces.")


def _not_covered(info: MediaInfo, decision: Decision, kinds: Sequence[str]) -> str | None:
    texts = []
    if not decision.bounds_measured:
        texts.append(f"The model's bounds were not measured on {info.kind}s with so many faces.")
    if kinds and decision.verdict is not Verdict.NOT_APPLICABLE:
        texts.append(f"Kinds of fakes that this model does not tell from real faces: {'; '.join(kinds)}.")
    return " ".join(texts) or None


def _face_limits(decision: Decision) -> dict[LimitCode, str | None]:
    scores = [score for track in decision.tracks for score in track.scores]
    causes = {
        ReasonCode.FACE_TOO_SMALL: (LimitCode.SMALL_FACES, "too small"),
        ReasonCode.FACE_BLURRED: (LimitCode.BLURRED_FACES, "blurred"),
        ReasonCode.EXTREME_POSE: (LimitCode.EXTREME_POSE, "turned too far away"),
    }
    found: dict[LimitCode, str | None] = {
        limit: _if(_share(scores, reason) >= FAULTY_SHARE, f"{_share(scores, reason):.0%} of the faces are {word}.")
        for reason, (limit, word) in causes.items()
    }
    n = max(decision.n_counted, _most_at_once(scores))
    found[LimitCode.MANY_FACES] = _if(n >= MANY_FACES, f"{n} faces: more faces, more chances of a false alarm.")
    return found


def _share(scores: list[FaceScore], reason: ReasonCode) -> float:
    return float(np.mean([reason in faults(score.quality) for score in scores])) if scores else 0.0


def _most_at_once(scores: list[FaceScore]) -> int:
    return int(np.unique([score.frame_index for score in scores], return_counts=True)[1].max()) if scores else 0


def _frame_limits(info: MediaInfo, decision: Decision, asked: int, read: int) -> dict[LimitCode, str | None]:
    if info.kind == "image":
        return {}
    most = max((sum(not faults(s.quality) for s in track.scores) for track in decision.tracks), default=0)
    passed_over = len(decision.tracks) - decision.n_counted
    return {
        LimitCode.FEW_FRAMES: _if(0 < most < FEW_FRAMES, f"Usable frames of one face: at most {most}."),
        LimitCode.FRAMES_SAMPLED: _if(read < info.frame_count, f"{read} of {info.frame_count} frames were looked at."),
        LimitCode.SHORT_TRACKS: _if(
            decision.n_counted > 0 and passed_over > 0,
            f"{passed_over} of {len(decision.tracks)} faces are seen too briefly or too badly to count.",
        ),
        LimitCode.PARTIAL_DECODE: _if(read < asked, f"Only {read} of {asked} frames asked for could be decoded."),
    }


def _if(holds: bool, text: str) -> str | None:
    return text if holds else None
