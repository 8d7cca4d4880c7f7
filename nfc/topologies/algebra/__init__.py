"""The mask algebra: sets of edges under union, intersection, difference and complement.

A set is a factor, or all edges but a factor's: so `a & ~b` and `~~a` take no complement, and only a
complement that is asked for in the end is written out. Patterns with structure keep it: circulants
are joined by their offsets, complete blocks by the blocks' numbers; any other two by merging their
sorted edges. Nothing here makes a rows × cols matrix.
"""

from __future__ import annotations

from dataclasses import dataclass

from nfc.ir.factors import Factor, Kron
from nfc.ir.structure import kron
from nfc.topologies.algebra import merges
from nfc.topologies.algebra.circulants import complement_of_circulant, on_circulants
from nfc.topologies.algebra.kronecker import kronecker as kronecker
from nfc.topologies.algebra.partitions import on_partitions


@dataclass(frozen=True, eq=False)
class EdgeSet:
    """The edges of a factor, or, `inverted`, those it lacks."""

    factor: Factor
    inverted: bool = False

    @property
    def edges(self) -> int:
        """How many there are, by formula."""
        pairs = self.factor.rows * self.factor.cols
        return pairs - self.factor.edges if self.inverted else self.factor.edges

    def __invert__(self) -> EdgeSet:
        return EdgeSet(self.factor, not self.inverted)

    def __and__(self, other: EdgeSet) -> EdgeSet:
        match self.inverted, other.inverted:
            case False, False:
                return EdgeSet(combined("&", self.factor, other.factor))
            case False, True:
                return EdgeSet(combined("-", self.factor, other.factor))
            case True, False:
                return EdgeSet(combined("-", other.factor, self.factor))
            case _:
                return EdgeSet(combined("|", self.factor, other.factor), True)

    def __or__(self, other: EdgeSet) -> EdgeSet:
        return ~(~self & ~other)

    def __sub__(self, other: EdgeSet) -> EdgeSet:
        return self & ~other

    def written_out(self) -> Factor:
        """The factor of these edges; an inverted set takes the memory of all of them."""
        return complement(self.factor) if self.inverted else self.factor


def combined(operator: str, left: Factor, right: Factor) -> Factor:
    """The union `|`, intersection `&` or difference `-` of two factors of one shape, in canonical form.

    O(rows + cols) time and memory for circulants and for blocks that hold each other, else O(edges).
    """
    return (
        _at_once(operator, left, right)
        or on_circulants(operator, left, right)
        or on_partitions(operator, left, right)
        or merges.merged(operator, left, right)
    )


def complement(factor: Factor) -> Factor:
    """The factor of all edges that a factor lacks: rows · cols − edges of them."""
    if not factor.edges:
        return kron(1, factor.rows, factor.cols, 1)
    return complement_of_circulant(factor) or merges.complement(factor)


def _at_once(operator: str, left: Factor, right: Factor) -> Factor | None:
    """The result where a pattern has no edge or all edges, or both are one; None elsewhere."""
    if operator == "-":
        if left == right or _is_dense(right):
            return merges.nothing(*left.shape)
        if not (left.edges and right.edges):
            return left
        return complement(right) if _is_dense(left) else None
    least, greatest = (left, right) if left.edges <= right.edges else (right, left)
    if left == right or not least.edges or _is_dense(greatest):
        return greatest if operator == "|" else least
    return None


def _is_dense(factor: Factor) -> bool:
    return isinstance(factor, Kron) and factor.is_dense
