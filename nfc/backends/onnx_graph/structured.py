"""Products with blocks: one batched `MatMul` feature-first, one grouped `Conv` batch-first.

The convolution has a window of one and the rows as its batch. It is the faster for a few rows; and
the only batch-first form, since ONNX Runtime's batched products cannot have an empty batch there.
"""

from __future__ import annotations

from dataclasses import replace
from math import prod

import numpy as np
from numpy.typing import NDArray

from nfc.backends.onnx_graph.entry import Stage, entered
from nfc.backends.onnx_graph.folding import folded
from nfc.backends.onnx_graph.layer import Layer
from nfc.backends.onnx_graph.layout import FEATURES, ROWS, Layout
from nfc.backends.onnx_graph.order import Contraction, contraction, merged, natural
from nfc.backends.onnx_graph.values import Value
from nfc.ir.factors import Indices
from nfc.lowering.plan import Fused


def weights_of(layer: Layer, kernel: Stage) -> tuple[str, NDArray[np.floating]]:
    """The name of a kernel's weights in the file, and the weights [a, b, d, c]."""
    if isinstance(kernel, Fused):
        return f"{kernel.parts[0].weight.name}/folded", folded(kernel, layer.storage.weights)
    return kernel.weight.name, layer.storage.blocks(kernel)


def blocked(layer: Layer, value: Value, kernel: Stage, layout: Layout, bias: str | None) -> Value:
    """(I_a ⊗ W ⊗ I_d) times the value."""
    a, b, c, d = kernel.a, kernel.b, kernel.c, kernel.d
    value = entered(layer, value, kernel, layout)
    plan = contraction(value.order, a, b, c, d)
    if plan is None:
        return blocked(layer, layer.moves.flat(value), kernel, layout, bias)
    name, weights = weights_of(layer, kernel)
    arranged = plan.arrange(weights)
    if b == c == 1:
        return layer.biased(_scaled(layer, value, name, arranged.reshape(-1)), bias)
    batch, read = _contracted_last(layer, value, plan)
    return multiplied(layer, read, name, arranged.reshape(*batch, b, c), bias, plan)


def multiplied(
    layer: Layer,
    read: Value,
    name: str,
    blocks: NDArray[np.floating],
    bias: str | None,
    plan: Contraction | None = None,
) -> Value:
    """Blocks [*blocks, b, c] times a value on axes [*blocks, c]; the order is the plan's, natural without."""
    *batch, b, c = blocks.shape
    axes = (*batch, b)
    order = plan.written if plan else natural(prod(axes))
    if read.layout is FEATURES:
        stored = layer.storage.array(layer.op, name, blocks)
        product = layer.graph.node("MatMul", (stored, read.name), layer.name("product"))
        return layer.biased(Value(product, FEATURES, axes, order, read.leading), bias)
    groups = prod(batch)
    read = layer.moves.cut(read, (groups * c, 1))
    stored = layer.storage.array(layer.op, name, blocks.reshape(groups * b, c, 1))
    added = layer.vector(bias, order, (groups * b,))
    product = layer.graph.node("Conv", (read.name, stored, *added), layer.name("product"), group=groups)
    return Value(product, ROWS, (groups * b, 1), order, read.leading)


def block_sets(
    layer: Layer,
    value: Value,
    name: str,
    blocks: NDArray[np.float32],
    columns: Indices,
    places: Indices,
    bias: str | None,
) -> Value:
    """Blocks [blocks, height, width] times the features `columns` [blocks, width]; output f lies at `places[f]`."""
    read = layer.moves.take(value, value.order.positions()[columns], f"{name}/columns")
    written = multiplied(layer, read, name, blocks, None)
    return layer.biased(layer.moves.listed(written, places, f"{name}/rows"), bias)


def _scaled(layer: Layer, value: Value, name: str, weights: NDArray[np.floating]) -> Value:
    """A diagonal matrix."""
    flat = layer.moves.cut(value, (value.count,))
    scale = layer.storage.array(layer.op, name, weights.reshape(flat.aligned))
    return replace(flat, name=layer.graph.node("Mul", (flat.name, scale), layer.name("scaled")))


def _contracted_last(layer: Layer, value: Value, plan: Contraction) -> tuple[tuple[int, ...], Value]:
    """The sizes of the batch axes (none for a dense factor), and the value on [*batch axes, c]."""
    groups = plan.batch, plan.contracted
    sizes, permutation, counts = merged(plan.read.sizes, groups)
    batch = tuple(sizes[place] for place in permutation[: counts[0]])
    moved = layer.moves.arranged(value, plan.read, groups)
    return batch, layer.moves.cut(moved, (*batch, plan.c))
