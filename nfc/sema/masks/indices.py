"""What is asked of a mask at one index, and the error that names the index where there is no answer."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

from nfc.sema.errors import EvaluationError, SemanticError
from nfc.sema.masks.evaluate import Evaluation
from nfc.sema.masks.iteration import iterated
from nfc.sema.masks.vectors import gathered, values_of
from nfc.sema.operators import boolean
from nfc.sema.values import Value, is_integer, kind_of, show
from nfc.syntax import ast

Question = Callable[[Value, ast.Expression], object]
"""Raises EvaluationError where the value of an expression, at that place, is not of the kind asked for."""


def mistake(
    evaluation: Evaluation, node: ast.Expression, question: Question, index: Mapping[str, Value]
) -> SemanticError:
    """The error at an index at which a part of the expression was found to have no answer.

    Args:
        index: the values of the indices and loop names, outermost first.
    """
    variables = {name: gathered([value], None) for name, value in index.items()}
    strict = replace(evaluation, variables=variables, kept=frozenset(), memo={}, constants={}, strict=True)
    try:
        (value,) = values_of(strict.operand(node), (1,))
        question(value, node)
    except EvaluationError as error:
        message = f"{error.diagnostic.message}, first at {_shown(index)}"
        return SemanticError.of(replace(error.diagnostic, message=message))
    raise AssertionError("an index was marked wrong that has a value")


def predicate(value: Value, node: ast.Expression) -> None:
    if not isinstance(value, bool):
        message = f"the predicate of a mask is a boolean; found {kind_of(value)}"
        raise EvaluationError("NF205", message, node.span, hints=("compare it, as in `x == 0`",))


def neighbour(value: Value, node: ast.Expression) -> None:
    if not is_integer(value):
        hints = ("`//` divides integers",) if isinstance(value, float) else ()
        message = f"a set of neighbours holds integers; found {kind_of(value)}"
        raise EvaluationError("NF205", message, node.span, hints=hints)


def condition(value: Value, node: ast.Expression) -> None:
    boolean(value, "if", node.span)


def run(value: Value, node: ast.Expression) -> None:
    iterated(value, node.span)


def _shown(index: Mapping[str, Value]) -> str:
    names, values = ", ".join(index), ", ".join(map(show, index.values()))
    return f"({names}) = ({values})" if len(index) > 1 else f"{names} = {values}"
