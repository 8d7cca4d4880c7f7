"""How a kernel without structure runs: by its edges, as a dense matrix, or in clusters of rows."""

from __future__ import annotations

from nfc.lowering.clusters import clustered
from nfc.lowering.cost import kernel_seconds
from nfc.lowering.kernels import edge_count, shape_of
from nfc.lowering.plan import Kernel, Neighbours, Scattered, Sparse
from nfc.lowering.target import Target


def chosen_form(kernel: Neighbours | Sparse, target: Target) -> Kernel:
    """The form that takes the least time by the cost model."""
    options: list[Kernel] = [kernel]
    if may_be_dense(kernel, target):
        if not target.gathers:
            return Scattered(kernel)
        options.append(Scattered(kernel))
    best = min(options, key=lambda option: kernel_seconds(option, target))
    if target.runtime == "onnxruntime":
        clusters = clustered(kernel, target, below=kernel_seconds(best, target))
        return clusters or best
    return best


def may_be_dense(kernel: Neighbours | Sparse, target: Target) -> bool:
    """Whether the matrix is small enough to be made, or no larger than what gathering would store.

    That is an index and a weight an edge, 4 bytes each, and as much again for padded rows.
    """
    rows, cols = shape_of(kernel)
    return 4 * rows * cols <= max(target.dense_limit, 16 * edge_count(kernel))
