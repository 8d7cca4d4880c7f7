"""`kron(a, b)`: each edge of one factor replaced by the whole of another."""

from __future__ import annotations

import numpy as np

from nfc.ir.factors import Factor
from nfc.ir.recovery.components import ranges, row_slices
from nfc.ir.structure import sparse
from nfc.topologies.algebra.circulants import product_of_circulants
from nfc.topologies.algebra.merges import nothing
from nfc.topologies.algebra.partitions import product_of_partitions


def kronecker(outer: Factor, inner: Factor) -> Factor:
    """The factor of outer ⊗ inner: output o·s + p reads input i·t + q where o reads i and p reads q.

    Blocks stay blocks, circulants circulants; the edges of other kinds are written out.

    Args:
        outer: any factor, [rows, cols].
        inner: any factor, [s, t].
    """
    if not (outer.edges and inner.edges):
        return nothing(outer.rows * inner.rows, outer.cols * inner.cols)
    return (
        product_of_partitions(outer, inner) or product_of_circulants(outer, inner) or _product(outer, inner)
    )


def _product(outer: Factor, inner: Factor) -> Factor:
    """The product edge by edge: row (o, p) holds a copy of the inner row p for each edge of the outer row o."""
    outer_ends, outer_columns = outer.arrays()
    inner_ends, inner_columns = inner.arrays()
    outer_counts, inner_counts = np.diff(outer_ends), np.diff(inner_ends)
    ends = np.zeros(outer.rows * inner.rows + 1, np.int64)
    np.cumsum(np.multiply.outer(outer_counts, inner_counts).reshape(-1), out=ends[1:])
    columns = np.empty(ends[-1], np.int64)
    for rows in row_slices(ends):
        o, p = np.divmod(np.arange(rows.start, rows.stop), inner.rows)
        copied = np.repeat(p, outer_counts[o])
        lengths = inner_counts[copied]
        start = outer_columns[ranges(outer_ends[o], outer_counts[o])] * inner.cols
        place = inner_columns[ranges(inner_ends[copied], lengths)]
        columns[ends[rows.start] : ends[rows.stop]] = np.repeat(start, lengths) + place
    return sparse(outer.cols * inner.cols, ends, columns)
