"""Path counts of structured fabrics in closed form: the quotient by equal rows and columns.

In a structured fabric most rows of the path matrix P are equal, and so are most columns: P[o, i]
depends on the classes of o and i alone. A quotient keeps the classes and the small matrix between
them. Products and sums of quotients are quotients, and merging what became equal keeps them
small: a butterfly, however its ends are permuted or cut, halves its classes with every stage and
ends as one class on either side; a cascade through a dense factor is an outer product. Where the
classes do not shrink, as in random fabrics, the work would pass a bound in the edges; then there
is no quotient, and `nfc.analysis.slices` counts column by column.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from nfc.analysis.entries import Entries, collect, expansion, product, row_groups
from nfc.ir.fabric import Cascade, Fabric, edge_count
from nfc.ir.factors import Blocks, Factor, Indices, Kron, Restricted

LARGEST = 2.0**62
"""Row sums up to this fit 64-bit integers with room for a float's error."""
LEAST_BUDGET = 2**14
"""Entries that the quotient of any fabric may meet on the way; a larger one may meet its edges' number."""


class TooLarge(Exception):  # noqa: N818
    """The quotient of a fabric is not small enough to be worth while."""


@dataclass(frozen=True, eq=False)
class Quotient:
    """P[o, i] = matrix[row_class[o], col_class[i]], and 0 where a class is −1.

    Attributes:
        row_class: [rows].
        col_class: [cols].
        matrix: between the classes; no two rows and no two columns are equal, and none is zero.
        largest: a bound on P's row sums.
    """

    row_class: Indices
    col_class: Indices
    matrix: Entries
    largest: float


def quotient(fabric: Fabric) -> Quotient | None:
    """The quotient of a fabric's path counts; None where it would take work beyond the edges."""
    budget = max(LEAST_BUDGET, edge_count(fabric))
    try:
        return _quotient(fabric, budget)
    except TooLarge:
        return None


def _quotient(fabric: Fabric, budget: int) -> Quotient:
    if isinstance(fabric, Factor):
        return _of_factor(fabric)
    parts = [_quotient(part, budget) for part in fabric.parts]
    if isinstance(fabric, Cascade):
        return _cascade(parts, budget)
    result = parts[0]
    for part in parts[1:]:
        result = _sum(result, part, budget)
    return result


def _of_factor(factor: Factor) -> Quotient:
    match factor:
        case Kron():
            return _blocks(*_kron_classes(factor), factor.c)
        case Blocks():
            numbers = np.arange(len(factor.row_sets))[:, None]
            row_class, col_class = np.empty(factor.rows, np.int64), np.empty(factor.cols, np.int64)
            row_class[factor.row_sets] = numbers
            col_class[factor.col_sets] = numbers
            return _blocks(row_class, col_class, factor.col_sets.shape[1])
        case Restricted():
            row_class, col_class = _kron_classes(factor.base)
            row_class = np.where(factor.live_rows, row_class[: factor.rows], -1)
            col_class = np.where(factor.live_cols, col_class[: factor.cols], -1)
            return _blocks(row_class, col_class, factor.base.c)
        case _:
            indptr, indices = factor.arrays()
            row = np.repeat(np.arange(factor.rows), np.diff(indptr))
            matrix = Entries(factor.rows, factor.cols, row, indices, np.ones_like(indices))
            largest = float(factor.fan_in().max(initial=0))
            return _merged(np.arange(factor.rows), np.arange(factor.cols), matrix, largest)


def _kron_classes(factor: Kron) -> tuple[Indices, Indices]:
    """The blocks that a Kron's rows and columns lie in."""
    lanes = np.arange(factor.a * factor.d).reshape(factor.a, 1, factor.d)
    row_class = np.broadcast_to(lanes, (factor.a, factor.b, factor.d)).reshape(-1)
    return row_class, np.broadcast_to(lanes, (factor.a, factor.c, factor.d)).reshape(-1)


def _blocks(row_class: Indices, col_class: Indices, width: int) -> Quotient:
    """Complete blocks between equal classes."""
    used = np.zeros((2, int(max(row_class.max(initial=-1), col_class.max(initial=-1))) + 2), np.bool_)
    used[0, row_class] = used[1, col_class] = True
    used[:, -1] = False  # where class −1 has set its flag
    both = np.flatnonzero(used.all(axis=0))
    renumbered = np.full(used.shape[1], -1, np.int64)
    renumbered[both] = np.arange(len(both))
    matrix = Entries(len(both), len(both), *(np.arange(len(both)),) * 2, np.ones(len(both), np.int64))
    return Quotient(renumbered[row_class], renumbered[col_class], matrix, float(width))


