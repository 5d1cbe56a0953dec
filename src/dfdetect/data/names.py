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
