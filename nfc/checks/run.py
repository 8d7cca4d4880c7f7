"""Runs check blocks: every assertion, none stops the rest."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Protocol

from nfc.checks.assertion import Assertion, Measurements, Outcome
from nfc.checks.layers import KINDS, paths_of
from nfc.checks.names import Scope
from nfc.checks.result import Measured, Result, plain, shown
from nfc.diagnostics import Sink, did_you_mean
from nfc.ir.network import Network
from nfc.limits import Limits
from nfc.sema.errors import AlreadyReported, SemanticError
from nfc.sema.tree import one_line
from nfc.sema.values import Value, is_number
from nfc.syntax import ast


class Checked(Protocol):
    """What checking needs of an elaborated program."""

    @property
    def checks(self) -> tuple[ast.Check, ...]:
        """The check blocks of the root file, in order."""

    @property
    def constants(self) -> Mapping[str, Value]:
        """The constants that the root file sees."""

    @property
    def networks(self) -> Mapping[str, Network]:
        """The networks without errors."""

    @property
    def broken(self) -> frozenset[str]:
        """The names of definitions with errors."""


def run(program: Checked, networks: Mapping[str, Network], sink: Sink, limits: Limits) -> tuple[Result, ...]:
    """The results of all check blocks of the networks given, in the order of the file.

    An assertion that fails is also an NF501 error at its place; one without a value is an error
    alone. Blocks for networks that are not among those given are left out: they were not asked
    for, or they have errors, which have been reported. A network that does not exist is NF201.

    Args:
        networks: initialised, by name.
    """
    results: list[Result] = []
    for check in program.checks:
        network = networks.get(check.network)
        if network is not None:
            scope = Scope(paths_of(network), program.constants)
            block = _Block(check.network, Measurements(network), sink, limits)
            results.extend(block.results(check.statements, scope))
        elif check.network not in program.networks and check.network not in program.broken:
            message = f"this file defines no network `{check.network}`"
            sink.error(
                "NF201", message, check.network_span, hints=did_you_mean(check.network, program.networks)
            )
    return tuple(results)


@dataclass(frozen=True)
class _Block:
    """A check block at work."""

    network: str
    measurements: Measurements
    sink: Sink
    limits: Limits

    def results(self, statements: tuple[ast.CheckStatement, ...], scope: Scope) -> Iterator[Result]:
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
            self.sink.error("NF502", message, node.kind_span, hints=did_you_mean(node.kind, KINDS))
            return
        if scope.each is not None:
            self.sink.error("NF504", "an `each` block holds assertions alone, no other `each`", node.span)
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
        try:
            outcomes = assertion.outcomes()
        except SemanticError as error:
            self.sink.add(error.diagnostic)
            return
        except AlreadyReported:
            return
        failures = [outcome for outcome in outcomes if not outcome.ok]
        result = self._result(assertion, outcomes, failures)
        if failures:
            self._report(assertion, result, failures, len(outcomes))
        yield result

    def _result(self, assertion: Assertion, outcomes: list[Outcome], failures: list[Outcome]) -> Result:
        return Result(
            network=self.network,
            assertion=one_line(assertion.node.text),
            reason=assertion.node.reason,
            span=assertion.condition.span,
            ok=not failures,
            measured=plain(failures[0].measured) if failures else _together(outcomes),
            layer=_layer(assertion, failures or outcomes),
            evidence=assertion.evidence(failures[0]) if failures else None,
        )

    def _report(self, assertion: Assertion, result: Result, failures: list[Outcome], count: int) -> None:
        first = failures[0]
        named = result.layer is None or f"{result.layer}." in result.assertion
        place = "" if named else f" for `{result.layer}`"
        copies = f" (and {len(failures) - 1} more of {count} copies)" if len(failures) > 1 else ""
        found = "; ".join([f"{first.subject} is {shown(first.measured)}", *assertion.bounds(first)])
        reason = f" ({result.reason})" if result.reason else ""
        message = f"`{result.assertion}` does not hold{place}{copies}: {found}{reason}"
        hints = (result.evidence,) if result.evidence else ()
        self.sink.error("NF501", message, result.span, hints=hints)


def _layer(assertion: Assertion, outcomes: list[Outcome]) -> str | None:
    """The layer that an assertion is about: the first path that it binds, or the copy that fails alone."""
    binding = outcomes[0].binding
    if not binding:
        return None
    path, first = next(iter(binding.items()))
    return path if outcomes[0].ok or not first.copies else first.op.path


def _together(outcomes: list[Outcome]) -> Measured:
    """One value for all copies: theirs if they agree, else `least..greatest`."""
    values = [outcome.measured for outcome in outcomes]
    if all(value == values[0] for value in values):
        return plain(values[0])
    if all(is_number(value) for value in values):
        numbers = [value for value in values if isinstance(value, int | float)]
        return f"{shown(min(numbers))}..{shown(max(numbers))}"
    return f"{len(set(values))} different values"
