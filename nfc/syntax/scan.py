"""The outline of a text that does not parse: its brackets and line ends, without any grammar.

Only error recovery uses it. It agrees with the grammar's tokens and layout where the text is sound,
and makes the likely choice where it is not.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import NamedTuple

from nfc.syntax.lines import line_around, needs_block
from nfc.syntax.words import CONTINUING_TEXT

_TOKEN = re.compile(
    r"""
      (?P<space>[ \t\f\r]+)
    | (?P<comment>\#[^\n]*)
    | (?P<foreign>/\*(?s:.*?)(?:\*/|\Z))
    | (?P<string>"[^"\n]*")
    | (?P<open_string>"[^"\n]*?(?=[ \t)\]};]*(?:\n|\Z)))
    | (?P<mark>[()\[\]{};]|\n)
    | (?P<number>[0-9][A-Za-z0-9_]*(?:\.[0-9][A-Za-z0-9_]*)?(?:%(?![A-Za-z0-9_(]))?)
    | (?P<word>[A-Za-z_][A-Za-z0-9_]*)
    | (?P<operator>\.\.<?|>>|[=!<>]=|\*\*|//|.)
    """,
    re.VERBOSE,
)


class Mark(NamedTuple):
    """A bracket or the end of a statement.

    `kind` is the character; a set's opener is `set{`, and a newline that goes on is left out.
    """

    offset: int
    kind: str


@dataclass(frozen=True)
class Scan:
    """What a text's outline holds.

    Attributes:
        marks: brackets and ends of statements in their order.
        open_strings: where strings start that their line does not end.
        foreign: start and end of comments written `/* … */`.
        stray_openers: blocks' openers that stand first on a line although a statement goes before.
    """

    text: str
    marks: tuple[Mark, ...]
    open_strings: tuple[int, ...]
    foreign: tuple[tuple[int, int], ...]
    stray_openers: tuple[tuple[int, int], ...]


def scan(text: str) -> Scan:
    """The outline of any text."""
    marks: list[Mark] = []
    open_strings: list[int] = []
    foreign: list[tuple[int, int]] = []
    stray_openers: list[tuple[int, int]] = []
    previous, ended = "{", 0
    for match in _TOKEN.finditer(text):
        kind, start = match.lastgroup, match.start()
        if kind in ("space", "comment"):
            continue
        if kind == "foreign":
            foreign.append(match.span())
            continue
        if kind == "open_string":
            open_strings.append(start)
        if match[0] == "\n" and previous in CONTINUING_TEXT:
            continue
        if kind == "mark":
            mark = Mark(start, "set{" if match[0] == "{" and previous in ("=", "+") else match[0])
            if mark.kind == "{" and previous == "\n" and needs_block(line_around(text, ended)):
                stray_openers.append((ended, start))
            marks.append(mark)
        previous = match[0]
        if previous != "\n":
            ended = match.end()
    return Scan(text, tuple(marks), tuple(open_strings), tuple(foreign), tuple(stray_openers))
