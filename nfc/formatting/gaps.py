"""What lies between the tokens of a file and is no token: comments and blank lines.

Between two tokens lies at most one comment that trails the first; every other one stands on a line of
its own and belongs to the second. Where the grammar leaves tokens out of its tree (`,`, `=`, `via` …),
the comments on both of their sides come after them.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass

from lark import Token

from nfc.formatting.documents import BLANK_LINE, NOTHING, Comment, Document, Text, concat
from nfc.source import Source
from nfc.syntax import ast

_BLANK = re.compile(r"\n[ \t\f]*\n")
_PINNING = re.compile(r"#\s*nfc\b")
_OPENERS = frozenset("BLOCK_OPEN SET_OPEN LPAR LSQB".split())
_CLOSERS = frozenset("BLOCK_CLOSE SET_CLOSE RPAR RSQB".split())


@dataclass(frozen=True)
class Gap:
    """What stands before a token, or before the end of the file, on lines of its own.

    Attributes:
        comments: in their order.
        blank: whether an empty line comes last.
    """

    comments: tuple[Comment, ...] = ()
    blank: bool = False

    @property
    def document(self) -> Document:
        """The comments, and the blank line behind them where there are any."""
        return concat(*self.comments, BLANK_LINE if self.blank else NOTHING) if self.comments else NOTHING


class Gaps:
    """The gaps of a file, by the offset of the token behind."""

    def __init__(self, source: Source, tokens: Sequence[Token], comments: Sequence[ast.Comment]) -> None:
        self._text = source.text
        self._places = [comment.span.start for comment in comments]
        self._gaps: dict[int, Gap] = {}
        self._trailing: dict[int, Comment] = {}
        self._pinned: set[int] = set()
        previous: Token | None = None
        next_comment = 0
        for token in tokens:
            start, first = token.start_pos or 0, next_comment
            while next_comment < len(comments) and self._places[next_comment] < start:
                next_comment += 1
            self._add(previous, comments[first:next_comment], start, closes=token.type in _CLOSERS)
            previous = token
        self._add(previous, comments[next_comment:], len(self._text), closes=True)

    def before(self, offset: int) -> Gap:
        """What stands before the token at an offset."""
        return self._gaps[offset]

    @property
    def at_end(self) -> Gap:
        """What stands behind the last token."""
        return self._gaps[len(self._text)]

    def leading(self, token: Token) -> Document:
        """What stands before a token on lines of its own; nothing if it closes a bracket, which places it."""
        return NOTHING if token.type in _CLOSERS else self._gaps[token.start_pos or 0].document

    def token(self, token: Token) -> Document:
        """A token with the comment that trails it."""
        text, trailing = Text(str(token)), self._trailing.get(token.start_pos or 0)
        return text if trailing is None else concat(text, trailing)

    def character(self, offset: int) -> str:
        """The character at an offset."""
        return self._text[offset]

    def holds_comment(self, start: int, end: int) -> bool:
        """Whether a comment starts between two offsets."""
        index = bisect_left(self._places, start)
        return index < len(self._places) and self._places[index] < end

    def is_pinned(self, start: int, end: int) -> bool:
        """Whether what stands between two offsets stands on one line, before a comment about that line.

        Such a comment, `# nfc: ignore[…]`, is about what starts on its line, which may not become another.
        """
        return end in self._pinned and not self.holds_newline(start, end)

    def holds_newline(self, start: int, end: int) -> bool:
        """Whether a line ends between two offsets."""
        return self._text.find("\n", start, end) >= 0

    def _add(
        self, previous: Token | None, between: Sequence[ast.Comment], start: int, *, closes: bool
    ) -> None:
        if previous is not None and between and not between[0].own_line:
            self._trailing[previous.start_pos or 0] = Comment(_text(between[0]), own_line=False, blank=False)
            if _PINNING.search(between[0].text):
                self._pinned.add(previous.end_pos or 0)
            end, rest, at_opening = between[0].span.end, between[1:], previous.type in _OPENERS
        else:
            end = 0 if previous is None else previous.end_pos or 0
            rest, at_opening = between, previous is None or previous.type in _OPENERS
        kept = []
        for comment in rest:
            kept.append(
                Comment(_text(comment), True, not at_opening and self._blank(end, comment.span.start))
            )
            end, at_opening = comment.span.end, False
        self._gaps[start] = Gap(tuple(kept), not (at_opening or closes) and self._blank(end, start))

    def _blank(self, start: int, end: int) -> bool:
        return _BLANK.search(self._text, start, end) is not None


def _text(comment: ast.Comment) -> str:
    return comment.text.rstrip()
