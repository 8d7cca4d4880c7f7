"""What the rules of the grammar are printed from: the documents of their parts, and where those stand."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from nfc.formatting.documents import (
    COMMA,
    LAST_COMMA,
    NOTHING,
    SOFT_LINE,
    SPACE,
    SPACE_LINE,
    Document,
    concat,
    concat_all,
    group,
    nest,
)
from nfc.formatting.gaps import Gaps


class Piece(NamedTuple):
    """A part of a file that has been printed.

    Attributes:
        body: its text, with the comments inside and behind it.
        start, end: where it stands in the source; what is before its first token is left out.
        rule: the grammar's rule, or the type of a token.
        breaks: whether its own lines may break without a bracket around them, as those of `a + b` may.
        leading: the comments before it, on lines of their own. They break no group that it is in.
    """

    body: Document
    start: int
    end: int
    rule: str
    breaks: bool = False
    leading: Document = NOTHING

    @property
    def document(self) -> Document:
        """The text with all of its comments."""
        return self.body if self.leading is NOTHING else concat(self.leading, self.body)

    @property
    def without_leading(self) -> Piece:
        return self if self.leading is NOTHING else self._replace(leading=NOTHING)


def inline(piece: Piece, gaps: Gaps) -> Document:
    """An expression in a line of text: lines that it breaks into are one level deeper."""
    if not piece.breaks:
        return piece.document
    body = group(nest(piece.body), broken=gaps.holds_comment(piece.start, piece.end))
    return concat(piece.leading, body)


def assigned(piece: Piece, after: int, gaps: Gaps) -> Document:
    """An expression behind `=` or `via`, which ends before offset `after`; the separating space included.

    A chain of operators moves to a line of its own before it breaks; what brings its own brackets stays.
    """
    commented = gaps.holds_comment(after, piece.start)
    if not (piece.breaks or commented):
        return concat(SPACE, piece.document)
    inner = gaps.holds_comment(piece.start, piece.end)
    body = group(piece.body, broken=inner) if piece.breaks else piece.body
    return group(nest(SPACE_LINE, piece.leading, body), broken=commented or inner)


def bracketed(
    opening: Piece, items: Sequence[Piece], closing: Piece, gaps: Gaps, *, padding: bool = False
) -> Document:
    """`(a, b)`: one item a line where they do not fit on one, numbers as many on a line as fit.

    Args:
        padding: whether a space stands inside of each bracket, as in `{ a }`.
    """
    ending = gaps.before(closing.start).document
    empty = not items and ending is NOTHING
    edge = SPACE_LINE if padding and not empty else SOFT_LINE
    return group(
        opening.document,
        NOTHING if empty else nest(edge, _separated(items, gaps), ending),
        edge,
        closing.document,
        broken=gaps.holds_comment(opening.start, closing.start),
    )


def _separated(items: Sequence[Piece], gaps: Gaps) -> Document:
    if not items:
        return NOTHING
    numbers = all(item.rule == "number" for item in items)
    separator = concat(COMMA, group(SPACE_LINE) if numbers else SPACE_LINE)
    parts: list[Document] = [inline(items[0], gaps)]
    for item in items[1:]:
        parts += [separator, inline(item, gaps)]
    return concat_all([*parts, LAST_COMMA])
