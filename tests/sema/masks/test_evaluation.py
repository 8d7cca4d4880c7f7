"""The vectorised evaluation against the evaluator of constants, index by index."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from nfc.limits import Limits
from nfc.sema.budget import Budget
from nfc.sema.errors import EvaluationError
from nfc.sema.masks.dependencies import dependencies
from nfc.sema.masks.evaluate import Evaluation
from nfc.sema.masks.indices import mistake
from nfc.sema.masks.vectors import Vector, values_of, wrong_in
from nfc.sema.resolve import Masked
from nfc.sema.values import Value
from tests.sema.masks.expressions import conditions, numbers
from tests.sema.masks.oracle import Wrong, masked, value_at

ROWS, COLS = 4, 6


def vectorised(meaning: Masked) -> list[Value | None]:
    """The values of a mask's body at all pairs; None where there is none."""
    mask = meaning.definition
    assert mask.input is not None
    outputs = Vector(np.arange(ROWS)[:, None], 0, ROWS - 1)
    inputs = Vector(np.arange(COLS)[None, :], 0, COLS - 1)
    names = dependencies(mask.body, {mask.output, mask.input})
    variables = {mask.output: outputs, mask.input: inputs}
    evaluation = Evaluation(
        meaning.environment, names, Budget(Limits()), variables, kept=frozenset({mask.input})
    )
    operand = evaluation.operand(mask.body)
    wrong = wrong_in((operand,))
    flags = np.broadcast_to(False if wrong is None else wrong, (ROWS, COLS)).reshape(-1)
    values = values_of(operand, (ROWS, COLS))
    _check_bounds(operand)
    return [None if bad else value for value, bad in zip(values, flags, strict=True)]


def _check_bounds(operand: object) -> None:
    if isinstance(operand, Vector) and operand.is_integer:
        assert operand.low <= operand.values.min()
        assert operand.values.max() <= operand.high


def one_by_one(meaning: Masked) -> list[Value | None]:
    mask = meaning.definition
    assert mask.input is not None
    values: list[Value | None] = []
    for output in range(ROWS):
        for input_ in range(COLS):
            try:
                index = {mask.output: output, mask.input: input_}
                values.append(value_at(mask.body, meaning.environment, index))
            except EvaluationError:
                values.append(None)
    return values


def said_at(meaning: Masked, output: int, input_: int) -> tuple[Wrong, Wrong]:
    """What is said to be wrong at a pair, and what the evaluator of constants says."""
    mask = meaning.definition
    assert mask.input is not None
    names = dependencies(mask.body, {mask.output, mask.input})
    evaluation = Evaluation(meaning.environment, names, Budget(Limits()))
    index = {mask.output: output, mask.input: input_}
    said = mistake(evaluation, mask.body, lambda value, node: None, index)
    with pytest.raises(EvaluationError) as expected:
        value_at(mask.body, meaning.environment, index)
    return Wrong.of(said.diagnostic), Wrong.of(expected.value.diagnostic).first_at(index)


@settings(max_examples=150, deadline=None)
@given(st.one_of(numbers("o i"), conditions("o i")))
@example("(o + 2**62) * (i - 2)")
@example("(2**63 - 1) % (i - 3)")
@example("(-2**63 + o) // (i - 3)")
@example("min(o, 0.5) ** (i - 2)")
@example("log2(o) + i")
@example("(o - i)**(i*13)")
@example("i != 0 and o % i == 0")
@example("i == 0 or o > 1 and log2(i - 1) > 0 or [o, i] == [1, 2]")
@example("isqrt(2**53 * o)")
@example("1 < o < 10 // i")
@example("o in 0..<2**70 // 2**68")
@example("(1 // 0 == 2) or o == 1")
@example("o != 1 or 1 // 0 == 2")
@example("(2**53 + o) == (2.0**53 + i)")
@example("(2**53 + o) < (2.0**53 + i)")
@example("(2**53 + o) / (2**53 + i)")
def test_values_and_errors_agree(text: str) -> None:
    meaning = masked(f"mask m(k=2)[o, i] = {text}", ROWS, COLS)
    found, expected = vectorised(meaning), one_by_one(meaning)
    assert found == expected
    assert [type(value) for value in found] == [type(value) for value in expected]
    for position in [place for place, value in enumerate(expected) if value is None][:3]:
        said, right = said_at(meaning, *divmod(position, COLS))
        assert said == right
