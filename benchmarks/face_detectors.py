"""How often each face detector finds the face, sees one where there is none, and what a frame costs.

    python benchmarks/face_detectors.py --data ../shared/data --every 4 > table.md

Photographs of train_real show one face each and carry no boxes, so a face counts as found when a detection sits
on the face that was found in the untouched photograph (by YuNet, else by MTCNN), mapped through the change. That
favours YuNet slightly; the photographs where only one of the two finds anything are counted apart. Rows of eval are
reported, never chosen by. The Markdown tables of docs/face_detectors.md are printed to standard output.
"""

from __future__ import annotations

import argparse
import csv
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from PIL import Image, ImageOps

from dfdetect.data.drawn_faces import draw_scene
from dfdetect.faces.detector import FACE_DETECTORS, FaceDetector, make_detector
from dfdetect.media.roundtrip import video_round_trip
from dfdetect.values import FaceDetections, Float32Array, UInt8Array

VIDEO_SUFFIXES = {".mp4", ".avi", ".mov", ".webm", ".mkv"}
# Pictures of skimage.data without a person; those that are not in the installed package are left out.
FACELESS = (
    *("coffee", "chelsea", "rocket", "brick", "grass", "gravel", "moon", "page", "text", "coins", "clock", "horse"),
    *("colorwheel", "cell", "checkerboard", "hubble_deep_field", "immunohistochemistry", "retina"),
)

# Picture -> changed picture, and the affine map (2, 3) from old to new pixels.
Change = Callable[[UInt8Array], tuple[UInt8Array, Float32Array]]


def _same(image: UInt8Array) -> tuple[UInt8Array, Float32Array]:
    return image, np.eye(2, 3, dtype=np.float32)


def _scaled(factor: float) -> Change:
    def change(image: UInt8Array) -> tuple[UInt8Array, Float32Array]:
        height_px, width_px = image.shape[:2]
        size_wh = (round(width_px * factor), round(height_px * factor))
        small = cv2.resize(image, size_wh, interpolation=cv2.INTER_AREA)
        return np.asarray(small, np.uint8), np.array([[factor, 0, 0], [0, factor, 0]], np.float32)

    return change


def _turned(angle_deg: float) -> Change:
    """Clockwise, on a canvas that holds the whole picture; the corners are filled with the picture's edge."""

    def change(image: UInt8Array) -> tuple[UInt8Array, Float32Array]:
        height_px, width_px = image.shape[:2]
        matrix = cv2.getRotationMatrix2D((width_px / 2, height_px / 2), -angle_deg, 1.0)
        cosine, sine = abs(matrix[0, 0]), abs(matrix[0, 1])
        size_wh = (round(height_px * sine + width_px * cosine), round(height_px * cosine + width_px * sine))
        matrix[:, 2] += [size_wh[0] / 2 - width_px / 2, size_wh[1] / 2 - height_px / 2]
        turned = cv2.warpAffine(image, matrix, size_wh, borderMode=cv2.BORDER_REPLICATE)
        return np.asarray(turned, np.uint8), matrix.astype(np.float32)

    return change


def _h264(image: UInt8Array) -> tuple[UInt8Array, Float32Array]:
    return video_round_trip([image, image], crf=30)[-1], np.eye(2, 3, dtype=np.float32)


CHANGES: dict[str, Change] = {
    "as it is": _same,
    "0.25 x": _scaled(0.25),
    "turned 15°": _turned(15),
    "turned 30°": _turned(30),
    "turned 90°": _turned(90),
    "H.264 CRF 30": _h264,
}


@dataclass
class Tally:
    """What one detector did on one change of all photographs. drift: landmark error as a share of the eye distance."""

    asked: int = 0
    found: int = 0
    extra: int = 0
    drift: list[float] | None = None

    def add(self, found: FaceDetections, reference: FaceDetections, own: FaceDetections, to_new: Float32Array) -> None:
        self.asked += 1
        corners = _mapped(reference.boxes_xyxy[0].reshape(2, 2)[[0, 1, 0, 1], :], to_new)
        centre, reach = corners.mean(axis=0), np.ptp(corners, axis=0).max() / 2
        centres = (found.boxes_xyxy[:, :2] + found.boxes_xyxy[:, 2:]) / 2
        on_face = np.abs(centres - centre).max(axis=1) < reach
        self.found += bool(on_face.any())
        self.extra += int((~on_face).sum()) + max(0, int(on_face.sum()) - 1)
        if on_face.any() and len(own):
            expected = _mapped(own.landmarks[0], to_new)
            error = np.linalg.norm(found.landmarks[on_face.argmax()] - expected, axis=1).mean()
            self.drift = [*(self.drift or []), float(error / np.linalg.norm(expected[1] - expected[0]))]


def _mapped(points: Float32Array, matrix: Float32Array) -> Float32Array:
    return points @ matrix[:, :2].T + matrix[:, 2]


def load(path: Path) -> UInt8Array:
    """One picture, or the first of a video."""
    if path.suffix.lower() in VIDEO_SUFFIXES:
        import av

        with av.open(str(path)) as container:
            return np.asarray(next(container.decode(video=0)).to_ndarray(format="rgb24"), np.uint8)
    with Image.open(path) as opened:
        return np.array(ImageOps.exif_transpose(opened).convert("RGB"))


