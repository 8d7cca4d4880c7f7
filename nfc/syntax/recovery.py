"""Parsing a text that has errors: report each one, skip its statement, go on.

The grammar has tokens for what was skipped (BAD_*). At an error the parser's stack is cut back to
where the statement began, the rest of the statement is passed over, and such a token is fed in its place.
"""

from __future__ import annotations

from typing import Any

from lark import Token, Tree, UnexpectedToken

from nfc.diagnostics import Diagnostic, Severity
from nfc.limits import Limits
from nfc.source import Source, Span
from nfc.syntax.brackets import repair
from nfc.syntax.context import MOST_ERRORS
from nfc.syntax.driver import Driver
from nfc.syntax.faults import Fault
from nfc.syntax.mistakes import explain
from nfc.syntax.regions import Regions
from nfc.syntax.scan import scan

_PLACES = {"BAD_DEFINITION": "file", "BAD_STATEMENT": "network", "BAD_ASSERTION": "check"}
_HEADERS = {"network": "BAD_NETWORK", "check": "BAD_CHECK"}


class Recovery:
    """One parse that reports its errors.

    Attributes:
        diagnostics: what was found, in no order.
    """

    def __init__(self, source: Source, start: str, limits: Limits) -> None:
        scanned = scan(source.text)
        repairs = repair(source, scanned, limits.nesting)
        self.diagnostics = [
            *repairs.diagnostics,
            *(_open_string(source, offset) for offset in scanned.open_strings),
            *(_foreign_comment(source, offset) for offset, _ in scanned.foreign),
        ]
        repairs.blanks.extend(scanned.foreign)
        self._source = source
        self._place = "expression" if start == "alone" else "file"
        self._text = repairs.apply(source.text)
        self._regions = Regions(self._text, scanned, repairs)
        self._driver = Driver(self._text, start, limits.nesting + 1)
        self._driver.tokens.insertions = repairs.insertions
        self._last: Token | None = None
        self._progress = -1

    def run(self) -> Tree[Token] | None:
        """The tree, with BAD_* tokens for what was skipped; None for a lone expression that is wrong."""
        while True:
            token = next(self._driver.tokens, None)
            try:
                if token is None:
                    return self._driver.finish()
                self._driver.feed(token)
                self._last = token
            except UnexpectedToken:
                if self._place == "expression":
                    self._report(self._fault(token, "expression", 0, len(self._text)))
                    return None
                if len(self.diagnostics) > MOST_ERRORS or self._progress >= len(self._text):
                    return self._give_up()
                self._recover(token)

    # --- one error ---

    def _recover(self, token: Token | None) -> None:
        offset = self._offset(token)
        stack = self._driver.tokens.before
        if self._last is not None and self._last.type == "BLOCK_CLOSE" and "_SEP" in self._driver.accepted():
            self._report(self._fault(token, "block", offset, offset))
            self._feed("_SEP", offset, offset)
            self._driver.go_to(offset, stack, "_SEP")
            return
        expected = self._driver.accepted()
        bad, start = self._cut_back(offset)
        end, has_block = self._regions.header_end(offset, stack)
        self._report(self._fault(token, _PLACES[bad], start, end, expected))
        word = self._first_word(start)
        if bad == "BAD_DEFINITION" and has_block and word in _HEADERS:
            bad = _HEADERS[word]
        elif bad == "BAD_DEFINITION":
            end = self._regions.end_of_definition(offset, stack)
        if end <= self._progress:
            end = self._progress + 1
        self._progress = end
        self._feed(bad, start, end)
        self._driver.go_to(end, _blocks_of(stack), bad)

    def _cut_back(self, offset: int) -> tuple[str, int]:
        """Pop the statement at hand; the token for a bad one there, and where what was popped begins."""
        start = offset
        while True:
            for bad in _PLACES:
                if self._driver.shifts(bad):
                    return bad, start
            self._driver.states.pop()
            start = min(start, _start(self._driver.values.pop(), offset))

    def _feed(self, kind: str, start: int, end: int) -> None:
        self._last = Token(kind, self._text[start:end], start, end_pos=end)
        self._driver.feed(self._last)

    def _give_up(self) -> Tree[Token]:
        """Skip the rest of the text, and what was begun."""
        while not self._driver.shifts("BAD_DEFINITION"):
            self._driver.states.pop()
            self._driver.values.pop()
        self._feed("BAD_DEFINITION", len(self._text), len(self._text))
        return self._driver.finish()

    # --- reporting ---

    def _fault(
        self, token: Token | None, place: str, start: int, end: int, expected: frozenset[str] | None = None
    ) -> Fault:
        return Fault(
            source=self._source,
            place=place,
            start=start,
            offset=self._offset(token),
            end=end,
            expected=self._driver.accepted() if expected is None else expected,
            previous=self._last.type if self._last else None,
        )

    def _report(self, fault: Fault) -> None:
        """Report a fault, unless its statement has been reported already."""
        places = [diagnostic.span.start for diagnostic in self.diagnostics if diagnostic.span]
        if not any(fault.start <= place < fault.end or place == fault.offset for place in places):
            self.diagnostics.append(explain(fault))

    def _offset(self, token: Token | None) -> int:
        return len(self._text) if token is None else token.start_pos or 0

    def _first_word(self, start: int) -> str:
        words = self._text[start : start + 200].split(None, 1)
        return words[0].partition(":")[0] if words else ""


def _start(value: Any, default: int) -> int:
    """Where a value of the parser's stack begins: a token, or a tree of them that may be empty."""
    while isinstance(value, Tree):
        value = next((child for child in value.children if child is not None), None)
    return (value.start_pos or 0) if isinstance(value, Token) else default


def _blocks_of(stack: tuple[str, ...]) -> tuple[str, ...]:
    """The stack up to its innermost block."""
    blocks = [index for index, opener in enumerate(stack) if opener == "BLOCK_OPEN"]
    return stack[: blocks[-1] + 1] if blocks else ()


def _open_string(source: Source, offset: int) -> Diagnostic:
    return Diagnostic(
        "NF104",
        "this string is not closed on its line",
        Span(source, offset, offset + 1),
        Severity.ERROR,
        (),
        ('a `"` is missing',),
    )


def _foreign_comment(source: Source, offset: int) -> Diagnostic:
    return Diagnostic(
        "NF108",
        "`/*` starts no comment",
        Span(source, offset, offset + 2),
        Severity.ERROR,
        (),
        ("comments run from `#` to the end of the line",),
    )
