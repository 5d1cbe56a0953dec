"""How far apart in bits are changed copies of a photograph, and different photographs, whole and as face crops?

    python benchmarks/look_alikes.py photos.csv [--photos 700] [--copies 200] [--hashes 1000000]

photos.csv has a column path. The bound of `data audit --pixels` (31 bits) should hold all copies that are worth finding
and no two different photographs. Also times the search for near hashes, a tenth of --hashes against all of them.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
from machine import conditions

from dfdetect.data.audit.hamming import MOST_DISTANCE, near_pairs
from dfdetect.data.audit.picture_hash import BITS, distance, mirrored, picture_hash
from dfdetect.data.lists import read_list
from dfdetect.faces.align import cut_square, square_around
from dfdetect.faces.detector import FaceDetector, make_detector
from dfdetect.faces.mesh import FaceMesh, mesh_box_xyxy
from dfdetect.media.image import read_rgb
from dfdetect.media.roundtrip import jpeg_round_trip
from dfdetect.values import FaceDetections, UInt8Array

MOST_PX, CROP_PX = 1200, 256


def scaled(image: UInt8Array, factor: float) -> UInt8Array:
    return np.asarray(cv2.resize(image, None, fx=factor, fy=factor, interpolation=cv2.INTER_AREA), np.uint8)


def cropped(image: UInt8Array, share: float) -> UInt8Array:
    """Without this share of each side."""
    height, width = image.shape[:2]
    top, left = int(height * share), int(width * share)
    return np.ascontiguousarray(image[top : height - top, left : width - left])


def copies(image: UInt8Array) -> Iterator[tuple[str, UInt8Array]]:
    yield "JPEG 30", jpeg_round_trip(image, 30, subsampling="420")
    yield "half the size, JPEG 50", jpeg_round_trip(scaled(image, 0.5), 50, subsampling="420")
    yield "a third of the size", scaled(image, 1 / 3)
    yield "15 % brighter", np.clip(image * 1.15 + 10, 0, 255).astype(np.uint8)
    yield "blurred, sigma 2", np.asarray(cv2.GaussianBlur(image, (0, 0), 2), np.uint8)
    yield "cropped by 2 % a side", cropped(image, 0.02)
    yield "cropped by 5 % a side", cropped(image, 0.05)
    yield "mirrored", np.ascontiguousarray(image[:, ::-1])
    yield "mirrored, half the size, JPEG 50", jpeg_round_trip(scaled(image[:, ::-1], 0.5), 50, subsampling="420")


def face_crop(image: UInt8Array, detector: FaceDetector, mesh: FaceMesh) -> UInt8Array | None:
    found = detector.detect(image)
    if len(found) == 0:
        return None
    fit = mesh.fit(image, FaceDetections(found.boxes_xyxy[:1], found.score[:1], found.landmarks[:1]))
    crop = cut_square(image, *square_around(mesh_box_xyxy(fit.points[0]), margin=0.15))
    return np.asarray(cv2.resize(crop, (CROP_PX, CROP_PX), interpolation=cv2.INTER_AREA), np.uint8)


def measure(photos: list[Path], n_copies: int) -> None:
    detector, mesh = make_detector("yunet"), FaceMesh()
    hashes: dict[str, list[np.ndarray]] = defaultdict(list)
    apart: dict[tuple[str, str], list[int]] = defaultdict(list)
    for path in photos:
        image = read_rgb(path)
        image = scaled(image, min(1.0, MOST_PX / max(image.shape[:2])))
        for kind, picture in (("photo", image), ("face crop", face_crop(image, detector, mesh))):
            bits = None if picture is None else picture_hash(picture)
            if picture is None or bits is None:
                continue
            hashes[kind].append(bits)
            if len(hashes[kind]) <= n_copies:
                for name, copy in copies(picture):
                    other = picture_hash(copy)
                    asked = mirrored(bits) if name.startswith("mirrored") else bits
                    apart[kind, name].append(BITS if other is None else distance(asked, other))
    print("| copy | median bits | 95 of 100 within | found |\n|---|---|---|---|")
    for (kind, name), values in sorted(apart.items()):
        share = np.mean(np.array(values) <= MOST_DISTANCE)
        print(f"| {kind}, {name} | {np.median(values):.0f} | {np.percentile(values, 95):.0f} | {share:.1%} |")
    print("\n| different pictures | pairs | least bits | within the bound |\n|---|---|---|---|")
    for kind, some in hashes.items():
        table = np.array(some)
        for how, first in (("", table), (", one mirrored", mirrored(table))):
            pairs = [np.bitwise_count(first[i] ^ table[i + 1 :]).sum(axis=1) for i in range(len(table) - 1)]
            bits = np.concatenate(pairs)
            print(f"| {kind}{how} | {len(bits):,} | {bits.min()} | {(bits <= MOST_DISTANCE).sum()} |")


def time_search(n: int) -> None:
    rng = np.random.default_rng(0)
    right = rng.integers(0, 2**64, (n, 4), dtype=np.uint64)
    left = rng.integers(0, 2**64, (n // 10, 4), dtype=np.uint64)
    start = time.perf_counter()
    for some in (left, mirrored(left)):
        for _ in near_pairs(some, right, MOST_DISTANCE):
            pass
    print(f"\n{len(left):,} against {n:,} hashes, as they are and mirrored: {time.perf_counter() - start:.1f} s")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("photos_csv", type=Path)
    parser.add_argument("--photos", type=int, default=700)
    parser.add_argument("--copies", type=int, default=200)
    parser.add_argument("--hashes", type=int, default=1_000_000)
    options = parser.parse_args()
    rows = read_list(options.photos_csv)
    picked = np.random.default_rng(0).permutation(len(rows))[: options.photos]
    print(f"{conditions()}\n")
    measure([Path(rows[row].path) for row in picked], options.copies)
    time_search(options.hashes)
    return 0


if __name__ == "__main__":
    sys.exit(main())
