"""ONNX files from anywhere: parsed, bounded, and never followed to other files."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nfc.backends.onnx_graph.options import OPSETS
from nfc.diagnostics import Diagnostic, NfcError
from nfc.opening import DISK

FILE_BYTES = 2**31
"""Protobuf's limit for one message."""

TYPED = ("float_data", "int32_data", "string_data", "int64_data", "double_data", "uint64_data")
"""Where a `TensorProto` may hold numbers besides `raw_data`."""

HINTS = {".onnx": "`nfc compile --to onnx` writes it anew", ".py": "`nfc compile --to torch` writes it anew"}
"""By the suffix of the file that cannot be verified."""


@dataclass(frozen=True, eq=False)
class OnnxGraph:
    """The graph of a model that has no parts which could change the meaning of its nodes.

    Attributes:
        graph: the `GraphProto`.
        tensors, sparse: the initializers by name.
        opset: of the default domain, the only one.
        metadata: labels; nothing that is verified hangs on them.
    """

    graph: Any
    tensors: dict[str, Any]
    sparse: dict[str, Any]
    opset: int
    metadata: dict[str, str]

    @property
    def half(self) -> bool:
        """Whether some numbers are stored as float16."""
        from onnx import TensorProto

        return any(tensor.data_type == TensorProto.FLOAT16 for tensor in self._stored)

    @property
    def has_sparse(self) -> bool:
        return bool(self.sparse)

    @property
    def operators(self) -> set[str]:
        return {node.op_type for node in self.graph.node}

    @property
    def _stored(self) -> Iterator[Any]:
        """All tensors; those that a node holds itself are the weights and indices of constants."""
        yield from self.tensors.values()
        constants = (each.sparse_tensor for node in self.graph.node for each in node.attribute)
        for sparse in (*self.sparse.values(), *constants):
            yield from (sparse.values, sparse.indices)


def read_onnx(path: str) -> OnnxGraph:
    """The graph in a file.

    Raises:
        NfcError: NF702 where it cannot be read, NF755 where it is no ONNX file, or holds what none that nfc
            writes holds: functions, control flow, other domains, tensors in other files.
    """
    from onnx import load_model_from_string

    with DISK.opened(path, path, lambda _: ()) as (file, size):
        if size > FILE_BYTES:
            raise unreadable(path, "it is larger than 2 GiB")
        data = file.read(FILE_BYTES + 1)
    try:
        model = load_model_from_string(data)
    except Exception:  # protobuf's own error, whose package has no types
        raise unreadable(path, "it is no whole ONNX file") from None
    return checked(model, path)


def checked(model: Any, path: str) -> OnnxGraph:
    """The graph of a parsed model; errors as for `read_onnx`."""
    from onnx import AttributeProto, TensorProto

    graph = model.graph
    if model.functions or model.training_info:
        raise unreadable(path, "it holds functions of its own or training steps")
    opsets = [(each.domain, each.version) for each in model.opset_import]
    if len(opsets) != 1 or opsets[0][0] not in ("", "ai.onnx"):
        raise unreadable(path, "it uses other operators than those of ONNX")
    if opsets[0][1] not in OPSETS:
        raise unreadable(path, f"its opset is {opsets[0][1]}; nfc writes {OPSETS[0]} to {OPSETS[-1]}")
    nested = (AttributeProto.GRAPH, AttributeProto.GRAPHS)
    if any(each.type in nested or each.ref_attr_name for node in graph.node for each in node.attribute):
        raise unreadable(path, "it holds control flow")
    if any(len({each.name for each in node.attribute}) < len(node.attribute) for node in graph.node):
        raise unreadable(path, "a node in it has an attribute twice")
    tensors = {tensor.name: tensor for tensor in graph.initializer}
    sparse = {tensor.values.name: tensor for tensor in graph.sparse_initializer}
    made = [name for node in graph.node for name in node.output]
    names = [*(t.name for t in graph.initializer), *(t.values.name for t in graph.sparse_initializer)]
    given = [value.name for value in graph.input]
    if len({*names, *made, *given}) < len(names) + len(made) + len(given):
        raise unreadable(path, "a name in it stands for two values")
    found = OnnxGraph(
        graph, tensors, sparse, opsets[0][1], {each.key: each.value for each in model.metadata_props}
    )
    if any(tensor.data_location == TensorProto.EXTERNAL for tensor in found._stored):
        raise unreadable(path, "it keeps tensors in other files")
    if any(_stored_twice(tensor) for tensor in found._stored):
        raise unreadable(path, "it holds the numbers of a tensor twice")
    return found


def _stored_twice(tensor: Any) -> bool:
    """Whether runtimes may read other numbers than `array_of` does."""
    return tensor.HasField("raw_data") and any(len(getattr(tensor, name)) for name in TYPED)


def array_of(tensor: Any, path: str) -> NDArray[Any]:
    """The numbers of a `TensorProto`.

    Raises:
        NfcError: NF755 where they do not fill its shape.
    """
    from onnx import numpy_helper

    try:
        return np.asarray(numpy_helper.to_array(tensor))
    except Exception as error:  # a damaged tensor fails in the reader in many ways
        name = type(error).__name__
        raise unreadable(path, f"the tensor `{tensor.name}` cannot be read ({name})") from None


def unreadable(path: str, why: str) -> NfcError:
    hints = tuple(hint for suffix, hint in HINTS.items() if path.endswith(suffix))
    return NfcError([Diagnostic("NF755", f"cannot verify `{path}`: {why}", None, hints=hints, file=path)])
