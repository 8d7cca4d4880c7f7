"""A syntax error before it has words: where the parser stopped, and what it knew there."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from nfc.diagnostics import Diagnostic, Label, Severity
from nfc.source import Source, Span
from nfc.syntax.words import describe_expected

_FOUND = re.compile(
    r"""[A-Za-z_][A-Za-z0-9_]*(?:\.[A-Za-z0-9_]+)*      # a name or a path
      | \.?[0-9][A-Za-z0-9_.]*%?                        # a number, or what wants to be one
      | "[^"\n]*"?                                      # a string
      | \*\*|//|/\*|\*/|>>|<<|&&|\|\||<>|=>|->|<-|:=|\+\+|--|===|!==|\.{3,}|\.\.<?|[-+*/%!=<>]=
      | (?s:.)""",
    re.VERBOSE,
)


@dataclass(frozen=True)
class Fault:
    """A place that does not parse.

    Attributes:
        place: what stands around it: `file`, `network`, `check` or `expression`.
        start: where its statement begins.
        offset: where the parser stopped.
        end: where the statement, or its header before a block, ends.
        expected: the terminals that the parser would have taken.
        previous: the terminal before; None at the start.
    """

    source: Source
    place: str
    start: int
    offset: int
    end: int
    expected: frozenset[str]
    previous: str | None

    @cached_property
    def found(self) -> str:
        """The text at the place that reads as one thing; empty at the end of the file."""
        match = _FOUND.match(self.source.text, self.offset)
        return match[0] if match else ""

    @cached_property
    def before(self) -> str:
        """The statement up to the place."""
        return self.source.text[self.start : self.offset]

    @cached_property
    def after(self) -> str:
        """The rest of the statement, from the place on."""
        return self.source.text[self.offset : max(self.end, self.offset)]

    @property
    def statement(self) -> str:
        return self.before + self.after

    @cached_property
    def first_word(self) -> str:
        """The word that the statement starts with, or nothing."""
        match = re.match(r"[A-Za-z_][A-Za-z0-9_]*", self.statement)
        return match[0] if match else ""

    @cached_property
    def last_word(self) -> str:
        """The word directly before the place, or nothing."""
        match = re.search(r"([A-Za-z_][A-Za-z0-9_]*)\s*$", self.before)
        return match[1] if match else ""

    @property
    def at_end(self) -> bool:
        """Whether the statement ends here: a newline, `;`, `}` or the end of the file."""
        return self.found in ("", "\n", ";", "}")

    @property
    def span(self) -> Span:
        """What was found; before the end of a line, the end of the text on it."""
        if self.found in ("", "\n"):
            end = len(self.source.text[: self.offset].rstrip())
            end = max(end, self.start)
            return Span(self.source, end, end)
        return Span(self.source, self.offset, self.offset + len(self.found))

    def between(self, start: int, end: int) -> Span:
        return Span(self.source, start, end)

    @property
    def shown(self) -> str:
        """What was found, in words."""
        return {"": "the end of the file", "\n": "the end of the line"}.get(self.found, f"`{self.found}`")

    def report(
        self,
        code: str,
        message: str,
        *hints: str,
        span: Span | None = None,
        labels: Sequence[Label] = (),
    ) -> Diagnostic:
        return Diagnostic(code, message, span or self.span, Severity.ERROR, tuple(labels), hints)

    def unexpected(self) -> Diagnostic:
        """The message for a mistake that has none of its own."""
        expected = describe_expected(self.expected)
        message = (
            f"expected {expected}, found {self.shown}" if expected else f"{self.shown} is not expected here"
        )
        return self.report("NF100", message)
