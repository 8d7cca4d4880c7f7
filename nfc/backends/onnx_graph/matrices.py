"""Products with whole matrices: `Gemm`, which reads and writes either layout.

Runtimes pack a constant matrix on the right once, at load; on the left never. The order in which
features lie costs nothing: the columns are stored in that order.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from nfc.backends.onnx_graph.kernels import coordinates
from nfc.backends.onnx_graph.layer import Layer
from nfc.backends.onnx_graph.layout import FEATURES, Layout, Pair
from nfc.backends.onnx_graph.order import Listed, Order, in_memory, natural
from nfc.backends.onnx_graph.values import Value
from nfc.ir.factors import Indices
from nfc.lowering.kernels import shape_of
from nfc.lowering.plan import Scattered


def dense(
    layer: Layer, value: Value, name: str, matrix: NDArray[np.floating], pair: Pair, bias: str | None
) -> Value:
    """The matrix [outputs, inputs] times the value."""
    stored = layer.storage.array(layer.op, name, in_memory(matrix, value.order))
    return _gemm(layer, value, stored, len(matrix), pair, bias)


def scattered(layer: Layer, value: Value, kernel: Scattered, pair: Pair, bias: str | None) -> Value:
    """The same for a matrix stored in a sparse form."""
    shape = shape_of(kernel.kernel)
    weight = kernel.kernel.weight
    weights = layer.storage.factor(weight).reshape(-1)
    row, column = coordinates(kernel.kernel)
    positions, sequence = _positions(row, column, shape, value.order)
    stored = layer.storage.matrix(layer.op, weight.name, weights[sequence], positions, shape)
    return _gemm(layer, value, stored, shape[0], pair, bias)


def _positions(
    row: Indices, column: Indices, shape: tuple[int, int], order: Order | Listed
) -> tuple[Indices, Indices | slice]:
    """Ascending row-major positions of the edges, and the sequence of their weights."""
    if order.is_natural:
        return row * shape[1] + column, slice(None)
    positions = row * shape[1] + order.positions()[column]
    sequence = np.argsort(positions)
    return positions[sequence], sequence


def _gemm(layer: Layer, value: Value, matrix: str, outputs: int, pair: Pair, bias: str | None) -> Value:
    read, written = pair
    value = layer.moves.transposed(layer.moves.folded(value), read)
    value = layer.moves.cut(value, (value.count,))
    left = written is FEATURES
    shape = (outputs, 1) if left else (outputs,)
    inputs = (matrix, value.name) if left else (value.name, matrix)
    added = layer.vector(bias, natural(outputs), shape)
    flags = _flags(read, written)
    name = layer.graph.node("Gemm", (*inputs, *added), layer.name("product"), **flags)
    return Value(name, written, (outputs,), natural(outputs), value.leading)


def _flags(read: Layout, written: Layout) -> dict[str, object]:
    """Which operands are transposed: a matrix on the right always, the value where its rows are not in place."""
    if written is FEATURES:
        return {} if read is FEATURES else {"transB": 1}
    return {"transA": 1, "transB": 1} if read is FEATURES else {"transB": 1}
