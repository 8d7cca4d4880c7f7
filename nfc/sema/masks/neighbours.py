"""The neighbour form of masks: sets of inputs, built for many outputs at once."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from nfc.ir.factors import Factor, Flags, Indices
from nfc.sema.budget import Budget
from nfc.sema.environment import Environment
from nfc.sema.errors import SemanticError
from nfc.sema.masks.dependencies import dependencies
from nfc.sema.masks.edges import EdgeList
from nfc.sema.masks.evaluate import Evaluation
from nfc.sema.masks.indices import Question, condition, mistake, neighbour, run
from nfc.sema.masks.iteration import EndlessError, iteration
from nfc.sema.masks.keys import EdgeKeys
from nfc.sema.masks.memory import keep_freed_memory
from nfc.sema.masks.predicate import MOST_PAIRS
from nfc.sema.masks.vectors import Operand, Vector, as_vector, either, values_of, wrong_in
from nfc.sema.tree import walk
from nfc.sema.values import is_integer
from nfc.syntax import ast

_OUTPUTS = 2**16
"""Outputs whose sets are built at once."""

_WINDOW = 2**18
"""Values of loops held at once: few enough for the processor's cache."""


@dataclass(frozen=True, eq=False)
class _Rule:
    """One element of a set, with the clauses that it is repeated by."""

    element: ast.Expression
    clauses: tuple[ast.For | ast.If, ...]
    set: ast.Set


class _MistakeError(Exception):
    """What is wrong at the first index of a rule that has no value, and that index's output."""

    def __init__(self, error: SemanticError, output: int) -> None:
        super().__init__(str(error))
        self.error = error
        self.output = output


def neighbour_factor(mask: ast.Mask, environment: Environment, budget: Budget, used: int) -> Factor:
    """The factor of a mask's neighbour form.

    Args:
        environment: the mask's parameters and sizes.
        used: edges of the network so far.

    Raises:
        SemanticError: an element, range or condition has no value at an output.
        LimitError: there are too many edges or values, or it takes too long.
    """
    rows, cols = environment.sizes
    names = {mask.output, *(part.name for part in walk(mask.body) if isinstance(part, ast.For))}
    evaluation = Evaluation(environment, dependencies(mask.body, names), budget)
    keep_freed_memory()
    edges = EdgeList(rows, cols, budget, used, mask.body.span)
    loops = _Loops(evaluation)
    rules = list(_rules(mask.body))
    height = evaluation.slice_size(_OUTPUTS)
    for first in range(0, rows, height):
        end = min(rows, first + height)
        keys = loops.keys(rules, mask.output, first, end)
        outputs = keys // cols
        edges.add(first, np.bincount(outputs - first, minlength=end - first), keys - outputs * cols)
    return edges.factor()


def _rules(node: ast.Expression) -> Iterator[_Rule]:
    """The elements of sets joined by `+`, in order."""
    pending = [node]
    while pending:
        node = pending.pop()
        if isinstance(node, ast.Binary):
            pending += [node.right, node.left]
            continue
        assert isinstance(node, ast.Set)
        yield from (_Rule(element, node.clauses, node) for element in node.elements)


