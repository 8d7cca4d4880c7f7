"""Definitions and the file: from Lark's trees to the syntax tree. One function a grammar rule."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from lark import Token

from nfc.diagnostics import Sink
from nfc.source import Source, Span
from nfc.syntax import ast
from nfc.syntax.build_expressions import unquoted
from nfc.syntax.context import Context, MalformedError
from nfc.syntax.words import DEFINITIONS

EDITION = 1
_HEAD = re.compile(r"\s*(?P<kind>[A-Za-z_]+)(?:[ \t]+(?P<name>[A-Za-z_][A-Za-z0-9_]*))?")


@dataclass(frozen=True)
class Edition:
    """`nf 1`, which the syntax tree leaves out: every tree is of edition 1."""

    span: Span


def edition(context: Context, children: list[Any], span: Span) -> Edition:
    number = str(children[1])
    if number != str(EDITION):
        raise MalformedError(
            "NF101",
            f"expected edition {EDITION} of the language, found `{number}`",
            context.span(children[1]),
            hints=(f"this nfc reads files that start with `nf {EDITION}`",),
        )
    return Edition(span)


def use(context: Context, children: list[Any], span: Span) -> ast.Use:
    return ast.Use(span=span, path=unquoted(children[1]), path_span=context.span(children[1]))


def constant(context: Context, children: list[Any], span: Span) -> ast.Constant:
    word, name, value = children
    return ast.Constant(
        span=span,
        name=str(name),
        name_span=context.span(name),
        value=value,
        overridable=word.type == "PARAM",
    )


def mask(context: Context, children: list[Any], span: Span) -> ast.Mask:
    _, name, parameters, (output, input_), allow_empty, body = children
    return ast.Mask(
        span=span,
        name=str(name),
        name_span=context.span(name),
        parameters=parameters or (),
        output=str(output),
        output_span=context.span(output),
        input=None if input_ is None else str(input_),
        input_span=None if input_ is None else context.span(input_),
        allow_empty=allow_empty is not None,
        body=body,
    )


def indices(_: Context, children: list[Any], __: Span) -> tuple[Token, Token | None]:
    output, input_ = children
    return output, input_


def topology(context: Context, children: list[Any], span: Span) -> ast.Topology:
    _, name, parameters, body = children
    return ast.Topology(
        span=span, name=str(name), name_span=context.span(name), parameters=parameters or (), body=body
    )


def parameters(_: Context, children: list[Any], __: Span) -> tuple[ast.Parameter, ...]:
    return tuple(children)


def parameter(context: Context, children: list[Any], span: Span) -> ast.Parameter:
    name, default = children
    return ast.Parameter(span=span, name=str(name), name_span=context.span(name), default=default)


def network(context: Context, children: list[Any], span: Span) -> ast.Network | ast.BadDefinition:
    *head, body = children
    name = _name_of_header(context, head)
    if name is None:
        return ast.BadDefinition(span=span, kind="network", name=None)
    return ast.Network(span=span, name=name.text, name_span=name, body=body)


def check(context: Context, children: list[Any], span: Span) -> ast.Check | ast.BadDefinition:
    head = [child for child in children if isinstance(child, Token)]
    name = _name_of_header(context, head)
    if name is None:
        return ast.BadDefinition(span=span, kind="check", name=None)
    return ast.Check(span=span, network=name.text, network_span=name, statements=tuple(children[len(head) :]))


def _name_of_header(context: Context, head: list[Token]) -> Span | None:
    """Where the name stands: the second token, or the second word of a header that was skipped."""
    if len(head) > 1:
        return context.span(head[1])
    match = _HEAD.match(head[0])
    if match is None or not match["name"]:
        return None
    start = head[0].start_pos or 0
    return context.at(start + match.start("name"), start + match.end("name"))


def bad_definition(context: Context, children: list[Any], span: Span) -> ast.BadDefinition:
    return unreadable(span)


def unreadable(span: Span) -> ast.BadDefinition:
    """A definition of which at most the kind and the name can be told."""
    match = _HEAD.match(span.text)
    if match is None or match["kind"] not in DEFINITIONS:
        return ast.BadDefinition(span=span, kind=None, name=None)
    return ast.BadDefinition(span=span, kind=match["kind"], name=match["name"])


def check_edition(source: Source, parts: list[Any], sink: Sink) -> None:
    """Report a file that does not start with `nf 1`, or says it again later."""
    editions = [part for part in parts if isinstance(part, Edition) or _is_bad_edition(part)]
    for late in [part for part in editions if part is not parts[0]]:
        if late is editions[0] and isinstance(late, Edition):
            message = f"`nf {EDITION}` has to be the first statement of the file"
            sink.error("NF101", message, late.span, hints=("it belongs above everything but comments",))
        elif isinstance(late, Edition):
            sink.error("NF101", f"`nf {EDITION}` stands here a second time", late.span)
    if not editions:
        place = _first_word(source, parts)
        hint = f"the first line of the file should be `nf {EDITION}`"
        sink.error("NF101", f"expected `nf {EDITION}` as the first statement", place, hints=(hint,))


def _is_bad_edition(part: Any) -> bool:
    return isinstance(part, ast.BadDefinition) and part.kind == "nf"


def _first_word(source: Source, parts: list[Any]) -> Span:
    start = parts[0].span.start if parts else 0
    match = re.compile(r"\w*").match(source.text, start)
    return Span(source, start, match.end() if match else start)


DEFINITION_RULES = ("edition", "use", "constant", "mask", "topology", "network", "check", "bad_definition")

BUILDERS: dict[str, Callable[[Context, list[Any], Span], Any]] = {
    "edition": edition,
    "use": use,
    "constant": constant,
    "mask": mask,
    "indices": indices,
    "topology": topology,
    "parameters": parameters,
    "parameter": parameter,
    "network": network,
    "check": check,
    "bad_definition": bad_definition,
}
"""The builder of each rule that stands in the file itself."""
