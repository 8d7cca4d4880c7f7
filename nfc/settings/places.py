"""Where keys and values stand in a TOML text, which Python's reader does not say."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import NamedTuple

from nfc.source import Source, Span

Path = tuple[str | int, ...]

_TOKEN = re.compile(
    r'''
      (?P<space>[ \t\r]+|\#[^\n]*)
    | (?P<newline>\n)
    | (?P<string>"""(?:\\.|[^\\])*?"{3,5} | \'\'\'.*?\'{3,5} | "(?:\\.|[^"\\\n])*" | '[^'\n]*')
    | (?P<mark>[\[\]{}=,.])
    | (?P<bare>[^\s\[\]{}=,.\#"']+)
    ''',
    re.VERBOSE | re.DOTALL,
)


class _Token(NamedTuple):
    kind: str
    text: str
    start: int
    end: int


@dataclass(frozen=True)
class Places:
    """Spans by path: keys, and numbers of a list's items, from 0."""

    keys: dict[Path, Span] = field(default_factory=dict)
    values: dict[Path, Span] = field(default_factory=dict)

    def value(self, path: Path) -> Span | None:
        """The value at a path; else its key, else that of the table around it."""
        return self.values.get(path) or self.key(path)

    def key(self, path: Path) -> Span | None:
        """The key at a path, else that of the nearest table around it."""
        around = (self.keys.get(path[:count]) for count in range(len(path), 0, -1))
        return next((span for span in around if span), None)


def places(source: Source) -> Places:
    """The places of everything in a text that `tomllib` accepts; of other texts those before a mistake."""
    tokens = [
        _Token(match.lastgroup or "", match[0], match.start(), match.end())
        for match in _TOKEN.finditer(source.text)
        if match.lastgroup != "space"
    ]
    reader = _Reader(source, tokens)
    with suppress(IndexError, RecursionError):  # the text ends, or nests as deeply as Python can
        reader.read()
    return reader.places


class _Reader:
    """A walk over the tokens of a text that is known to be well formed."""

    def __init__(self, source: Source, tokens: list[_Token]) -> None:
        self.places = Places()
        self._source = source
        self._tokens = tokens
        self._next = 0
        self._counts: dict[Path, int] = {}

    def read(self) -> None:
        table: Path = ()
        while True:
            self._skip_newlines()
            if self._at("["):
                table = self._header()
            else:
                self._assignment(table)

    def _header(self) -> Path:
        """`[a.b]`, or `[[a.b]]`, which numbers its tables."""
        opening = self._while(lambda token: token.text == "[")
        path = self._key(())
        self._while(lambda token: token.text == "]")
        if len(opening) == 1:
            return path
        number = self._counts.get(path, 0)
        self._counts[path] = number + 1
        return (*path, number)

    def _assignment(self, table: Path) -> None:
        path = self._key(table)
        self._take()  # the `=`
        self._value(path)

    def _key(self, table: Path) -> Path:
        """The path of a key, dots and quotes resolved, below that of its table."""
        path = table
        while True:
            token = self._take()
            name = _unquoted(token.text) if token.kind == "string" else token.text
            path = (*path, name)
            self.places.keys.setdefault(path, self._span(token, token))
            if not self._at("."):
                return path
            self._take()

    def _value(self, path: Path) -> None:
        first = self._tokens[self._next]
        if first.text == "[":
            self._list(path)
        elif first.text == "{":
            self._inline_table(path)
        elif first.kind == "string":
            self._take()
        elif not self._while(lambda token: token.kind == "bare" or token.text == "."):
            raise IndexError  # no TOML
        self.places.values[path] = self._span(first, self._tokens[self._next - 1])

    def _list(self, path: Path) -> None:
        self._take()
        number = 0
        while True:
            self._skip_newlines()
            if self._at("]"):
                break
            self._value((*path, number))
            number += 1
            self._skip_newlines()
            if self._at(","):
                self._take()
        self._take()

    def _inline_table(self, path: Path) -> None:
        self._take()
        while True:
            self._skip_newlines()
            if self._at("}"):
                break
            self._assignment(path)
            self._skip_newlines()
            if self._at(","):
                self._take()
        self._take()

    def _take(self) -> _Token:
        self._next += 1
        return self._tokens[self._next - 1]

    def _at(self, text: str) -> bool:
        return self._tokens[self._next].text == text

    def _while(self, holds: Callable[[_Token], bool]) -> list[_Token]:
        start = self._next
        while self._next < len(self._tokens) and holds(self._tokens[self._next]):
            self._next += 1
        return self._tokens[start : self._next]

    def _skip_newlines(self) -> None:
        self._while(lambda token: token.kind == "newline")
        _ = self._tokens[self._next]  # raises IndexError at the end

    def _span(self, first: _Token, last: _Token) -> Span:
        return Span(self._source, first.start, last.end)


def _unquoted(text: str) -> str:
    try:
        return str(tomllib.loads(f"key = {text}")["key"])
    except tomllib.TOMLDecodeError:
        return text
