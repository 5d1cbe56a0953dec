"""What the file names of public datasets say: who is in the picture and what it was made from.

One function a naming scheme, used by the readers and by the leakage auditor alike. Each returns None for a name that
does not follow the scheme. Sources: docs/datasets.md.
"""

from __future__ import annotations

import re
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class NameKeys:
    """video: the clip's own name. target, donor: persons as the name tells them, "" where it does not.

    original: name of the real clip that it was made from, "" for a real one.
    """

    video: str
    target: str = ""
    donor: str = ""
    original: str = ""

    @property
    def is_fake(self) -> bool:
        return bool(self.original)


_FFPP = re.compile(r"(\d{3})(?:_(\d{3}))?")
_DFD_REAL = re.compile(r"(\d{2})__([a-z_]+)", re.IGNORECASE)
_DFD_FAKE = re.compile(r"(\d{2})_(\d{2})__([a-z_]+)__([A-Z0-9]{8})", re.IGNORECASE)
_CELEB = re.compile(r"id(\d+)(?:_id(\d+))?_(\d{4})")
_TIMIT = re.compile(r"([fm][a-z]{3}\d)/(s[aix]\d+)(?:-video-([fm][a-z]{3}\d))?", re.IGNORECASE)
_KODF_FAKE = re.compile(r"([0-9a-f]{20}|\d{6})_([0-9a-f]{20}|\d{6})_([1-5])_(\d+)", re.IGNORECASE)
_KODF_REAL = re.compile(r"([0-9a-f]{20}|\d{6})_(\d+)", re.IGNORECASE)
_FAKEAVCELEB = re.compile(r"(\d{5})(?:_(.+))?", re.IGNORECASE)


def faceforensics(stem: str) -> NameKeys | None:
    """`033` a real; `033_097` a fake: target 033 keeps the background, source 097 gives face or expression."""
    match = _FFPP.fullmatch(stem)
    if match is None:
        return None
    target, donor = match.groups()
    return NameKeys(stem, target, donor or "", target if donor else "")


def google_dfd(stem: str) -> NameKeys | None:
    """`24__outside_talking` a real; `24_23__outside_talking__YR5OVD4S` a fake of actor 24 with the face of 23."""
    if match := _DFD_FAKE.fullmatch(stem):
        target, donor, scene, _ = match.groups()
        return NameKeys(stem, target, donor, f"{target}__{scene}")
    if match := _DFD_REAL.fullmatch(stem):
        return NameKeys(stem, match[1])
    return None


def celeb_df(stem: str) -> NameKeys | None:
    """`id0_0003` a real; `id0_id16_0003` a fake made from it with the face of id16. YouTube reals are five digits."""
    match = _CELEB.fullmatch(stem)
    if match is None:
        return NameKeys(stem) if re.fullmatch(r"\d{5}", stem) else None
    target, donor, clip = match.groups()
    return NameKeys(stem, f"id{target}", f"id{donor}" if donor else "", f"id{target}_{clip}" if donor else "")


def celeb_df_talking(stem: str) -> NameKeys | None:
    """`id0_0003_test_0012`: a talking head of Celeb-DF++ made of a picture of id0 in clip id0_0003, driven by sound."""
    match = re.fullmatch(r"(id\d+)_(\d{4})_.+", stem)
    return NameKeys(stem, match[1], original=f"{match[1]}_{match[2]}") if match else None


def dfdc(stem: str) -> NameKeys | None:
    """`abarnvbtwb`: ten letters, which tell nothing."""
    return NameKeys(stem) if re.fullmatch(r"[a-z]{10}", stem) else None


def dfdc_preview(stem: str) -> NameKeys | None:
    """`1260311_C_001` a real of that actor; `1255229_1260311_C_001` made from it with the face of actor 1255229."""
    match = re.fullmatch(r"(?:(\d+)_)?((\d+)_[A-Z]_\d+)", stem)
    return NameKeys(stem, match[3], match[1] or "", match[2] if match[1] else "") if match else None


def deepfake_timit(path: str) -> NameKeys | None:
    """`fadg0/sa1` a recording of VidTIMIT; `fadg0/sa1-video-fram1` the same with the face of fram1.

    Takes subject and stem, as the stem alone does not say who is in the picture.
    """
    match = _TIMIT.fullmatch(path)
    if match is None:
        return None
    subject, utterance, donor = match.groups()
    return NameKeys(path, subject, donor or "", f"{subject}/{utterance}" if donor else "")


def uadfv(stem: str) -> NameKeys | None:
    """`0031` a real; `0031_fake` made from it. The names tell no person."""
    match = re.fullmatch(r"(\d{4})(_fake)?", stem)
    return NameKeys(stem, original=match[1] if match[2] else "") if match else None


def kodf(stem: str) -> NameKeys | None:
    """`ACTOR_003` a real; `TARGET_SOURCE_2_0001` TARGET with the face or motions of SOURCE, method 2.

    Actors are 20 hexadecimal characters or six digits. Which clip of the target it was made from, only the lists tell;
    so `original` is the target's name for a fake.
    """
    if match := _KODF_FAKE.fullmatch(stem):
        target, donor, _, _ = match.groups()
        return NameKeys(stem, target, donor, target)
    if match := _KODF_REAL.fullmatch(stem):
        return NameKeys(stem, match[1])
    return None


def fakeavceleb(stem: str) -> NameKeys | None:
    """`00109` a real; `00109_10_id00476_wavtolip`, `00109_id00171_faceswap`, `00109_fake` made from it."""
    match = _FAKEAVCELEB.fullmatch(stem)
    if match is None:
        return None
    original, rest = match.groups()
    donor = re.search(r"(?:^|_)(id\d{5})(?=_|$)", rest or "")
    return NameKeys(stem, donor=donor[1] if donor else "", original=original if rest else "")


def deeperforensics(stem: str) -> NameKeys | None:
    """`033_M101`: FaceForensics++ clip 033 with the face of actor M101. All are fakes."""
    match = re.fullmatch(r"(\d{3})_([MW]\d{3})", stem, re.IGNORECASE)
    return NameKeys(stem, match[1], match[2].upper(), match[1]) if match else None


def numbered_crop(stem: str) -> NameKeys | None:
    """`abarnvbtwb-012-00`: first face of frame 12, as DeepFake-Detect names its crops; `video` is the video's name."""
    match = re.fullmatch(r"(.+)-\d{3,}-\d{2}", stem)
    return NameKeys(match[1]) if match else None
