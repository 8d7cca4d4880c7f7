"""Changes of a file's check blocks: assertions that are new or gone, and bounds that allow more or less."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from nfc.diffing.changes import Change
from nfc.limits import Limits
from nfc.sema.errors import EvaluationError
from nfc.sema.evaluate import evaluate
from nfc.sema.tree import one_line
from nfc.sema.values import Interval, Value, is_number
from nfc.syntax import ast

MIRRORED = {"<=": ">=", "<": ">", ">=": "<=", ">": "<"}


@dataclass(frozen=True)
class Assertion:
    """An assertion with the network and the `each` blocks around it, and the constants of its file."""

    place: tuple[str, ...]
    node: ast.Assertion
    constants: Mapping[str, Value]

    @cached_property
    def text(self) -> str:
        """Its condition on one line, behind its place."""
        return ": ".join((*self.place, one_line(self.node.text)))

    @cached_property
    def bounded(self) -> tuple[str, str, Value] | None:
        """What is bounded, how, and by what; None where it is no comparison with one constant."""
        condition = self.node.condition
        if not isinstance(condition, ast.Comparison) or len(condition.operators) != 1:
            return None
        (first, last), (operator,) = condition.operands, condition.operators
        for subject, bound, relation in (
            (first, last, operator),
            (last, first, MIRRORED.get(operator, operator)),
        ):
            value = self._value(bound)
            if value is not None:
                return one_line(subject.span.text), relation, value
        return None

    def _value(self, expression: ast.Expression) -> Value | None:
        def known(node: ast.Name | ast.Path) -> Value:
            if node.span.text not in self.constants:
                raise EvaluationError("NF201", f"`{node.span.text}` is no constant", node.span)
            return self.constants[node.span.text]

        try:
            return evaluate(expression, known, Limits())
        except EvaluationError:
            return None


def assertions(checks: Sequence[ast.Check], constants: Mapping[str, Value]) -> list[Assertion]:
    """All assertions in order."""
    return [
        Assertion(place, node, constants)
        for check in checks
        for place, node in _within(check.statements, (check.network,))
    ]


def _within(
    statements: Sequence[ast.CheckStatement], place: tuple[str, ...]
) -> Iterator[tuple[tuple[str, ...], ast.Assertion]]:
    for statement in statements:
        if isinstance(statement, ast.EachLayer):
            yield from _within(statement.statements, (*place, f"each {statement.kind}"))
        elif isinstance(statement, ast.Assertion):
            yield place, statement


def assertion_changes(old: Sequence[Assertion], new: Sequence[Assertion]) -> list[Change]:
    """What became of the assertions; one whose bound alone changed is the same one."""
    before, after = list(old), list(new)
    _pairs(before, after, _meaning)
    changed = [_bound_change(*pair) for pair in _pairs(before, after, _subject)]
    return [
        *changed,
        *(
            Change("CHECK_ADDED", f"`{each.text}` is asserted", None, None, each.text, span=each.node.span)
            for each in after
        ),
        *(
            Change(
                "CHECK_REMOVED",
                f"`{each.text}` is asserted no longer",
                None,
                each.text,
                None,
                span=each.node.span,
            )
            for each in before
        ),
    ]


Key = Callable[[Assertion], tuple[object, ...] | None]


def _meaning(assertion: Assertion) -> tuple[object, ...]:
    return assertion.place, assertion.bounded or assertion.text


def _subject(assertion: Assertion) -> tuple[object, ...] | None:
    bounded = assertion.bounded
    return (assertion.place, *bounded[:2]) if bounded else None


def _pairs(old: list[Assertion], new: list[Assertion], key: Key) -> list[tuple[Assertion, Assertion]]:
    """Assertions with the same key, in order; they are taken out of both lists."""
    pairs = []
    for other in list(new):
        wanted = key(other)
        partner = next((each for each in old if wanted is not None and key(each) == wanted), None)
        if partner is not None:
            pairs.append((partner, other))
            old.remove(partner)
            new.remove(other)
    return pairs


def _bound_change(old: Assertion, new: Assertion) -> Change:
    assert old.bounded is not None
    assert new.bounded is not None
    rule = _direction(new.bounded[1], old.bounded[2], new.bounded[2])
    what = {"CHECK_LOOSENED": " and allows more", "CHECK_TIGHTENED": " and allows less"}.get(rule, "")
    message = f"`{new.text}` was `{one_line(old.node.text)}`{what}"
    return Change(rule, message, None, old.text, new.text, span=new.node.span)


def _direction(relation: str, old: Value, new: Value) -> str:
    """Whether a bound allows more or less than before."""
    if is_number(old) and is_number(new) and relation in MIRRORED:
        upward = relation in ("<=", "<")
        return "CHECK_LOOSENED" if (new > old) is upward else "CHECK_TIGHTENED"  # type: ignore[operator]
    if isinstance(old, Interval) and isinstance(new, Interval) and old.inclusive == new.inclusive:
        if new.low <= old.low and old.high <= new.high:
            return "CHECK_LOOSENED"
        if old.low <= new.low and new.high <= old.high:
            return "CHECK_TIGHTENED"
    return "CHECK_CHANGED"
