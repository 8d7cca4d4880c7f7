"""Smaller fabrics with the same attainable matrices (up to limits of them).

Every step keeps the closure of {F(w)}, and with it the controllability:

- X, then Y is one factor where the patches of the pair are disjoint and full: diagonals and
  permutations next to any factor, block sizes that divide one another, low rank that is not low.
- A dense factor takes in a neighbour that can be one-to-one (onto, where it comes after): T = (T X⁺) X.
- A sum of factors is the factor of their union; a sum with a dense factor is that factor.
"""

from __future__ import annotations

import numpy as np

from nfc.analysis.controllability.patches import of_pair, support
from nfc.analysis.controllability.shapes import block_shapes
from nfc.analysis.entries import Entries
from nfc.ir.fabric import Cascade, Fabric, Sum, cascade, total
from nfc.ir.factors import Factor, Kron
from nfc.ir.structure import endpoints, from_edges


def reduced(fabric: Fabric) -> Fabric:
    """The fabric, made smaller where the rules allow it."""
    match fabric:
        case Cascade(parts=parts):
            return _cascade([reduced(part) for part in parts])
        case Sum(parts=parts):
            return _sum([reduced(part) for part in parts])
        case _:
            return fabric


def _cascade(parts: list[Fabric]) -> Fabric:
    """Neighbours joined until none can be."""
    parts = list(parts)
    place = 0
    while place < len(parts) - 1:
        both = _joined(parts[place], parts[place + 1])
        if both is None:
            place += 1
        else:
            parts[place : place + 2] = [both]
            place = max(0, place - 1)
    return cascade(*parts)


def _joined(first: Fabric, second: Fabric) -> Factor | None:
    """One factor with the matrices of `first`, then `second`."""
    if _is_dense(second) and is_one_to_one(first):
        return Kron(1, second.rows, first.cols, 1)
    if _is_dense(first) and is_onto(second):
        return Kron(1, second.rows, first.cols, 1)
    if not (isinstance(first, Factor) and isinstance(second, Factor)):
        return None
    shapes = block_shapes(Cascade((first, second)))
    if shapes is not None and not shapes.are_full:
        return None
    pair = of_pair(first, second)
    union = support(pair) if pair is not None and pair.shapes.are_full else None
    return None if union is None else _factor(second.rows, first.cols, union)


def _sum(parts: list[Fabric]) -> Fabric:
    dense = next((part for part in parts if _is_dense(part)), None)
    if dense is not None:
        return dense
    single = [part for part in parts if isinstance(part, Factor)]
    if len(single) < 2:
        return total(*parts)
    ends = [endpoints(factor) for factor in single]
    keys = np.unique(np.concatenate([outputs * single[0].cols + inputs for outputs, inputs in ends]))
    rows, cols = single[0].shape
    union = from_edges(rows, cols, keys // cols, keys % cols)
    return total(*(part for part in parts if not isinstance(part, Factor)), union)


def _factor(rows: int, cols: int, union: Entries) -> Factor:
    return from_edges(rows, cols, union.row, union.col)


def _is_dense(fabric: Fabric) -> bool:
    return isinstance(fabric, Factor) and fabric.edges == fabric.rows * fabric.cols


def is_one_to_one(fabric: Fabric) -> bool:
    """Whether some weights surely give a matrix of full column rank: a matching in every factor on the way."""
    return _has_matching(fabric, columns=True)


def is_onto(fabric: Fabric) -> bool:
    """Likewise of full row rank."""
    return _has_matching(fabric, columns=False)


def _has_matching(fabric: Fabric, *, columns: bool) -> bool:
    match fabric:
        case Cascade(parts=parts):
            return all(_has_matching(part, columns=columns) for part in parts)
        case Sum(parts=parts):
            return any(_has_matching(part, columns=columns) for part in parts)
        case Kron(b=b, c=c):
            return b >= c if columns else c >= b
        case _:
            from scipy.sparse.csgraph import structural_rank

            wanted = fabric.cols if columns else fabric.rows
            return wanted <= min(fabric.shape) and int(structural_rank(fabric.csr())) == wanted
