"""Ignore comments and what they are about: the findings that start on their line.

A layout keeps a statement on its line where such a comment ends that line. Where it stands elsewhere, in
the middle of a statement or behind several, a layout may move it away from some of what it is about, or
to more; then what fails in `nfc check` would be another, so that such a file is not laid out.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from typing import Any

from nfc.diagnostics import Diagnostic
from nfc.source import Source, Span
from nfc.suppressions import read_comments
from nfc.syntax import ast

HINT = "one statement on one line, with the comment behind it, is laid out"


def moved_comments(before: ast.File, after: ast.File) -> Iterator[Diagnostic]:
    """An error for each ignored code of a file that is about something else in its layout.

    Args:
        after: the layout, with the same syntax tree and the same comments.
    """
    was, will_be = (_ignored(file) for file in (before, after))
    for (code, starts), (_, others) in zip(was, will_be, strict=True):
        if starts != others:
            message = "this comment would be about something else if the file were laid out"
            yield Diagnostic("NF114", message, code, hints=(HINT,))


def _ignored(file: ast.File) -> Iterator[tuple[Span, tuple[int, ...]]]:
    """Each code that a comment ignores on its line, and the numbers of the spans that start there."""
    codes = [each for each in read_comments(file.source).suppressions if each.line is not None]
    if not codes:
        return
    lines: dict[int, list[int]] = {}
    for number, span in enumerate(_spans(file.definitions)):
        lines.setdefault(span.line, []).append(number)
    for each in codes:
        yield each.span, tuple(lines.get(each.line or 0, ()))


def _spans(tree: tuple[Any, ...]) -> Iterator[Span]:
    """All spans of a syntax tree, in an order that hangs on its shape alone."""
    pending: list[Any] = [tree]
    while pending:
        each = pending.pop()
        if isinstance(each, Span):
            yield each
        elif isinstance(each, tuple):
            pending.extend(each)
        elif is_dataclass(each) and not isinstance(each, Source):
            pending.extend(getattr(each, field.name) for field in fields(each))
