"""What a kernel does in one step, counted in the units that the cost model has a price for.

Each unit is a piece of work whose time is about proportional to its count: calls of an operator,
numbers read or written, multiply-adds. The counts depend on sizes and numbers of edges alone.
"""

from __future__ import annotations

from collections import Counter
from math import ceil, prod
from typing import cast

import numpy as np

from nfc.lowering.convolutions import on_patches
from nfc.lowering.fuse import Digits, digits, nested
from nfc.lowering.kernels import edge_count, output_features, shape_of
from nfc.lowering.plan import (
    Add,
    Blocked,
    BlockSets,
    Chain,
    Clustered,
    CropFeatures,
    Dense,
    Edgewise,
    Fused,
    Kernel,
    Neighbours,
    PadFeatures,
    Product,
    Scattered,
    Sparse,
    Unstructured,
)
from nfc.lowering.target import Target

Work = Counter[str]
"""Counts by unit; see UNITS."""

UNITS = {
    "layer.call": "layers that are more than products with whole matrices",
    "dense.call": "products with a whole matrix",
    "dense.multiply_adds": "their multiply-adds, rows of a small batch rounded up to a tile",
    "dense.weights": "their weights, read once",
    "dense.far_weights": "those of weights that the cache does not keep",
    "dense.activations": "numbers that they read and write",
    "blocks.call": "batched products",
    "blocks.blocks": "their blocks",
    "blocks.multiply_adds": "their multiply-adds, sides of blocks rounded up to a tile",
    "blocks.weights": "their weights, read once",
    "blocks.activations": "numbers that they read and write",
    "blocks.far_activations": "those of activations that the cache does not keep",
    "blocks.strided": "numbers that they read a stride apart",
    "diagonal.call": "products with a diagonal matrix",
    "diagonal.activations": "numbers that they read and write",
    "fuse.call": "outer products of neighbouring stages' weights",
    "fuse.weights": "numbers that those write",
    "sparse.call": "products by edges",
    "sparse.rows": "their rows",
    "sparse.activations": "numbers that they read and write",
    "sparse.edges": "their edges",
    "sparse.gathered": "their edges times the batch, which is rounded up to a vector",
    "sparse.far_gathered": "those of activations that the cache does not keep",
    "scatter.call": "matrices filled from edges",
    "scatter.zeros": "numbers in those",
    "scatter.edges": "their edges",
    "reorder.call": "gathers of rows, of values feature-first and of weights",
    "reorder.numbers": "numbers that those write",
    "move.call": "gathers, transposes, paddings and sums of whole activations",
    "move.numbers": "numbers that those write",
    "move.far_numbers": "those that the cache does not keep",
}
"""The units, and what each counts. Products are feature-first but for `dense`."""

VECTOR = 8
"""Float32 numbers in a vector register of the machines that the model is calibrated on (AVX2)."""

CACHED = 2**20
"""Numbers that a core's share of the last-level cache keeps while they are used again: 4 MiB."""

TILE = 4
"""Rows of a block that a matrix product works on together."""


def product_work(product: Product, target: Target) -> Work:
    """The work of a linear layer on one batch, batch-first in and out."""
    inputs, outputs = product.inputs, product.outputs
    target = target.on(product.positions)
    work = kernel_work(product.kernel, inputs, target)
    if is_batch_first(product.kernel, target):
        return work
    work["layer.call"] = 1
    if target.runtime == "onnxruntime":
        # elsewhere the first kernel and the last one read and write in place
        work += _moved((inputs + outputs) * target.batch, calls=2)
    return work + _moved(outputs * target.batch if product.bias else 0)


def kernel_work(kernel: Kernel, inputs: int, target: Target) -> Work:
    """The work of a kernel that reads `inputs` features, of which a window counts as so many."""
    match on_patches(kernel):
        case Chain(parts=parts):
            work, features = Work(), inputs
            for part in parts:
                work += kernel_work(part, features, target)
                features = output_features(part, features)
            return work
        case Add(parts=parts):
            terms = [kernel_work(part, inputs, target) for part in parts]
            outputs = output_features(kernel, inputs)
            return sum(terms, _moved(outputs * target.batch, calls=len(parts) - 1))
        case Dense(rows=rows, cols=cols):
            return dense_work(rows, cols, target.batch)
        case Blocked() | Fused() as stage:
            return _stage_work(stage, target)
        case BlockSets(row_sets=row_sets, col_sets=col_sets) as sets:
            (count, height), width = row_sets.shape, col_sets.shape[1]
            return _blocks((count, height, width, 1), target.batch) + _in_order(sets, target)
        case Edgewise(kernel=BlockSets(row_sets=row_sets, col_sets=col_sets)):
            shape = row_sets.size, col_sets.size
            return _edge_work(row_sets.size * col_sets.shape[1], shape, target)
        case Neighbours() | Sparse() as edges:
            # patches are written out before a product by edges
            patches = 0 if edges is kernel else edges.cols * target.batch
            return _sparse_work(edges, target) + _moved(patches)
        case Scattered(kernel=inner):
            inner = cast("Unstructured", on_patches(inner))
            rows, cols = shape_of(inner)
            return dense_work(rows, cols, target.batch) + _filled(rows * cols, edge_count(inner), target)
        case Clustered() as clusters:
            return _clusters_work(clusters, target.batch)
        case PadFeatures(size=size) | CropFeatures(size=size):
            return _moved(min(inputs, size) * target.batch)


