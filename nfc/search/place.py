"""The place that candidates are made for, and what fits in it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property

from nfc.diagnostics import NfcError
from nfc.ir.fabric import edge_count
from nfc.search.definitions import Definitions

COPIES = 16
"""Copies of a topology side by side at most: each is a product of its own."""


@dataclass(frozen=True, eq=False)
class Place:
    """cols inputs → rows outputs, with at most `budget` weights."""

    rows: int
    cols: int
    budget: int
    definitions: Definitions
    _weights: dict[str, int | None] = field(default_factory=dict, repr=False)

    @property
    def size(self) -> int:
        """The width at which square topologies are built at least."""
        return max(self.rows, self.cols)

    @cached_property
    def powers(self) -> tuple[int, ...]:
        """The powers of two from 2 to below the size."""
        return tuple(2**k for k in range(1, (self.size - 1).bit_length()))

    def weights(self, expression: str) -> int | None:
        """The weights of a topology in this place; None where it does not take it."""
        if expression not in self._weights:
            try:
                fabric = self.definitions.fabric(expression, self.rows, self.cols)
            except NfcError:
                self._weights[expression] = None
            else:
                self._weights[expression] = edge_count(fabric)
        return self._weights[expression]

    def count(self, expression: str) -> int:
        """How many times the budget holds a topology; 0 where it does not take the place."""
        weights = self.weights(expression)
        return self.budget // weights if weights else 0

    def copies(self, expression: str) -> Iterator[str]:
        """A topology as many times side by side as the budget holds: plain, and with shuffled copies."""
        count = min(self.count(expression), COPIES)
        if count == 1:
            yield expression
        if count > 1:
            yield f"parallel({count}, {expression})"
            yield f"parallel({count}, {expression}, shuffle=1)"

    def deepest(self, pattern: str, limit: int) -> Iterator[str]:
        """`pattern` with the greatest depth up to `limit` that the budget holds, where that is 2 or more.

        Args:
            pattern: an expression with `{depth}` in it, whose weights grow by the same with each.
        """
        one, two = (self.weights(pattern.format(depth=depth)) for depth in (1, 2))
        if one and two and two > one:
            depth = min(1 + (self.budget - one) // (two - one), limit)
            if depth > 1:
                yield pattern.format(depth=depth)

    def degree(self, depth: int, branches: int = 1) -> int:
        """The edges into each neuron with which a cascade, or several side by side, spends the budget.

        All parts of a cascade but the last map the inputs' width to itself.
        """
        return min(self.budget // (branches * (self.rows + (depth - 1) * self.cols)), self.cols)
