"""Masks one index at a time, by the evaluator of constants: what the vectorised evaluation has to agree with."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from nfc.diagnostics import Diagnostic, Sink
from nfc.limits import Limits
from nfc.sema.environment import Environment
from nfc.sema.errors import EvaluationError, SemanticError
from nfc.sema.evaluate import _Evaluation
from nfc.sema.operators import boolean
from nfc.sema.resolve import Masked, resolve
from nfc.sema.tree import walk
from nfc.sema.values import Interval, Value, kind_of
from nfc.source import Source, Span
from nfc.syntax import ast, parse_expression
from tests.sema.programs import sound

Index = Mapping[str, Value]


def masked(definition: str, rows: int, cols: int, call: str = "m", *others: str) -> Masked:
    """What a call of a mask means at these sizes."""
    program = sound("\n".join(["nf 1", *others, definition, ""]))
    sink = Sink()
    node = parse_expression(Source("<call>", call), sink, Limits())
    assert isinstance(node, ast.Name | ast.Call)
    environment = Environment(program.scope, program.values, Limits(), (rows, cols))
    meaning = resolve(node, environment, (rows, cols))
    assert isinstance(meaning, Masked)
    return meaning


@dataclass(frozen=True)
class Wrong:
    """An error, as far as the two evaluations have to agree."""

    code: str
    span: Span | None
    message: str

    @classmethod
    def of(cls, diagnostic: Diagnostic) -> Wrong:
        return cls(diagnostic.code, diagnostic.span, diagnostic.message)

    def first_at(self, index: Index) -> Wrong:
        """The error that names this index."""
        names = ", ".join(index)
        shown = ", ".join(_shown(value) for value in index.values())
        place = f"({names}) = ({shown})" if len(index) > 1 else f"{names} = {shown}"
        return Wrong(self.code, self.span, f"{self.message}, first at {place}")


def value_at(node: ast.Expression, environment: Environment, index: Index) -> Value:
    """The value at one index; 64 bits bound whatever hangs on the index. Raises EvaluationError."""
    for name, value in index.items():
        environment = environment.bind(name, value)
    return _AtIndex(environment.value, environment, frozenset(index)).value(node)


class _AtIndex(_Evaluation):
    """The evaluator of constants, with a look at every result that hangs on the index."""

    __slots__ = ("_environment", "_names")

    def __init__(self, lookup: object, environment: Environment, names: frozenset[str]) -> None:
        super().__init__(lookup, environment.limits)  # type: ignore[arg-type]
        object.__setattr__(self, "_environment", environment)
        object.__setattr__(self, "_names", names)

    def value(self, node: ast.Expression) -> Value:
        if not any(isinstance(part, ast.Name) and part.name in self._names for part in walk(node)):
            return _checked(self._environment.value(node), node.span)
        return _bounded(lambda: super(_AtIndex, self).value(node), node.span)

    def _binary(self, node: ast.Binary) -> Value:
        return self._step(self.value(node.left), node)

    def _step(self, left: Value, node: ast.Binary) -> Value:
        return _bounded(lambda: super(_AtIndex, self)._step(left, node), node.span)


def _bounded(compute: object, span: Span) -> Value:
    try:
        return _checked(compute(), span)  # type: ignore[operator]
    except EvaluationError as error:
        if error.diagnostic.code == "NF711" and error.diagnostic.span == span:
            raise _too_large(span) from None
        raise


def _checked(value: Value, span: Span) -> Value:
    numbers: Sequence[Value] = value if isinstance(value, tuple) else (value,)
    if isinstance(value, Interval):
        numbers = value.low, value.high
    if any(isinstance(number, int) and not -(2**63) <= number < 2**63 for number in numbers):
        raise _too_large(span)
    return value


def _too_large(span: Span) -> EvaluationError:
    return EvaluationError("NF421", "an integer here has more than 64 bits", span)


def predicate_edges(meaning: Masked) -> set[tuple[int, int]] | Wrong:
    """The edges of a predicate, or what is wrong at the first pair where something is."""
    mask, environment = meaning.definition, meaning.environment
    assert mask.input is not None
    found = set()
    for output in range(environment.sizes[0]):
        for input_ in range(environment.sizes[1]):
            index = {mask.output: output, mask.input: input_}
            try:
                value = value_at(mask.body, environment, index)
                if not isinstance(value, bool):
                    message = f"the predicate of a mask is a boolean; found {kind_of(value)}"
                    raise EvaluationError("NF205", message, mask.body.span)
            except EvaluationError as error:
                return Wrong.of(error.diagnostic).first_at(index)
            if value:
                found.add((output, input_))
    return found


def neighbour_edges(meaning: Masked) -> set[tuple[int, int]] | Wrong:
    """The edges of sets, or what is wrong at the first index where something is."""
    mask, environment = meaning.definition, meaning.environment
    rows, cols = environment.sizes
    found = set()
    try:
        for output in range(rows):
            for rule in _rules(mask.body):
                inputs = _elements(rule.elements, rule.clauses, environment, {mask.output: output})
                found |= {(output, input_) for input_ in inputs if 0 <= input_ < cols}
    except _AtIndexError as error:
        return error.wrong
    return found


class _AtIndexError(Exception):
    def __init__(self, error: SemanticError, index: Index) -> None:
        self.wrong = Wrong.of(error.diagnostic).first_at(index)


def _rules(node: ast.Expression) -> Iterator[ast.Set]:
    if isinstance(node, ast.Binary):
        yield from _rules(node.left)
        yield from _rules(node.right)
    else:
        assert isinstance(node, ast.Set)
        yield node


def _elements(
    elements: Sequence[ast.Expression],
    clauses: Sequence[ast.For | ast.If],
    environment: Environment,
    index: Index,
) -> Iterator[int]:
    try:
        if not clauses:
            for element in elements:
                yield _integer(value_at(element, environment, index), element.span)
            return
        first, rest = clauses[0], clauses[1:]
        if isinstance(first, ast.If):
            if boolean(value_at(first.condition, environment, index), "if", first.condition.span):
                yield from _elements(elements, rest, environment, index)
            return
        values = _run(value_at(first.range, environment, index), first.range.span)
    except EvaluationError as error:
        raise _AtIndexError(error, index) from None
    for value in values:
        yield from _elements(elements, rest, environment, {**index, first.name: value})


def _integer(value: Value, span: Span) -> int:
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    raise EvaluationError("NF205", f"a set of neighbours holds integers; found {kind_of(value)}", span)


def _run(value: Value, span: Span) -> Sequence[Value]:
    if isinstance(value, tuple):
        return value
    if not isinstance(value, Interval):
        raise EvaluationError("NF205", f"a range or a list is expected here; found {kind_of(value)}", span)
    if value.integers is None:
        raise EvaluationError("NF205", "the ends of this range are integers; found a float", span)
    return value.integers


def _shown(value: Value) -> str:
    from nfc.sema.values import show

    return show(value)
