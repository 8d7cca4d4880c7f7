"""Rows of a sparse matrix in clusters that share inputs: dense blocks where structure is hidden or ragged.

Bands, tori and small worlds have rows that read almost what their neighbours read, and so has a
block mask whose rows and columns were shuffled. Rows are put in an order that brings those
together, then cut into clusters of equal height. All is linear in the edges, up to sorting.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import ceil

import numpy as np

from nfc.ir.factors import Indices
from nfc.ir.recovery.components import row_slices
from nfc.lowering.cost import kernel_seconds
from nfc.lowering.kernels import csr, shape_of
from nfc.lowering.plan import Clustered, Unstructured
from nfc.lowering.target import Target

HEIGHTS = (16, 8, 32, 64)
"""Rows of a cluster; the first is tried in every order, the others in the best order alone."""

SAMPLE = 8
"""Clusters that are looked at before all are: a wide one among them rules an order out."""

SAMPLED_ROWS = 8

WORTH_LOOKING = 0.8
"""Orders are tried as long as the best that there could be takes less than this share of what is found."""

MOST_MARKS = 32
"""Bytes of marks for each number of which doubles are dropped."""

LEAST_SHARED = 1 / 8
"""Share of its inputs that a row must have in common with another one for clusters to be looked for.

Gathering an edge takes about as long as some ten multiply-adds of a block.
"""


@dataclass(frozen=True, eq=False)
class Pattern:
    """A CSR pattern; indptr [rows + 1], indices [edges]."""

    rows: int
    cols: int
    indptr: Indices
    indices: Indices


def clustered(kernel: Unstructured, target: Target, below: float) -> Clustered | None:
    """The kernel in the clusters that take the least time; None where none is predicted to take less than `below`."""
    pattern = Pattern(*shape_of(kernel), *csr(kernel))
    if pattern.rows < 2 * HEIGHTS[0] or not _rows_share(pattern):
        return None
    best: Clustered | None = None
    chosen = _as_written(pattern)
    least = _least_seconds(kernel, pattern, target)
    for order_of in ORDERS:
        if least >= WORTH_LOOKING * below:
            break
        order = order_of(pattern)
        found = _in_clusters(kernel, pattern, order, HEIGHTS[0], target, below)
        if found:
            best, chosen, below = found, order, kernel_seconds(found, target)
    for height in HEIGHTS[1:] if best else ():
        found = _in_clusters(kernel, pattern, chosen, height, target, below)
        if found:
            best, below = found, kernel_seconds(found, target)
    return best


def _least_seconds(kernel: Unstructured, pattern: Pattern, target: Target) -> float:
    """The time of clusters of the first height whose rows lie in order and read no input more than the widest row."""
    count, widest = ceil(pattern.rows / HEIGHTS[0]), int(np.diff(pattern.indptr).max(initial=1))
    row_sets = np.arange(count * HEIGHTS[0]).reshape(count, HEIGHTS[0])
    return kernel_seconds(Clustered(kernel, row_sets, np.broadcast_to(np.int64(0), (count, widest))), target)


def _rows_share(pattern: Pattern) -> bool:
    """Whether half of a few rows have enough inputs in common with another row each."""
    counts = np.diff(pattern.indptr)
    filled = np.flatnonzero(counts)
    if len(filled) < 2:
        return False
    rows = filled[np.linspace(0, len(filled) - 1, SAMPLED_ROWS).astype(np.int64)]
    shares = []
    for row in rows:
        read = np.zeros(pattern.cols, np.int32)
        read[pattern.indices[pattern.indptr[row] : pattern.indptr[row + 1]]] = 1
        common = np.add.reduceat(read[pattern.indices], pattern.indptr[filled])
        common[np.searchsorted(filled, row)] = 0
        shares.append(common.max() / counts[row])
    return bool(np.median(shares) >= LEAST_SHARED)


def _in_clusters(
    kernel: Unstructured, pattern: Pattern, order: Indices, height: int, target: Target, below: float
) -> Clustered | None:
    """Consecutive rows of an order in clusters of `height`; None where that takes `below` or more."""
    count = ceil(pattern.rows / height)
    row_sets = np.full(count * height, pattern.rows, np.int64)
    row_sets[: pattern.rows] = order
    row_sets = np.sort(row_sets.reshape(count, height), axis=1)
    if count > 2 * SAMPLE:
        width = _column_sets(pattern, row_sets[:: count // SAMPLE]).shape[1]
        least = Clustered(kernel, row_sets, np.broadcast_to(np.int64(0), (count, width)))
        if kernel_seconds(least, target) >= below:
            return None
    found = Clustered(kernel, row_sets, _column_sets(pattern, row_sets))
    return found if kernel_seconds(found, target) < below else None


def _column_sets(pattern: Pattern, row_sets: Indices) -> Indices:
    """The inputs of each cluster, ascending, the last one repeated up to the widest cluster's number."""
    counts = np.append(np.diff(pattern.indptr), 0)[row_sets].sum(axis=1)
    ends = np.concatenate([[0], np.cumsum(counts)])
    parts = [_inputs(pattern, row_sets[clusters]) for clusters in row_slices(ends)]
    sizes = np.concatenate([sizes for sizes, _ in parts])
    inputs = np.concatenate([inputs for _, inputs in parts])
    ends = np.cumsum(sizes)
    slots = np.minimum(np.arange(max(int(sizes.max(initial=0)), 1)), np.maximum(sizes - 1, 0)[:, None])
    places = np.minimum(ends[:, None] - sizes[:, None] + slots, len(inputs) - 1)
    return np.where(sizes[:, None] > 0, inputs[places], 0)


