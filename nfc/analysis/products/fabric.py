"""Products with a whole fabric: forward, which keeps each factor's input, and backward."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from nfc.analysis.products.factors import FactorProduct, Real, factor_product
from nfc.ir.fabric import Cascade, Fabric, factors
from nfc.ir.factors import Factor

Tape = list[Real | None]
"""What reached each factor on the way forward, in written order: [the factor's cols, batch]; None: all unit vectors."""


@dataclass(frozen=True)
class _Node:
    """A cascade or a sum, or a leaf: the place of its factor among all factors."""

    parts: tuple[_Node, ...] = ()
    is_cascade: bool = False
    place: int = -1


class FabricProduct:
    """A fabric as a linear map whose weights are arguments.

    Attributes:
        shape: (rows, cols).
        sizes: edges of each factor, in written order.
        edges: of all factors.
    """

    def __init__(self, fabric: Fabric) -> None:
        self.shape = fabric.rows, fabric.cols
        self._products: list[FactorProduct] = [factor_product(factor) for factor in factors(fabric)]
        self._root = _numbered(fabric, iter(range(len(self._products))).__next__)
        self.sizes = tuple(product.edges for product in self._products)
        self.edges = sum(self.sizes)

    def split(self, flat: Real) -> list[Real]:
        """Views of one vector of all weights, [edges], one a factor."""
        return np.split(flat, np.cumsum(self.sizes)[:-1])

    def apply(self, weights: Sequence[Real], x: Real) -> Real:
        """W x: [cols, batch] → [rows, batch]."""
        return self._forward(self._root, weights, x, None)

    def forward(self, weights: Sequence[Real], x: Real) -> tuple[Real, Tape]:
        """W x and what `backward` needs of the way there."""
        tape: Tape = [None] * len(self.sizes)
        return self._forward(self._root, weights, x, tape), tape

    def matrix(self, weights: Sequence[Real]) -> tuple[Real, Tape]:
        """W itself, [rows, cols], and what `backward` needs: as `forward` of the unit matrix, in less time."""
        tape: Tape = [None] * len(self.sizes)
        return self._forward(self._root, weights, None, tape), tape

    def transposed(self, weights: Sequence[Real], g: Real) -> Real:
        """Wᵀ g: [rows, batch] → [cols, batch]."""
        return self._backward(self._root, weights, None, g, [], wanted=True)

    def backward(
        self,
        weights: Sequence[Real],
        tape: Tape,
        g: Real,
        *,
        out: Sequence[Real] | None = None,
        input_gradient: bool = True,
    ) -> tuple[Sequence[Real], Real]:
        """The gradients of a function of y = W x.

        Args:
            tape: from `forward` or `matrix` with the same weights.
            g: the gradient by y, [rows, batch].
            out: arrays that take the weights' gradients, [edges] each; new ones where None.
            input_gradient: whether that by x is wanted; where not, an empty array stands for it.

        Returns:
            The gradients by the weights, one array a factor, and by x, [cols, batch].
        """
        gradients = self.split(np.empty(self.edges, g.dtype)) if out is None else out
        return gradients, self._backward(self._root, weights, tape, g, gradients, wanted=input_gradient)

    def _forward(self, node: _Node, weights: Sequence[Real], x: Real | None, tape: Tape | None) -> Real:
        if not node.parts:
            if tape is not None:
                tape[node.place] = x
            product = self._products[node.place]
            return product.matrix(weights[node.place]) if x is None else product.apply(weights[node.place], x)
        if node.is_cascade:
            y = self._forward(node.parts[0], weights, x, tape)
            for part in node.parts[1:]:
                y = self._forward(part, weights, y, tape)
            return y
        y = self._forward(node.parts[0], weights, x, tape)
        for part in node.parts[1:]:
            y = y + self._forward(part, weights, x, tape)
        return y

    def _backward(
        self,
        node: _Node,
        weights: Sequence[Real],
        tape: Tape | None,
        g: Real,
        gradients: Sequence[Real],
        *,
        wanted: bool,
    ) -> Real:
        """The gradient by the node's input where it is wanted; those by weights where there is a tape."""
        if not node.parts:
            product = self._products[node.place]
            if tape is not None:
                x, out = tape[node.place], gradients[node.place]
                product.sample(g, out) if x is None else product.gradient(x, g, out)
            return product.transposed(weights[node.place], g) if wanted else g[:0]
        if node.is_cascade:
            for part in reversed(node.parts):
                is_first = part is node.parts[0]
                g = self._backward(part, weights, tape, g, gradients, wanted=wanted or not is_first)
            return g
        total = self._backward(node.parts[0], weights, tape, g, gradients, wanted=wanted)
        for part in node.parts[1:]:
            total = total + self._backward(part, weights, tape, g, gradients, wanted=wanted)
        return total


def _numbered(fabric: Fabric, next_place: Callable[[], int]) -> _Node:
    if isinstance(fabric, Factor):
        return _Node(place=next_place())
    parts = tuple(_numbered(part, next_place) for part in fabric.parts)
    return _Node(parts, isinstance(fabric, Cascade))
