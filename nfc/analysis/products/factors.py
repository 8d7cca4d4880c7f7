"""Products with one factor, by the way its edges lie."""

from __future__ import annotations

from abc import ABC, abstractmethod
from functools import cached_property
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from nfc.analysis.products.sampled import sampled_product
from nfc.ir.factors import Blocks, Factor, Indices, Kron, Restricted
from nfc.ir.structure import endpoints

Real: TypeAlias = NDArray[np.floating[Any]]
"""Float32 or float64."""

PADDING = 4
"""A `Restricted` runs as the `Kron` that it is cut from where that has at most so many times its edges."""


class FactorProduct(ABC):
    """y = W x, Wᵀ g and the gradient of g·(W x) by W's weights.

    Attributes:
        edges: the number of weights.
    """

    def __init__(self, factor: Factor) -> None:
        self.edges = factor.edges
        self._factor = factor
        self._shape = factor.shape

    def matrix(self, weights: Real) -> Real:
        """W itself, [rows, cols]."""
        matrix = np.zeros(self._shape, weights.dtype)
        matrix.reshape(-1)[self._places] = weights
        return matrix

    def sample(self, matrix: Real, out: Real) -> None:
        """The entries of a matrix, [rows, cols], at the edges."""
        np.take(
            matrix.reshape(-1), self._places, out=out, mode="clip"
        )  # `clip` writes without a second buffer

    @cached_property
    def _places(self) -> Indices:
        outputs, inputs = endpoints(self._factor)
        return outputs * self._shape[1] + inputs

    @abstractmethod
    def apply(self, weights: Real, x: Real) -> Real:
        """W x: [edges], [cols, batch] → [rows, batch]."""

    @abstractmethod
    def transposed(self, weights: Real, g: Real) -> Real:
        """Wᵀ g: [edges], [rows, batch] → [cols, batch]."""

    @abstractmethod
    def gradient(self, x: Real, g: Real, out: Real) -> None:
        """The entries of g xᵀ at the edges, written to `out`, [edges]."""


def factor_product(factor: Factor) -> FactorProduct:
    """The product that suits a factor's kind."""
    match factor:
        case Kron():
            return _Kron(factor)
        case Blocks():
            return _Blocks(factor)
        case Restricted() if factor.base.edges <= PADDING * factor.edges:
            return _Restricted(factor)
        case _:
            return _Sparse(factor)


