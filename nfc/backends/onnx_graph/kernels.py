"""What the two layouts of a product need to know about its kernels."""

from __future__ import annotations

import numpy as np

from nfc.backends.onnx_graph.options import Options
from nfc.ir.factors import Indices
from nfc.lowering.plan import (
    Add,
    Blocked,
    Chain,
    CropFeatures,
    Dense,
    Kernel,
    Neighbours,
    PadFeatures,
    Sparse,
)

Unstructured = Neighbours | Sparse


def whole_matrices(kernel: Kernel, options: Options) -> bool:
    """Whether a kernel is made of whole matrices alone, which runtimes multiply best batch-first."""
    match kernel:
        case Dense() | Blocked(a=1, d=1) | PadFeatures() | CropFeatures():
            return True
        case Neighbours() | Sparse():
            return not gathers(kernel, options)
        case Chain(parts=parts) | Add(parts=parts):
            return all(whole_matrices(part, options) for part in parts)
        case _:
            return False


def shape_of(kernel: Unstructured) -> tuple[int, int]:
    rows = len(kernel.table) if isinstance(kernel, Neighbours) else kernel.rows
    return rows, kernel.cols


def csr(kernel: Unstructured) -> tuple[Indices, Indices]:
    """The arrays indptr [rows + 1] and indices [edges]."""
    if isinstance(kernel, Sparse):
        return kernel.indptr, kernel.indices
    rows, width = kernel.table.shape
    return np.arange(rows + 1, dtype=np.int64) * width, kernel.table.reshape(-1)


def positions(kernel: Unstructured) -> Indices:
    """Row-major positions of the edges in the dense matrix, ascending, [edges]."""
    indptr, indices = csr(kernel)
    rows, cols = shape_of(kernel)
    return np.repeat(np.arange(rows, dtype=np.int64) * cols, np.diff(indptr)) + indices


def gathers(kernel: Unstructured, options: Options) -> bool:
    """Whether a product gathers its inputs, since its matrix would be too large to decode.

    Not where gathering would store more than the matrix: an int32 and a weight an edge, and as
    much again for padded rows.
    """
    rows, cols = shape_of(kernel)
    weight_bytes = 2 if options.half else 4
    stored = 2 * len(csr(kernel)[1]) * (weight_bytes + 4)
    return 4 * rows * cols > options.dense_limit and stored < weight_bytes * rows * cols
