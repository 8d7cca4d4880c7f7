"""A finished graph as the bytes of an ONNX model."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from nfc.atomic import Chunk
from nfc.backends.onnx_graph.graph import Graph
from nfc.backends.onnx_graph.protobuf import GRAPH_INITIALIZER, MODEL_GRAPH, field, tensor_chunks

IR_VERSION = 10

Border = Mapping[str, Sequence[int | str]]
"""Names and shapes of values; a string is a dynamic axis."""


def serialise(
    graph: Graph,
    *,
    name: str,
    inputs: Border,
    outputs: Border,
    tokens: bool,
    opset: int,
    producer_version: str,
    metadata: Mapping[str, str],
) -> tuple[Chunk, ...]:
    """The model's bytes in pieces that share the weights' memory, its fields in the order of their numbers as protobuf itself writes them.

    Inputs are int64 where they are `tokens`, else float32, as outputs are.
    """
    from onnx import ModelProto, helper

    head = ModelProto(ir_version=IR_VERSION, producer_name="nfc", producer_version=producer_version)
    tail = ModelProto(opset_import=[helper.make_opsetid("", opset)])
    helper.set_model_props(tail, dict(sorted(metadata.items())))
    body = field(MODEL_GRAPH, _graph_chunks(graph, name, _values(inputs, tokens=tokens), _values(outputs)))
    return (head.SerializeToString(), *body, tail.SerializeToString())


def _graph_chunks(graph: Graph, name: str, inputs: list[object], outputs: list[object]) -> Iterator[Chunk]:
    from onnx import GraphProto

    yield GraphProto(node=graph.nodes, name=name).SerializeToString()
    for key, array in graph.tensors.items():
        yield from field(GRAPH_INITIALIZER, tensor_chunks(key, array))
    border = GraphProto(input=inputs, output=outputs)
    border.sparse_initializer.extend(graph.sparse_tensors)
    yield border.SerializeToString()


def _values(border: Border, *, tokens: bool = False) -> list[object]:
    from onnx import TensorProto, helper

    kind = TensorProto.INT64 if tokens else TensorProto.FLOAT
    return [helper.make_tensor_value_info(key, kind, list(shape)) for key, shape in border.items()]
