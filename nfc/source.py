"""Source text, positions and spans.

A span is a half-open range of characters of one source. Lines and columns count from 1,
columns in characters, which is what editors and CI annotations show.
"""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass
from functools import cached_property
from hashlib import sha256


@dataclass(frozen=True)
class Source:
    """A text with the name under which diagnostics show it (a path as the user gave it, or `<stdin>`)."""

    name: str
    text: str

    @cached_property
    def line_starts(self) -> tuple[int, ...]:
        """Offsets at which lines start; the first is 0."""
        return (0, *(index + 1 for index, character in enumerate(self.text) if character == "\n"))

    @cached_property
    def digest(self) -> str:
        """`sha256:` of the text in UTF-8 with newlines as read (CRLF and a BOM are already normalised)."""
        return "sha256:" + sha256(self.text.encode()).hexdigest()

    def position(self, offset: int) -> tuple[int, int]:
        """Line and column, both from 1, of a character offset."""
        line = bisect_right(self.line_starts, offset)
        return line, offset - self.line_starts[line - 1] + 1

    def line(self, number: int) -> str:
        """The text of a line (from 1) without its newline."""
        start = self.line_starts[number - 1]
        end = self.text.find("\n", start)
        return self.text[start:] if end < 0 else self.text[start:end]


@dataclass(frozen=True, slots=True)
class Span:
    """Characters `start` up to but not including `end` of `source`."""

    source: Source
    start: int
    end: int

    @property
    def text(self) -> str:
        return self.source.text[self.start : self.end]

    @property
    def line(self) -> int:
        return self.source.position(self.start)[0]

    @property
    def column(self) -> int:
        return self.source.position(self.start)[1]

    @property
    def end_line(self) -> int:
        return self.source.position(self.end)[0]

    @property
    def end_column(self) -> int:
        """The column after the last character."""
        return self.source.position(self.end)[1]

    def to(self, other: Span) -> Span:
        """The span from the start of this one to the end of another of the same source."""
        return Span(self.source, self.start, other.end)

    def __repr__(self) -> str:
        return f"{self.source.name}:{self.line}:{self.column}"
