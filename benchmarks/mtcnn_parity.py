"""Compare `dfdetect.faces.mtcnn` with facenet-pytorch 2.6.0: boxes, scores, landmarks and time on photographs.

The package pins an old PyTorch, but its code runs under the present one when it is installed alone:

    pip install --no-deps --target PEER facenet-pytorch==2.6.0 && pip install --target PEER requests tqdm
    PYTHONPATH=PEER:tests python benchmarks/mtcnn_parity.py --photos ../shared/data/train_real --n 50
    PYTHONPATH=PEER:tests python benchmarks/mtcnn_parity.py --write-golden tests/parity/mtcnn_golden.json

Ends with exit code 1 when a face is missing or a box differs by 1 px, a score by 1e-3.
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageOps

from dfdetect.faces.mtcnn import Mtcnn
from dfdetect.values import UInt8Array

PHOTO_SUFFIXES = {".jpg", ".jpeg", ".png", ".webp"}


def peer_faces(peer: Any, image: UInt8Array) -> list[dict[str, Any]]:
    """What facenet-pytorch finds; it answers None, not an empty list, where there is no face."""
    boxes, scores, landmarks = peer.detect(image, landmarks=True)
    if boxes is None:
        return []
    rows = zip(boxes.tolist(), scores.tolist(), landmarks.tolist(), strict=True)
    return [{"box_xyxy": box, "score": score, "landmarks": points} for box, score, points in rows]


def write_golden(path: Path, peer: Any) -> None:
    from parity.golden_pictures import golden_pictures

    golden = {name: peer_faces(peer, image) for name, image in golden_pictures()}
    rounded = json.loads(json.dumps(golden), parse_float=lambda text: round(float(text), 5))
    path.write_text(json.dumps(rounded, indent=1) + "\n")
    print(f"{path}: {len(golden)} pictures, {sum(map(len, golden.values()))} faces")


def compare(photos: list[Path], peer: Any) -> bool:
    ours = Mtcnn(long_side_px=2**31)  # the package never shrinks a photograph first
    worst = {"box_px": 0.0, "score": 0.0, "landmarks_px": 0.0}
    spent_s = {"peer": 0.0, "dfdetect": 0.0}
    n_faces, wrong_counts = 0, []
    for photo in photos:
        with Image.open(photo) as opened:
            image = np.array(ImageOps.exif_transpose(opened).convert("RGB"))
        start_s = time.perf_counter()
        expected = peer_faces(peer, image)
        middle_s = time.perf_counter()
        found = ours.detect(image)
        spent_s["peer"] += middle_s - start_s
        spent_s["dfdetect"] += time.perf_counter() - middle_s
        n_faces += len(expected)
        if len(found) != len(expected):
            wrong_counts.append(f"{photo.name}: {len(expected)} faces there, {len(found)} here")
            continue
        for face in expected:
            row = np.abs(found.boxes_xyxy - face["box_xyxy"]).max(axis=1).argmin()
            errors = {
                "box_px": np.abs(found.boxes_xyxy[row] - face["box_xyxy"]).max(),
                "score": abs(found.score[row] - face["score"]),
                "landmarks_px": np.abs(found.landmarks[row] - face["landmarks"]).max(),
            }
            worst = {key: max(worst[key], float(errors[key])) for key in worst}
    print(f"{len(photos)} photos, {n_faces} faces; largest difference: {worst}")
    print(f"seconds for all: {spent_s}")
    print("\n".join(wrong_counts) or "same number of faces in every photo")
    return not wrong_counts and worst["box_px"] < 1.0 and worst["score"] < 1e-3


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--photos", type=Path, help="folder of photographs")
    parser.add_argument("--n", type=int, default=50, help="how many of them, spread evenly")
    parser.add_argument("--write-golden", type=Path)
    arguments = parser.parse_args()

    from facenet_pytorch import MTCNN

    peer = MTCNN(keep_all=True)
    if arguments.write_golden:
        write_golden(arguments.write_golden, peer)
    if arguments.photos:
        found = sorted(path for path in arguments.photos.rglob("*") if path.suffix.lower() in PHOTO_SUFFIXES)
        if not found:
            raise SystemExit(f"no photographs under {arguments.photos}")
        rows = np.unique(np.linspace(0, len(found) - 1, arguments.n).astype(int))
        raise SystemExit(0 if compare([found[row] for row in rows], peer) else 1)


if __name__ == "__main__":
    main()
