"""Alternating scaling of a sparse 0/1 pattern to given row and column sums.

R. Sinkhorn, P. Knopp, "Concerning nonnegative matrices and doubly stochastic matrices", Pacific
Journal of Mathematics 21, 1967. Rows have precedence: the last step is one of rows, so that their
sums are exact whatever the columns are.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from nfc.ir.factors import Indices

if TYPE_CHECKING:
    from scipy.sparse import csc_array, csr_array

Values = NDArray[np.float64]

TOLERANCE = 1e-10
"""The change of any column sum, in units of its target, below which the scaling has converged."""
WIDEST = 1e100
"""How far the factors of columns may spread before the scaling ends: their products with those of
rows still have all their digits."""


@dataclass(frozen=True, eq=False)
class Pattern:
    """A 0/1 pattern and its transpose, which shares its memory, ready for products."""

    matrix: csr_array
    transposed: csc_array

    @classmethod
    def of(cls, indptr: Indices, indices: Indices, cols: int) -> Pattern:
        """A CSR pattern: indptr [rows + 1], indices [edges]."""
        from scipy.sparse import csr_array

        shape = len(indptr) - 1, cols
        small = np.int32 if max(len(indices), *shape) < 2**31 else np.int64
        ones = np.ones(len(indices))
        matrix = csr_array((ones, indices.astype(small), indptr.astype(small)), shape=shape)
        return cls(matrix, matrix.T)


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
    u = ratio(rows, pattern.matrix @ v)
    sums = v * (pattern.transposed @ u)
    for _ in range(rounds):
        v, before = _centred(v * ratio(columns, sums)), sums
        u = ratio(rows, pattern.matrix @ v)
        sums = v * (pattern.transposed @ u)
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
