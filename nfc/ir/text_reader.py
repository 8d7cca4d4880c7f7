"""Tokens and values of the IR's text form: the parts of its grammar that know nothing of networks."""

from __future__ import annotations

import json
import re
from base64 import b64decode
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from nfc.ir.factors import Flags, Indices

TOKEN = re.compile(
    r"""(?P<space>\s+)
    | (?P<text>"(?:[^"\\]|\\.)*")
    | (?P<number>-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?(?![\w.]))
    | (?P<word>\w+(?:\.\w+)*)
    | (?P<mark>->|[\[\]{}(),:=])""",
    re.VERBOSE | re.DOTALL,
)
DEEPEST = 150
"""Blocks, fabrics and lists nest no deeper, so that no text exhausts the stack."""
LONGEST_RUN = 2**24
DTYPES = {"i64": "<i8", "f64": "<f8"}

Item = TypeVar("Item")


class IrTextError(ValueError):
    """The text is not a network's; the message says the line, what was expected and what was found."""


@dataclass(frozen=True, slots=True)
class Token:
    kind: str
    text: str
    line: int


def tokens_of(text: str) -> list[Token]:
    """The tokens of a text, the last one of kind `end`."""
    tokens, offset, line = [], 0, 1
    while offset < len(text):
        match = TOKEN.match(text, offset)
        if match is None:
            raise IrTextError(f"line {line}: unexpected character {text[offset]!r}")
        if match.lastgroup != "space":
            tokens.append(Token(str(match.lastgroup), match.group(), line))
        line += match.group().count("\n")
        offset = match.end()
    return [*tokens, Token("end", "", line)]


class Reader:
    """Takes tokens from the front; what does not fit raises IrTextError."""

    def __init__(self, text: str) -> None:
        self._tokens = tokens_of(text)
        self._place = 0
        self._depth = 0

    @property
    def next(self) -> Token:
        """The token that has not been taken yet."""
        return self._tokens[self._place]

    def failure(self, expected: str) -> IrTextError:
        """An error at the next token."""
        found = repr(self.next.text[:40]) if self.next.text else "the end"
        return IrTextError(f"line {self.next.line}: expected {expected}, found {found}")

    def take(self, kind: str, expected: str) -> str:
        """The text of the next token, which must be of this kind."""
        token = self.next
        if token.kind != kind:
            raise self.failure(expected)
        self._place += 1
        return token.text

    def at(self, text: str) -> bool:
        """Whether this mark or word comes next."""
        return self.next.text == text and self.next.kind != "text"

    def accept(self, text: str) -> bool:
        """Takes this mark or word if it comes next."""
        found = self.at(text)
        self._place += found
        return found

    def expect(self, text: str) -> None:
        if not self.accept(text):
            raise self.failure(repr(text))

    @contextmanager
    def deeper(self) -> Iterator[None]:
        """What is read inside lies one level deeper."""
        if self._depth == DEEPEST:
            raise IrTextError(f"line {self.next.line}: nested deeper than {DEEPEST}")
        self._depth += 1
        yield
        self._depth -= 1

    def word(self, expected: str) -> str:
        return self.take("word", expected)

    def one_of(self, known: dict[str, Item], expected: str) -> tuple[str, Item]:
        """A word of a table, with its entry."""
        if self.next.kind != "word" or self.next.text not in known:
            raise self.failure(f"{expected} ({', '.join(known)})")
        word = self.word(expected)
        return word, known[word]

    def text(self) -> str:
        token = self.next
        quoted = self.take("text", "a quoted text")
        try:
            return str(json.loads(quoted, strict=False))
        except ValueError as error:
            raise IrTextError(f"line {token.line}: a quoted text is malformed: {error}") from None

    def number(self) -> float:
        return float(self.take("number", "a number"))

    def integer(self) -> int:
        token = self.next
        digits = self.take("number", "an integer")
        if not re.fullmatch(r"-?\d{1,18}", digits):
            raise IrTextError(
                f"line {token.line}: expected an integer of at most 18 digits, found {digits[:40]!r}"
            )
        return int(digits)

    def integers(self) -> tuple[int, ...]:
        return self.sequence("[", self.integer, "]")

    def sequence(self, opening: str, read: Callable[[], Item], closing: str) -> tuple[Item, ...]:
        """Items between marks, separated by commas."""
        self.expect(opening)
        items: list[Item] = []
        while not self.at(closing):
            if items:
                self.expect(",")
            with self.deeper():
                items.append(read())
        self.expect(closing)
        return tuple(items)

    def indices(self, axes: int) -> Indices:
        """A table of int64 with this many axes."""
        return self._table(axes, "i64").astype(np.int64)

    def floats(self) -> NDArray[np.float64]:
        """A list of float64."""
        return self._table(1, "f64").astype(np.float64)

    def flags(self) -> Flags:
        """Flags by the lengths of their runs, ones first."""
        self.expect("flags")
        line = self.next.line
        lengths = self.sequence("(", self.integer, ")")
        if any(not 0 <= length <= LONGEST_RUN for length in lengths):
            raise IrTextError(f"line {line}: a run of flags has 0 to 2^24 of them")
        return np.repeat(np.arange(len(lengths)) % 2 == 0, lengths)

    def _table(self, axes: int, kind: str) -> NDArray[Any]:
        line = self.next.line
        try:
            array = np.array(self._list()) if self.at("[") else self._encoded()
        except IrTextError:
            raise
        except ValueError as error:
            raise IrTextError(f"line {line}: a table is malformed: {error}") from None
        if array.ndim != axes or array.dtype.kind != kind[0]:
            raise IrTextError(
                f"line {line}: expected {kind} in {axes} axes, found {array.dtype} in {array.ndim}"
            )
        return array

    def _list(self) -> Any:
        """Numbers, or lists of them, as nested lists."""
        if self.at("["):
            return list(self.sequence("[", self._list, "]"))
        return self.number() if re.search(r"[.eE]", self.next.text) else self.integer()

    def _encoded(self) -> NDArray[Any]:
        _, dtype = self.one_of(DTYPES, "a table")
        self.expect("(")
        shape = self.integers()
        self.expect(",")
        data = b64decode(self.text(), validate=True)
        self.expect(")")
        return np.frombuffer(data, dtype).reshape(shape)
