"""Texts to programs, for the tests of semantic analysis."""

from __future__ import annotations

from collections.abc import Mapping

from nfc.diagnostics import Diagnostic, Severity, Sink, describe
from nfc.files import load
from nfc.ir.network import Network, Op, walk
from nfc.limits import Limits
from nfc.sema.program import Program, elaborate
from nfc.sema.values import Value
from nfc.source import Source


def analyse(
    text: str, *, limits: Limits | None = None, overrides: Mapping[str, str | Value] | None = None
) -> tuple[Program, list[Diagnostic]]:
    sink, limits = Sink(), limits or Limits()
    files = load(Source("test.nf", text), sink, limits)
    return elaborate(files, overrides=overrides or {}, sink=sink, limits=limits), sink.diagnostics


def in_network(body: str, *definitions: str) -> str:
    """A file with definitions and a network `n` of this body."""
    return "\n".join(["nf 1", *definitions, "network n {", body, "}", ""])


def sound(text: str, **options: object) -> Program:
    program, diagnostics = analyse(text, **options)  # type: ignore[arg-type]
    assert diagnostics == []
    return program


def network(body: str, *definitions: str) -> Network:
    return sound(in_network(body, *definitions)).networks["n"]


def codes(text: str, **options: object) -> list[str]:
    """The codes of what is wrong, in order."""
    _, diagnostics = analyse(text, **options)  # type: ignore[arg-type]
    return [diagnostic.code for diagnostic in diagnostics]


def errors(text: str, **options: object) -> list[str]:
    _, diagnostics = analyse(text, **options)  # type: ignore[arg-type]
    return [d.code for d in diagnostics if d.severity is Severity.ERROR]


def report(text: str) -> str:
    """Every diagnostic with its labels and the text that it points at."""
    _, diagnostics = analyse(text)
    lines = []
    for diagnostic in diagnostics:
        lines.append(describe(diagnostic))
        lines += [f"    at: {diagnostic.span.text.splitlines()[0]}"] if diagnostic.span else []
        lines += [f"    {label.span!r}: {label.text}" for label in diagnostic.labels]
    return "\n".join(lines)


def paths(network: Network) -> list[str]:
    return [op.path for op in walk(network.body)]


def at(network: Network, path: str) -> Op:
    return next(op for op in walk(network.body) if op.path == path)
