"""Look inside an ONNX file without the onnx package: does it read weights from other files?

ONNX Runtime follows `external_data` relative to the working directory even for a model given as bytes, so a bundle
whose one hash was verified could still run foreign weights. A protobuf message is (field number, value) pairs; this
walks only the fields that can hold a tensor. Field numbers: onnx.proto of ONNX 1.x, which never change.
"""

from __future__ import annotations

from collections.abc import Iterator

from dfdetect.errors import ModelUnusable

# message -> {field: message of its value}
_INSIDE: dict[str, dict[int, str]] = {
    "model": {7: "graph", 20: "training", 25: "function"},
    "training": {1: "graph", 2: "graph"},
    "graph": {1: "node", 5: "tensor", 15: "sparse"},
    "function": {7: "node", 11: "attribute"},
    "node": {5: "attribute"},
    "attribute": {5: "tensor", 6: "graph", 10: "tensor", 11: "graph", 22: "sparse", 23: "sparse"},
    "sparse": {1: "tensor", 2: "tensor"},
    "tensor": {},
}
_EXTERNAL_DATA, _DATA_LOCATION = 13, 14  # fields of a tensor
_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5  # protobuf wire types


def uses_external_data(model: bytes) -> bool:
    """Whether any tensor of an ONNX model keeps its values in another file.

    Raises:
        ModelUnusable: the bytes are not an ONNX model (no graph, or not protobuf).
    """
    try:
        if not any(field == 7 for field, _ in _fields(memoryview(model))):
            raise ModelUnusable("expected an ONNX model; found no graph in the file")
        return _external(memoryview(model), "model")
    except (IndexError, ValueError, RecursionError) as error:
        raise ModelUnusable(f"expected an ONNX model; the file is not readable protobuf ({error})") from error


def _external(message: memoryview, kind: str) -> bool:
    inside = _INSIDE[kind]
    for field, value in _fields(message):
        if kind == "tensor" and (field == _EXTERNAL_DATA or (field == _DATA_LOCATION and value != 0)):
            return True
        if field in inside and isinstance(value, memoryview) and _external(value, inside[field]):
            return True
    return False


def _fields(message: memoryview) -> Iterator[tuple[int, int | memoryview]]:
    at = 0
    while at < len(message):
        key, at = _varint(message, at)
        wire = key & 7
        if wire == _VARINT:
            number, at = _varint(message, at)
            yield key >> 3, number
            continue
        if wire == _BYTES:
            size, at = _varint(message, at)
        elif wire in (_FIXED64, _FIXED32):
            size = 8 if wire == _FIXED64 else 4
        else:
            raise ValueError(f"wire type {wire} at byte {at}")
        if at + size > len(message):
            raise ValueError(f"a field of {size} bytes at byte {at} passes the end")
        yield key >> 3, message[at : at + size]
        at += size


def _varint(message: memoryview, at: int) -> tuple[int, int]:
    value = 0
    for shift in range(0, 70, 7):
        byte = message[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
    raise ValueError(f"a number of more than 10 bytes at byte {at}")
