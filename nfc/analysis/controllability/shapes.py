"""The sizes of patches, which their controllability depends on; of two block factors in the time of their width."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from nfc.ir.fabric import Cascade, Fabric, Sum
from nfc.ir.factors import Blocks, Factor, Indices, Kron, Restricted
from nfc.ir.structure import block_sets


@dataclass(frozen=True, eq=False)
class Shapes:
    """Patch k is heights[k] outputs × widths[k] inputs and takes any matrix of rank ≤ ranks[k], [patches] each."""

    heights: Indices
    widths: Indices
    ranks: Indices

    @property
    def are_full(self) -> bool:
        """Whether every patch takes any matrix."""
        return bool((self.ranks >= np.minimum(self.heights, self.widths)).all())


def block_shapes(fabric: Fabric) -> Shapes | None:
    """Of two block factors in a row, or of a sum of equal such `Kron`s; None for anything else.

    Their patches never overlap: each side's blocks are disjoint.
    """
    if isinstance(fabric, Sum):
        same = all(part == fabric.parts[0] for part in fabric.parts)
        one = block_shapes(fabric.parts[0]) if same else None
        return None if one is None else Shapes(one.heights, one.widths, one.ranks * len(fabric.parts))
    if not isinstance(fabric, Cascade) or len(fabric.parts) != 2:
        return None
    classes = [_classes(part) for part in fabric.parts if isinstance(part, Factor)]
    first, second = (*classes, None, None)[:2]
    return None if first is None or second is None else _of_pair(*first, *second)


def _of_pair(first_rows: Indices, first_cols: Indices, second_rows: Indices, second_cols: Indices) -> Shapes:
    """From the blocks that the rows and columns of both factors lie in, −1 where in none."""
    both = (first_rows >= 0) & (second_cols >= 0)
    span = int(first_rows.max(initial=0)) + 1
    pairs, ranks = np.unique(second_cols[both] * span + first_rows[both], return_counts=True)
    heights = np.bincount(second_rows[second_rows >= 0], minlength=int(second_cols.max(initial=0)) + 1)
    widths = np.bincount(first_cols[first_cols >= 0], minlength=span)
    sizes = heights[pairs // span], widths[pairs % span]
    live = (sizes[0] > 0) & (sizes[1] > 0)
    return Shapes(sizes[0][live], sizes[1][live], ranks[live])


def _classes(factor: Factor) -> tuple[Indices, Indices] | None:
    """The number of the block of each row and of each column, −1 without edges; None if it has no blocks."""
    match factor:
        case Kron() | Blocks():
            return _numbered(factor.rows, factor.cols, *block_sets(factor))
        case Restricted(base=base, live_rows=live_rows, live_cols=live_cols):
            rows, cols = _numbered(base.rows, base.cols, *block_sets(base))
            return (
                np.where(live_rows, rows[: factor.rows], -1),
                np.where(live_cols, cols[: factor.cols], -1),
            )
        case _:
            return None


def _numbered(rows: int, cols: int, row_sets: Indices, col_sets: Indices) -> tuple[Indices, Indices]:
    number = np.arange(len(row_sets))[:, None]
    row_class, col_class = np.empty(rows, np.int64), np.empty(cols, np.int64)
    row_class[row_sets] = number
    col_class[col_sets] = number
    return row_class, col_class
