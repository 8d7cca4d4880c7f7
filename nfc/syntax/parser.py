"""Text to syntax tree: the quick way for text that is sound, the thorough one for text that is not."""

from __future__ import annotations

from lark import Token, Tree, UnexpectedToken

from nfc.diagnostics import Sink
from nfc.limits import Limits
from nfc.source import Source
from nfc.syntax import ast
from nfc.syntax.build import build_expression, build_file
from nfc.syntax.context import MOST_ERRORS
from nfc.syntax.driver import Driver


def parse(source: Source, sink: Sink, limits: Limits) -> ast.File:
    """The syntax tree of a file of any text.

    Everything that is wrong goes to `sink`, one diagnostic a mistake, in the order of their places; the
    statements that are wrong are `Bad…` nodes in the tree.
    """
    return parse_with_tree(source, sink, limits)[1]


def parse_with_tree(source: Source, sink: Sink, limits: Limits) -> tuple[Tree[Token], ast.File]:
    """As `parse`, with the grammar's own tree beside the syntax tree: what is written, not what it means."""
    found = Sink()
    tree = _parse(source, "file", found, limits)
    assert tree is not None
    file = build_file(tree, source, found, limits)
    _hand_over(found, sink)
    return tree, file


def parse_expression(source: Source, sink: Sink, limits: Limits) -> ast.Expression | None:
    """The expression that a whole text is (`butterfly(radix=4)`, `2k`); None when it is wrong."""
    found = Sink()
    tree = _parse(source, "alone", found, limits)
    expression = None if tree is None else build_expression(tree, source, found, limits)
    _hand_over(found, sink)
    return None if found.failed else expression


def _parse(source: Source, start: str, found: Sink, limits: Limits) -> Tree[Token] | None:
    try:
        return _strict(source.text, start, limits)
    except UnexpectedToken:
        from nfc.syntax.recovery import Recovery

        recovery = Recovery(source, start, limits)
        tree = recovery.run()
        found.diagnostics.extend(recovery.diagnostics)
        return tree


def _strict(text: str, start: str, limits: Limits) -> Tree[Token]:
    """Raises UnexpectedToken at the first mistake."""
    driver = Driver(text, start, limits.nesting)
    for token in driver.tokens:
        driver.feed(token)
    return driver.finish()


def _hand_over(found: Sink, sink: Sink) -> None:
    ordered = sorted(found.diagnostics, key=lambda each: each.span.start if each.span else 0)
    for diagnostic in ordered[:MOST_ERRORS]:
        sink.add(diagnostic)
    if len(ordered) > MOST_ERRORS:
        message = f"there are more than {MOST_ERRORS} errors; from here on they are not shown"
        sink.error("NF100", message, ordered[MOST_ERRORS].span)
