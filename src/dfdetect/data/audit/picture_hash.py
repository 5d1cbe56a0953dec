"""A picture as 256 bits that survive resizing, compression and small changes: the sign pattern of its low frequencies.

After the published description of PDQ (Meta, "The TMK+PDQF Video-Hashing Algorithm and the PDQ Image-Hashing
Algorithm", 2019): luminance, area mean to 64 x 64, the 16 x 16 lowest frequencies of its cosine transform without the
constant ones, each bit whether a coefficient is above their median. Bits are not those of other implementations, whose
filters differ. Of a mirrored picture the hash follows from the picture's own; of a turned one it does not.
"""

from __future__ import annotations

import functools
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from dfdetect.errors import MediaError
from dfdetect.media.limits import DEFAULT_LIMITS
from dfdetect.media.reader import open_media
from dfdetect.media.sampling import even_indices
from dfdetect.values import UInt8Array

Hash = NDArray[np.uint64]

BITS = 256
WORDS = BITS // 64
_SIDE_PX = 64
_FREQUENCIES = 16
_FLAT = 2.0  # mean step between neighbours, of 255: what is flatter has no pattern but noise


@functools.cache
def _cosines() -> NDArray[np.float32]:
    """(16, 64): rows are the frequencies 1 to 16."""
    frequency = np.arange(1, _FREQUENCIES + 1)[:, None]
    place = 2 * np.arange(_SIDE_PX)[None, :] + 1
    return np.asarray(np.sqrt(2 / _SIDE_PX) * np.cos(np.pi / (2 * _SIDE_PX) * frequency * place), np.float32)


def picture_hash(rgb: UInt8Array) -> Hash | None:
    """(H, W, 3) uint8 RGB -> (4,) uint64; None for a picture that is flat (black, white, one colour)."""
    gray = cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY)
    small = np.asarray(cv2.resize(gray, (_SIDE_PX, _SIDE_PX), interpolation=cv2.INTER_AREA), np.float32)
    steps = np.abs(np.diff(small, axis=0)).mean() + np.abs(np.diff(small, axis=1)).mean()
    if steps < _FLAT:
        return None
    low = _cosines() @ small @ _cosines().T
    return np.packbits(low > np.median(low)).view(np.uint64)


def mirrored(hashes: Hash) -> Hash:
    """Hashes of the same pictures mirrored left to right, (..., 4) uint64, but for a few bits.

    Mirroring turns the sign of the odd horizontal frequencies, and so their bits as far as the median is near zero.
    """
    odd = np.packbits(np.tile(np.arange(1, _FREQUENCIES + 1) % 2 == 1, _FREQUENCIES)).view(np.uint64)
    return np.asarray(hashes ^ odd, np.uint64)


def file_hashes(path: Path, n_frames: int) -> tuple[list[Hash], str]:
    """(hashes of a picture, of n_frames of a video spread over its time, or of n_frames pictures of a folder; SHA-256).

    Flat frames give no hash; the SHA-256 of a folder is "". Errors: MediaError.
    """
    if path.is_dir():
        return _folder_hashes(path, n_frames), ""
    with open_media(path, limits=DEFAULT_LIMITS) as media:
        indices = even_indices(media.times_s, n_frames)
        found = [picture_hash(frame.image) for frame in media.frames(indices, find_cuts=False)]
        return [bits for bits in found if bits is not None], media.sha256


def _folder_hashes(folder: Path, n_frames: int) -> list[Hash]:
    files = sorted(path for path in folder.iterdir() if path.is_file() and not path.name.startswith("."))
    found: list[Hash] = []
    failed: MediaError | None = None
    for number in even_indices(np.arange(len(files), dtype=np.float64), n_frames):
        try:
            found += file_hashes(files[number], 1)[0]
        except MediaError as error:  # a list or landmarks beside the pictures
            failed = error
    if not found and failed is not None:
        raise failed
    return found


def distance(first: Hash, second: Hash) -> int:
    """Bits that differ, 0..256."""
    return int(np.bitwise_count(first ^ second).sum())
