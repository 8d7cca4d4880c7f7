"""Expressions of single factors: the mask algebra `a | b`, `a & b`, `a - b`, `~a`, and `kron`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import reduce
from math import gcd
from operator import and_, or_, sub

from nfc.ir.fabric import Cascade, Sum, factors
from nfc.ir.factors import Factor
from nfc.sema.budget import Budget
from nfc.sema.errors import SemanticError
from nfc.sema.parts import Part, Permutation, Wired, unabsorbed
from nfc.sema.resolve import Written, resolve
from nfc.sema.seeds import inner
from nfc.sema.tree import chain
from nfc.source import Span
from nfc.syntax import ast
from nfc.topologies.algebra import EdgeSet, kronecker

_OPERATIONS: dict[str, Callable[[EdgeSet, EdgeSet], EdgeSet]] = {"|": or_, "&": and_, "-": sub}

_HINTS = {
    "cascade": "join the edges of one part at a time, as in `(a | b) >> c`",
    "sum": "`|` joins the edges of topologies; `+` keeps a weight of its own for each",
}


def is_algebra(node: ast.Expression) -> bool:
    """Whether an expression is an operation of the mask algebra."""
    match node:
        case ast.Binary(operator=operator):
            return operator in _OPERATIONS
        case ast.Unary(operator=operator):
            return operator == "~"
        case _:
            return False


@dataclass(frozen=True, eq=False)
class SingleFactors:
    """The elaboration of such expressions.

    Attributes:
        wire: (part, rows, cols) → what a part without these operators is.
    """

    wire: Callable[[Part, int, int], Wired]
    budget: Budget

    def algebra(self, part: Part, rows: int, cols: int) -> Factor:
        """The factor of an expression of the algebra.

        Raises:
            SemanticError: NF403, an operand is not one factor; and whatever stands in the way of one.
            LimitError: NF714, a complement of too many edges.
        """
        return self._written_out(self._edge_set(part, rows, cols), part.node.span)

    def kron(
        self, given: Mapping[str, ast.Expression], part: Part, rows: int, cols: int, size: int
    ) -> Factor:
        """The factor of `kron(a, b, size=s)`: a at rows/s × cols/s, b at s × s.

        Raises:
            SemanticError: NF301, a size that does not divide rows and cols; as `algebra` does.
            LimitError: NF714, too many edges.
        """
        if rows % size or cols % size:
            raise _indivisible(size, rows, cols, given["size"].span)
        a = Part(given["a"], part.environment, inner(part.place, 0))
        b = Part(given["b"], part.environment, inner(part.place, 1))
        slow, fast = self.algebra(a, rows // size, cols // size), self.algebra(b, size, size)
        self.budget.check_edges(slow.edges * fast.edges, part.node.span, "`kron` makes")
        return kronecker(slow, fast)

    def _edge_set(self, part: Part, rows: int, cols: int) -> EdgeSet:
        self.budget.check_time(part.node.span)
        match part.node:
            case ast.Unary(operator="~", operand=operand):
                return ~self._edge_set(replace(part, node=operand), rows, cols)
            case ast.Binary(operator=operator) if operator in _OPERATIONS:
                operands = (
                    Part(node, part.environment, inner(part.place, k))
                    for k, node in enumerate(chain(part.node, operator))
                )
                sets = (self._edge_set(operand, rows, cols) for operand in operands)
                return reduce(_OPERATIONS[operator], sets)
            case ast.Name() | ast.Call():
                meaning = resolve(part.node, part.environment, (rows, cols))
                # Seen through, so that a complement with a name is not written out either.
                if isinstance(meaning, Written) and is_algebra(meaning.expression):
                    written = Part(meaning.expression, meaning.environment, part.place)
                    return self._edge_set(written, rows, cols)
        return EdgeSet(_only_factor(self.wire(part, rows, cols), part.node.span))

    def _written_out(self, edges: EdgeSet, span: Span) -> Factor:
        if edges.inverted:
            self.budget.check_edges(edges.edges, span, "the complement makes")
        return edges.written_out()


def _only_factor(wired: Wired, span: Span) -> Factor:
    match wired:
        case Permutation():
            raise unabsorbed(span)
        case Cascade() | Sum():
            kind = "cascade" if isinstance(wired, Cascade) else "sum"
            count = sum(1 for _ in factors(wired))
            message = f"a topology of one factor is expected here; this is a {kind} of {count} factors"
            raise SemanticError("NF403", message, span, hints=(_HINTS[kind],))
        case _:
            return wired


def _indivisible(size: int, rows: int, cols: int, span: Span) -> SemanticError:
    common = gcd(rows, cols)
    divisors = [number for number in range(1, common + 1) if common % number == 0]
    nearest = min(divisors, key=lambda number: abs(number - size))
    message = f"`size={size}` does not divide the {cols} inputs and {rows} outputs that are asked for here"
    return SemanticError("NF301", message, span, hints=(f"`size={nearest}` divides both",))
