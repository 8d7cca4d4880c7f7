"""Documents: text with the places at which it may break, as Wadler's and Prettier's printers have them.

A group stands on one line where it fits and breaks all of its own lines where it does not. Widths are
those of one line, known when a document is made, so that a layout takes time linear in the text.

Source: P. Wadler, "A prettier printer", 2003; D. C. Oppen, "Prettyprinting", 1980.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

BOUNDLESS = 1 << 60
"""The width of what fits on no line."""


class Text(NamedTuple):
    """Characters of one line. A `glued` text stands before the comment that trails what it follows."""

    text: str
    glued: bool = False

    @property
    def width(self) -> int:
        return len(self.text)


class Line(NamedTuple):
    """A newline where the group around it breaks, `flat` where it does not."""

    flat: str

    @property
    def width(self) -> int:
        return len(self.flat)


class IfBroken(NamedTuple):
    """A text that is there only where the group around it breaks: the last comma of a list."""

    text: str

    @property
    def width(self) -> int:
        return 0


class BlankLine(NamedTuple):
    """Exactly one empty line, however many are asked for; none where the text begins."""

    @property
    def width(self) -> int:
        return BOUNDLESS


class Comment(NamedTuple):
    """A comment, after which a new line begins.

    Attributes:
        own_line: whether a new line begins before it too; else it trails what stands before it, and takes
            no part in the line's width.
        blank: whether an empty line comes before one that has its own line.
    """

    text: str
    own_line: bool
    blank: bool

    @property
    def width(self) -> int:
        return BOUNDLESS if self.own_line else 0


class Concat(NamedTuple):
    parts: tuple[Document, ...]
    width: int


class Nest(NamedTuple):
    """A document whose new lines are one level deeper."""

    body: Document
    width: int


class Group(NamedTuple):
    """A document that stands on one line where it fits; a `broken` one never does."""

    body: Document
    broken: bool
    width: int


class OneLine(NamedTuple):
    """A document that breaks nowhere, however long it is."""

    body: Document

    @property
    def width(self) -> int:
        return self.body.width


Document = Text | Line | IfBroken | BlankLine | Comment | Concat | Nest | Group | OneLine

NOTHING = Concat((), 0)
BLANK_LINE = BlankLine()
SPACE = Text(" ")
SOFT_LINE = Line("")
SPACE_LINE = Line(" ")
SEPARATOR = Line("; ")
COMMA = Text(",", glued=True)
LAST_COMMA = IfBroken(",")


def concat(*parts: Document) -> Document:
    """Documents one after the other."""
    return concat_all(parts)


def concat_all(parts: Iterable[Document]) -> Document:
    """As `concat`, of any number."""
    kept = [part for part in parts if part is not NOTHING]
    if len(kept) == 1:
        return kept[0]
    return Concat(tuple(kept), sum([part.width for part in kept])) if kept else NOTHING


def nest(*parts: Document) -> Document:
    """Documents one after the other, one level deeper."""
    body = parts[0] if len(parts) == 1 else concat_all(parts)
    return Nest(body, body.width)


def group(*parts: Document, broken: bool = False) -> Document:
    """Documents one after the other, which break together or not at all."""
    body = parts[0] if len(parts) == 1 else concat_all(parts)
    return Group(body, broken, BOUNDLESS if broken else body.width)


HARD_LINE = Group(SOFT_LINE, broken=True, width=BOUNDLESS)
"""A newline in any case."""
