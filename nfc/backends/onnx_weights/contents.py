"""What an ONNX graph holds, apart from its names' order: nodes without their numbers, and arrays by name."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nfc.backends.onnx_graph.graph import Graph
from nfc.diagnostics import Diagnostic, NfcError

SPARSE_VALUE = "sparse_value"
POSITIONS = " positions"
SHAPE = " shape"
"""What a sparse tensor's name has behind it for its other two arrays; labels hold no spaces."""

PRODUCER = "nfc"


@dataclass(frozen=True, eq=False)
class Contents:
    """A graph's nodes and arrays.

    Attributes:
        nodes: each by its name, in order, as protobuf's bytes without sparse values.
        arrays: tensors; of a sparse one its values, and under POSITIONS and SHAPE the other two.
    """

    nodes: Mapping[str, bytes]
    arrays: Mapping[str, NDArray[Any]]


@dataclass(frozen=True, eq=False)
class OnnxFile:
    """A file that says it is nfc's; `operators` are the kinds of its nodes."""

    contents: Contents
    metadata: Mapping[str, str]
    opset: int
    operators: frozenset[str]
    has_sparse: bool

    @property
    def half(self) -> bool:
        return any(array.dtype == np.float16 for array in self.contents.arrays.values())


def contents_of(graph: Graph) -> Contents:
    """The contents of a graph that was printed here."""
    arrays = dict(graph.tensors)
    for tensor in graph.sparse_tensors:
        arrays.update(_sparse(tensor))
    return _contents(graph.nodes, arrays)


def read_file(path: Path, shown: str) -> OnnxFile:
    """The contents of an ONNX file.

    Raises:
        NfcError: NF751, it cannot be read, is damaged, comes from another producer, or keeps tensors in other files.
    """
    from onnx import TensorProto, load_model_from_string

    try:
        data = path.read_bytes()
    except OSError as error:
        raise unreadable(shown, (error.strerror or str(error)).lower()) from None
    try:
        model = load_model_from_string(data)
    except Exception:  # protobuf's own error, whose package has no types
        raise unreadable(shown, "it is no whole ONNX file") from None
    graph = model.graph
    if model.producer_name != PRODUCER:
        raise unreadable(shown, f"it was written by `{model.producer_name}`, not by nfc", FOREIGN)
    if any(tensor.data_location == TensorProto.EXTERNAL for tensor in _tensors(graph)):
        raise unreadable(shown, "it keeps tensors in other files, as nfc never does", FOREIGN)
    if not all(isinstance(text, str) for text in _texts(model)):
        raise unreadable(shown, "a name in it is no text")
    arrays = {tensor.name: _array(tensor, shown) for tensor in graph.initializer}
    try:
        for sparse in graph.sparse_initializer:
            arrays.update(_sparse(sparse))
        contents = _contents(graph.node, arrays)
    except Exception as error:  # a damaged tensor fails in the reader in many ways
        raise unreadable(shown, f"a sparse tensor in it is damaged ({type(error).__name__})") from None
    return OnnxFile(
        contents,
        {each.key: each.value for each in model.metadata_props},
        next((each.version for each in model.opset_import if each.domain in ("", "ai.onnx")), 0),
        frozenset(node.op_type for node in graph.node),
        bool(graph.sparse_initializer),
    )


FOREIGN = "a file of nfc that other tools have not rewritten, or the state dict that was trained"


def unreadable(shown: str, reason: str, *hints: str) -> NfcError:
    return NfcError([Diagnostic("NF751", f"cannot read weights from {shown}: {reason}", None, hints=hints)])


def _contents(nodes: Iterable[Any], arrays: dict[str, NDArray[Any]]) -> Contents:
    """Takes the arrays of the sparse constants among the nodes into `arrays`."""
    stripped: dict[str, bytes] = {}
    for node in nodes:
        for tensor in _sparse_values(node):
            arrays.update(_sparse(tensor))
        stripped[node.name] = _without_numbers(node)
    return Contents(stripped, arrays)


def _without_numbers(node: Any) -> bytes:
    from onnx import NodeProto

    copy = NodeProto()
    copy.CopyFrom(node)
    for each in copy.attribute:
        if each.name == SPARSE_VALUE:
            each.ClearField("sparse_tensor")
    data: bytes = copy.SerializeToString(deterministic=True)
    return data


def _sparse_values(node: Any) -> Iterator[Any]:
    return (each.sparse_tensor for each in node.attribute if each.name == SPARSE_VALUE)


def _sparse(tensor: Any) -> dict[str, NDArray[Any]]:
    from onnx import numpy_helper

    name = tensor.values.name
    return {
        name: np.asarray(numpy_helper.to_array(tensor.values)),
        f"{name}{POSITIONS}": np.asarray(numpy_helper.to_array(tensor.indices)),
        f"{name}{SHAPE}": np.array(tensor.dims, np.int64),
    }


def _tensors(graph: Any) -> Iterator[Any]:
    yield from graph.initializer
    sparse = [*graph.sparse_initializer, *(each for node in graph.node for each in _sparse_values(node))]
    for tensor in sparse:
        yield from (tensor.values, tensor.indices)
    yield from (each.t for node in graph.node for each in node.attribute if each.HasField("t"))


def _texts(model: Any) -> Iterator[object]:
    """Its names and labels, which protobuf gives as bytes where they are no UTF-8."""
    for tensor in _tensors(model.graph):
        yield tensor.name
    for node in model.graph.node:
        yield from (node.name, node.op_type)
    for each in model.metadata_props:
        yield from (each.key, each.value)


def _array(tensor: Any, shown: str) -> NDArray[Any]:
    from onnx import numpy_helper

    try:
        return np.asarray(numpy_helper.to_array(tensor))
    except Exception as error:  # a damaged tensor fails in the reader in many ways
        reason = f"the tensor `{tensor.name}` in it is damaged ({type(error).__name__})"
        raise unreadable(shown, reason) from None