def is_batch_first(kernel: Kernel, target: Target) -> bool:
    """Whether a kernel is made of whole matrices alone, which need no features moved."""
    match kernel:
        case Blocked(a=1, d=1) | Fused(a=1, d=1):
            return target.runtime == "onnxruntime"
        case Dense() | Scattered() | PadFeatures() | CropFeatures():
            return True
        case Chain(parts=parts) | Add(parts=parts):
            return all(is_batch_first(part, target) for part in parts)
        case _:
            return False


def dense_work(rows: int, cols: int, batch: int) -> Work:
    """The work of y = x Wᵀ with a whole matrix, batch-first."""
    return Work(
        {
            "dense.call": 1,
            "dense.multiply_adds": rows * cols * (_padded(batch, TILE) if batch > 1 else 1),
            "dense.weights": rows * cols,
            "dense.far_weights": _far(rows * cols),
            "dense.activations": (rows + cols) * batch,
        }
    )


def _stage_work(stage: Blocked | Fused, target: Target) -> Work:
    a, b, c, d = digits(stage)
    if is_batch_first(stage, target):
        work = dense_work(b, c, target.batch)
    elif b == c == 1:
        work = Work({"diagonal.call": 1, "diagonal.activations": 2 * a * d * target.batch})
    else:
        work = _blocks((a, b, c, d), target.batch)
    if target.runtime == "onnxruntime":
        return work  # weights are folded when the file is written
    if isinstance(stage, Fused):
        return work + _fusing(stage)
    if stage.places is not None:
        return work + _filled(a * b * c * d, len(stage.places), target)
    return work


def _blocks(stage: Digits, batch: int) -> Work:
    a, b, c, d = stage
    inputs, outputs = a * c * d * batch, a * b * d * batch
    columns = _padded(batch, VECTOR) if batch > 1 else 1
    return Work(
        {
            "blocks.call": 1,
            "blocks.blocks": a * d,
            "blocks.multiply_adds": a * d * _padded(b, TILE) * c * columns,
            "blocks.weights": a * b * c * d,
            "blocks.activations": inputs + outputs,
            "blocks.far_activations": _far(inputs + outputs),
            "blocks.strided": inputs if d > 1 else 0,
        }
    )


def _fusing(stage: Fused) -> Work:
    """The parts' weights are multiplied from the first to the last."""
    written, found = 0, digits(stage.parts[0])
    for part in stage.parts[1:]:
        together = nested(found, digits(part))
        assert together is not None, "the parts of a fused kernel nest"
        written, found = written + prod(together), together
    return Work({"fuse.call": len(stage.parts) - 1, "fuse.weights": written})


def _in_order(kernel: BlockSets, target: Target) -> Work:
    """Inputs, outputs and, where they are no constants, weights put in the order of the blocks and back.

    Outputs that are left as they are, for the layer after, are not put back.
    """
    rows, cols, batch = kernel.row_sets.size, kernel.col_sets.size, target.batch
    if target.runtime == "onnxruntime":
        return _moved((rows + cols) * batch, calls=2)
    width = kernel.col_sets.shape[1]
    written = 0 if kernel.leaves else rows
    calls = 2 if kernel.leaves else 3
    return Work({"reorder.call": calls, "reorder.numbers": (written + cols) * batch + rows * width})


def _clusters_work(kernel: Clustered, batch: int) -> Work:
    """Inputs are gathered; outputs too, unless the clusters' rows lie in order."""
    (count, height), width = kernel.row_sets.shape, kernel.col_sets.shape[1]
    work = _blocks((count, height, width, 1), batch) + _moved(count * width * batch)
    in_order = (np.diff(kernel.row_sets.reshape(-1)) == 1).all()
    return work if in_order else work + _moved(shape_of(kernel.kernel)[0] * batch)


def _sparse_work(kernel: Unstructured, target: Target) -> Work:
    edges = edge_count(kernel)
    if target.runtime == "onnxruntime" and isinstance(kernel, Sparse):
        edges = _padded_edges(kernel)
    return _edge_work(edges, shape_of(kernel), target)


def _edge_work(edges: int, shape: tuple[int, int], target: Target) -> Work:
    rows, cols = shape
    lanes = _padded(target.batch, VECTOR) if target.batch > 1 else 1
    # ONNX Runtime writes what it gathers
    held = edges if target.runtime == "onnxruntime" else cols
    return Work(
        {
            "sparse.call": 1,
            "sparse.rows": rows,
            "sparse.activations": (rows + cols) * target.batch,
            "sparse.edges": edges,
            "sparse.gathered": edges * lanes,
            "sparse.far_gathered": edges * lanes if _far(held * lanes) else 0,
        }
    )


def _padded_edges(kernel: Sparse) -> int:
    """Edges where rows are gathered in groups: all fan-ins equal, or padded up to their three leading bits."""
    counts = np.maximum(np.diff(kernel.indptr), 1)
    if (counts == counts[0]).all():
        return int(counts.sum())
    leading = np.maximum(np.log2(counts).astype(np.int64) - 2, 0)
    return int((counts | (2**leading - 1)).sum())


def _filled(numbers: int, edges: int, target: Target) -> Work:
    """A matrix made from its edges at each step; nothing where it is made when the file is written or loaded."""
    if target.runtime == "onnxruntime":
        return Work()
    return Work({"scatter.call": 1, "scatter.zeros": numbers, "scatter.edges": edges})


def _moved(numbers: int, calls: int = 1) -> Work:
    if not numbers:
        return Work()
    return Work({"move.call": calls, "move.numbers": numbers, "move.far_numbers": _far(numbers)})


def _far(numbers: int) -> int:
    """The numbers if they are too many for the cache, else none."""
    return numbers if numbers > CACHED else 0


def _padded(count: int, tile: int) -> int:
    return tile * ceil(count / tile)
