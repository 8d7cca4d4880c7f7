"""How fast a wiring mixes: the spectral gap of its path counts, and the Ramanujan gap of its factors.

N = D_r^−½ P D_c^−½ has σ₁ = 1 whatever the fabric, with the square roots of the sums as singular
vectors. Ways to its second singular value, the first that applies:

1. *Classes* (`nfc.analysis.quotient`): equal rows and columns of P merge, each weighing the root of
   how many there are, which keeps all singular values but zeros.
2. *Fourier*: where translations of the inputs move the outputs alike, N is a convolution on a group
   of digits, and its singular values are the magnitudes of the transform of one column.
3. *Dense*, where the matrix is small.
4. *Lanczos* (ARPACK) on N less its first singular pair, by products with the factors alone.
"""

from __future__ import annotations

from collections.abc import Callable
from math import sqrt

import numpy as np

from nfc.analysis.errors import PropertyError
from nfc.analysis.memo import once_a_fabric
from nfc.analysis.neurons import Neurons, neurons
from nfc.analysis.quotient import Quotient, quotient
from nfc.analysis.scaled_counts import Scaled, Values, counted, scaled
from nfc.analysis.slices import column_cost, translation_digits
from nfc.analysis.stages import joined
from nfc.ir.fabric import Fabric, factors
from nfc.ir.factors import Blocks, Factor, Flags, Kron
from nfc.ir.structure import endpoints
from nfc.philox import uniform
from nfc.topologies.transposing import transpose

Apply = Callable[[Values], Values]
"""A matrix applied to columns of numbers."""

DENSE = 2**20
"""Entries up to which singular values are taken of a dense matrix."""
ROUNDING = 1e-12
"""Singular values this near 0 or 1 are 0 or 1."""
RESTARTS, PRODUCTS = 20, 40
"""How often Lanczos may start again, and the products with the matrix and its transpose that a start takes."""
TOLERANCE = 1e-3
"""Relative residual of what Lanczos finds: a bound on its relative error, which is about the square."""
WORK = 2**36
"""Numbers that Lanczos may read and write: a few minutes."""


@once_a_fabric
def spectral_gap(fabric: Fabric) -> float:
    """1 − σ₂/σ₁ of D_r^−½ P D_c^−½, P the path counts of outputs and inputs with a path, D their sums.

    1 where all counts are equal, 0 where the outputs fall into parts that share no input; 1 where
    there is one singular value, 0 where there is no path.

    Raises:
        PropertyError: it would take more than `WORK` numbers, or the counts pass floats (NF506).
    """
    fabric = joined(fabric)
    second = _second_of_counts(fabric)
    return 1.0 if second < ROUNDING else 0.0 if second > 1.0 - ROUNDING else 1.0 - second


@once_a_fabric
def ramanujan_gap(fabric: Fabric) -> float:
    """The least over the factors of √(d_r − 1) + √(d_c − 1) − σ₂, d the mean fan-in and fan-out, σ₂ of the 0/1 matrix.

    A biregular factor for which it is not negative is a bipartite Ramanujan graph: no graph of its
    degrees mixes better in the limit of large ones (Alon and Boppana; Feng and Li 1996).

    Raises:
        PropertyError: a factor would take more than `WORK` numbers (NF506).
    """
    return min(map(factor_ramanujan_gap, factors(fabric)))


def factor_ramanujan_gap(factor: Factor) -> float:
    """√(d_r − 1) + √(d_c − 1) − σ₂ of one factor; 0 where it has no edge."""
    rows, cols = int((factor.fan_in() > 0).sum()), int((factor.fan_out() > 0).sum())
    if not factor.edges:
        return 0.0
    bound = sqrt(factor.edges / rows - 1.0) + sqrt(factor.edges / cols - 1.0)
    return bound - _second_of_factor(factor)


def _second_of_counts(fabric: Fabric) -> float:
    """σ₂ of a fabric's normalised path counts; 1 where there is no path."""
    digits = translation_digits(fabric)
    if digits is not None:
        return _second_of_column(fabric, digits)
    small = quotient(fabric)
    if small is not None and small.matrix.rows * small.matrix.cols <= DENSE:
        return _second_of_classes(small)
    return _second_of_products(fabric)


def _second_of_column(fabric: Fabric, digits: tuple[int, ...]) -> float:
    """σ₂ over σ₁."""
    unit = np.zeros((fabric.cols, 1))
    unit[0] = 1.0
    column = counted(fabric, scaled(unit)).values[:, 0]
    spectrum = np.sort(np.abs(np.fft.fftn(column.reshape(digits[::-1]))).reshape(-1))
    return float(spectrum[-2] / column.sum()) if len(spectrum) > 1 else 0.0


def _second_of_classes(small: Quotient) -> float:
    matrix = small.matrix
    if not len(matrix.value):
        return 1.0
    heights = np.bincount(small.row_class[small.row_class >= 0], minlength=matrix.rows)
    widths = np.bincount(small.col_class[small.col_class >= 0], minlength=matrix.cols)
    counts = np.zeros((matrix.rows, matrix.cols))
    counts[matrix.row, matrix.col] = matrix.value / matrix.value.max()
    row_sums, column_sums = counts @ widths, heights @ counts
    counts *= np.sqrt(heights / row_sums)[:, None] * np.sqrt(widths / column_sums)
    return _second(_singular_values(counts))


