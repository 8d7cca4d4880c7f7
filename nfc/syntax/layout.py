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

_CLOSERS = {"BLOCK_OPEN": "BLOCK_CLOSE", "SET_OPEN": "SET_CLOSE", "LPAR": "RPAR", "LSQB": "RSQB"}
_BLOCK = "BLOCK_OPEN"


@dataclass
class Layout:
    """An iterator over tokens, with the state that error recovery looks at and sets.

    Attributes:
        raw: the lexer's tokens.
        nesting: how many brackets and blocks may be open; the opener that passes it comes as UNKNOWN.
        insertions: repairs of error recovery: what to read in front of the first token from an offset on,
            as if it stood there: `{`, `}` and `;` of blocks, `)` for the closer of any other bracket.
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
    _due: deque[tuple[int, str]] | None = None
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

    def resume(self, raw: Iterator[Token], offset: int, stack: tuple[str, ...], previous: str) -> None:
        """Go on with other raw tokens, from another offset and in another state."""
        self.raw, self._held = raw, None
        self._due = deque((place, text) for place, text in self._all_due() if place >= offset)
        self.stack, self.before, self.previous = stack, stack, previous

    def _all_due(self) -> list[tuple[int, str]]:
        places = sorted(self.insertions)
        return [(place, character) for place in places for character in self.insertions[place]]

    def _read(self) -> Token:
        """The next raw token, or what is inserted in front of it."""
        if self._due is None:
            self._due = deque(self._all_due())
        if self._held is None:
            self._held = next(self.raw, None)
        while self._due and (self._held is None or self._due[0][0] <= (self._held.start_pos or 0)):
            inserted = self._inserted(*self._due.popleft())
            if inserted is not None:
                return inserted
        if self._held is None:
            raise StopIteration
        token, self._held = self._held, None
        return token

    def _inserted(self, offset: int, character: str) -> Token | None:
        """A token without text; None for a closer of what is not open."""
        kind = "LBRACE" if character == "{" else "SEMICOLON"
        if character in ")}":
            innermost = self.stack[-1] if self.stack else None
            if innermost is None or (innermost == _BLOCK) != (character == "}"):
                return None
            kind = _CLOSERS[innermost]
        return Token(kind, "", offset, end_pos=offset)

    def _place(self, token: Token) -> Token | None:
        """The token as the grammar knows it, or None for a newline that ends nothing."""
        match token.type:
            case "NEWLINE" | "SEMICOLON":
                return self._separator(token)
            case "LBRACE" | "LPAR" | "LSQB":
                return self._open(token)
            case "RBRACE" | "RPAR" | "RSQB" | "BLOCK_CLOSE" | "SET_CLOSE":
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
        *("LBRACE", "RBRACE", "LPAR", "RPAR", "LSQB", "RSQB"),
        *("NEWLINE", "SEMICOLON", "STRING", "NAME", "UNKNOWN"),
        *RESERVED_TOKENS,
    )
    """Lexed in every place, whatever the parser expects: what layout has to see, names, and reserved
    words, which would be names otherwise."""

    def process(self, stream: Iterator[Token]) -> Layout:
        return Layout(stream)
