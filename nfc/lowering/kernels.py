"""A kernel for every factor, and the fabric's tree over them.

The kernels' tree mirrors the fabric's: a `Chain` for a cascade, an `Add` for a sum, in written
order. Only a `Restricted` factor becomes a `Chain` of its own, with a single weighted kernel in it
between the padding and the cropping of features.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import reduce
from typing import Any

import numpy as np

from nfc.ir.convolutions import Conv
from nfc.ir.fabric import Cascade, Fabric, Sum, part_place, reads_input
from nfc.ir.factors import Blocks, Factor, FanIn, Indices, Kron, Restricted, Shifts
from nfc.ir.network import Block, Draw, Shape, WeightedLayer
from nfc.ir.parameters import factor_name, table_parameter
from nfc.ir.sequences import Table
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
    Neighbours,
    PadFeatures,
    Product,
    Rows,
    Scattered,
    Sparse,
    Unstructured,
    Weight,
)

Weighted = Dense | Blocked | BlockSets | Unstructured | Rows


def product(op: WeightedLayer) -> Product:
    """A weighted layer with its fabric lowered.

    Raises:
        ValueError: the layer's draws are not set; the initialisation pass has to run before.
    """
    if op.draws is None:
        raise ValueError(f"{op.path}: no draws are set; the initialisation pass has to run before")
    windows = (op.window if reads else () for reads in reads_input(op.fabric))
    drawn = zip(op.draws, windows, strict=True)
    fields: dict[str, Any] = {
        "path": op.path,
        "input": op.input,
        "output": op.output,
        "span": op.span,
        "kernel": fabric_kernel(op.fabric, op.path, drawn),
        "bias": factor_name(op.path, "").removesuffix("weight") + "bias" if op.bias else None,
        "topology": op.topology,
    }
    if isinstance(op, Conv):
        return Convolution(**fields, window=op.kernel, stride=op.stride, padding=op.padding)
    return Product(**fields)


def fabric_kernel(fabric: Fabric, path: str, draws: Iterator[tuple[Draw, Shape]], place: str = "") -> Kernel:
    """The kernel of the fabric at `place` in the tree of the layer at `path`; takes a draw and a window a factor."""
    if isinstance(fabric, Factor):
        return factor_kernel(fabric, factor_name(path, place), *next(draws))
    parts = tuple(
        fabric_kernel(part, path, draws, part_place(place, index)) for index, part in enumerate(fabric.parts)
    )
    match fabric:
        case Cascade():
            return Chain(parts)
        case Sum():
            return Add(parts)


def factor_kernel(factor: Factor, name: str, draw: Draw, window: Shape = ()) -> Kernel:
    """The kernel of one factor, whose weights are called `name`; `window` sizes the kernel of each edge."""
    weight = Weight(name, (*factor.weight_shape, *window), draw, window)
    match factor:
        case Kron(is_dense=True):
            return Dense(weight, factor.rows, factor.cols)
        case Kron(a=a, b=b, c=c, d=d):
            return Blocked(weight, a, b, c, d)
        case Restricted():
            return _restricted(factor, weight)
        case Blocks(row_sets=row_sets, col_sets=col_sets):
            return BlockSets(weight, row_sets, col_sets)
        case Shifts(dims=dims, offsets=offsets):
            return Neighbours(weight, factor.cols, factor.table, (dims, offsets))
        case FanIn(cols=cols, table=table):
            return Neighbours(weight, cols, table)
        case _:
            indptr, indices = factor.arrays()
            return Sparse(weight, factor.rows, factor.cols, indptr, indices)


def weighted_kernels(kernel: Kernel) -> Iterator[Weighted]:
    """The kernels that have weights, in written order."""
    match kernel:
        case Chain(parts=parts) | Add(parts=parts):
            for part in parts:
                yield from weighted_kernels(part)
        case Fused(parts=stages):
            yield from stages
        case Edgewise(kernel=inner) | Scattered(kernel=inner) | Clustered(kernel=inner):
            yield inner
        case PadFeatures() | CropFeatures():
            return
        case _:
            yield kernel


def table_rows(op: Table) -> Rows:
    """The rows of an embedding or of positions.

    Raises:
        ValueError: no draw is set; the initialisation pass has to run before.
    """
    if op.draw is None:
        raise ValueError(f"{op.path}: no draw is set; the initialisation pass has to run before")
    parameter = table_parameter(op)
    return Rows(Weight(parameter.name, parameter.shape, op.draw))


def block_kernels(block: Block) -> Iterator[Weighted]:
    """What has weights in a plan's block, in order of execution."""
    for op in block:
        match op:
            case Product(kernel=kernel):
                yield from weighted_kernels(kernel)
            case Table():
                yield table_rows(op)
            case _:
                for inner in op.blocks:
                    yield from block_kernels(inner)


