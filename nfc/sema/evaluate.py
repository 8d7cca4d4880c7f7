"""Evaluation of constant expressions (LANGUAGE, section 1)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from nfc.diagnostics import did_you_mean
from nfc.limits import Limits
from nfc.sema.errors import EvaluationError
from nfc.sema.functions import FUNCTIONS, FunctionError
from nfc.sema.operators import arithmetic, boolean, checked, compare, negative, topology_operator
from nfc.sema.values import Interval, Value, is_number, is_small, kind_of
from nfc.syntax import ast

Lookup = Callable[[ast.Name | ast.Path], Value]
"""The value of a name or a path; raises EvaluationError for one it does not know."""


def evaluate(expression: ast.Expression, lookup: Lookup, limits: Limits) -> Value:
    """The value of an expression.

    `and` and `or` short-circuit, and so do chained comparisons. Chains of binary operators of any
    length take no stack.

    Raises:
        EvaluationError: there is no value; its `diagnostic` says why and where.
    """
    try:
        return _Evaluation(lookup, limits).value(expression)
    except RecursionError:
        raise EvaluationError("NF701", "this expression nests too deep", expression.span) from None


@dataclass(frozen=True, slots=True)
class _Evaluation:
    lookup: Lookup
    limits: Limits

    def value(self, node: ast.Expression) -> Value:
        match node:
            case ast.Number():
                return checked(node.value, node.span, self.limits)
            case ast.String() | ast.Boolean():
                return node.value
            case ast.Name() | ast.Path():
                return self.lookup(node)
            case ast.List():
                return self._list(node)
            case ast.Range():
                return self._range(node)
            case ast.Unary():
                return self._unary(node)
            case ast.Binary():
                return self._binary(node)
            case ast.Comparison():
                return self._comparison(node)
            case ast.Call():
                return self._call(node)
            case ast.Set():
                message = "a set of neighbours belongs in a mask; a value is expected here"
                raise EvaluationError("NF205", message, node.span, hints=("a list is written `[a, b]`",))

    def _list(self, node: ast.List) -> tuple[Value, ...]:
        items = tuple([self.value(item) for item in node.items])
        if not is_small(items, self.limits.operations, self.limits.nesting):
            message = f"a list here holds more than {self.limits.operations} values, or nests too deep"
            raise EvaluationError("NF711", message, node.span)
        return items

    def _range(self, node: ast.Range) -> Interval:
        low, high = self.value(node.low), self.value(node.high)
        for end, value in ((node.low, low), (node.high, high)):
            if not is_number(value):
                raise EvaluationError(
                    "NF205", f"a range runs between numbers; found {kind_of(value)}", end.span
                )
        return Interval(low, high, node.inclusive)  # type: ignore[arg-type]

    def _unary(self, node: ast.Unary) -> Value:
        if node.operator == "~":
            raise topology_operator("~", node.span)
        value = self.value(node.operand)
        if node.operator == "not":
            return not boolean(value, "not", node.operand.span)
        return negative(value, node.operand.span)

    def _binary(self, node: ast.Binary) -> Value:
        steps = []
        first: ast.Expression = node
        while isinstance(first, ast.Binary):
            steps.append(first)
            first = first.left
        value = self.value(first)
        for step in reversed(steps):
            value = self._step(value, step)
        return value

    def _step(self, left: Value, node: ast.Binary) -> Value:
        """One operator of a chain, its left operand already evaluated."""
        if node.operator in ("and", "or"):
            if boolean(left, node.operator, node.left.span) == (node.operator == "or"):
                return left
            return boolean(self.value(node.right), node.operator, node.right.span)
        if node.operator in (">>", "|", "&"):
            raise topology_operator(node.operator, node.operator_span)
        return arithmetic(node.operator, left, self.value(node.right), node.span, self.limits)

    def _comparison(self, node: ast.Comparison) -> bool:
        left = self.value(node.operands[0])
        for symbol, operand in zip(node.operators, node.operands[1:], strict=True):
            right = self.value(operand)
            if not compare(symbol, left, right, node.span):
                return False
            left = right
        return True

    def _call(self, node: ast.Call) -> Value:
        function = FUNCTIONS.get(node.function)
        if function is None:
            hints = did_you_mean(node.function, FUNCTIONS)
            raise EvaluationError(
                "NF201", f"unknown function `{node.function}`", node.function_span, hints=hints
            )
        for argument in node.arguments:
            if isinstance(argument, ast.Each) or argument.name is not None:
                message = f"`{node.function}` takes arguments by position alone"
                raise EvaluationError(
                    "NF206", message, argument.span, hints=(f"write `{function.signature}`",)
                )
        values = [self.value(a.value) for a in node.arguments if isinstance(a, ast.Argument)]
        if len(values) < function.least or (function.most is not None and len(values) > function.most):
            message = f"`{function.signature}` is called with {len(values)} arguments"
            raise EvaluationError("NF206", message, node.span)
        return self._apply(node, values)

    def _apply(self, node: ast.Call, values: list[Value]) -> Value:
        try:
            result = FUNCTIONS[node.function].apply(values)
        except FunctionError as error:
            raise EvaluationError(error.code, f"`{node.function}` {error}", node.span) from None
        except OverflowError:
            message = f"`{node.function}` meets a number too large for a float (about 1.8e308)"
            raise EvaluationError("NF211", message, node.span) from None
        if isinstance(result, int | float) and not isinstance(result, bool):
            return checked(result, node.span, self.limits)
        return result
