"""Balanced edge variances: Sinkhorn scaling of a sparse pattern, with a floor under every edge.

Wanted for a pattern M with R live rows and C live columns: s = diag(u) · M · diag(v) with row sums
1 and column sums R/C. Rows are kept exactly whatever the pattern; docs/initialisation.md shows that
this alone keeps the forward second moments and the total backward one, and that the columns decide
how evenly gradients spread.

Most patterns converge in ten to fifty rounds, each two products with the pattern. Where one does
not, some edges may lie on no feasible flow and would vanish ever more slowly: the pattern is taken
apart into the blocks that have a balance each, every block is scaled to the evenest column sums
that there are, and the edges between blocks keep the floor.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from nfc.ir.deviations import Floored, Separable, edge_slices
from nfc.ir.factors import Factor, Indices
from nfc.passes.feasible_blocks import FeasibleBlocks, feasible_blocks
from nfc.passes.sinkhorn import Pattern, Scaling, ratio, scale

Values = NDArray[np.float64]

FLOOR = 0.01
"""The least share of an edge, in units of the mean edge of its row or of its column, whichever is less."""
ITERATIONS = 1000
WORK = 2**29
"""Edges times rounds; patterns past it get fewer rounds, though always FEWEST."""
FEWEST = 50


def balance(factor: Factor) -> Separable | Floored:
    """Variances with row sums 1, and column sums as near to R/C as the pattern and the floor allow."""
    edges = _Edges.of(factor)
    found = scale(edges.pattern(), edges.rows, edges.columns, FEWEST)
    if found.converged:
        return _on_floor(edges, edges.one_block(), found)
    blocks = feasible_blocks(edges.pattern().matrix)
    if blocks is None:
        return _floored(edges, edges.one_block())
    if not edges.inside(blocks).all():
        return _floored(edges, blocks)
    return _on_floor(edges, blocks, scale(edges.pattern(), edges.rows, blocks.sums, edges.rounds, found))


def column_target(fan_in: Indices, fan_out: Indices) -> Values:
    """R/C for live columns, 0 for the others, [cols]."""
    live = fan_out > 0
    share = int(np.count_nonzero(fan_in)) / max(1, int(np.count_nonzero(live)))
    return np.where(live, share, 0.0)


@dataclass(frozen=True, eq=False)
class _Edges:
    """A factor's edges with the sums wanted, of rows [rows] and of columns [cols]."""

    factor: Factor
    rows: Values
    columns: Values

    @classmethod
    def of(cls, factor: Factor) -> _Edges:
        fan_in = factor.fan_in()
        return cls(factor, (fan_in > 0).astype(np.float64), column_target(fan_in, factor.fan_out()))

    @cached_property
    def p(self) -> Values:
        """The least shares of rows, [rows]; late, as scaling is what takes most memory."""
        return FLOOR * ratio(self.rows, self.factor.fan_in())

    @cached_property
    def q(self) -> Values:
        """The least shares of columns, [cols]."""
        return FLOOR * ratio(self.columns, self.factor.fan_out())

    @property
    def rounds(self) -> int:
        return min(ITERATIONS, max(FEWEST, WORK // max(1, self.factor.edges)))

    def floor(self, row: Indices, column: Indices) -> Values:
        """The least variance of edges, [edges]: no row or column gets more than FLOOR of its sum by it."""
        return np.minimum(self.p[row], self.q[column])

    def inside(self, blocks: FeasibleBlocks) -> NDArray[np.bool_]:
        """Which edges lie inside a block, [edges]."""
        found = np.empty(self.factor.edges, np.bool_)
        for edges, row, column in edge_slices(self.factor):
            found[edges] = blocks.rows[row] == blocks.columns[column]
        return found

    def one_block(self) -> FeasibleBlocks:
        """All rows and columns as one block, with the sums wanted."""
        rows, columns = (np.zeros(size, np.int64) for size in self.factor.shape)
        return FeasibleBlocks(rows, columns, self.columns)

    def pattern(self) -> Pattern:
        """All edges."""
        return Pattern(*self.factor.arrays(), self.factor.cols)

    def pattern_inside(self, blocks: FeasibleBlocks) -> Pattern:
        """The edges inside the blocks."""
        indptr, indices = self.factor.arrays()
        inside = self.inside(blocks)
        if inside.all():
            return self.pattern()
        kept = np.concatenate([[0], np.cumsum(inside)])
        return Pattern(kept[indptr], indices[inside], self.factor.cols)


def _on_floor(edges: _Edges, blocks: FeasibleBlocks, found: Scaling) -> Separable | Floored:
    """What was found, if no edge lies below its floor."""
    for _, row, column in edge_slices(edges.factor):
        if (found.u[row] * found.v[column] < edges.floor(row, column)).any():
            return _floored(edges, blocks)
    return Separable(found.u, found.v)


def _floored(edges: _Edges, blocks: FeasibleBlocks) -> Floored:
    """The floor under every edge, and the rest balanced on top of it inside each block."""
    on_rows, on_columns = np.zeros_like(edges.rows), np.zeros_like(edges.columns)
    for _, row, column in edge_slices(edges.factor):
        floor = edges.floor(row, column)
        np.add.at(on_rows, row, floor)
        np.add.at(on_columns, column, floor)
    rows, columns = edges.rows - on_rows, blocks.sums - on_columns
    columns = np.maximum(columns, FLOOR * blocks.sums)
    found = scale(edges.pattern_inside(blocks), rows, columns, edges.rounds)
    return Floored(
        scale=edges.rows,
        u=found.u,
        v=found.v,
        p=edges.p,
        q=edges.q,
        row_block=blocks.rows.astype(np.float64),
        column_block=blocks.columns.astype(np.float64),
    )