def output_features(kernel: Kernel, features: int) -> int:
    """The number of features that a kernel makes of `features`."""
    match kernel:
        case Dense(rows=rows) | Sparse(rows=rows):
            return rows
        case Blocked(a=a, b=b, d=d) | Fused(a=a, b=b, d=d):
            return a * b * d
        case BlockSets(row_sets=row_sets):
            return int(row_sets.size)
        case Neighbours(table=table):
            return len(table)
        case Edgewise(kernel=inner) | Scattered(kernel=inner) | Clustered(kernel=inner):
            return output_features(inner, features)
        case PadFeatures(size=size) | CropFeatures(size=size):
            return size
        case Chain(parts=parts):
            return reduce(lambda width, part: output_features(part, width), parts, features)
        case Add(parts=parts):
            return output_features(parts[0], features)


def input_features(kernel: Kernel) -> int:
    """The number of features that a kernel reads; of a padding or a cropping, which read any, those it makes."""
    match kernel:
        case Dense(cols=cols) | Sparse(cols=cols) | Neighbours(cols=cols):
            return cols
        case Blocked(a=a, c=c, d=d) | Fused(a=a, c=c, d=d):
            return a * c * d
        case BlockSets(col_sets=col_sets):
            return int(col_sets.size)
        case Edgewise(kernel=inner) | Scattered(kernel=inner) | Clustered(kernel=inner):
            return input_features(inner)
        case PadFeatures(size=size) | CropFeatures(size=size):
            return size
        case Chain(parts=(first, *_)) | Add(parts=(first, *_)):
            return input_features(first)
        case _:
            raise TypeError(f"{type(kernel).__name__} without parts reads nothing")


def shape_of(kernel: Unstructured) -> tuple[int, int]:
    """(rows, cols)."""
    return (len(kernel.table), kernel.cols) if isinstance(kernel, Neighbours) else (kernel.rows, kernel.cols)


def csr(kernel: Unstructured) -> tuple[Indices, Indices]:
    """The arrays indptr [rows + 1] and indices [edges]."""
    if isinstance(kernel, Sparse):
        return kernel.indptr, kernel.indices
    rows, width = kernel.table.shape
    return np.arange(rows + 1, dtype=np.int64) * width, kernel.table.reshape(-1)


def edge_count(kernel: Unstructured) -> int:
    return kernel.table.size if isinstance(kernel, Neighbours) else len(kernel.indices)


def is_semi_structured(kernel: Neighbours) -> bool:
    """Whether each output reads two of every four inputs, 2:4, in a size that GPUs multiply as such.

    The size is what cuSPARSELt and CUTLASS both take in half precision, by PyTorch's documentation.
    """
    rows, width = kernel.table.shape
    if kernel.shifts is not None or rows % 32 or kernel.cols % 64 or width * 2 != kernel.cols:
        return False
    ascending = bool((kernel.table[:, 1::2] > kernel.table[:, ::2]).all())
    return ascending and bool((kernel.table // 4 == np.arange(width) // 2).all())


def _restricted(factor: Restricted, weight: Weight) -> Kernel:
    base = factor.base
    blocked = Blocked(weight, base.a, base.b, base.c, base.d, factor.block_positions())
    before = (PadFeatures(base.cols),) if factor.cols < base.cols else ()
    after = (CropFeatures(factor.rows),) if factor.rows < base.rows else ()
    return Chain((*before, blocked, *after)) if before or after else blocked
