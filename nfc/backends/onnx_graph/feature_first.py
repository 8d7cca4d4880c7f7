"""Kernels on feature-first values: batched products, with a transpose straight before each."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from nfc.backends.onnx_graph.features import Features, Moves
from nfc.backends.onnx_graph.graph import Graph
from nfc.backends.onnx_graph.kernels import Unstructured, csr, gathers, positions, shape_of
from nfc.backends.onnx_graph.order import Contraction, contraction, merged, natural
from nfc.backends.onnx_graph.rows import RowGroup, row_groups
from nfc.backends.onnx_graph.storage import Storage
from nfc.ir.factors import Indices
from nfc.ir.network import Op
from nfc.lowering.plan import (
    Add,
    Blocked,
    BlockSets,
    Chain,
    CropFeatures,
    Dense,
    Kernel,
    Neighbours,
    PadFeatures,
    Sparse,
)


@dataclass(frozen=True)
class FeatureFirst:
    """Emits the kernels of the product `op`."""

    graph: Graph
    storage: Storage
    op: Op

    @property
    def moves(self) -> Moves:
        return Moves(self.graph, self.op.path)

    def product(self, value: str, kernel: Kernel, name: str) -> str:
        """[batch, inputs] → [batch, outputs]."""
        moves = self.moves
        return moves.leave(self._kernel(moves.enter(value, self.op.input[-1]), kernel), name)

    def _kernel(self, value: Features, kernel: Kernel) -> Features:
        match kernel:
            case Chain(parts=parts):
                for part in parts:
                    value = self._kernel(value, part)
                return value
            case Add(parts=parts):
                return self._add([self._kernel(value, part) for part in parts])
            case Dense(weight=weight, rows=rows, cols=cols):
                return self._blocked(value, Blocked(weight, 1, rows, cols, 1))
            case Blocked():
                return self._blocked(value, kernel)
            case BlockSets():
                return self._block_sets(value, kernel)
            case Neighbours() | Sparse() if gathers(kernel, self.storage.options):
                return self._gathered(value, kernel)
            case Neighbours() | Sparse():
                return self._matrix(value, kernel)
            case PadFeatures(size=size):
                flat = self.moves.flat(value)
                name = self.graph.pad(flat.name, 2, 0, size - flat.count, self.moves.name("padded"))
                return Features(name, (size,), natural(size))
            case CropFeatures(size=size):
                name = self.graph.crop(self.moves.flat(value).name, 0, size, self.moves.name("cropped"))
                return Features(name, (size,), natural(size))

    def _blocked(self, value: Features, kernel: Blocked) -> Features:
        a, b, c, d = kernel.a, kernel.b, kernel.c, kernel.d
        plan = contraction(value.order, a, b, c, d)
        if plan is None:
            return self._blocked(self.moves.flat(value), kernel)
        weight = plan.arrange(self.storage.blocks(kernel))
        if b == c == 1:
            return self._scaled(value, kernel, plan, weight)
        batch, read = self._contracted_last(value, plan)
        blocks = self.storage.array(self.op, kernel.weight.name, weight.reshape(*batch, b, c))
        name = self.graph.node("MatMul", (blocks, read), self.moves.name("product"))
        return Features(name, (*batch, b), plan.written)

    def _scaled(
        self, value: Features, kernel: Blocked, plan: Contraction, weight: NDArray[np.float32]
    ) -> Features:
        """A diagonal matrix."""
        flat = self.moves.cut(value, (value.count,))
        scale = self.storage.array(self.op, kernel.weight.name, weight.reshape(-1, 1))
        name = self.graph.node("Mul", (scale, flat.name), self.moves.name("scaled"))
        return Features(name, flat.axes, plan.written)

    def _contracted_last(self, value: Features, plan: Contraction) -> tuple[tuple[int, ...], str]:
        """The sizes of the batch axes (none for a dense factor), and the value as [*batch axes, c, batch]."""
        sizes, permutation, counts = merged(plan.read.sizes, (plan.batch, plan.contracted))
        batch = tuple(sizes[place] for place in permutation[: counts[0]])
        if permutation == tuple(range(len(sizes))):
            return batch, self.moves.cut(value, (*batch, plan.c)).name
        split = self.moves.cut(value, sizes)
        name = self.graph.transpose(split.name, (*permutation, len(sizes)), self.moves.name("transposed"))
        if counts[1] > 1:
            name = self.graph.reshape(name, (*batch, plan.c, -1), self.moves.name("joined"))
        return batch, name

    def _block_sets(self, value: Features, kernel: BlockSets) -> Features:
        name = kernel.weight.name
        read = self.moves.take(value, value.order.positions()[kernel.col_sets], f"{name}/columns")
        blocks = self.storage.array(self.op, name, self.storage.factor(kernel.weight)[kernel.row_sets])
        product = self.graph.node("MatMul", (blocks, read.name), self.moves.name("product"))
        written = Features(product, kernel.row_sets.shape, natural(kernel.row_sets.size))
        return self.moves.take(written, _inverse(kernel.row_sets.reshape(-1)), f"{name}/rows")

    def _gathered(self, value: Features, kernel: Unstructured) -> Features:
        """Each output's inputs gathered and multiplied by its weights, rows of like fan-in together."""
        name = kernel.weight.name
        indptr, indices = csr(kernel)
        places = value.order.positions()[indices]
        groups = list(row_groups(indptr, places, self.storage.factor(kernel.weight).reshape(-1)))
        flat = self.moves.cut(value, (value.count,)).name
        if len(groups) == 1:
            return self._row_group(flat, groups[0], name)
        parts = [self._row_group(flat, group, f"{name}/{place}").name for place, group in enumerate(groups)]
        rows = len(indptr) - 1
        joined = self.graph.node("Concat", parts, self.moves.name("joined"), axis=0)
        order = _inverse(np.concatenate([group.rows for group in groups]))
        return self.moves.take(Features(joined, (rows,), natural(rows)), order, f"{name}/rows")

    def _row_group(self, flat: str, group: RowGroup, name: str) -> Features:
        rows, width = group.inputs.shape
        table = self.graph.tensor(f"{name}/inputs", group.inputs.astype(np.int32))
        read = self.graph.node("Gather", (flat, table), self.moves.name("taken"), axis=0)
        weight = self.storage.array(self.op, name, group.weights.reshape(rows, 1, width))
        product = self.graph.node("MatMul", (weight, read), self.moves.name("product"))
        return self.moves.cut(Features(product, (rows, 1), natural(rows)), (rows,))

    def _matrix(self, value: Features, kernel: Unstructured) -> Features:
        shape = shape_of(kernel)
        matrix = self.storage.matrix(self.op, kernel.weight, shape, positions(kernel))
        name = self.graph.node("MatMul", (matrix, self.moves.flat(value).name), self.moves.name("product"))
        return Features(name, shape[:1], natural(shape[0]))

    def _add(self, values: list[Features]) -> Features:
        if len({(value.order, value.axes) for value in values}) > 1:
            values = [self.moves.flat(value) for value in values]
        name = self.graph.total([value.name for value in values], self.moves.name("sum"))
        return Features(name, values[0].axes, values[0].order)


def _inverse(permutation: Indices) -> Indices:
    inverse = np.empty_like(permutation)
    inverse[permutation] = np.arange(len(permutation))
    return inverse
