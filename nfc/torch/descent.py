"""The matrix of a tree of factors, and the descent on its distance from a target.

All in the edges: a factor is its edges, in CSR order, and products are of sparse with dense matrices.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from nfc.analysis.products import FabricProduct
from nfc.ir.fabric import Cascade, Fabric, part_place
from nfc.ir.fabric import Sum as FabricSum
from nfc.ir.factors import Factor, Indices
from nfc.ir.structure import endpoints, from_edges

Matrix = NDArray[np.float64]
Values = dict[str, Matrix]
"""The weights of factors by their places in the tree, [edges] in CSR order."""

WORK = 1e9
"""Multiply-adds of a descent: seconds on one core."""

MOST_ITERATIONS = 200
FEWEST_ITERATIONS = 8


@dataclass(frozen=True, eq=False)
class Leaf:
    """A factor: edge e goes from inputs[e] to outputs[e]."""

    place: str
    shape: tuple[int, int]
    outputs: Indices
    inputs: Indices


@dataclass(frozen=True, eq=False)
class Branch:
    """A cascade, its first part acting first, or a sum."""

    kind: Literal["cascade", "sum"]
    parts: tuple[Tree, ...]


Tree = Leaf | Branch


def tree_of(fabric: Fabric, area: int = 1, place: str = "") -> Tree:
    """The tree of a fabric; factors that read its input read `area` features, one after the other, for each input."""
    match fabric:
        case Factor():
            outputs, inputs = endpoints(fabric)
            window = np.arange(area, dtype=np.int64)
            wide = (inputs[:, None] * area + window).reshape(-1)
            return Leaf(place, (fabric.rows, fabric.cols * area), np.repeat(outputs, area), wide)
        case Cascade(parts=parts):
            areas = (area, *(1 for _ in parts[1:]))
            kind: Literal["cascade", "sum"] = "cascade"
        case FabricSum(parts=parts):
            areas, kind = (area,) * len(parts), "sum"
    places = (part_place(place, index) for index in range(len(parts)))
    trees = map(tree_of, parts, areas, places)
    return Branch(kind, tuple(trees))


def leaves(tree: Tree) -> Iterator[Leaf]:
    """The factors in written order."""
    if isinstance(tree, Leaf):
        yield tree
    else:
        for part in tree.parts:
            yield from leaves(part)


def sparse(leaf: Leaf, values: Matrix) -> Any:
    """The factor's matrix, a `scipy.sparse.csr_array`."""
    from scipy.sparse import csr_array

    return csr_array((values, (leaf.outputs, leaf.inputs)), shape=leaf.shape)


def matrix(tree: Tree, values: Values) -> Matrix:
    """The tree's matrix, [rows, columns]."""
    found, _ = FabricProduct(_fabric(tree)).matrix([values[leaf.place] for leaf in leaves(tree)])
    return np.asarray(found, np.float64)


def descend(tree: Tree, values: Values, target: Matrix) -> Values:
    """Values nearer to the target, in the sum of squares, by L-BFGS (Liu and Nocedal, 1989) from those given."""
    from scipy.optimize import minimize

    product = FabricProduct(_fabric(tree))
    places = [leaf.place for leaf in leaves(tree)]
    scale = max(float(np.square(target).sum()), np.finfo(np.float64).tiny)

    def loss(flat: Matrix) -> tuple[float, Matrix]:
        weights, gradient = product.split(flat), np.empty_like(flat)
        found, tape = product.matrix(weights)
        rest = found - target
        product.backward(weights, tape, rest * (2 / scale), out=product.split(gradient), input_gradient=False)
        return float(np.square(rest).sum() / scale), gradient

    start = np.concatenate([values[place] for place in places])
    work = 6.0 * len(start) * target.shape[1]
    iterations = int(np.clip(WORK / work, FEWEST_ITERATIONS, MOST_ITERATIONS))
    result = minimize(
        loss,
        start,
        jac=True,
        method="L-BFGS-B",
        options={"maxiter": iterations, "ftol": 1e-12, "gtol": 1e-12},
    )
    found = product.split(np.asarray(result.x, np.float64))
    return {place: np.asarray(part) for place, part in zip(places, found, strict=True)}


def _fabric(tree: Tree) -> Fabric:
    """A fabric with the tree's matrix, its factors and their edges in the same order."""
    if isinstance(tree, Leaf):
        return from_edges(*tree.shape, tree.outputs, tree.inputs)
    parts = tuple(map(_fabric, tree.parts))
    return Cascade(parts) if tree.kind == "cascade" else FabricSum(parts)
