"""Faces out of videos as public notebooks and repositories cut them: the peer that `prepare.py` is measured against.

OpenCV capture, facenet-pytorch's MTCNN on each wanted frame, a crop with 30 % of the box on each side, saved as JPEG.
PyTorch on the CPU. Runs in the environment made by `benchmarks/peers/setup`; it must not import dfdetect.

    .venv-peer/bin/python benchmarks/peers/usual_faces.py OUT [--frames N] CLIP...

Prints one JSON object: seconds for all clips after the networks are loaded and warm, frames, faces, frames with a face,
and by clip the numbers of the frames with a face.
"""

import argparse
import json
import time
from pathlib import Path

import cv2
import numpy as np
import torch
from facenet_pytorch import MTCNN
from PIL import Image

MARGIN = 0.3


def frames_of(path, wanted):
    """(number, RGB frame): all of them, or `wanted` evenly spread; the others are skipped without converting them."""
    capture = cv2.VideoCapture(path)
    count = int(capture.get(cv2.CAP_PROP_FRAME_COUNT))
    spread = np.linspace(0, count - 1, min(wanted, count)).round().astype(int)
    numbers = set(range(count)) if wanted == 0 else set(spread)
    for number in range(max(numbers) + 1):
        if not capture.grab():
            break
        if number in numbers:
            yield number, cv2.cvtColor(capture.retrieve()[1], cv2.COLOR_BGR2RGB)
    capture.release()


def cut(frame, box):
    left, top, right, bottom = box
    dx, dy = MARGIN * (right - left), MARGIN * (bottom - top)
    height, width = frame.shape[:2]
    x0, y0 = max(0, int(left - dx)), max(0, int(top - dy))
    return frame[y0 : min(height, int(bottom + dy)), x0 : min(width, int(right + dx))]


def prepare(clips, out, wanted, mtcnn):
    frames = faces = 0
    with_face = {}
    for clip in clips:
        seen = with_face.setdefault(clip, [])
        for number, frame in frames_of(clip, wanted):
            frames += 1
            boxes, scores = mtcnn.detect(Image.fromarray(frame))
            kept = [] if boxes is None else [box for box, score in zip(boxes, scores, strict=True) if score > 0.9]
            for row, box in enumerate(kept):
                crop = cut(frame, box)
                if crop.size:
                    name = f"{len(with_face)}-{number}-{row}.jpg"
                    cv2.imwrite(str(out / name), cv2.cvtColor(crop, cv2.COLOR_RGB2BGR))
            faces += len(kept)
            if kept:
                seen.append(int(number))
    return frames, faces, with_face


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path)
    parser.add_argument("clips", nargs="+")
    parser.add_argument("--frames", type=int, default=0, help="of a clip, evenly spread; 0: every frame")
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    mtcnn = MTCNN(keep_all=True, device="cpu")
    with torch.no_grad():
        mtcnn.detect(Image.fromarray(np.zeros((360, 640, 3), np.uint8)))
        start, cpu = time.perf_counter(), time.process_time()
        frames, faces, with_face = prepare(options.clips, options.out, options.frames, mtcnn)
        seconds, cpu_s = time.perf_counter() - start, time.process_time() - cpu
    threads = {"torch": torch.get_num_threads(), "opencv": cv2.getNumThreads()}
    answer = {"seconds": seconds, "cpu_s": cpu_s, "frames": frames, "faces": faces, "with_face": with_face}
    print(json.dumps({**answer, "threads": threads}))


if __name__ == "__main__":
    main()
