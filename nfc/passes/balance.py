"""Balanced edge variances: Sinkhorn scaling of a sparse pattern, with a floor on every edge.

Wanted for a pattern M with R live rows and C live columns: s = diag(u) · M · diag(v) with row sums
1 and column sums R/C. Rows are kept exactly whatever the pattern; docs/initialisation.md shows that
this alone keeps the forward second moments and the total backward one, and that the columns decide
how evenly gradients spread. Where no exact balance exists, alternating scaling converges to the
matrix that has the row sums and is nearest to the column sums (Baradat and Ventre, "Convergence of
the Sinkhorn algorithm when the Schrödinger problem has no solution", arXiv 2207.02977, 2022).

The scaling works on the matrix itself rather than on u and v, which may overflow where the limit
has zeros: after a row step some edge of each row is at least 1 / its degree, so nothing vanishes.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from nfc.ir.factors import Factor, Indices

Values = NDArray[np.float64]

FLOOR = 0.01
"""The least share of an edge, in units of its row's mean edge."""
TOLERANCE = 1e-11
"""The change of any column sum, in units of its target, below which the scaling has converged."""
ITERATIONS = 1000
WORK = 2**27
"""Edges times iterations; patterns past it get fewer iterations, though always FEWEST."""
FEWEST = 50


@dataclass(frozen=True)
class Pattern:
    """A pattern's edges in CSR order: the row and the column of each, [edges]."""

    row: Indices
    column: Indices
    shape: tuple[int, int]

    def row_sums(self, values: Values) -> Values:
        return np.bincount(self.row, weights=values, minlength=self.shape[0]).astype(np.float64)

    def column_sums(self, values: Values) -> Values:
        return np.bincount(self.column, weights=values, minlength=self.shape[1]).astype(np.float64)


def pattern_of(factor: Factor) -> Pattern:
    indptr, indices = factor.arrays()
    return Pattern(np.repeat(np.arange(factor.rows), np.diff(indptr)), indices, factor.shape)


def balance(factor: Factor) -> Values:
    """Edge variances in CSR order, [edges]: row sums 1, column sums as near to R/C as the pattern allows."""
    pattern = pattern_of(factor)
    fan_in, fan_out = factor.fan_in(), factor.fan_out()
    even = 1.0 / fan_in[pattern.row]
    rows, columns = (fan_in > 0).astype(np.float64), column_target(fan_in, fan_out)
    values = _scale(pattern, even, rows, columns)
    floor = FLOOR * even
    if (values >= floor).all():
        return values
    # A floor below every edge, and the rest balanced on top of it.
    left = np.maximum(columns - pattern.column_sums(floor), FLOOR * columns)
    return floor + _scale(pattern, even, rows * (1.0 - FLOOR), left)


def column_target(fan_in: Indices, fan_out: Indices) -> Values:
    """R/C for live columns, 0 for the others, [cols]."""
    live = fan_out > 0
    share = int(np.count_nonzero(fan_in)) / max(1, int(np.count_nonzero(live)))
    return np.where(live, share, 0.0)


def _scale(pattern: Pattern, start: Values, rows: Values, columns: Values) -> Values:
    """Alternate column and row scaling, ending with rows, until nothing changes or the work is done."""
    values = _scaled(start, pattern.row, rows, pattern.row_sums(start))
    sums = pattern.column_sums(values)
    for _ in range(min(ITERATIONS, max(FEWEST, WORK // max(1, len(start))))):
        values = _scaled(values, pattern.column, columns, sums)
        values = _scaled(values, pattern.row, rows, pattern.row_sums(values))
        before, sums = sums, pattern.column_sums(values)
        if (np.abs(sums - before) <= TOLERANCE * columns).all():
            break
    return values


def _scaled(values: Values, index: Indices, target: Values, sums: Values) -> Values:
    """The values with the sums over `index` brought to `target`."""
    ratio = np.divide(target, sums, out=np.zeros_like(target), where=sums > 0.0)
    return values * ratio[index]