class _Kron(FactorProduct):
    """One matrix product for each of the a · d blocks, on views: [a, d, b, c] @ [a, d, c, batch]."""

    def __init__(self, factor: Kron) -> None:
        super().__init__(factor)
        self._sizes = factor.a, factor.b, factor.c, factor.d

    def apply(self, weights: Real, x: Real) -> Real:
        _, b, c, _ = self._sizes
        y = np.empty((self.edges // c, x.shape[1]), x.dtype)
        np.matmul(self._matrices(weights), self._lanes(x, c), out=self._lanes(y, b))
        return y

    def transposed(self, weights: Real, g: Real) -> Real:
        _, b, c, _ = self._sizes
        x = np.empty((self.edges // b, g.shape[1]), g.dtype)
        np.matmul(self._matrices(weights).transpose(0, 1, 3, 2), self._lanes(g, b), out=self._lanes(x, c))
        return x

    def gradient(self, x: Real, g: Real, out: Real) -> None:
        _, b, c, _ = self._sizes
        inputs = self._lanes(x, c).transpose(0, 1, 3, 2)
        np.matmul(self._lanes(g, b), inputs, out=self._matrices(out))

    def _matrices(self, weights: Real) -> Real:
        a, b, c, d = self._sizes
        return weights.reshape(a, b, d, c).transpose(0, 2, 1, 3)

    def _lanes(self, values: Real, size: int) -> Real:
        a, _, _, d = self._sizes
        return values.reshape(a, size, d, values.shape[1]).transpose(0, 2, 1, 3)


class _Blocks(FactorProduct):
    """One matrix product a block, on gathered rows: [blocks, height, width] @ [blocks, width, batch]."""

    def __init__(self, factor: Blocks) -> None:
        super().__init__(factor)
        self._rows, self._cols = _Sets(factor.row_sets), _Sets(factor.col_sets)

    def apply(self, weights: Real, x: Real) -> Real:
        return self._rows.spread(self._matrices(weights) @ self._cols.gathered(x), self._shape[0])

    def transposed(self, weights: Real, g: Real) -> Real:
        matrices = self._matrices(weights).transpose(0, 2, 1)
        return self._cols.spread(matrices @ self._rows.gathered(g), self._shape[1])

    def gradient(self, x: Real, g: Real, out: Real) -> None:
        blocks = self._rows.gathered(g) @ self._cols.gathered(x).transpose(0, 2, 1)
        out.reshape(self._shape[0], -1)[self._rows.indices] = blocks

    def _matrices(self, weights: Real) -> Real:
        return weights.reshape(self._shape[0], -1)[self._rows.indices]


class _Sets:
    """Index sets [blocks, size], and whether they are all neurons in order: then nothing is moved."""

    def __init__(self, indices: Indices) -> None:
        self.indices = indices
        self._in_order = bool(np.array_equal(indices.reshape(-1), np.arange(indices.size)))

    def gathered(self, values: Real) -> Real:
        """[neurons, batch] → [blocks, size, batch]."""
        if self._in_order and len(values) == self.indices.size:
            return values.reshape(*self.indices.shape, -1)
        return np.take(values, self.indices, axis=0)

    def spread(self, values: Real, neurons: int) -> Real:
        """[blocks, size, batch] → [neurons, batch]; the sets hold all neurons."""
        if self._in_order:
            return values.reshape(neurons, -1)
        spread = np.empty((neurons, values.shape[-1]), values.dtype)
        spread[self.indices] = values
        return spread


class _Restricted(FactorProduct):
    """The `Kron` that it is cut from, with zeros where no edge is left."""

    def __init__(self, factor: Restricted) -> None:
        super().__init__(factor)
        self._base, self._base_shape = _Kron(factor.base), factor.base.shape
        self._positions = factor.block_positions()

    def apply(self, weights: Real, x: Real) -> Real:
        return self._base.apply(self._padded(weights), _extended(x, self._base_shape[1]))[: self._shape[0]]

    def transposed(self, weights: Real, g: Real) -> Real:
        padded = self._base.transposed(self._padded(weights), _extended(g, self._base_shape[0]))
        return padded[: self._shape[1]]

    def gradient(self, x: Real, g: Real, out: Real) -> None:
        every = np.empty(self._base.edges, out.dtype)
        self._base.gradient(_extended(x, self._base_shape[1]), _extended(g, self._base_shape[0]), every)
        np.take(every, self._positions, out=out, mode="clip")

    def _padded(self, weights: Real) -> Real:
        padded = np.zeros(self._base.edges, weights.dtype)
        padded[self._positions] = weights
        return padded


def _extended(values: Real, size: int) -> Real:
    """Rows of zeros added at the end, up to `size`."""
    if len(values) == size:
        return values
    extended = np.zeros((size, values.shape[1]), values.dtype)
    extended[: len(values)] = values
    return extended


class _Sparse(FactorProduct):
    """SciPy's CSR product; its CSC one for the transpose, on the same data."""

    def __init__(self, factor: Factor) -> None:
        super().__init__(factor)
        self._indptr, self._indices = factor.arrays()
        self._matrix: Any = factor.csr().astype(np.float32)
        if max(factor.edges, *factor.shape) < 2**31:
            self._matrix.indices = self._indices.astype(np.int32)
            self._matrix.indptr = self._indptr.astype(np.int32)
        self._transpose: Any = self._matrix.T

    def apply(self, weights: Real, x: Real) -> Real:
        self._matrix.data = weights
        return np.asarray(self._matrix @ x)

    def transposed(self, weights: Real, g: Real) -> Real:
        self._transpose.data = weights
        return np.asarray(self._transpose @ g)

    def gradient(self, x: Real, g: Real, out: Real) -> None:
        sampled_product(g, x, self._indptr, self._indices, out)
