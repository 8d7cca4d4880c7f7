"""The layout of a file: which newlines end statements, and which braces open sets.

A filter between Lark's lexer and its parser (`postlex`). It reads raw tokens and yields what the
grammar asks for: `_SEP` once between statements, `BLOCK_OPEN`/`SET_OPEN` and their closers.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from lark import Token

from nfc.syntax.words import CONTINUING, RESERVED_TOKENS

_CLOSERS = {"BLOCK_OPEN": "BLOCK_CLOSE", "SET_OPEN": "SET_CLOSE", "_LPAR": "_RPAR", "_LSQB": "_RSQB"}
_BLOCK = "BLOCK_OPEN"


@dataclass
class Layout:
    """An iterator over tokens, with the state that error recovery looks at and sets.

    Attributes:
        raw: the lexer's tokens.
        nesting: how many brackets and blocks may be open; the opener that passes it comes as UNKNOWN.
        insertions: repairs of error recovery: what to read in front of the first token from an offset on,
            as if it stood there: `{`, or `)` for the closer of whatever bracket is innermost.
        stack: token types of the brackets that are open, outermost first.
        before: `stack` as it was before the token that came last.
        previous: type of the token that came last; None at the file's start.
    """

    raw: Iterator[Token]
    nesting: int = 200
    insertions: Mapping[int, str] = field(default_factory=dict)
    stack: tuple[str, ...] = ()
    before: tuple[str, ...] = ()
    previous: str | None = None
    _pending: deque[tuple[str, int]] = field(default_factory=deque)
    _held: Token | None = None

    def __iter__(self) -> Layout:
        return self

    def __next__(self) -> Token:
        while True:
            self.before = self.stack
            placed = self._place(self._read() if self.insertions else next(self.raw))
            if placed is not None:
                self.previous = placed.type
                return placed

    def resume(self, *, stack: tuple[str, ...], previous: str | None) -> None:
        """Go on in another state, after the lexer was set to another place."""
        self._held = None
        self._pending.clear()
        self.stack, self.before, self.previous = stack, stack, previous

    def _read(self) -> Token:
        """The next raw token, after what is inserted in front of it."""
        if self._held is None and not self._pending:
            self._held = next(self.raw, None)
            place = _END if self._held is None else self._held.start_pos or 0
            for offset in sorted(offset for offset in self.insertions if offset <= place):
                self._pending.extend((character, offset) for character in self.insertions[offset])
            self.insertions = {offset: text for offset, text in self.insertions.items() if offset > place}
        if self._pending:
            return self._inserted(*self._pending.popleft())
        if self._held is None:
            raise StopIteration
        token, self._held = self._held, None
        return token

    def _inserted(self, character: str, offset: int) -> Token:
        kind = "LBRACE"
        if character == ")":
            kind = _CLOSERS[self.stack[-1]] if self.stack else "NEWLINE"
        return Token(kind, "", offset, end_pos=offset)

    def _place(self, token: Token) -> Token | None:
        """The token as the grammar knows it, or None for a newline that ends nothing."""
        match token.type:
            case "NEWLINE" | "SEMICOLON":
                return self._separator(token)
            case "LBRACE" | "_LPAR" | "_LSQB":
                return self._open(token)
            case "RBRACE" | "_RPAR" | "_RSQB" | "BLOCK_CLOSE" | "SET_CLOSE":
                return self._close(token)
            case _:
                return token

    def _separator(self, token: Token) -> Token | None:
        if self.previous in (None, "_SEP", _BLOCK):
            return None
        in_brackets = bool(self.stack) and self.stack[-1] != _BLOCK
        if token.type == "NEWLINE" and (in_brackets or self.previous in CONTINUING):
            return None
        return Token.new_borrow_pos("_SEP", token, token)

    def _open(self, token: Token) -> Token:
        if len(self.stack) >= self.nesting:
            return Token.new_borrow_pos("UNKNOWN", token, token)
        kind = token.type
        if kind == "LBRACE":
            kind = "SET_OPEN" if self.previous in ("_EQUAL", "PLUS") else _BLOCK
        self.stack = (*self.stack, kind)
        return Token.new_borrow_pos(kind, token, token)

    def _close(self, token: Token) -> Token:
        kind = token.type
        if kind == "RBRACE":
            kind = "SET_CLOSE" if self.stack and self.stack[-1] == "SET_OPEN" else "BLOCK_CLOSE"
        if self.stack and _CLOSERS[self.stack[-1]] == kind:
            self.stack = self.stack[:-1]
        return Token.new_borrow_pos(kind, token, token)


class LayoutFilter:
    """The `postlex` object of the parser: makes a `Layout` for each text."""

    always_accept = (
        *("LBRACE", "RBRACE", "_LPAR", "_RPAR", "_LSQB", "_RSQB"),
        *("NEWLINE", "SEMICOLON", "STRING", "NAME", "UNKNOWN"),
        *RESERVED_TOKENS,
    )
    """Lexed in every place, whatever the parser expects: what layout has to see, names, and reserved
    words, which would be names otherwise."""

    def process(self, stream: Iterator[Token]) -> Layout:
        return Layout(stream)


_END = 1 << 62
