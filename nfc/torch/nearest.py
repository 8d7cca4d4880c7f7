"""The weights of a fabric whose matrix is nearest to a dense one, in the sum of squares.

A factor takes the target's entries at its edges. A cascade is cut in two where the neurons of the cut
make blocks of the matrix that do not overlap: each block is then nearest where its leading singular
vectors are (Eckart and Young, 1936), and the two sides go on by themselves. Of two factors this is the
optimum, and of a product of butterfly factors the factors themselves come back (Zheng, Riccietti and
Gribonval, "Efficient identification of butterfly sparse matrix factorizations", SIMODS 2023). All
other fabrics are brought nearer by descent from there, or from random weights where no cut is found:
a local optimum.
"""

from __future__ import annotations

from collections import defaultdict
from itertools import pairwise
from typing import Any

import numpy as np

from nfc.ir.factors import Indices
from nfc.torch.descent import Branch, Leaf, Matrix, Tree, Values, descend, leaves, matrix, sparse

EXACT = 1e-10
"""Relative error from which no descent is worth its time."""

SMALL = 512
"""Sides of a block up to which all singular vectors are computed, and not the leading ones alone."""

SWEEPS = 8
"""Passes over the cuts of a cascade that even out the scales of its factors."""


def nearest_weights(tree: Tree, target: Matrix) -> Values:
    """The weights of each factor, [edges] by its place.

    Args:
        target: [rows, columns of the tree].
    """
    values = _balanced(tree, _fitted(tree, target))
    if _is_optimal(tree) or relative_error(matrix(tree, values), target) < EXACT:
        return values
    return _balanced(tree, descend(tree, values, target))


def relative_error(found: Matrix, target: Matrix) -> float:
    """‖found − target‖ / ‖target‖ (Frobenius); that of a target of zeros is 0, or infinite."""
    distance, size = float(np.linalg.norm(found - target)), float(np.linalg.norm(target))
    return distance / size if size else (0.0 if distance == 0.0 else float("inf"))


def _is_optimal(tree: Tree) -> bool:
    """Whether the closed form is the optimum."""
    if isinstance(tree, Leaf):
        return True
    return (
        tree.kind == "cascade"
        and len(tree.parts) == 2
        and all(map(_is_leaf, tree.parts))
        and _cut(tree) is not None
    )


def _is_leaf(tree: Tree) -> bool:
    return isinstance(tree, Leaf)


def _fitted(tree: Tree, target: Matrix) -> Values:
    """Weights by closed forms; random ones for cascades that have none."""
    if isinstance(tree, Leaf):
        return {tree.place: target[tree.outputs, tree.inputs].astype(np.float64)}
    if tree.kind == "sum":
        return _residuals(tree, target)
    if len(tree.parts) == 1:
        return _fitted(tree.parts[0], target)
    cut = _cut(tree)
    if cut is None:
        return _random(tree, target)
    place, groups, first, second = cut
    before, after = _factored(groups, first, second, target)
    left = _fitted(Branch("cascade", tree.parts[:place]), before)
    return {**left, **_fitted(Branch("cascade", tree.parts[place:]), after)}


def _residuals(tree: Branch, target: Matrix) -> Values:
    """Each part of a sum fitted to what those before it leave."""
    values: Values = {}
    for part in tree.parts:
        found = _fitted(part, target)
        target = target - matrix(part, found)
        values |= found
    return values


Groups = list[Indices]
"""Neurons of a cut with the same inputs and outputs."""


def _cut(tree: Branch) -> tuple[int, Groups, Any, Any] | None:
    """The parts before a cut whose blocks do not overlap, its groups, and the patterns on both sides; near the middle."""
    count = len(tree.parts)
    for place in sorted(range(1, count), key=lambda place: abs(2 * place - count)):
        first = _pattern(Branch("cascade", tree.parts[:place]))
        second = _pattern(Branch("cascade", tree.parts[place:])).T.tocsr()
        groups = _groups(first, second)
        heads = [group[0] for group in groups]
        overlaps = second[heads].T @ first[heads] if heads else None
        if overlaps is not None and overlaps.max() <= 1:
            return place, groups, first, second
    return None


def _pattern(tree: Tree) -> Any:
    """1 wherever the tree's matrix can be other than 0, in CSR."""
    if isinstance(tree, Leaf):
        return sparse(tree, np.ones(len(tree.outputs))).sign().tocsr()
    first, *others = map(_pattern, tree.parts)
    for other in others:
        first = (other @ first if tree.kind == "cascade" else first + other).sign().tocsr()
    return first


