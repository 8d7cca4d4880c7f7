"""Evaluation index by index, by the evaluator of constants itself: exact for any kind of value, and slow."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from nfc.limits import Limits
from nfc.sema.budget import Budget
from nfc.sema.errors import EvaluationError
from nfc.sema.evaluate import evaluate
from nfc.sema.masks.vectors import Items, Operand, Vector, fits, gathered, shape_of, values_of, wrong_in
from nfc.sema.values import Value
from nfc.source import Span
from nfc.syntax import ast

_OF_VALUES = frozenset({"NF211", "NF421", "NF711"})
"""What hangs on the values of operands; other mistakes hang on their kinds."""


_CHECKED = 256
"""The time is looked at whenever so many indices are done."""


def with_holes(node: ast.Expression, operands: Sequence[ast.Expression]) -> ast.Expression:
    """An operation whose operands are names, their positions: it is evaluated without theirs."""
    holes = [ast.Name(span=each.span, name=str(position)) for position, each in enumerate(operands)]
    match node:
        case ast.Unary():
            return replace(node, operand=holes[0])
        case ast.Binary():
            return replace(node, left=holes[0], right=holes[1])
        case ast.Comparison():
            return replace(node, operands=tuple(holes))
        case ast.Range():
            return replace(node, low=holes[0], high=holes[1])
        case ast.List():
            return replace(node, items=tuple(holes))
        case ast.Call():
            arguments = [
                ast.Argument(span=hole.span, name=None, name_span=None, value=hole) for hole in holes
            ]
            return replace(node, arguments=tuple(arguments))
        case _:
            return node


def one_by_one(
    operation: ast.Expression, operands: Sequence[Operand], budget: Budget, *, strict: bool
) -> Vector:
    """The values of an operation `with_holes` at each index.

    Args:
        strict: raise what is wrong at an index instead of marking the index.

    Raises:
        EvaluationError: where strict; the operation has no value or one beyond 64 bits.
        LimitError: it takes too long.
    """
    shape = shape_of(operands)
    marked = wrong_in(operands)
    size = int(np.prod(shape))
    wrong = [False] * size if marked is None else np.broadcast_to(marked, shape).reshape(-1).tolist()
    same_kinds = not any(map(_is_mixed, operands))
    columns = [values_of(operand, shape) for operand in operands]
    results: list[Value] = [False] * size
    for lane, values in enumerate(zip(*columns, strict=True)):
        if lane % _CHECKED == 0:
            budget.check_time(operation.span)
        if wrong[lane]:
            continue
        try:
            results[lane] = _value(operation, values, budget.limits)
        except EvaluationError as error:
            if strict:
                raise
            wrong[lane] = True
            if same_kinds and error.diagnostic.code not in _OF_VALUES:
                wrong = [True] * size
                break
    flags = np.array(wrong, np.bool_)
    vector = gathered(results, flags if flags.any() else None)
    reshaped = None if vector.wrong is None else vector.wrong.reshape(shape)
    return Vector(vector.values.reshape(shape), vector.low, vector.high, reshaped)


def _is_mixed(operand: Operand) -> bool:
    """Whether the kind of the operand's value may differ from index to index."""
    if isinstance(operand, Items):
        return any(map(_is_mixed, operand.items))
    return isinstance(operand, Vector) and operand.values.dtype == np.object_


def _value(operation: ast.Expression, values: Sequence[Value], limits: Limits) -> Value:
    try:
        value = evaluate(operation, lambda hole: values[_position(hole)], limits)
    except EvaluationError as error:
        if error.diagnostic.code == "NF711":
            raise too_large(operation.span) from None
        raise
    if not fits(value):
        raise too_large(operation.span)
    return value


def _position(hole: ast.Name | ast.Path) -> int:
    assert isinstance(hole, ast.Name)
    return int(hole.name)


def too_large(span: Span) -> EvaluationError:
    return EvaluationError("NF421", "an integer here has more than 64 bits", span)
