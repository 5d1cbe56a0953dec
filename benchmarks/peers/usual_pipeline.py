"""The usual pipeline, as public notebooks and repositories write it: the peer that `scan_speed.py` is measured against.

OpenCV capture takes frames spread evenly over the clip, facenet-pytorch's MTCNN finds the face in each frame and crops
it, timm's EfficientNet-B4 scores the crops at 380 px; PyTorch on the CPU. Runs in the environment made by
`benchmarks/peers/setup`; it must not import dfdetect. Random weights cost what trained ones cost.

    .venv-peer/bin/python benchmarks/peers/usual_pipeline.py CLIP [--frames 32] [--runs 2]

Prints one JSON object: seconds of the last run (the earlier ones warm it up) and of its parts. The network is timed
twice, with all faces in one batch and one by one; the faster of the two is in `seconds`.
"""

import argparse
import json
import platform
import time

import cv2
import numpy as np
import timm
import torch
from facenet_pytorch import MTCNN
from PIL import Image

SIZE_PX = 380


def read_frames(path, wanted):
    """`wanted` RGB frames, evenly spread; the others are skipped without converting them."""
    capture = cv2.VideoCapture(path)
    indices = set(np.linspace(0, int(capture.get(cv2.CAP_PROP_FRAME_COUNT)) - 1, wanted).astype(int))
    frames = []
    for index in range(max(indices) + 1):
        if not capture.grab():
            break
        if index in indices:
            frames.append(cv2.cvtColor(capture.retrieve()[1], cv2.COLOR_BGR2RGB))
    capture.release()
    return frames


def score(net, crops, batch):
    """Mean score of the crops, `batch` at a time; returns the seconds it took."""
    start = time.perf_counter()
    with torch.no_grad():
        logits = [net(torch.stack(crops[at : at + batch])) for at in range(0, len(crops), batch)]
        if logits:
            torch.sigmoid(torch.cat(logits)).mean().item()
    return time.perf_counter() - start


def scan(path, wanted, mtcnn, net):
    start = time.perf_counter()
    frames = read_frames(path, wanted)
    decoded = time.perf_counter()
    crops = [mtcnn(Image.fromarray(frame)) for frame in frames]
    crops = [crop for crop in crops if crop is not None]
    found = time.perf_counter()
    # Published code takes all faces in one batch. On a CPU one by one can be several times faster: the better counts.
    at_once_s, one_by_one_s = score(net, crops, len(frames)), score(net, crops, 1)
    return {
        "seconds": found - start + min(at_once_s, one_by_one_s),
        "decode_s": decoded - start,
        "faces_s": found - decoded,
        "network_at_once_s": at_once_s,
        "network_one_by_one_s": one_by_one_s,
        "frames": len(frames),
        "faces": len(crops),
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("clip")
    parser.add_argument("--frames", type=int, default=32)
    parser.add_argument("--runs", type=int, default=2)
    options = parser.parse_args()
    mtcnn = MTCNN(image_size=SIZE_PX, margin=40, device="cpu")
    net = timm.create_model("tf_efficientnet_b4", pretrained=False, num_classes=1).eval()
    for _ in range(options.runs):
        answer = scan(options.clip, options.frames, mtcnn, net)
    threads = {"torch": torch.get_num_threads(), "opencv": cv2.getNumThreads()}
    versions = {"python": platform.python_version(), "torch": torch.__version__, "timm": timm.__version__}
    print(json.dumps({**answer, "threads": threads, "versions": versions}))


if __name__ == "__main__":
    main()