@dataclass
class _Loops:
    """The loops of a mask's sets; `values` counts what they ran through so far."""

    evaluation: Evaluation
    values: int = 0
    _keys: EdgeKeys = field(init=False)

    def keys(self, rules: Sequence[_Rule], output: str, first: int, end: int) -> Indices:
        """The edges of outputs first..<end as output · cols + input, ascending, each once.

        Raises:
            SemanticError: there is no value somewhere; the first output where that is so counts.
        """
        self._keys = EdgeKeys(self.evaluation.environment.sizes[1])
        found: SemanticError | None = None
        for rule in rules:
            outputs = Vector(np.arange(first, end, dtype=np.int64), first, end - 1)
            try:
                if first < end:
                    self._run(rule, rule.clauses, {output: outputs})
            except _MistakeError as mistake_:
                found, end = mistake_.error, mistake_.output
        if found is not None:
            raise found
        return self._keys.all()

    def _run(self, rule: _Rule, clauses: Sequence[ast.For | ast.If], variables: Mapping[str, Vector]) -> None:
        """Run the clauses for indices of one axis, in order, and add the elements that they give."""
        self.evaluation.budget.check_time(rule.set.span)
        evaluation = replace(self.evaluation, variables=variables)
        match clauses:
            case []:
                self._add(evaluation, rule)
            case [ast.If() as clause, *rest]:
                self._select(evaluation, rule, clause, rest)
            case [ast.For() as clause, *rest]:
                self._repeat(evaluation, rule, clause, rest)

    def _add(self, evaluation: Evaluation, rule: _Rule) -> None:
        size = _size(evaluation)
        operand = evaluation.operand(rule.element)
        inputs, wrong = _as_inputs(operand, size)
        sound, error = self._sound(evaluation, wrong, rule.element, neighbour)
        outputs = next(iter(evaluation.variables.values())).values
        self._keys.add(outputs[:sound], inputs[:sound])
        if error is not None:
            raise error

    def _select(
        self, evaluation: Evaluation, rule: _Rule, clause: ast.If, rest: Sequence[ast.For | ast.If]
    ) -> None:
        node = clause.condition
        flags = evaluation.condition(node, "if")
        sound, error = self._sound(evaluation, flags.wrong, node, condition)
        chosen = np.flatnonzero(np.broadcast_to(flags.values, _size(evaluation))[:sound])
        if chosen.size:
            self._run(rule, rest, _taken(evaluation.variables, chosen))
        if error is not None:
            raise error

    def _repeat(
        self, evaluation: Evaluation, rule: _Rule, clause: ast.For, rest: Sequence[ast.For | ast.If]
    ) -> None:
        size = _size(evaluation)
        operand = evaluation.operand(clause.range)
        try:
            values = iteration(operand, size, clause.range.span, MOST_PAIRS)
        except EndlessError:
            raise _endless(rule) from None
        wrong = either(values.wrong, wrong_in((operand,)))
        sound, error = self._sound(evaluation, wrong, clause.range, run)
        self.values += int(values.counts[:sound].sum())
        if self.values > MOST_PAIRS:
            raise _endless(rule)
        for indices, here in values.windows(sound, evaluation.slice_size(_WINDOW)):
            self._run(rule, rest, {**_taken(evaluation.variables, indices), clause.name: here})
        if error is not None:
            raise error

    def _sound(
        self, evaluation: Evaluation, wrong: Flags | None, node: ast.Expression, question: Question
    ) -> tuple[int, _MistakeError | None]:
        """(how many indices come before the first wrong one, its error)."""
        size = _size(evaluation)
        if wrong is None or not wrong.any():
            return size, None
        first = int(np.broadcast_to(wrong, size).argmax())
        index = {
            name: vector.values[first : first + 1].tolist()[0]
            for name, vector in evaluation.variables.items()
        }
        error = mistake(evaluation, node, question, index)
        return first, _MistakeError(error, next(iter(index.values())))


def _size(evaluation: Evaluation) -> int:
    return next(iter(evaluation.variables.values())).values.size


def _taken(variables: Mapping[str, Vector], indices: Indices) -> dict[str, Vector]:
    return {name: replace(vector, values=vector.values[indices]) for name, vector in variables.items()}


def _as_inputs(operand: Operand, size: int) -> tuple[Indices, Flags | None]:
    """The integers of an operand, [size], and where it is none."""
    vector = as_vector(operand)
    if vector is not None and vector.is_integer:
        return np.broadcast_to(vector.values, size), vector.wrong
    values = values_of(operand, (size,))
    wrong = np.array([not is_integer(value) for value in values])
    numbers = [value if is_integer(value) else 0 for value in values]
    return np.array(numbers, np.int64), either(wrong, wrong_in((operand,)))


def _endless(rule: _Rule) -> SemanticError:
    message = "the loops of this set run through more than 2^32 values"
    return SemanticError("NF716", message, rule.set.span)