def _groups(first: Any, second: Any) -> Groups:
    """The live neurons of a cut by their inputs (rows of `first`) and outputs (rows of `second`)."""
    found: dict[tuple[bytes, bytes], list[int]] = defaultdict(list)
    for each in (first, second):
        each.sort_indices()
    for neuron in range(first.shape[0]):
        inputs, outputs = _row(first, neuron), _row(second, neuron)
        if len(inputs) and len(outputs):
            found[inputs.tobytes(), outputs.tobytes()].append(neuron)
    return [np.array(group, np.int64) for group in found.values()]


def _row(pattern: Any, row: int) -> Indices:
    found: Indices = pattern.indices[pattern.indptr[row] : pattern.indptr[row + 1]]
    return found


def _factored(groups: Groups, first: Any, second: Any, target: Matrix) -> tuple[Matrix, Matrix]:
    """The target as two matrices, through the neurons of a cut: [neurons, columns] and [rows, neurons]."""
    before = np.zeros((first.shape[0], target.shape[1]))
    after = np.zeros((target.shape[0], first.shape[0]))
    for neurons in groups:
        inputs, outputs = _row(first, neurons[0]), _row(second, neurons[0])
        left, right = _halves(target[np.ix_(outputs, inputs)], len(neurons))
        after[np.ix_(outputs, neurons)], before[np.ix_(neurons, inputs)] = left, right
    return before, after


def _halves(block: Matrix, rank: int) -> tuple[Matrix, Matrix]:
    """The nearest block of this rank as a product, [outputs, rank] · [rank, inputs], both of the same scale.

    Neurons that the block has no use for write 0 but read something, so that training can use them.
    """
    u, s, v = _singular(block, min(rank, *block.shape))
    spare = rank - len(s)
    idle = np.random.default_rng(0).normal(size=(spare, block.shape[1])) / np.sqrt(block.shape[1])
    largest = s.max(initial=0.0) or 1.0
    reads = np.where(s > largest * np.finfo(np.float64).eps, s, largest)
    left = np.concatenate([u * np.sqrt(s), np.zeros((block.shape[0], spare))], axis=1)
    right = np.concatenate([np.sqrt(reads)[:, None] * v, np.sqrt(largest) * idle])
    return left, right


def _singular(block: Matrix, rank: int) -> tuple[Matrix, Matrix, Matrix]:
    """The leading singular values and vectors."""
    from scipy.sparse.linalg import svds

    if min(block.shape) <= SMALL or 4 * rank > min(block.shape) or not block.any():
        u, s, v = np.linalg.svd(block, full_matrices=False)
        return u[:, :rank], s[:rank], v[:rank]
    u, ascending, v = svds(block, rank, v0=np.ones(min(block.shape)))
    return u[:, ::-1], ascending[::-1].astype(np.float64), v[::-1]


def _random(tree: Branch, target: Matrix) -> Values:
    """Random weights whose matrix has the target's size; of a target of zeros the last part alone is 0, and learns."""
    generator = np.random.default_rng(0)
    values = {}
    for leaf in leaves(tree):
        fan_in = np.bincount(leaf.outputs, minlength=leaf.shape[0])[leaf.outputs]
        values[leaf.place] = generator.normal(size=len(fan_in)) / np.sqrt(fan_in)
    if not target.any():
        return values | {leaf.place: np.zeros(len(leaf.outputs)) for leaf in leaves(tree.parts[-1])}
    size = float(np.linalg.norm(matrix(tree, values)))
    factor = (float(np.linalg.norm(target)) / size) ** (1 / len(tree.parts)) if size else 1.0
    return {place: factor * value for place, value in values.items()}


def _balanced(tree: Tree, values: Values) -> Values:
    """The same matrix, with weights into each neuron between two factors of the same size as those out of it."""
    if isinstance(tree, Leaf):
        return values
    values = dict(values)
    for part in tree.parts:
        values |= _balanced(part, {leaf.place: values[leaf.place] for leaf in leaves(part)})
    for _ in range(SWEEPS if tree.kind == "cascade" else 0):
        for first, second in pairwise(tree.parts):
            if isinstance(first, Leaf) and isinstance(second, Leaf):
                _even_out(first, second, values)
    return values


def _even_out(first: Leaf, second: Leaf, values: Values) -> None:
    into = np.bincount(first.outputs, np.square(values[first.place]), first.shape[0])
    out = np.bincount(second.inputs, np.square(values[second.place]), first.shape[0])
    live = (into > 0) & (out > 0)
    scale = np.power(
        np.divide(out, into, out=np.ones_like(out), where=live), 0.25, where=live, out=np.ones_like(out)
    )
    values[first.place] = values[first.place] * scale[first.outputs]
    values[second.place] = values[second.place] / scale[second.inputs]
