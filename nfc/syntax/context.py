"""What the functions that build the syntax tree share."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from lark import Token

from nfc.diagnostics import Diagnostic, Label, Severity
from nfc.limits import Limits
from nfc.source import Source, Span

MOST_ERRORS = 100
"""So many errors of a file are reported."""


class MalformedError(Exception):
    """Something parses and still is no statement of the language; the smallest statement around it is bad."""

    def __init__(
        self, code: str, message: str, span: Span, *, labels: Sequence[Label] = (), hints: Sequence[str] = ()
    ) -> None:
        super().__init__(message)
        self.diagnostic = Diagnostic(code, message, span, Severity.ERROR, tuple(labels), tuple(hints))


@dataclass(frozen=True)
class Context:
    """The text that is being parsed, and how large things may be in it."""

    source: Source
    limits: Limits

    def span(self, token: Token) -> Span:
        return Span(self.source, token.start_pos or 0, token.end_pos or 0)

    def at(self, start: int, end: int) -> Span:
        return Span(self.source, start, end)
