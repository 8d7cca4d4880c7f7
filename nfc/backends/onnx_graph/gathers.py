"""Products that gather their inputs: no matrix, the work and the memory of the edges.

Feature-first, rows of like fan-in are a batch of inner products, `Gather` and `MatMul`, in pieces
whose gathered values stay in the cache. Batch-first, for a single row, `Gather`, `Mul` and `ReduceSum`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from nfc.backends.onnx_graph.kernels import cluster_blocks, cluster_places
from nfc.backends.onnx_graph.layer import Layer
from nfc.backends.onnx_graph.layout import FEATURES, Layout
from nfc.backends.onnx_graph.order import natural
from nfc.backends.onnx_graph.rows import RowGroup, pieces, row_groups
from nfc.backends.onnx_graph.structured import block_sets, multiplied
from nfc.backends.onnx_graph.values import Value
from nfc.ir.factors import Indices
from nfc.lowering.kernels import csr
from nfc.lowering.plan import Clustered, Unstructured


def gathered(layer: Layer, value: Value, kernel: Unstructured, layout: Layout, bias: str | None) -> Value:
    """Each output's inputs gathered and multiplied by its weights."""
    name = kernel.weight.name
    value = layer.moves.turned(layer.moves.folded(value), layout)
    flat = layer.moves.cut(value, (value.count,))
    indptr, indices = csr(kernel)
    weights = layer.storage.factor(kernel.weight).reshape(-1)
    batch = layer.rows if layout is FEATURES else None
    groups = list(row_groups(indptr, value.order.positions()[indices], weights, batch))
    names = numbered(name, len(groups))
    parts = [_row_group(layer, flat, group, part) for group, part in zip(groups, names, strict=True)]
    rows = np.concatenate([group.rows for group in groups])
    joined = _joined(layer, parts)
    return layer.biased(layer.moves.listed(joined, _inverse(rows), f"{name}/rows"), bias)


def clustered(layer: Layer, value: Value, kernel: Clustered, layout: Layout, bias: str | None) -> Value:
    """Rows that share inputs multiplied as dense blocks, and put back into their places."""
    name = kernel.kernel.weight.name
    value = layer.moves.turned(layer.moves.folded(value), layout)
    blocks = cluster_blocks(kernel, layer.storage.factor(kernel.kernel.weight).reshape(-1))
    places = cluster_places(kernel)
    clusters, width = kernel.col_sets.shape
    count = pieces(clusters, width, layer.rows if layout is FEATURES else None)
    if count == 1:
        return block_sets(layer, value, name, blocks, kernel.col_sets, places, bias)
    flat = layer.moves.cut(value, (value.count,))
    parts = []
    columns = np.array_split(value.order.positions()[kernel.col_sets], count)
    for part, lies, held in zip(numbered(name, count), columns, np.array_split(blocks, count), strict=True):
        read = layer.moves.take(flat, lies, f"{part}/columns")
        written = multiplied(layer, read, part, held, None)
        parts.append(layer.moves.cut(written, (written.count,)))
    return layer.biased(layer.moves.listed(_joined(layer, parts), places, f"{name}/rows"), bias)


def numbered(name: str, count: int) -> list[str]:
    """Names of the parts of a tensor; its own where it has one."""
    return [name] if count == 1 else [f"{name}/{part}" for part in range(count)]


def _row_group(layer: Layer, flat: Value, group: RowGroup, name: str) -> Value:
    rows, width = group.inputs.shape
    table = layer.graph.tensor(f"{name}/inputs", group.inputs.astype(np.int32))
    read = layer.graph.node("Gather", (flat.name, table), layer.name("taken"), axis=flat.axis)
    written = replace(flat, axes=(rows,), order=natural(rows))
    if flat.layout is FEATURES:
        weight = layer.storage.array(layer.op, name, group.weights.reshape(rows, 1, width))
        product = layer.graph.node("MatMul", (weight, read), layer.name("product"))
        return layer.moves.cut(replace(written, name=product, axes=(rows, 1)), (rows,))
    weight = layer.storage.array(layer.op, name, group.weights)
    terms = layer.graph.node("Mul", (read, weight), layer.name("terms"))
    inputs = (terms, layer.graph.integers(2))
    return replace(written, name=layer.graph.node("ReduceSum", inputs, layer.name("product"), keepdims=0))


def _joined(layer: Layer, parts: Sequence[Value]) -> Value:
    """Values on one axis of features one after the other."""
    if len(parts) == 1:
        return parts[0]
    count = sum(part.count for part in parts)
    names = [part.name for part in parts]
    name = layer.graph.node("Concat", names, layer.name("joined"), axis=parts[0].axis)
    return replace(parts[0], name=name, axes=(count,), order=natural(count))


def _inverse(permutation: Indices) -> Indices:
    inverse = np.empty_like(permutation)
    inverse[permutation] = np.arange(len(permutation))
    return inverse