def _inputs(pattern: Pattern, row_sets: Indices) -> tuple[Indices, Indices]:
    """(how many inputs each of some clusters reads, the inputs, ascending in each cluster)."""
    flat = row_sets.reshape(-1)
    live = np.flatnonzero(flat < pattern.rows)
    starts = pattern.indptr[flat[live]]
    counts = pattern.indptr[flat[live] + 1] - starts
    cluster = np.repeat(live // row_sets.shape[1], counts)
    edges = np.repeat(starts - np.cumsum(counts) + counts, counts) + np.arange(counts.sum())
    shared = _distinct(cluster * pattern.cols + pattern.indices[edges], len(row_sets) * pattern.cols)
    owners, inputs = np.divmod(shared, pattern.cols)
    return np.bincount(owners, minlength=len(row_sets)), inputs


def _distinct(numbers: Indices, limit: int) -> Indices:
    """The numbers below `limit`, ascending, each once: by marks, several times faster, where these are few."""
    if limit > MOST_MARKS * len(numbers):
        return np.unique(numbers)
    marks = np.zeros(limit, np.bool_)
    marks[numbers] = True
    return np.flatnonzero(marks)


def _as_written(pattern: Pattern) -> Indices:
    return np.arange(pattern.rows, dtype=np.int64)


def _by_least_hashes(pattern: Pattern) -> Indices:
    """Rows by the least hash of their inputs, twice: rows with like sets of inputs come together (Broder, 1997)."""
    return np.lexsort([_least_hash(pattern, multiplier) for multiplier in (2654435761, 2246822519)])


def _least_hash(pattern: Pattern, multiplier: int) -> Indices:
    """The least hash of each row's inputs, [rows]; the multipliers are odd, so that no two inputs collide."""
    hashes = pattern.indices * multiplier
    hashes %= 2**32
    least = np.full(pattern.rows, 2**32, np.int64)
    filled = np.flatnonzero(np.diff(pattern.indptr))
    least[filled] = np.minimum.reduceat(hashes, pattern.indptr[filled])
    return least


def _by_neighbourhood(pattern: Pattern) -> Indices:
    """Rows in the reverse Cuthill–McKee order of the graph between rows and columns."""
    from scipy.sparse import csr_array
    from scipy.sparse.csgraph import reverse_cuthill_mckee

    rows, cols, edges = pattern.rows, pattern.cols, len(pattern.indices)
    ones = np.ones(2 * edges, np.int8)
    across = csr_array((ones[:edges], pattern.indices, pattern.indptr), shape=(rows, cols))
    back = across.T.tocsr()
    indices = np.concatenate([across.indices, back.indices])
    indices[:edges] += rows
    ends = np.concatenate([across.indptr, back.indptr[1:] + np.int64(edges)])
    graph = csr_array((ones, indices, ends), shape=(rows + cols, rows + cols))
    order = reverse_cuthill_mckee(graph, symmetric_mode=True).astype(np.int64)
    return order[order < pattern.rows]


ORDERS: tuple[Callable[[Pattern], Indices], ...] = (_as_written, _by_least_hashes, _by_neighbourhood)
