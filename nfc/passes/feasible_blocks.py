"""The blocks of a pattern in which a balance exists.

Every row of a 0/1 pattern sends 1 along its edges, and the columns shall get as even sums as the
pattern allows. The evenest sums are unique: a row sends nothing to a column that gets more than
another of its columns (the lexicographically optimal base: Fujishige, "Lexicographically optimal
base of a polymatroid with respect to a weight vector", Mathematics of Operations Research 5, 1980).
Rows and columns with one sum make a part, found by maximum flows: where a part's flow leaves a row
unserved, a minimal cut splits off the rows with too few columns, and both sides are asked again.

Inside a part, an edge carries something in some flow if and only if it lies in a strong component
of the residual graph (the fine decomposition of Dulmage and Mendelsohn, "Coverings of bipartite
graphs", Canadian Journal of Mathematics 10, 1958, for flows instead of matchings). Inside a
component the pattern can be scaled to the sums exactly; edges between components vanish in the
limit of any scaling.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from nfc.ir.factors import Indices

if TYPE_CHECKING:
    from scipy.sparse import csr_array

SPLITS = 100
"""Rounds of maximum flows; patterns met so far take fewer than ten."""
LARGEST_FLOW = 2**31 - 1
"""SciPy's flows are int32."""


@dataclass(frozen=True, eq=False)
class FeasibleBlocks:
    """Blocks that have a balance each.

    Attributes:
        rows: the block of each row, [rows], from 0; rows without edges have one of their own.
        columns: the block of each column, [cols].
        sums: the evenest column sums for row sums of 1, [cols]; 0 for columns without edges.
    """

    rows: Indices
    columns: Indices
    sums: NDArray[np.float64]


def feasible_blocks(pattern: csr_array) -> FeasibleBlocks | None:
    """The blocks of a 0/1 pattern; None where their flows are beyond SciPy's integers or SPLITS."""
    from scipy.sparse.csgraph import connected_components

    rows, columns = pattern.shape
    row, column = _ends(pattern)
    part = np.full(rows + columns, -1)
    part[row] = part[rows + column] = 0
    for _ in range(SPLITS):
        needs = _needs(part, rows)
        if int(needs[:rows].sum()) > LARGEST_FLOW:
            return None
        served, residual = _flow(part, needs, rows, (row, rows + column))
        if served:
            _, found = connected_components(residual[:-2, :-2], directed=True, connection="strong")
            block = found.astype(np.int64)
            return FeasibleBlocks(block[:rows], block[rows:], _sums(part, rows))
        part = _split(part, residual)
    return None


def _ends(pattern: csr_array) -> tuple[Indices, Indices]:
    row = np.repeat(np.arange(pattern.shape[0]), np.diff(pattern.indptr))
    return row, pattern.indices.astype(np.int64)


def _sizes(part: Indices, rows: int) -> tuple[Indices, Indices]:
    """How many rows and how many columns each part has."""
    count = int(part.max(initial=-1)) + 1
    sides = part[:rows], part[rows:]
    in_rows, in_columns = (np.bincount(side[side >= 0], minlength=count) for side in sides)
    return in_rows, in_columns


def _needs(part: Indices, rows: int) -> Indices:
    """What each row sends and each column gets where its part is served evenly, in whole units, [rows + cols]."""
    in_rows, in_columns = _sizes(part, rows)
    unit = np.gcd(in_rows, in_columns)
    needs = np.zeros(len(part), np.int64)
    for side, others in ((slice(rows), in_columns), (slice(rows, None), in_rows)):
        live = part[side] >= 0
        needs[side][live] = (others // unit)[part[side][live]]
    return needs


def _sums(part: Indices, rows: int) -> NDArray[np.float64]:
    in_rows, in_columns = _sizes(part, rows)
    of_column, sums = part[rows:], np.zeros(len(part) - rows)
    sums[of_column >= 0] = (in_rows / np.maximum(1, in_columns))[of_column[of_column >= 0]]
    return sums


def _flow(part: Indices, needs: Indices, rows: int, edges: tuple[Indices, Indices]) -> tuple[bool, Any]:
    """Whether all rows are served, and the residual graph over rows, columns, source and sink."""
    from scipy.sparse import csr_array
    from scipy.sparse.csgraph import maximum_flow

    (row, column), nodes = edges, len(part)
    source, sink, of_row = nodes, nodes + 1, np.arange(nodes) < rows
    inside = part[row] == part[column]
    starts = [row[inside], np.full(nodes, source)[of_row], np.flatnonzero(~of_row)]
    ends = [column[inside], np.flatnonzero(of_row), np.full(nodes, sink)[~of_row]]
    # One unit more than an edge can need, so that a full edge also leads on in the residual graph.
    capacity = np.concatenate([needs[row[inside]] + 1, needs[of_row], needs[~of_row]]).astype(np.int32)
    graph = csr_array(
        (capacity, (np.concatenate(starts), np.concatenate(ends))), shape=(nodes + 2, nodes + 2)
    )
    found = maximum_flow(graph, source, sink)
    residual: Any = graph - found.flow
    residual.data[residual.data < 0] = 0
    residual.eliminate_zeros()
    return found.flow_value == needs[of_row].sum(), residual


def _split(part: Indices, residual: Any) -> Indices:
    """Each part as what the source still reaches and what it does not."""
    from scipy.sparse.csgraph import breadth_first_order

    reached = np.zeros(residual.shape[0], np.bool_)
    reached[breadth_first_order(residual, len(part), return_predecessors=False)] = True
    live = part >= 0
    result = np.full_like(part, -1)
    result[live] = np.unique(2 * part[live] + reached[: len(part)][live], return_inverse=True)[1]
    return result