def _merged(row_class: Indices, col_class: Indices, matrix: Entries, largest: float) -> Quotient:
    """The quotient with equal classes merged and zero ones dropped."""
    if largest > LARGEST:
        raise TooLarge
    row_class, matrix = _merged_rows(row_class, matrix)
    by_column = matrix.by_column
    col_class, merged = _merged_rows(col_class, by_column)
    return Quotient(row_class, col_class, matrix if merged is by_column else merged.by_column, largest)


def _merged_rows(classes: Indices, matrix: Entries) -> tuple[Indices, Entries]:
    groups = row_groups(matrix)
    live = np.flatnonzero(groups >= 0)
    numbers, first = np.unique(groups[live], return_index=True)
    if len(numbers) == matrix.rows:
        return classes, matrix
    kept = np.zeros(matrix.rows, np.bool_)
    kept[live[first]] = True
    chosen = kept[matrix.row]
    merged = collect(
        len(numbers), matrix.cols, groups[matrix.row[chosen]], matrix.col[chosen], matrix.value[chosen]
    )
    return np.append(groups, -1)[classes], merged


def _cascade(parts: list[Quotient], budget: int) -> Quotient:
    """The product of the parts, cheapest neighbours first, so that one dense factor keeps all of it small."""
    parts = list(parts)
    between = [_shared(parts[k + 1], parts[k]) for k in range(len(parts) - 1)]
    costs = [_cost(parts[k + 1], between[k], parts[k]) for k in range(len(between))]
    while between:
        k = costs.index(min(costs))
        if costs[k] > budget:
            raise TooLarge
        parts[k : k + 2] = [_product(parts[k + 1], between[k], parts[k])]
        del between[k], costs[k]
        for j in (k - 1, k):
            if 0 <= j < len(between):
                between[j] = _shared(parts[j + 1], parts[j])
                costs[j] = _cost(parts[j + 1], between[j], parts[j])
    return parts[0]


def _shared(second: Quotient, first: Quotient) -> Entries:
    """How many middle neurons each column class of `second` and each row class of `first` share."""
    used = (second.col_class >= 0) & (first.row_class >= 0)
    row, col = second.col_class[used], first.row_class[used]
    return collect(second.matrix.cols, first.matrix.rows, row, col, np.ones_like(row))


def _cost(second: Quotient, between: Entries, first: Quotient) -> int:
    """A bound on the entries that the product meets on its way."""
    left, right = second.matrix.column_counts(), first.matrix.row_counts()
    return int((left[between.row] * right[between.col]).sum())


def _product(second: Quotient, between: Entries, first: Quotient) -> Quotient:
    largest = second.largest * first.largest
    if largest > LARGEST:
        raise TooLarge
    if expansion(second.matrix, between) < expansion(between, first.matrix):
        matrix = product(product(second.matrix, between), first.matrix)
    else:
        matrix = product(second.matrix, product(between, first.matrix))
    return _merged(second.row_class, first.col_class, matrix, largest)


def _sum(left: Quotient, right: Quotient, budget: int) -> Quotient:
    rows, left_rows, right_rows = _joined(left.row_class, right.row_class)
    cols, left_cols, right_cols = _joined(left.col_class, right.col_class)
    lifted = [
        _lifted(left.matrix, left_rows, left_cols, budget),
        _lifted(right.matrix, right_rows, right_cols, budget),
    ]
    row, col, value = (np.concatenate([getattr(m, name) for m in lifted]) for name in ("row", "col", "value"))
    matrix = collect(len(left_rows), len(left_cols), row, col, value)
    return _merged(rows, cols, matrix, left.largest + right.largest)


def _joined(left: Indices, right: Indices) -> tuple[Indices, Indices, Indices]:
    """Classes of pairs of classes, and for each pair its left and its right class."""
    span = int(right.max(initial=-1)) + 2
    pairs, joint = np.unique((left + 1) * span + right + 1, return_inverse=True)
    return joint.reshape(-1), pairs // span - 1, pairs % span - 1


def _lifted(matrix: Entries, rows: Indices, cols: Indices, budget: int) -> Entries:
    """The matrix over finer classes: its entry (rows[k], cols[l]) at (k, l)."""
    finer_rows, finer_cols = _membership(rows, matrix.rows), _membership(cols, matrix.cols).by_column
    widths = finer_cols.row_counts()
    heights = finer_rows.column_counts()
    if int((heights[matrix.row] * widths[matrix.col]).sum()) > budget:
        raise TooLarge
    return product(product(finer_rows, matrix), finer_cols)


def _membership(classes: Indices, count: int) -> Entries:
    """A one where a finer class lies in a class, [finer, count]."""
    finer = np.flatnonzero(classes >= 0)
    return Entries(len(classes), count, finer, classes[finer], np.ones(len(finer), np.int64))