def _second_of_products(fabric: Fabric) -> float:
    graph, turned = neurons(fabric), transpose(fabric)
    on_paths = graph.on_paths()
    column_sums = _sums(turned, on_paths[: graph.inputs])
    row_sums = _sums(fabric, on_paths[graph.inputs : graph.first_inner])
    if not row_sums.values.any() or _falls_apart(graph, on_paths):
        return 1.0
    left, right = _inverse_root(row_sums.values), _inverse_root(column_sums.values)
    power = -(row_sums.exponent + column_sums.exponent)
    first_left, first_right = _direction(row_sums.values), _direction(column_sums.values)

    def forward(x: Values) -> Values:
        product = counted(fabric, scaled(right * x)).times_two_to(power // 2)
        change: Values = left * product * 2.0 ** (power % 2 / 2) - first_left * (first_right.T @ x)
        return change

    def backward(y: Values) -> Values:
        product = counted(turned, scaled(left * y)).times_two_to(power // 2)
        change: Values = right * product * 2.0 ** (power % 2 / 2) - first_right * (first_left.T @ y)
        return change

    shape = (fabric.rows, fabric.cols)
    return float(_largest(shape, forward, backward, 1, 2 * column_cost(fabric))[0])


def _falls_apart(graph: Neurons, on_paths: Flags) -> bool:
    """Whether the neurons on paths fall into parts without an edge between them."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    tails, heads = [], []
    for link in graph.links:
        outputs, inputs = endpoints(link.factor)
        tails.append(inputs + link.source)
        heads.append(outputs + link.target)
    tail, head = np.concatenate(tails), np.concatenate(heads)
    kept = on_paths[tail] & on_paths[head]
    ones = np.ones(int(kept.sum()), np.int8)
    edges = coo_array((ones, (tail[kept], head[kept])), shape=(graph.count, graph.count)).tocsr()
    _, labels = connected_components(edges, directed=False)
    labels = labels[on_paths]
    return bool((labels != labels[0]).any())


def _sums(fabric: Fabric, on_paths: Flags) -> Scaled:
    """Paths into each output, [rows, 1]; `on_paths` says which outputs have any."""
    sums = counted(fabric, scaled(np.ones((fabric.cols, 1))))
    if (sums.values[on_paths] < np.finfo(np.float64).tiny).any():
        message = "the path counts of this fabric differ by more than floating-point numbers hold"
        raise PropertyError("NF506", message, hints=("`paths.min` and `paths.max` are exact",))
    return sums


def _inverse_root(sums: Values) -> Values:
    return np.divide(1.0, np.sqrt(sums), out=np.zeros_like(sums), where=sums > 0)


def _direction(sums: Values) -> Values:
    """The unit vector along the roots of the sums."""
    roots: Values = np.sqrt(sums / sums.sum())
    return roots


def _second_of_factor(factor: Factor) -> float:
    """The second singular value of a factor's 0/1 matrix."""
    if isinstance(factor, Kron):
        return sqrt(factor.b * factor.c) if factor.a * factor.d > 1 else 0.0
    if isinstance(factor, Blocks):
        blocks, height = factor.row_sets.shape
        return sqrt(height * factor.col_sets.shape[1]) if blocks > 1 else 0.0
    digits = translation_digits(factor)
    if digits is not None:
        return int(factor.fan_in()[0]) * _second_of_column(factor, digits)
    turned = transpose(factor)
    return _second(
        _largest(
            factor.shape,
            lambda x: counted(factor, scaled(x)).times_two_to(0),
            lambda y: counted(turned, scaled(y)).times_two_to(0),
            2,
            2 * column_cost(factor),
        )
    )


def _second(descending: Values) -> float:
    return float(descending[1]) if len(descending) > 1 else 0.0


def _largest(shape: tuple[int, int], forward: Apply, backward: Apply, count: int, cost: int) -> Values:
    """The largest singular values of a matrix, descending; all of them where it is small.

    Args:
        forward, backward: the matrix and its transpose applied to columns.
        cost: numbers that both read and write for a column.
    """
    rows, cols = shape
    if rows * cols <= DENSE:
        matrix = forward(np.eye(cols)) if cols <= rows else backward(np.eye(rows))
        return _singular_values(matrix)
    work = cost * RESTARTS * PRODUCTS
    if work > WORK:
        message = f"this property would read and write {work:.1e} numbers, more than 2^36"
        raise PropertyError("NF506", message, hints=("`fan_in`, `fan_out` and `biregular` are cheap",))
    from scipy.sparse.linalg import ArpackNoConvergence, LinearOperator, svds

    operator = LinearOperator(
        shape,
        matvec=lambda x: forward(x.reshape(-1, 1))[:, 0],
        rmatvec=lambda y: backward(y.reshape(-1, 1))[:, 0],
        dtype=np.float64,
    )
    start = uniform(0, 0, min(shape)) - 0.5
    try:
        values = svds(
            operator,
            count,
            ncv=PRODUCTS,
            tol=TOLERANCE,
            v0=start,
            maxiter=RESTARTS,
            return_singular_vectors=False,
        )
    except ArpackNoConvergence:
        message = f"the singular values did not settle in {RESTARTS * PRODUCTS} products"
        raise PropertyError("NF506", message, hints=("`reach` and `paths.cv` are exact",)) from None
    descending: Values = np.sort(np.asarray(values, np.float64))[::-1]
    return descending


def _singular_values(matrix: Values) -> Values:
    values: Values = np.linalg.svd(matrix, compute_uv=False).astype(np.float64)
    return values
