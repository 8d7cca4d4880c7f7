"""One assertion in one scope: its truth for every choice of copies, and what was measured."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field

from nfc.analysis.errors import PropertyError
from nfc.analysis.properties import Measurement, layer_properties, network_properties
from nfc.checks.copies import Binding, bindings
from nfc.checks.evidence import layer_evidence
from nfc.checks.misses import Miss, misses
from nfc.checks.names import Question, Scope
from nfc.checks.network_evidence import network_evidence
from nfc.checks.result import shown
from nfc.ir.network import Network, WeightedLayer
from nfc.limits import Limits
from nfc.sema.errors import AlreadyReported, EvaluationError
from nfc.sema.evaluate import evaluate
from nfc.sema.tree import one_line, walk
from nfc.sema.values import Value, kind_of
from nfc.syntax import ast


@dataclass
class Measurements:
    """The properties of one network and its layers, each measured once."""

    network: Network
    _values: dict[tuple[int, str], Measurement] = field(default_factory=dict)

    def of(self, layer: WeightedLayer | None, name: str) -> Measurement:
        """A property of a layer, or of the network where `layer` is None."""
        key = (id(layer), name)
        if key not in self._values:
            properties: Mapping[str, Measurement] = (
                network_properties(self.network) if layer is None else layer_properties(layer)
            )
            self._values[key] = properties[name]
        return self._values[key]


@dataclass(frozen=True)
class Outcome:
    """The truth of an assertion for one choice of copies.

    Attributes:
        subject: the text of what is measured; None where that is several properties.
        measured: its value; of several properties, a list of them as text.
        found: what was measured, as sentences.
    """

    binding: Binding
    ok: bool
    subject: str | None
    measured: Value
    found: tuple[str, ...]

    @property
    def text(self) -> str:
        """The measured value as people read it."""
        return str(self.measured) if self.subject is None else shown(self.measured)


@dataclass(frozen=True)
class Assertion:
    """An assertion, the names that it sees, and what they are measured on."""

    node: ast.Assertion
    scope: Scope
    measurements: Measurements
    limits: Limits

    @property
    def condition(self) -> ast.Expression:
        return self.node.condition

    def outcomes(self) -> list[Outcome]:
        """The truth for every choice of copies.

        Raises:
            EvaluationError: it has no truth, for one of them at least.
        """
        asked = list(self._questions().values())
        here = [Question("", *self.scope.each)] if self.scope.each else []
        try:
            choices = bindings([*here, *asked])
        except PropertyError as error:
            raise _at(error, self.condition) from None
        return [self._outcome(binding) for binding in choices]

    def bounds(self, outcome: Outcome) -> list[str]:
        """The sides that are not measured, as `text is value`, where the text does not say it."""
        sides = self.condition.operands if isinstance(self.condition, ast.Comparison) else ()
        others = [side for side in sides if one_line(side.span.text) != outcome.subject]
        shown_sides = []
        for side in others:
            if any(isinstance(part, ast.Name | ast.Path | ast.Call) for part in walk(side)):
                with suppress(EvaluationError, AlreadyReported):  # the chain ended before this side
                    value = evaluate(side, _Lookup(self, outcome.binding), self.limits)
                    shown_sides.append(f"{one_line(side.span.text)} is {shown(value)}")
        return shown_sides

    def evidence(self, outcome: Outcome) -> str | None:
        """Where a failure shows, for each property that misses; None where nothing can be said."""
        lookup = _Lookup(self, outcome.binding)
        found: dict[str, None] = {}
        for node, miss in misses(self.condition, lambda part: evaluate(part, lookup, self.limits)):
            question = self.scope.resolve(node)
            if isinstance(question, Question):
                said = self._evidence(question, layer_of(question, outcome.binding), miss)
                found.update({said: None} if said else {})
        return "; ".join(found) or None

    def _evidence(self, question: Question, layer: WeightedLayer | None, miss: Miss) -> str | None:
        if layer is not None:
            return layer_evidence(question.property, layer, miss)
        return network_evidence(question.property, self.measurements.network, self.scope.paths, miss)

    def _questions(self) -> dict[str, Question]:
        """What the names ask, by their text in written order; names without a meaning are left out."""
        found: dict[str, Question] = {}
        for part in walk(self.condition):
            if isinstance(part, ast.Name | ast.Path):
                with suppress(EvaluationError):  # evaluation reports it
                    meaning = self.scope.resolve(part)
                    if isinstance(meaning, Question):
                        found[part.span.text] = meaning
        return found

    def _outcome(self, binding: Binding) -> Outcome:
        lookup = _Lookup(self, binding)
        truth = evaluate(self.condition, lookup, self.limits)
        if not isinstance(truth, bool):
            text = one_line(self.condition.span.text)
            message = f"an assertion is true or false; `{text}` is {kind_of(truth)}: {shown(truth)}"
            hint = f"compare it, as in `{text} == {shown(truth)}`"
            raise EvaluationError("NF504", message, self.condition.span, hints=(hint,))
        subject, measured = self._measured(lookup, truth)
        found = [f"{subject} is {shown(measured)}"] if subject else _each(lookup.asked, " is ")
        return Outcome(binding, truth, subject, measured, tuple(found))

    def _measured(self, lookup: _Lookup, truth: bool) -> tuple[str | None, Value]:
        """The first side of a comparison that asks for a property; of other conditions what they ask."""
        if isinstance(self.condition, ast.Comparison):
            sides = self.condition.operands
            asking = (side for side in sides if any(part.span.text in lookup.asked for part in walk(side)))
            subject = next(asking, sides[0])
            return one_line(subject.span.text), evaluate(subject, lookup, self.limits)
        if len(lookup.asked) == 1:
            return next(iter(lookup.asked.items()))
        if lookup.asked:
            return None, ", ".join(_each(lookup.asked, " = "))
        return one_line(self.condition.span.text), truth


class _Lookup:
    """The values of names for one choice of copies; `asked` keeps the properties that were looked up."""

    def __init__(self, assertion: Assertion, binding: Binding) -> None:
        self.asked: dict[str, Value] = {}
        self._assertion = assertion
        self._binding = binding

    def __call__(self, node: ast.Name | ast.Path) -> Value:
        meaning = self._assertion.scope.resolve(node)
        if not isinstance(meaning, Question):
            return meaning
        try:
            value = self._assertion.measurements.of(layer_of(meaning, self._binding), meaning.property)
        except PropertyError as error:
            raise _at(error, node) from None
        self.asked[node.span.text] = value
        return value


def layer_of(question: Question, binding: Binding) -> WeightedLayer | None:
    """The layer that a question is about; None for the network."""
    if question.group is None:
        return None
    op = binding[question.group].op
    assert isinstance(op, WeightedLayer)
    return op


def _at(error: PropertyError, node: ast.Node) -> EvaluationError:
    return EvaluationError(error.code, error.message, node.span, hints=error.hints)


def _each(asked: Mapping[str, Value], joint: str) -> list[str]:
    return [f"{text}{joint}{shown(value)}" for text, value in asked.items()]
