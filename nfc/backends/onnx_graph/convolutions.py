"""Convolutions: a `Conv` for each factor, grouped where it has blocks, with channel shuffles around it.

Values are [batch, channels, height, width] throughout, which is feature-first for each sample. Factors
that do not read the layer's input are convolutions with a window of one.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import prod

import numpy as np
from numpy.typing import NDArray

from nfc.backends.onnx_graph.folding import folded
from nfc.backends.onnx_graph.graph import Graph
from nfc.backends.onnx_graph.kernels import coordinates
from nfc.backends.onnx_graph.order import natural
from nfc.backends.onnx_graph.rows import row_groups
from nfc.backends.onnx_graph.storage import Storage
from nfc.backends.onnx_graph.values import Moves, Value, whole
from nfc.ir.factors import Indices
from nfc.ir.network import Shape
from nfc.lowering.kernels import csr, output_features, shape_of
from nfc.lowering.plan import (
    Add,
    Blocked,
    BlockSets,
    Chain,
    Clustered,
    Convolution,
    CropFeatures,
    Dense,
    Edgewise,
    Fused,
    Kernel,
    PadFeatures,
    Scattered,
    Unstructured,
    Weight,
)

POINT = (1, 1)
"""The window of pointwise factors."""


def emit_convolution(graph: Graph, storage: Storage, op: Convolution, value: Value) -> Value:
    """The layer's value; the node that makes it has the layer's name."""
    image = Moves(graph, op.path).unfolded(value).name
    result = _Printer(graph, storage, op).kernel(image, op.kernel, op.input, op.bias)
    return whole(graph.call_last(result, op.path), op.output)


@dataclass(frozen=True)
class _Printer:
    graph: Graph
    storage: Storage
    op: Convolution

    def kernel(self, image: str, kernel: Kernel, shape: Shape, bias: str | None) -> str:
        """The kernel of a value of `shape`, and the bias added to its channels."""
        match kernel:
            case Chain(parts=parts):
                for index, part in enumerate(parts):
                    image = self.kernel(image, part, shape, bias if index == len(parts) - 1 else None)
                    shape = self._shape_after(part, shape)
                return image
            case Add(parts=parts):
                terms = [self.kernel(image, part, shape, None if n else bias) for n, part in enumerate(parts)]
                return self.graph.total(terms, self._name("sum"))
            case PadFeatures(size=size):
                padded = self.graph.pad(image, 4, 1, size - shape[0], self._name("padded"))
                return self._biased(padded, bias)
            case CropFeatures(size=size):
                return self._biased(self.graph.crop(image, 1, size, self._name("cropped")), bias)
            case _:
                return self._leaf(image, kernel, shape, bias)

    def _leaf(self, image: str, kernel: Kernel, shape: Shape, bias: str | None) -> str:
        match kernel:
            case Dense(weight=weight, rows=rows, cols=cols):
                values = self._weights(weight).reshape(rows, cols, *_window(weight))
                return self._convolved(image, self._stored(weight.name, values), weight.window, 1, bias)
            case Blocked(weight=weight):
                return self._blocked(image, kernel, self._blocks(kernel), shape, weight, bias)
            case Fused(parts=(first, *_)):
                blocks = folded(kernel, self.storage.weights)[..., None, None]
                weight = Weight(f"{first.weight.name}/folded", blocks.shape, first.weight.draw)
                return self._blocked(image, kernel, blocks, shape, weight, bias)
            case Edgewise(kernel=inner):
                return self._leaf(image, inner, shape, bias)
            case BlockSets():
                return self._block_sets(image, kernel, bias)
            case Scattered(kernel=inner):
                return self._scattered(image, inner, bias)
            case Clustered(kernel=inner):
                return self._gathered(image, inner, bias)
            case _:
                return self._gathered(image, kernel, bias)  # type: ignore[arg-type]

    def _blocked(
        self,
        image: str,
        kernel: Blocked | Fused,
        blocks: NDArray[np.floating],
        shape: Shape,
        weight: Weight,
        bias: str | None,
    ) -> str:
        """I_a ⊗ W ⊗ I_d by a convolution in a·d groups; blocks are [a, b, d, c, height, width]."""
        a, b, c, d = kernel.a, kernel.b, kernel.c, kernel.d
        grouped = blocks.swapaxes(1, 2).reshape(a * d * b, c, *blocks.shape[4:])
        stored = self._stored(weight.name, grouped)
        image = self._shuffled(image, (a, c, d), shape[1:])
        written = self._shape_after(kernel, shape)
        if 1 in (b, d):
            return self._convolved(image, stored, weight.window, a * d, bias)
        y = self._convolved(image, stored, weight.window, a * d, None)
        return self._biased(self._shuffled(y, (a, d, b), written[1:]), bias)

    def _block_sets(self, image: str, kernel: BlockSets, bias: str | None) -> str:
        weight, rows = kernel.weight, kernel.row_sets.reshape(-1)
        blocks = self._weights(weight).reshape(len(rows), -1, *_window(weight))[rows]
        read = self._taken(image, kernel.col_sets.reshape(-1), f"{weight.name}/columns")
        stored = self._stored(weight.name, blocks)
        y = self._convolved(read, stored, weight.window, len(kernel.row_sets), None)
        return self._biased(self._taken(y, rows.argsort(), f"{weight.name}/rows"), bias)

    def _scattered(self, image: str, kernel: Unstructured, bias: str | None) -> str:
        """A dense weight, stored in a sparse form."""
        weight, (rows, cols) = kernel.weight, shape_of(kernel)
        window = _window(weight)
        area = prod(window)
        row, column = coordinates(kernel)
        edges = row * cols + column
        places = (edges[:, None] * area + np.arange(area)).reshape(-1)
        values = self._weights(weight).reshape(-1)
        matrix = self.storage.matrix(self.op, weight.name, values, places, (rows, cols * area))
        stored = self.graph.reshape(matrix, (rows, cols, *window), f"{weight.name}/kernels")
        return self._convolved(image, stored, weight.window, 1, bias)

    def _gathered(self, image: str, kernel: Unstructured, bias: str | None) -> str:
        """Rows of like fan-in in groups, each a convolution of the channels gathered for it."""
        weight, (indptr, indices) = kernel.weight, csr(kernel)
        weights = self._weights(weight).reshape(-1, *_window(weight))
        parts, order = [], []
        for number, group in enumerate(row_groups(indptr, indices, np.zeros(len(indices), np.float32), None)):
            name = f"{weight.name}/{number}"
            slots = np.arange(group.inputs.shape[1])
            real = slots < np.diff(indptr)[group.rows, None]
            values = np.zeros((*real.shape, *weights.shape[1:]), np.float32)
            values[real] = weights[(indptr[group.rows, None] + slots)[real]]
            read = self._taken(image, group.inputs.reshape(-1), f"{name}/inputs")
            stored = self._stored(name, values)
            parts.append(self._convolved(read, stored, weight.window, len(group.rows), None))
            order.append(group.rows)
        joined = (
            parts[0] if len(parts) == 1 else self.graph.node("Concat", parts, self._name("groups"), axis=1)
        )
        return self._biased(
            self._taken(joined, np.concatenate(order).argsort(), f"{weight.name}/order"), bias
        )

    def _convolved(self, image: str, stored: str, window: Shape, groups: int, bias: str | None) -> str:
        """The convolution by a stored weight [outputs, inputs of a group, height, width]."""
        op = self.op
        added = (self.storage.per_feature(bias, natural(op.outputs), (op.outputs,)),) if bias else ()
        strides, (above, left) = (op.stride, op.padding) if window else (POINT, (0, 0))
        return self.graph.node(
            "Conv",
            (image, stored, *added),
            self._name("product"),
            group=groups,
            kernel_shape=list(window or POINT),
            strides=list(strides),
            pads=[above, left, above, left],
        )

    def _shuffled(self, image: str, sizes: tuple[int, int, int], space: Shape) -> str:
        """The channels (g, k, s) in the order (g, s, k)."""
        g, k, s = sizes
        if 1 in (k, s):
            return image
        split = self.graph.reshape(image, (-1, g, k, s, prod(space)), self._name("split"))
        moved = self.graph.transpose(split, (0, 1, 3, 2, 4), self._name("shuffled"))
        return self.graph.reshape(moved, (-1, g * k * s, *space), self._name("image"))

    def _taken(self, image: str, channels: Indices, table: str) -> str:
        """These channels in this order; a table of their numbers is stored unless they lie so."""
        if np.array_equal(channels, np.arange(len(channels))) and table.endswith(("rows", "order")):
            return image
        stored = self.graph.tensor(table, channels.astype(np.int32))
        return self.graph.node("Gather", (image, stored), self._name("taken"), axis=1)

    def _biased(self, image: str, bias: str | None) -> str:
        if not bias:
            return image
        added = self.storage.per_feature(bias, natural(self.op.outputs), (self.op.outputs, 1, 1))
        return self.graph.node("Add", (image, added), self._name("biased"))

    def _blocks(self, kernel: Blocked) -> NDArray[np.floating]:
        """Block weights [a, b, d, c, height, width], zero where edges are missing."""
        weight, window = kernel.weight, _window(kernel.weight)
        shape = kernel.a, kernel.b, kernel.d, kernel.c
        values = self._weights(weight).reshape(-1, *window)
        if kernel.places is not None:
            values, edges = np.zeros((prod(shape), *window), np.float32), values
            values[kernel.places] = edges
        return values.reshape(*shape, *window)

    def _shape_after(self, kernel: Kernel, shape: Shape) -> Shape:
        """The shape behind a kernel: the windows' places, once a kernel slides one."""
        return (output_features(kernel, shape[0]), *(self.op.output[1:] if _slides(kernel) else shape[1:]))

    def _weights(self, weight: Weight) -> NDArray[np.float32]:
        return self.storage.factor(weight)

    def _stored(self, name: str, values: NDArray[np.floating]) -> str:
        return self.storage.array(self.op, name, values)

    def _name(self, what: str) -> str:
        return f"{self.op.path}/{what}"


def _window(weight: Weight) -> Shape:
    return weight.window or POINT


def _slides(kernel: Kernel) -> bool:
    match kernel:
        case Chain(parts=parts) | Add(parts=parts) | Fused(parts=parts):
            return any(map(_slides, parts))
        case Edgewise(kernel=inner) | Scattered(kernel=inner) | Clustered(kernel=inner):
            return _slides(inner)
        case PadFeatures() | CropFeatures():
            return False
        case _:
            return bool(kernel.weight.window)
