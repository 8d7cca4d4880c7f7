"""How weights lie in the file: dense ones as they are, sparse ones in the chosen form if it is smaller."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from math import prod
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from nfc.backends.onnx_graph.gaps import encode, gap_type
from nfc.backends.onnx_graph.graph import Graph
from nfc.backends.onnx_graph.options import Options
from nfc.backends.onnx_graph.order import Listed, Order, in_memory
from nfc.diagnostics import Sink
from nfc.ir.factors import Indices
from nfc.ir.names import attribute_path
from nfc.ir.network import Op
from nfc.ir.parameters import Weights
from nfc.lowering.plan import Blocked, Weight

Number = TypeVar("Number", bound=np.floating[Any])

HALF_LIMIT = 65520.0
"""The smallest number that rounds to infinity in float16."""

INT32_LIMIT = 2**31

WORTH_SAYING = 4096
"""Bytes of a dense matrix below which no one chooses a form: there its decoder's nodes may decide, silently."""


@dataclass(frozen=True)
class StoredDense:
    """A sparse factor that is smaller dense: its layer, and the bytes that the two forms take."""

    op: Op
    weight: str
    sparse_bytes: int
    dense_bytes: int


@dataclass(frozen=True)
class Storage:
    """Puts weights into the graph; returns the names of float32 values of the asked shapes."""

    graph: Graph
    weights: Weights
    options: Options
    sink: Sink
    stored_dense: list[StoredDense] = field(default_factory=list)

    def per_feature(self, name: str, order: Order | Listed, shape: tuple[int, ...]) -> str:
        """A bias, or a norm's scale, shift, mean or variance, as features lie in memory, in a shape aligned with them.

        Float32 whatever the factors are stored in.
        """
        return self.graph.tensor(name, in_memory(self.weights[name], order).reshape(shape))

    def factor(self, weight: Weight) -> NDArray[np.float32]:
        """A factor's weights, of `weight.shape`."""
        return self.weights[weight.name]

    def blocks(self, kernel: Blocked) -> NDArray[np.float32]:
        """Block weights [a, b, d, c], zero where edges are missing."""
        shape = kernel.a, kernel.b, kernel.d, kernel.c
        weights = self.factor(kernel.weight)
        return weights.reshape(shape) if kernel.places is None else _filled(shape, kernel.places, weights)

    def array(self, op: Op, name: str, array: NDArray[np.floating]) -> str:
        """A dense array, float32 or float64; rounded here."""
        return self._floats(self.graph, name, self._stored(op, name, array))

    def matrix(
        self, op: Op, name: str, weights: NDArray[np.float32], positions: Indices, shape: tuple[int, int]
    ) -> str:
        """A sparse matrix, decoded into a dense one; row-major positions of its weights, ascending, [edges]."""
        values = self._stored(op, name, weights)
        dense = Graph(limit=sys.maxsize)
        result = self._floats(dense, name, np.broadcast_to(values.dtype.type(0), shape))
        if self.options.sparse != "dense":
            sparse = Graph(limit=sys.maxsize)
            decoded = FORMS[self.options.sparse](self, sparse, name, values, positions, shape)
            if sparse.bytes < dense.bytes:
                self.graph.absorb(sparse)
                return decoded
            if sparse.numbers > dense.numbers >= WORTH_SAYING:
                self.stored_dense.append(StoredDense(op, name, sparse.bytes, dense.bytes))
        self.graph.absorb(dense)
        self.graph.tensors[name] = _filled(shape, positions, values)
        return result

    def _stored(self, op: Op, name: str, array: NDArray[np.floating]) -> NDArray[np.floating]:
        """The array in the type of the file; NF620 where that cannot hold it."""
        if not self.options.half:
            return array.astype(np.float32, copy=False)
        largest = float(np.abs(array, where=np.isfinite(array), out=np.zeros_like(array)).max(initial=0))
        if largest >= HALF_LIMIT:
            message = f"float16 holds magnitudes up to 65504, found {largest:g} in the weights of `{op.path}`"
            self.sink.error("NF620", message, op.span, hints=("store them as float32",))
            return array.astype(np.float32, copy=False)
        return array.astype(np.float16)

    def _floats(self, graph: Graph, name: str, array: NDArray[np.floating]) -> str:
        """A tensor, as float32."""
        return self._as_float(graph, graph.tensor(name, array), name)

    def _as_float(self, graph: Graph, value: str, name: str) -> str:
        from onnx import TensorProto

        return (
            graph.node("Cast", (value,), f"{name}/float32", to=TensorProto.FLOAT)
            if self.options.half
            else value
        )

    def _delta(
        self, graph: Graph, name: str, values: NDArray[Any], positions: Indices, shape: tuple[int, int]
    ) -> str:
        """Values and gaps; the running sum of the gaps says where in a matrix of zeros the values go."""
        from onnx import TensorProto

        count = shape[0] * shape[1]
        if not len(positions):
            return graph.node("ConstantOfShape", (graph.integers(*shape),), f"{name}/matrix")
        gaps, spread = encode(positions, values, gap_type(positions, values.dtype.itemsize))
        wide = TensorProto.INT32 if count < INT32_LIMIT else TensorProto.INT64
        steps = graph.node("Cast", (graph.tensor(f"{name}/gaps", gaps),), f"{name}/steps", to=wide)
        places = graph.node(
            "CumSum", (steps, graph.tensor("axis/0", np.array(0, np.int64))), f"{name}/places"
        )
        zeros = graph.node("ConstantOfShape", (graph.integers(count),), f"{name}/zeros")
        updates = self._floats(graph, f"{name}/values", spread)
        flat = graph.node("ScatterElements", (zeros, places, updates), f"{name}/flat", axis=0)
        return graph.reshape(flat, shape, f"{name}/matrix")

    def _constant(
        self, graph: Graph, name: str, values: NDArray[Any], positions: Indices, shape: tuple[int, int]
    ) -> str:
        return self._as_float(graph, graph.sparse_constant(name, values, positions, shape), name)

    def _initializer(
        self, graph: Graph, name: str, values: NDArray[Any], positions: Indices, shape: tuple[int, int]
    ) -> str:
        return self._as_float(graph, graph.sparse_tensor(name, values, positions, shape), name)


Form = Callable[[Storage, Graph, str, NDArray[Any], Indices, tuple[int, int]], str]

FORMS: dict[str, Form] = {
    "delta": Storage._delta,
    "constant": Storage._constant,
    "initializer": Storage._initializer,
}
"""Writes a sparse matrix (graph, name, values, positions, shape); returns the value that holds it dense."""


def report_stored_dense(storage: Storage) -> None:
    """NF621 for each place of the source whose weights are smaller dense; copies of a repeat share one."""
    places: dict[tuple[object, str], list[StoredDense]] = {}
    for stored in storage.stored_dense:
        factor = stored.weight.removeprefix(attribute_path(stored.op.path))
        places.setdefault((stored.op.span or stored.op.path, factor), []).append(stored)
    for first, *copies in places.values():
        also = f" (and so {len(copies)} more of its copies)" if copies else ""
        message = (
            f"`{first.weight}` is stored dense, in {first.dense_bytes} bytes{also}: "
            f"as `{storage.options.sparse}` it would take {first.sparse_bytes}"
        )
        hints = ("`--sparse dense` stores every layer dense, without this warning",)
        storage.sink.warning("NF621", message, first.op.span, hints=hints)


def _filled(shape: tuple[int, ...], positions: Indices, values: NDArray[Number]) -> NDArray[Number]:
    flat = np.zeros(prod(shape), values.dtype)
    flat[positions] = values
    return flat.reshape(shape)
