"""A check block at work: a result for every assertion, for every layer that `each` visits."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from nfc.checks.assertion import Assertion, Measurements, Outcome
from nfc.checks.layers import KINDS
from nfc.checks.names import Scope
from nfc.checks.result import Measured, Result, plain, shown
from nfc.diagnostics import Diagnostic, Sink, did_you_mean
from nfc.limits import Limits
from nfc.sema.errors import AlreadyReported, SemanticError
from nfc.sema.tree import one_line
from nfc.sema.values import is_number
from nfc.source import Span
from nfc.syntax import ast

Statements = tuple[ast.CheckStatement, ...]


def unmeasured(
    network: str, statements: Statements, diagnostic: Diagnostic | None, layer: str | None = None
) -> Iterator[Result]:
    """The results of assertions that cannot be evaluated, also of those inside `each`.

    Args:
        diagnostic: the error that says why; None where it is known elsewhere.
        layer: the layer that an `each` block is about, where it is known.
    """
    for statement in statements:
        if isinstance(statement, ast.EachLayer):
            yield from unmeasured(network, statement.statements, diagnostic, layer)
        elif isinstance(statement, ast.Assertion):
            yield Result(
                network=network,
                assertion=one_line(statement.text),
                reason=statement.reason,
                span=statement.condition.span,
                ok=False,
                measured=None,
                text="not measured",
                layer=layer,
                names_layer=False,
                bounds=(),
                evidence=None,
                diagnostic=diagnostic,
            )


@dataclass(frozen=True)
class Block:
    """A check block and its network."""

    network: str
    measurements: Measurements
    sink: Sink
    limits: Limits
    _reported: dict[tuple[str, Span | None], Diagnostic] = field(default_factory=dict)

    def results(self, statements: Statements, scope: Scope) -> Iterator[Result]:
        for statement in statements:
            match statement:
                case ast.Assertion():
                    yield from self._assertion(statement, scope)
                case ast.EachLayer():
                    yield from self._each(statement, scope)
                case _:
                    pass  # a statement that could not be parsed has been reported

    def _each(self, node: ast.EachLayer, scope: Scope) -> Iterator[Result]:
        if node.kind not in KINDS:
            message = f"`{node.kind}` is no kind of layer; expected {', '.join(KINDS)}"
            hints = did_you_mean(node.kind, KINDS)
            unknown = self._report(Diagnostic("NF502", message, node.kind_span, hints=hints))
            yield from unmeasured(self.network, node.statements, unknown)
            return
        if scope.each is not None:
            message = "an `each` block holds assertions alone, no other `each`"
            nested = self._report(Diagnostic("NF504", message, node.span))
            yield from unmeasured(self.network, node.statements, nested, scope.each[0])
            return
        groups = scope.paths.of_kind(node.kind)
        if not groups:
            kind = "weighted" if node.kind == "layer" else node.kind
            message = f"the network `{self.network}` has no {kind} layer, so this checks nothing"
            self.sink.warning("NF505", message, node.kind_span)
        for path, copies in groups.items():
            yield from self.results(node.statements, replace(scope, each=(path, tuple(copies))))

    def _assertion(self, node: ast.Assertion, scope: Scope) -> Iterator[Result]:
        assertion = Assertion(node, scope, self.measurements, self.limits)
        reported: Diagnostic | None = None
        try:
            outcomes = assertion.outcomes()
        except SemanticError as error:
            reported, outcomes = self._report_once(error.diagnostic), []
        except AlreadyReported:
            outcomes = []
        if not outcomes:
            yield from unmeasured(self.network, (node,), reported, scope.each[0] if scope.each else None)
            return
        failures = [outcome for outcome in outcomes if not outcome.ok]
        result = self._result(assertion, outcomes, failures)
        if failures:
            reported = self._report(_failure(assertion, result, failures, len(outcomes)))
            result = replace(result, diagnostic=reported)
        yield result

    def _result(self, assertion: Assertion, outcomes: list[Outcome], failures: list[Outcome]) -> Result:
        measured, text = _together(failures[:1] or outcomes)
        shown_outcome = (failures or outcomes)[0]
        layer, names_layer = _layer(assertion, shown_outcome)
        return Result(
            network=self.network,
            assertion=one_line(assertion.node.text),
            reason=assertion.node.reason,
            span=assertion.condition.span,
            ok=not failures,
            measured=measured,
            text=text,
            layer=layer,
            names_layer=names_layer,
            bounds=tuple(assertion.bounds(shown_outcome)),
            evidence=assertion.evidence(failures[0]) if failures else None,
            diagnostic=None,
        )

    def _report(self, diagnostic: Diagnostic) -> Diagnostic:
        self.sink.add(diagnostic)
        return diagnostic

    def _report_once(self, diagnostic: Diagnostic) -> Diagnostic:
        """Report what an assertion lacks for the first of the layers that lack it."""
        key = (diagnostic.code, diagnostic.span)
        if key not in self._reported:
            self._reported[key] = self._report(diagnostic)
        return self._reported[key]


def _failure(assertion: Assertion, result: Result, failures: list[Outcome], count: int) -> Diagnostic:
    """The error of an assertion that does not hold: where, what was measured, the bound, the evidence."""
    first = failures[0]
    place = "" if result.layer is None or result.names_layer else f" for `{result.layer}`"
    copies = f" (and {len(failures) - 1} more of {count} copies)" if len(failures) > 1 else ""
    found = "; ".join([*first.found, *result.bounds])
    reason = f" ({result.reason})" if result.reason else ""
    message = f"`{result.assertion}` does not hold{place}{copies}: {found}{reason}"
    hints = (result.evidence,) if result.evidence else ()
    return Diagnostic("NF501", message, assertion.condition.span, hints=hints)


def _layer(assertion: Assertion, outcome: Outcome) -> tuple[str | None, bool]:
    """The layer that an assertion is about, and whether it names it.

    That is the first path that it binds, or the copy that fails alone.
    """
    if not outcome.binding:
        return None, False
    path, first = next(iter(outcome.binding.items()))
    layer = path if outcome.ok or not first.copies else first.op.path
    return layer, assertion.scope.each is None and layer == path


def _together(outcomes: list[Outcome]) -> tuple[Measured, str]:
    """One value for all copies, and its text: theirs if they agree, else `least..greatest`."""
    values = [outcome.measured for outcome in outcomes]
    if all(value == values[0] for value in values):
        return plain(values[0]), outcomes[0].text
    if all(is_number(value) for value in values):
        numbers = [value for value in values if isinstance(value, int | float)]
        text = f"{shown(min(numbers))}..{shown(max(numbers))}"
    else:
        text = f"{len(set(values))} different values"
    return text, text
