"""Evaluation of a mask's expression at many indices at once (LANGUAGE, sections 1 and 3).

Parts that hang on no index are evaluated once, by the exact evaluator of constants. Elsewhere an
index at which there is no value is marked instead of raised: `and`, `or` and chained comparisons then
forget the marks where they would not have asked. What is wrong at the first index that is still marked
is found by evaluating that index alone, strictly.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from nfc.ir.factors import Flags
from nfc.sema.budget import Budget
from nfc.sema.environment import Environment
from nfc.sema.errors import EvaluationError
from nfc.sema.functions import FUNCTIONS
from nfc.sema.masks import functions
from nfc.sema.masks.arithmetic import arithmetic, negative
from nfc.sema.masks.comparison import compare
from nfc.sema.masks.dependencies import Dependencies
from nfc.sema.masks.lanes import one_by_one, too_large, with_holes
from nfc.sema.masks.selection import Selection
from nfc.sema.masks.vectors import (
    Constant,
    Ends,
    Items,
    Operand,
    Vector,
    as_vector,
    either,
    fits,
    shape_of,
    values_of,
    wrong_in,
)
from nfc.sema.operators import boolean
from nfc.source import Span
from nfc.syntax import ast

Variables = Mapping[str, Vector]
Fast = Callable[[], Vector | None]

_SPARSE = 8
"""The right side of `and` and `or` is evaluated for selected indices alone where one in so many is left."""


_PARTS, _FEWEST = 64, 64
"""Expressions up to so many parts get whole slices; the others at least so many indices."""


@dataclass(frozen=True, eq=False)
class Evaluation:
    """The evaluation of one expression at the indices of one slice.

    Attributes:
        environment: the mask's parameters, constants and sizes.
        dependencies: which variables each part of the expression hangs on.
        budget: the time that is left, and the limits.
        variables: the indices and loop names: their values, which broadcast.
        kept: variables that are the same in the next slice.
        memo: values of parts that hang on none but `kept` variables, by node.
        constants: values of parts that hang on no variable, by node.
        strict: raise what is wrong; every variable then has one value.
    """

    environment: Environment
    dependencies: Dependencies
    budget: Budget
    variables: Variables = field(default_factory=dict)
    kept: frozenset[str] = frozenset()
    memo: dict[int, Operand] = field(default_factory=dict)
    constants: dict[int, Operand] = field(default_factory=dict)
    strict: bool = False

    def slice_size(self, most: int) -> int:
        """How many indices to evaluate at once: `most`, fewer where an expression has very many parts."""
        return max(_FEWEST, most * _PARTS // max(_PARTS, len(self.dependencies)))

    def operand(self, node: ast.Expression) -> Operand:
        """The value of a part of the expression.

        Raises:
            EvaluationError: where strict; there is no value.
            AlreadyReported: it hangs on a constant that is broken.
        """
        depends = self.dependencies[id(node)]
        if not depends <= self.kept:
            return self._evaluate(node)
        memo = self.memo if depends else self.constants
        if id(node) not in memo:
            memo[id(node)] = self._evaluate(node) if depends else self._constant(node)
        return memo[id(node)]

    def condition(self, node: ast.Expression, asker: str) -> Vector:
        """The value of a condition, boolean; marked wrong where it is no boolean."""
        return self._boolean(self.operand(node), asker, node.span)

    def _constant(self, node: ast.Expression) -> Operand:
        try:
            value = self.environment.value(node)
            if fits(value):
                return Constant(value)
            raise too_large(node.span)
        except EvaluationError:
            if self.strict:
                raise
            return Vector(np.zeros(1, np.bool_), wrong=np.ones(1, np.bool_))

    def _evaluate(self, node: ast.Expression) -> Operand:
        match node:
            case ast.Name(name=name):
                return self.variables[name]
            case ast.List():
                return self._list(node)
            case ast.Range():
                return self._range(node)
            case ast.Unary(operator="not"):
                vector = self.condition(node.operand, "not")
                return Vector(~vector.values, wrong=vector.wrong)
            case ast.Unary():
                operand = self.operand(node.operand)
                return self._apply(node, (node.operand,), (operand,), lambda: negative(operand))
            case ast.Binary():
                return self._chain(node)
            case ast.Comparison():
                return self._comparison(node)
            case ast.Call():
                return self._call(node)
            case _:
                return self._apply(node, (), (), _never)

    def _apply(
        self,
        node: ast.Expression,
        parts: Sequence[ast.Expression],
        operands: Sequence[Operand],
        fast: Fast,
    ) -> Vector:
        """The value of an operation on `parts` with these values: fast where that is possible."""
        result = None if self.strict else fast()
        if result is None:
            holes = with_holes(node, parts)
            return one_by_one(holes, operands, self.budget, strict=self.strict)
        wrong = either(result.wrong, wrong_in(operands))
        return result if wrong is result.wrong else replace(result, wrong=wrong)

    # --- operators ---

    def _chain(self, node: ast.Binary) -> Operand:
        """A chain of binary operators, of any length."""
        steps: list[ast.Binary] = []
        first: ast.Expression = node
        while isinstance(first, ast.Binary) and self._belongs(first, node):
            steps.append(first)
            first = first.left
        value = self.operand(first)
        for step in reversed(steps):
            value = self._step(value, step)
        return value

    def _belongs(self, part: ast.Binary, chain: ast.Binary) -> bool:
        """Whether a part of a chain is evaluated with it: not one that is kept while the chain is not."""
        depends = self.dependencies[id(part)]
        return not depends <= self.kept or (bool(depends) and self.dependencies[id(chain)] <= self.kept)

    def _step(self, left: Operand, node: ast.Binary) -> Vector:
        if node.operator in ("and", "or"):
            return self._junction(self._boolean(left, node.operator, node.left.span), node)
        right = self.operand(node.right)
        return self._apply(
            node, (node.left, node.right), (left, right), lambda: arithmetic(node.operator, left, right)
        )

    def _junction(self, left: Vector, node: ast.Binary) -> Vector:
        """`and` or `or`: its right side matters where the left one does not decide."""
        conjunction = node.operator == "and"
        asked = left.values if conjunction else ~left.values
        count = np.count_nonzero(asked)
        if not count:
            return left
        if count * _SPARSE <= asked.size:
            right = self._condition_at(asked, node.right, node.operator)
        else:
            right = self.condition(node.right, node.operator)
        values = left.values & right.values if conjunction else left.values | right.values
        wrong = None if right.wrong is None else right.wrong & asked
        return Vector(values, wrong=either(left.wrong, wrong))

    def _condition_at(self, flags: Flags, node: ast.Expression, asker: str) -> Vector:
        """A condition where it is asked for; elsewhere what it says has no meaning."""
        variables = {name: self.variables[name] for name in self.dependencies[id(node)]}
        selection = Selection.of(flags, variables)
        inner = replace(self, variables=selection.taken(variables), kept=frozenset(), memo={})
        return selection.scattered(inner.condition(node, asker))

    def _boolean(self, operand: Operand, asker: str, span: Span) -> Vector:
        vector = as_vector(operand)
        if vector is not None and vector.is_boolean:
            return vector
        values = values_of(operand, shape := shape_of((operand,)))
        if self.strict:
            return Vector(np.array([boolean(values[0], asker, span)]))
        wrong = np.array([not isinstance(value, bool) for value in values]).reshape(shape)
        flags = np.array([value is True for value in values]).reshape(shape)
        return Vector(flags, wrong=either(wrong, wrong_in((operand,))))

    def _comparison(self, node: ast.Comparison) -> Operand:
        left = self.operand(node.operands[0])
        so_far = Vector(np.ones(1, np.bool_))
        for position, symbol in enumerate(node.operators):
            if not so_far.values.any():
                break
            right = self.operand(node.operands[position + 1])
            found = self._compared(node, position, symbol, left, right)
            wrong = None if found.wrong is None else found.wrong & so_far.values
            so_far = Vector(so_far.values & found.values, wrong=either(so_far.wrong, wrong))
            left = right
        return so_far

    def _compared(
        self, node: ast.Comparison, position: int, symbol: str, left: Operand, right: Operand
    ) -> Vector:
        parts = node.operands[position : position + 2]
        pair = node if len(node.operands) == 2 else replace(node, operands=parts, operators=(symbol,))
        return self._apply(pair, parts, (left, right), lambda: compare(symbol, left, right))

    # --- lists, ranges, functions ---

    def _list(self, node: ast.List) -> Operand:
        operands = tuple([self.operand(item) for item in node.items])
        if len(operands) > self.budget.limits.operations:
            return self._apply(node, node.items, operands, _never)
        return Items(operands)

    def _range(self, node: ast.Range) -> Operand:
        operands = self.operand(node.low), self.operand(node.high)
        low, high = map(as_vector, operands)
        if low is None or high is None or not all(end.is_integer or end.is_float for end in (low, high)):
            return self._apply(node, (node.low, node.high), operands, _never)
        return Ends(low, high, node.inclusive)

    def _call(self, node: ast.Call) -> Operand:
        function = FUNCTIONS.get(node.function)
        arguments = [each for each in node.arguments if isinstance(each, ast.Argument) and each.name is None]
        if function is None or len(arguments) < len(node.arguments):
            return self._constant(node)
        parts = [argument.value for argument in arguments]
        operands = [self.operand(part) for part in parts]
        fits_in = function.least <= len(parts) and (function.most is None or len(parts) <= function.most)
        return self._apply(
            node, parts, operands, lambda: functions.apply(node.function, operands) if fits_in else None
        )


def _never() -> None:
    return None
