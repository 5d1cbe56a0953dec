"""Look inside an ONNX file without the onnx package: what it is made of, and whether it stays in its one file.

ONNX Runtime follows `external_data` relative to the working directory even for a model given as bytes, so a bundle
whose one hash was verified could still run foreign weights. A protobuf message is (field number, value) pairs; this
walks only the fields that matter. Field numbers: onnx.proto of ONNX 1.x, which never change.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from dfdetect.errors import ModelUnusable

# message -> {field: message of its value}
_INSIDE: dict[str, dict[int, str]] = {
    "model": {7: "graph", 8: "opset", 20: "training", 25: "function"},
    "training": {1: "graph", 2: "graph"},
    "graph": {1: "node", 5: "tensor", 11: "input", 12: "output", 15: "sparse"},
    "function": {7: "node", 11: "attribute"},
    "node": {5: "attribute"},
    "attribute": {5: "tensor", 6: "graph", 10: "tensor", 11: "graph", 22: "sparse", 23: "sparse"},
    "sparse": {1: "tensor", 2: "tensor"},
    "tensor": {},
    "opset": {},
    "input": {},
    "output": {},
}
_GRAPH = 7  # field of a model
_EXTERNAL_DATA, _DATA_LOCATION = 13, 14  # fields of a tensor
_OP_TYPE, _NODE_DOMAIN, _FUNCTION_DOMAIN, _OPSET_DOMAIN, _OPSET_VERSION, _VALUE_NAME = 4, 7, 10, 1, 2, 1
_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5  # protobuf wire types

KNOWN_DOMAINS = frozenset({"", "ai.onnx", "ai.onnx.ml", "com.microsoft"})  # operators inside every ONNX Runtime
_READS_FILES = frozenset({"EPContext"})  # holds, or names a file with, a program compiled for one device
MOST_NODES = 100_000
MOST_DEPTH = 32  # graphs inside graphs
MOST_FIELDS = 5_000_000  # of the messages walked: minutes of work, which no real network needs


@dataclass(slots=True)
class OnnxFacts:
    """What an ONNX file is made of.

    external_data: a tensor keeps its values in another file. operators: (domain, type) of every node, also inside
    subgraphs and functions. own_domains: of the functions that it brings. outputs, inputs: names of the main graph.
    opset: version of the default operator set, 0 where none is named.
    """

    external_data: bool = False
    operators: set[tuple[str, str]] = field(default_factory=set)
    own_domains: set[str] = field(default_factory=set)
    inputs: list[str] = field(default_factory=list)
    outputs: list[str] = field(default_factory=list)
    opset: int = 0
    nodes: int = 0
    fields: int = 0


def onnx_facts(model: bytes) -> OnnxFacts:
    """Look through an ONNX model.

    Raises:
        ModelUnusable: the bytes are not an ONNX model (no graph, or not protobuf), or it is larger than any network.
    """
    facts = OnnxFacts()
    try:
        if not any(number == _GRAPH for number, _ in _fields(memoryview(model))):
            raise ModelUnusable("expected an ONNX model; found no graph in the file")
        _walk(memoryview(model), "model", facts, 0)
    except (IndexError, ValueError, RecursionError) as error:
        raise ModelUnusable(f"expected an ONNX model; the file is not readable protobuf ({error})") from error
    return facts


def refuse_unsafe(model: bytes, where: object) -> OnnxFacts:
    """The facts of a model that can be run safely. where: named in the message.

    Raises:
        ModelUnusable: weights in other files, operators that ONNX Runtime does not bring itself or that read files, or
            no ONNX model at all.
    """
    try:
        facts = onnx_facts(model)
    except ModelUnusable as error:
        raise ModelUnusable(f"{where}: {error.message}") from error
    if facts.external_data:
        raise ModelUnusable(
            f"{where}: expected one file; its weights lie in other files (external_data); save it again with the "
            "weights inside"
        )
    foreign = sorted({f"{d}::{o}" for d, o in facts.operators if d not in KNOWN_DOMAINS and d not in facts.own_domains})
    if foreign:
        raise ModelUnusable(
            f"{where}: operators that need a library of their own: {', '.join(foreign[:5])}; only operators that come "
            "with ONNX Runtime are run"
        )
    if reading := sorted(o for _, o in facts.operators if o in _READS_FILES):
        raise ModelUnusable(f"{where}: the operator {reading[0]} runs a compiled program; export the plain network")
    return facts


def uses_external_data(model: bytes) -> bool:
    """Whether any tensor of an ONNX model keeps its values in another file. ModelUnusable: it is no ONNX model."""
    return onnx_facts(model).external_data


def _walk(message: memoryview, kind: str, facts: OnnxFacts, depth: int) -> None:
    if depth > MOST_DEPTH:
        raise ModelUnusable(f"expected a network; found graphs inside graphs more than {MOST_DEPTH} deep")
    inside = _INSIDE[kind]
    texts: dict[int, str] = {}
    version = 0
    for number, value in _fields(message):
        facts.fields += 1
        if facts.fields > MOST_FIELDS:
            raise ModelUnusable(f"expected a network; found an ONNX file of more than {MOST_FIELDS:,} parts")
        if kind == "tensor":
            facts.external_data |= number == _EXTERNAL_DATA or (number == _DATA_LOCATION and value != 0)
        elif isinstance(value, int):
            version = value if kind == "opset" and number == _OPSET_VERSION else version
        elif number in inside:
            _walk(value, inside[number], facts, depth + (inside[number] == "graph"))
        elif number in _TEXTS.get(kind, ()):
            texts[number] = bytes(value).decode("utf-8", "replace")
    _note(kind, texts, version, facts, depth)


_TEXTS = {
    "node": (_OP_TYPE, _NODE_DOMAIN),
    "function": (_FUNCTION_DOMAIN,),
    "opset": (_OPSET_DOMAIN,),
    "input": (_VALUE_NAME,),
    "output": (_VALUE_NAME,),
}


def _note(kind: str, texts: dict[int, str], version: int, facts: OnnxFacts, depth: int) -> None:
    if kind == "node":
        facts.nodes += 1
        facts.operators.add((texts.get(_NODE_DOMAIN, ""), texts.get(_OP_TYPE, "")))
        if facts.nodes > MOST_NODES:
            raise ModelUnusable(f"expected a network; found an ONNX file of more than {MOST_NODES:,} operators")
    elif kind == "function":
        facts.own_domains.add(texts.get(_FUNCTION_DOMAIN, ""))
    elif kind == "opset" and texts.get(_OPSET_DOMAIN, "") in ("", "ai.onnx"):
        facts.opset = version
    elif depth == 1 and kind in ("input", "output"):
        (facts.inputs if kind == "input" else facts.outputs).append(texts.get(_VALUE_NAME, ""))


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
