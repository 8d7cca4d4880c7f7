"""Syntax trees without their places, for comparison."""

from __future__ import annotations

from dataclasses import fields, is_dataclass
from typing import Any

from nfc.diagnostics import Diagnostic, Sink
from nfc.limits import Limits
from nfc.source import Source, Span
from nfc.syntax import ast, parse, parse_expression

LIMITS = Limits()


def shape(value: Any) -> Any:
    """Nested tuples: a node's class and its fields, without spans and sources."""
    if is_dataclass(value) and not isinstance(value, Span):
        named = [
            field.name
            for field in fields(value)
            if not field.name.endswith("span") and field.name != "source"
        ]
        return (type(value).__name__, *((name, shape(getattr(value, name))) for name in named))
    return tuple(shape(item) for item in value) if isinstance(value, tuple) else value


def nodes(value: Any) -> list[ast.Node]:
    """Every node of a tree."""
    found = [value] if isinstance(value, ast.Node) else []
    children = value if isinstance(value, tuple) else ()
    if is_dataclass(value) and not isinstance(value, Span | Source):
        children = tuple(getattr(value, field.name) for field in fields(value))
    return found + [node for child in children for node in nodes(child)]


def parsed(text: str, limits: Limits = LIMITS) -> tuple[ast.File, list[Diagnostic]]:
    sink = Sink()
    return parse(Source("t.nf", text), sink, limits), sink.diagnostics


def sound(text: str) -> ast.File:
    """The tree of a text that has to be without mistakes; `nf 1` is put before it."""
    file, diagnostics = parsed(f"nf 1\n{text}")
    assert diagnostics == []
    return file


def expression(text: str) -> ast.Expression:
    sink = Sink()
    found = parse_expression(Source("t", text), sink, LIMITS)
    assert sink.diagnostics == []
    assert found is not None
    return found


def statements(body: str) -> tuple[ast.Statement, ...]:
    (network,) = sound(f"network t {{{body}}}").definitions
    assert isinstance(network, ast.Network)
    return network.body.statements


def assertions(body: str) -> tuple[ast.CheckStatement, ...]:
    (check,) = sound(f"check t {{{body}}}").definitions
    assert isinstance(check, ast.Check)
    return check.statements


def messages(text: str) -> list[str]:
    return [f"{diagnostic.code} {diagnostic.message}" for diagnostic in parsed(text)[1]]


def codes(text: str) -> list[str]:
    return [diagnostic.code for diagnostic in parsed(text)[1]]
