"""How a kernel without structure runs: by its edges, as a dense matrix, or in clusters of rows."""

from __future__ import annotations

from math import ceil
from typing import cast

from nfc.lowering.clusters import clustered
from nfc.lowering.convolutions import on_patches
from nfc.lowering.cost import kernel_seconds
from nfc.lowering.kernels import edge_count, shape_of
from nfc.lowering.plan import Clustered, Kernel, Scattered, Unstructured
from nfc.lowering.target import Target

PADDED = 1.25
"""Weights that a gather stores for each edge, at most: rows of like fan-in share a table."""

GATHERED = 2**18
"""Numbers gathered at once; past them a product is cut into parts, up to MOST_PARTS."""

MOST_PARTS = 256

GROUPS = 4
"""Parts that there are besides, one for each group of fan-ins."""

PART = 384
"""What the nodes of a part take in a file, in weights of 2 bytes."""


def chosen_form(kernel: Unstructured, target: Target) -> Kernel:
    """The form that takes the least time by the cost model; a convolution on ONNX Runtime has a dense weight."""
    if kernel.weight.window and target.runtime == "onnxruntime":
        return Scattered(kernel) if may_be_dense(kernel, target) else kernel
    options: list[Kernel] = [kernel]
    if may_be_dense(kernel, target):
        whole = Scattered(kernel)
        if not target.gathers:
            return whole
        options = [*(options if _stored_smaller(kernel, kernel, target) else []), whole]
    best = min(options, key=lambda option: kernel_seconds(option, target))
    if target.runtime != "onnxruntime":
        return best
    clusters = clustered(kernel, target, below=kernel_seconds(best, target))
    return clusters if clusters and _stored_smaller(clusters, kernel, target) else best


def _stored_smaller(form: Unstructured | Clustered, kernel: Unstructured, target: Target) -> bool:
    """Whether an ONNX file is surely no larger with a form than with a dense matrix; elsewhere nothing is stored.

    Counted in weights of 2 bytes, the smallest that there are: the matrix has the least lead then.
    """
    if target.runtime != "onnxruntime":
        return True
    rows, cols = shape_of(kernel)
    if isinstance(form, Clustered):
        tables = form.col_sets.size + rows
        weights, gathered = form.col_sets.size * form.row_sets.shape[1], form.col_sets.size
    else:
        weights = gathered = ceil(edge_count(kernel) * PADDED)
        tables = weights + rows
    parts = GROUPS + min(rows, MOST_PARTS, ceil(gathered * target.batch / GATHERED))
    return bool(weights + 2 * tables + PART * parts <= rows * cols)


def may_be_dense(kernel: Unstructured, target: Target) -> bool:
    """Whether the matrix is small enough to be made, or no larger than what gathering would store.

    That is an index of 4 bytes and a weight an edge, and as much again for padded rows.
    """
    kernel = cast("Unstructured", on_patches(kernel))
    rows, cols = shape_of(kernel)
    gathered = 2 * edge_count(kernel) * (target.weight_bytes + 4)
    return 4 * rows * cols <= target.dense_limit or target.weight_bytes * rows * cols <= gathered
