"""The predicate form of masks: every pair of an output and an input is asked, in bounded slices."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from nfc.ir.factors import Factor
from nfc.ir.structure import kron
from nfc.sema.budget import Budget
from nfc.sema.environment import Environment
from nfc.sema.errors import SemanticError
from nfc.sema.masks.dependencies import dependencies
from nfc.sema.masks.edges import EdgeList
from nfc.sema.masks.evaluate import Evaluation
from nfc.sema.masks.indices import mistake, predicate
from nfc.sema.masks.memory import keep_freed_memory
from nfc.sema.masks.vectors import Constant, Vector
from nfc.syntax import ast

MOST_PAIRS = 2**32
"""The pairs of a predicate, and the values that the loops of a neighbour form run through."""

_SLICE = 2**17
"""Pairs asked at once: few enough for the processor's cache."""

_WIDEST_SLICE = 2**22


def predicate_factor(mask: ast.Mask, environment: Environment, budget: Budget, used: int) -> Factor:
    """The factor of a mask's predicate form.

    Args:
        environment: the mask's parameters and sizes.
        used: edges of the network so far.

    Raises:
        SemanticError: there are too many pairs, or the predicate has no truth value at a pair.
        LimitError: there are too many edges, or it takes too long.
    """
    assert mask.input is not None
    rows, cols = environment.sizes
    if rows * cols > MOST_PAIRS:
        raise _too_many_pairs(mask, rows, cols)
    evaluation = Evaluation(environment, dependencies(mask.body, {mask.output, mask.input}), budget)
    keep_freed_memory()
    edges = EdgeList(rows, cols, budget, used, mask.body.span)
    if _is_true_everywhere(evaluation, mask.body):
        budget.check_edges(used + rows * cols, mask.body.span, "there are")
        return kron(1, rows, cols, 1)
    for piece in _slices(evaluation, mask.output, mask.input, rows, cols):
        flags = _answers(piece, mask)
        flat = np.flatnonzero(flags)
        outputs = flat // flags.shape[1]
        fan_in = np.bincount(outputs, minlength=len(flags))
        first_input = piece.variables[mask.input].low
        edges.add(piece.variables[mask.output].low, fan_in, flat - outputs * flags.shape[1] + first_input)
    return edges.factor()


def _is_true_everywhere(evaluation: Evaluation, node: ast.Expression) -> bool:
    if evaluation.dependencies[id(node)]:
        return False
    operand = evaluation.operand(node)
    return isinstance(operand, Constant) and operand.value is True


def _slices(evaluation: Evaluation, output: str, input_: str, rows: int, cols: int) -> Iterator[Evaluation]:
    """Evaluations at all pairs, in order: outputs along the first axis, inputs along the second."""
    width = min(cols, evaluation.slice_size(_WIDEST_SLICE))
    height = max(1, evaluation.slice_size(_SLICE) // width) if width == cols else 1
    columns = [
        replace(evaluation, variables={input_: _range(first, min(cols, first + width), 1)}, memo={})
        for first in range(0, cols, width)
    ]
    for first in range(0, rows, height):
        outputs = _range(first, min(rows, first + height), 0)
        for column in columns:
            yield replace(column, variables={**column.variables, output: outputs}, kept=frozenset({input_}))


def _range(first: int, end: int, axis: int) -> Vector:
    values = np.arange(first, end, dtype=np.int64)
    return Vector(values[:, None] if axis == 0 else values[None, :], first, end - 1)


def _answers(piece: Evaluation, mask: ast.Mask) -> np.ndarray:
    """Which pairs of a slice have an edge, [outputs, inputs]."""
    assert mask.input is not None
    outputs, inputs = piece.variables[mask.output], piece.variables[mask.input]
    shape = outputs.values.size, inputs.values.size
    found = piece.condition(mask.body, "mask")
    if found.wrong is not None and found.wrong.any():
        position = int(np.broadcast_to(found.wrong, shape).argmax())
        output, input_ = outputs.low + position // shape[1], inputs.low + position % shape[1]
        raise mistake(piece, mask.body, predicate, {mask.output: output, mask.input: input_})
    return np.broadcast_to(found.values, shape)


def _too_many_pairs(mask: ast.Mask, rows: int, cols: int) -> SemanticError:
    message = (
        f"a predicate is asked for up to 2^32 pairs; {rows} outputs and {cols} inputs have {rows * cols}"
    )
    example = f"`mask {mask.name}[{mask.output}] = {{ {mask.output} + d for d in -1..1 }}`"
    hints = (f"list the inputs of each output instead, in the time of the edges, as in {example}",)
    return SemanticError("NF716", message, mask.body.span, hints=hints)