def photographs(detectors: dict[str, FaceDetector], data: Path, every: int) -> None:
    with (data / "train_real.csv").open() as lines:
        paths = [data / row["path"] for row in csv.DictReader(lines)][::every]
    tallies = {(change, name): Tally() for change in CHANGES for name in detectors}
    only: dict[str, int] = {**dict.fromkeys(detectors, 0), "neither": 0}
    for number, path in enumerate(paths):
        image = load(path)
        upright = {name: detector.detect(image) for name, detector in detectors.items()}
        seen = [name for name, faces in upright.items() if len(faces)]
        if not seen:
            only["neither"] += 1
            continue
        if len(seen) == 1:
            only[seen[0]] += 1
        reference = upright["yunet"] if len(upright["yunet"]) else upright["mtcnn"]
        for change_name, change in CHANGES.items():
            changed, to_new = change(image)
            for name, detector in detectors.items():
                found = upright[name] if change is _same else detector.detect(changed)
                tallies[change_name, name].add(found, reference, upright[name], to_new)
        if number % 100 == 0:
            print(f"{number} of {len(paths)} photographs", file=sys.stderr, flush=True)
    print(f"\n{len(paths)} photographs of train_real (every {every}). Only one detector finds a face upright: {only}\n")
    print("| change | detector | photographs | found | extra per 100 | landmark drift, median |")
    print("|---|---|---|---|---|---|")
    for (change_name, name), tally in tallies.items():
        drift = f"{100 * np.median(tally.drift):.1f} %" if tally.drift and change_name != "as it is" else "-"
        found, extra = f"{tally.found} ({100 * tally.found / tally.asked:.1f} %)", 100 * tally.extra / tally.asked
        print(f"| {change_name} | {name} | {tally.asked} | {found} | {extra:.1f} | {drift} |")


def faceless_pictures() -> Iterator[tuple[str, UInt8Array]]:
    """Pictures without a face: scikit-image's, drawn rooms, and noise at several grain sizes."""
    import skimage.data

    for name in FACELESS:
        try:
            picture = np.asarray(getattr(skimage.data, name)())
        except (OSError, ModuleNotFoundError, AttributeError, ValueError):
            continue  # not part of the installed package, and nothing is downloaded here
        picture = picture * np.uint8(255) if picture.dtype == bool else picture
        picture = np.dstack([picture] * 3) if picture.ndim == 2 else picture[:, :, :3]
        if picture.dtype == np.uint8:
            yield name, np.ascontiguousarray(picture)
    for seed in range(50):
        yield f"drawn room {seed}", draw_scene(np.random.default_rng(seed), n_faces=0).image
    rng = np.random.default_rng(0)
    for grain_px in (1, 2, 4, 8, 16, 32):
        for copy in range(8):
            coarse = rng.integers(0, 256, (384 // grain_px, 640 // grain_px, 3), dtype=np.uint8)
            yield f"noise {grain_px} px, {copy}", cv2.resize(coarse, (640, 384), interpolation=cv2.INTER_CUBIC)


def false_detections(detectors: dict[str, FaceDetector]) -> None:
    pictures = list(faceless_pictures())
    print(f"\n{len(pictures)} pictures without a face.\n")
    print("| detector | pictures with a false detection | which |\n|---|---|---|")
    for name, detector in detectors.items():
        wrong = [(what, detector.detect(picture)) for what, picture in pictures]
        listed = ", ".join(f"{what} ({faces.score[0]:.2f})" for what, faces in wrong if len(faces))
        print(f"| {name} | {sum(len(faces) > 0 for _, faces in wrong)} | {listed or '-'} |")


def speed(detectors: dict[str, FaceDetector], repeats: int) -> None:
    print("\n| frame | detector | median ms | best ms | processor ms |\n|---|---|---|---|---|")
    for size_wh in ((640, 360), (1920, 1080)):
        frame = draw_scene(np.random.default_rng(1), size_wh, n_faces=2).image
        for name, detector in detectors.items():
            detector.detect(frame)
            spent_ms = []
            cpu_start_s = time.process_time()
            for _ in range(repeats):
                start_s = time.perf_counter()
                detector.detect(frame)
                spent_ms.append(1000 * (time.perf_counter() - start_s))
            cpu_ms = 1000 * (time.process_time() - cpu_start_s) / repeats
            wall = f"{np.median(spent_ms):.0f} | {min(spent_ms):.0f}"
            print(f"| {size_wh[0]} x {size_wh[1]} | {name} | {wall} | {cpu_ms:.0f} |")


def evaluation_set(detectors: dict[str, FaceDetector], data: Path) -> None:
    with (data / "eval.csv").open() as lines:
        paths = [data / row["path"] for row in csv.DictReader(lines)]
    counts = {name: [0, 0, 0] for name in detectors}
    for path in paths:
        image = load(path)
        for name, detector in detectors.items():
            counts[name][min(2, len(detector.detect(image)))] += 1
    print(f"\nReported only: eval, {len(paths)} files (of a video the first frame).\n")
    print("| detector | no face | one | several |\n|---|---|---|---|")
    for name, (none, one, several) in counts.items():
        print(f"| {name} | {none} | {one} | {several} |")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--data", type=Path, help="folder with train_real.csv and eval.csv; without it: speed and false detections"
    )
    parser.add_argument("--every", type=int, default=4, help="take every n-th photograph")
    parser.add_argument("--repeats", type=int, default=20, help="timed calls per frame size")
    parser.add_argument("--threads", type=int, help="CPU threads per detector")
    arguments = parser.parse_args()
    detectors = {name: make_detector(name, threads=arguments.threads) for name in FACE_DETECTORS}
    speed(detectors, arguments.repeats)
    false_detections(detectors)
    if arguments.data:
        photographs(detectors, arguments.data, arguments.every)
        evaluation_set(detectors, arguments.data)


if __name__ == "__main__":
    main()
