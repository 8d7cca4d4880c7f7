"""The proof that a layout changed nothing: the same syntax tree, the same comments, and laid out for good."""

from __future__ import annotations

from dataclasses import fields, is_dataclass
from typing import Any

from nfc.source import Source, Span
from nfc.syntax import ast


class FormattingError(Exception):
    """A layout that is not what was laid out: a mistake in nfc, never in the file."""


def prove(before: ast.File, after: ast.File) -> None:
    """Raises FormattingError where two files differ in more than layout."""
    if not same_tree(before, after):
        raise FormattingError("the formatted text has another syntax tree")
    if _comments(before) != _comments(after):
        raise FormattingError("the formatted text has other comments")


def same_tree(left: ast.File, right: ast.File) -> bool:
    """Whether two files hold the same definitions, wherever those stand."""
    pending: list[tuple[Any, Any]] = [(left.definitions, right.definitions)]
    while pending:
        one, other = pending.pop()
        if type(one) is not type(other):
            return False
        if isinstance(one, tuple):
            if len(one) != len(other):
                return False
            pending.extend(zip(one, other, strict=True))
        elif is_dataclass(one):
            if not isinstance(one, Span | Source):
                pending.extend((getattr(one, name), getattr(other, name)) for name in _names(type(one)))
        elif one != other:
            return False
    return True


def _names(kind: type[Any]) -> tuple[str, ...]:
    return tuple(field.name for field in fields(kind) if not field.name.endswith("span"))


def _comments(file: ast.File) -> list[str]:
    return [comment.text.rstrip() for comment in file.comments]
