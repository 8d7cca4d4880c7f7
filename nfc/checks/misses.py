"""Which properties make an assertion fail, and which way they miss what it asks."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from enum import Enum
from itertools import pairwise

from nfc.sema.operators import compare
from nfc.sema.tree import chain
from nfc.sema.values import Interval, Value
from nfc.syntax import ast

Asking = ast.Name | ast.Path
Evaluate = Callable[[ast.Expression], Value]


class Miss(Enum):
    """Which way a value misses; false misses true as too low."""

    LOW = "low"
    HIGH = "high"


def misses(condition: ast.Expression, value: Evaluate) -> Iterator[tuple[Asking, Miss]]:
    """The names that make a condition false, in written order, each with the way in which it misses.

    Only names that stand alone on a side are told: of one inside a calculation or under `not` it is
    open which way it should change.
    """
    match condition:
        case ast.Name() | ast.Path():
            yield condition, Miss.LOW
        case ast.Binary(operator="and"):
            yield from misses(next(part for part in chain(condition, "and") if value(part) is False), value)
        case ast.Binary(operator="or"):
            for part in chain(condition, "or"):
                yield from misses(part, value)
        case ast.Comparison():
            yield from _comparison(condition, value)


def _comparison(node: ast.Comparison, value: Evaluate) -> Iterator[tuple[Asking, Miss]]:
    """The two sides at which a chain of comparisons ends."""
    for (left, right), symbol in zip(pairwise(node.operands), node.operators, strict=True):
        first, second = value(left), value(right)
        if not compare(symbol, first, second, node.span):
            way = _way(symbol, first, second)
            if way and isinstance(left, ast.Name | ast.Path):
                yield left, way
            if way and isinstance(right, ast.Name | ast.Path):
                yield right, Miss.LOW if way is Miss.HIGH else Miss.HIGH
            return


def _way(symbol: str, left: Value, right: Value) -> Miss | None:
    """How the left side of a false comparison misses; None where that is open."""
    if symbol in ("<", "<="):
        return Miss.HIGH
    if symbol in (">", ">="):
        return Miss.LOW
    bound = right.low if isinstance(right, Interval) else right
    if symbol == "!=" or not (isinstance(left, int | float) and isinstance(bound, int | float)):
        return None
    return Miss.LOW if left < bound else Miss.HIGH
