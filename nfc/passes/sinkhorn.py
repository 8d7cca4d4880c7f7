"""Alternating scaling of a sparse 0/1 pattern to given row and column sums.

R. Sinkhorn, P. Knopp, "Concerning nonnegative matrices and doubly stochastic matrices", Pacific
Journal of Mathematics 21, 1967. Rows have precedence: the last step is one of rows, so that their
sums are exact whatever the columns are.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from nfc.ir.factors import Indices

if TYPE_CHECKING:
    from scipy.sparse import csc_array, csr_array

Values = NDArray[np.float64]

TOLERANCE = 1e-10
"""The change of any column sum, in units of its target, below which the scaling has converged."""
SMALL = 4096
"""Edges up to which a product is cheaper without SciPy."""
WIDEST = 1e100
"""How far the factors of columns may spread before the scaling ends: their products with those of
rows still have all their digits."""


@dataclass(frozen=True, eq=False)
class Pattern:
    """A 0/1 pattern in CSR form, ready for products: indptr [rows + 1], indices [edges]."""

    indptr: Indices
    indices: Indices
    cols: int

    @cached_property
    def matrix(self) -> csr_array:
        from scipy.sparse import csr_array

        shape = len(self.indptr) - 1, self.cols
        small = np.int32 if max(len(self.indices), *shape) < 2**31 else np.int64
        ones = np.ones(len(self.indices))
        return csr_array((ones, self.indices.astype(small), self.indptr.astype(small)), shape=shape)

    @cached_property
    def transposed(self) -> csc_array:
        """The transpose, which shares the matrix's memory."""
        return self.matrix.T

    @cached_property
    def _rows(self) -> Indices:
        """The row of each edge."""
        return np.repeat(np.arange(len(self.indptr) - 1), np.diff(self.indptr))

    def row_sums(self, v: Values) -> Values:
        """Σ_i M_ji v_i, [rows]. Small patterns add edge by edge as SciPy does, without its cost of a call."""
        if len(self.indices) > SMALL:
            return self.matrix @ v
        return np.bincount(self._rows, v[self.indices], len(self.indptr) - 1).astype(np.float64, copy=False)

    def column_sums(self, u: Values) -> Values:
        """Σ_j M_ji u_j, [cols]."""
        if len(self.indices) > SMALL:
            return self.transposed @ u
        return np.bincount(self.indices, u[self._rows], self.cols).astype(np.float64, copy=False)


@dataclass(frozen=True, eq=False)
class Scaling:
    """Factors u of the rows and v of the columns, and whether another round would change nothing."""

    u: Values
    v: Values
    converged: bool


def scale(
    pattern: Pattern, rows: Values, columns: Values, rounds: int, start: Scaling | None = None
) -> Scaling:
    """Factors with u_j Σ_i M_ji v_i = rows_j, and v_i Σ_j M_ji u_j as near to columns_i as they come.

    Args:
        rows: the sums wanted, [rows]; 0 for rows without edges.
        columns: likewise, [cols].
        rounds: how often columns and then rows are scaled at most.
        start: factors to start from.
    """
    v = (columns > 0.0).astype(np.float64) if start is None else start.v
    u = ratio(rows, pattern.row_sums(v))
    sums = v * pattern.column_sums(u)
    for _ in range(rounds):
        v, before = _centred(v * ratio(columns, sums)), sums
        u = ratio(rows, pattern.row_sums(v))
        sums = v * pattern.column_sums(u)
        if (np.abs(sums - before) <= TOLERANCE * columns).all():
            return Scaling(u, v, converged=True)
        if v.max(initial=0.0) > WIDEST:
            break
    return Scaling(u, v, converged=False)


def _centred(v: Values) -> Values:
    """The factors between 1 and their spread; any common multiple does as well."""
    return v / float(v[v > 0.0].min(initial=np.inf))


def ratio(target: Values, sums: NDArray[np.number]) -> Values:
    """What brings sums to their target; 0 where nothing adds up."""
    result = np.zeros_like(target)
    np.divide(target, sums, out=result, where=sums > 0)
    return result
