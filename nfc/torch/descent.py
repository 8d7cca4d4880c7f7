"""The matrix of a tree of factors, its gradient, and the descent on its distance from a target.

All in the edges: a factor is its edges, in CSR order, and products are of sparse with dense matrices.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from nfc.ir.fabric import Cascade, Fabric, part_place
from nfc.ir.fabric import Sum as FabricSum
from nfc.ir.factors import Factor, Indices
from nfc.ir.structure import endpoints

Matrix = NDArray[np.float64]
Values = dict[str, Matrix]
"""The weights of factors by their places in the tree, [edges] in CSR order."""

CHUNK_EDGES = 2**11
"""Edges whose rows of two matrices are in memory at a time."""

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


def columns(tree: Tree) -> int:
    """Features that the tree reads."""
    return tree.shape[1] if isinstance(tree, Leaf) else columns(tree.parts[0])


def sparse(leaf: Leaf, values: Matrix) -> Any:
    """The factor's matrix, a `scipy.sparse.csr_array`."""
    from scipy.sparse import csr_array

    return csr_array((values, (leaf.outputs, leaf.inputs)), shape=leaf.shape)


def matrix(tree: Tree, values: Values) -> Matrix:
    """The tree's matrix, [rows, columns]."""
    return _product(tree, values, np.eye(columns(tree)), {})


def descend(tree: Tree, values: Values, target: Matrix) -> Values:
    """Values nearer to the target, in the sum of squares, by L-BFGS (Liu and Nocedal, 1989) from those given."""
    from scipy.optimize import minimize

    held = list(leaves(tree))
    cuts = np.cumsum([len(leaf.outputs) for leaf in held])[:-1]
    scale = max(float(np.square(target).sum()), np.finfo(np.float64).tiny)
    identity = np.eye(target.shape[1])

    def split(flat: Matrix) -> Values:
        return {leaf.place: part for leaf, part in zip(held, np.split(flat, cuts), strict=True)}

    def loss(flat: Matrix) -> tuple[float, Matrix]:
        inputs: dict[str, Matrix] = {}
        found = split(flat)
        rest = _product(tree, found, identity, inputs) - target
        gradients: Values = {}
        _backward(tree, found, rest * (2 / scale), inputs, gradients)
        return float(np.square(rest).sum() / scale), np.concatenate([gradients[leaf.place] for leaf in held])

    start = np.concatenate([values[leaf.place] for leaf in held])
    work = 6.0 * len(start) * target.shape[1]
    iterations = int(np.clip(WORK / work, FEWEST_ITERATIONS, MOST_ITERATIONS))
    result = minimize(
        loss,
        start,
        jac=True,
        method="L-BFGS-B",
        options={"maxiter": iterations, "ftol": 1e-12, "gtol": 1e-12},
    )
    return split(result.x)


def _product(tree: Tree, values: Values, x: Matrix, inputs: dict[str, Matrix]) -> Matrix:
    """The tree's matrix times x; `inputs` gets what each factor was multiplied by."""
    if isinstance(tree, Leaf):
        inputs[tree.place] = x
        product: Matrix = sparse(tree, values[tree.place]) @ x
        return product
    if tree.kind == "sum":
        terms = (_product(part, values, x, inputs) for part in tree.parts)
        return np.sum(list(terms), axis=0)  # type: ignore[no-any-return]
    for part in tree.parts:
        x = _product(part, values, x, inputs)
    return x


def _backward(
    tree: Tree, values: Values, gradient: Matrix, inputs: dict[str, Matrix], gradients: Values
) -> Matrix:
    """The gradient in what the tree was multiplied by; `gradients` gets those in the factors."""
    if isinstance(tree, Leaf):
        gradients[tree.place] = _on_edges(tree, gradient, inputs[tree.place])
        before: Matrix = sparse(tree, values[tree.place]).T @ gradient
        return before
    if tree.kind == "sum":
        terms = (_backward(part, values, gradient, inputs, gradients) for part in tree.parts)
        return np.sum(list(terms), axis=0)  # type: ignore[no-any-return]
    for part in reversed(tree.parts):
        gradient = _backward(part, values, gradient, inputs, gradients)
    return gradient


def _on_edges(leaf: Leaf, gradient: Matrix, x: Matrix) -> Matrix:
    """Gradient · xᵀ at the edges."""
    if len(leaf.outputs) == leaf.shape[0] * leaf.shape[1]:
        return (gradient @ x.T).reshape(-1)
    found = np.empty(len(leaf.outputs))
    for start in range(0, len(found), CHUNK_EDGES):
        part = slice(start, start + CHUNK_EDGES)
        found[part] = np.einsum("ec,ec->e", gradient[leaf.outputs[part]], x[leaf.inputs[part]])
    return found
