"""What an exporter notes in an ONNX file beside the network: taken out before the file is given to anybody."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any


def without_notes(model: Any) -> Any:
    """The model (an onnx.ModelProto, changed in place) without notes and doc strings.

    PyTorch writes the stack of every operation into it: folders of the computer that exported it, and a user's name in
    them. The network is not changed.
    """
    for part in _parts(model):
        del part.metadata_props[:]
        part.ClearField("doc_string")
    return model


def _parts(model: Any) -> Iterator[Any]:
    yield model
    yield from model.functions
    for function in model.functions:
        yield from function.node
    graph = model.graph
    yield graph
    for several in (graph.node, graph.input, graph.output, graph.value_info, graph.initializer):
        yield from several
