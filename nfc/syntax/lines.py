"""What the lines of a text tell of its structure: indentation, and the words that they start with."""

from __future__ import annotations

import re

_SPACE = re.compile(r"\s*")
_INDENT = re.compile(r"[ \t]*")
_DEFINITION = re.compile(r"\s*(?:(?:param|let|mask|topology|network|check)[ \t]+[A-Za-z_]|use[ \t]+\")")
_NEXT_DEFINITION = re.compile(r"\n" + _DEFINITION.pattern)
_HEADLESS = re.compile(
    r"[ \t]*(?:(?:network|check|each)[ \t]+\w+|(?:\w+[ \t]*:[ \t]*)?(?:(?:repeat\b|residual\b)[^{};#\n]*|sum|concat))"
    r"[ \t]*(?:\#.*)?"
)


def line_around(text: str, offset: int) -> str:
    """The line that holds the character before an offset."""
    end = text.find("\n", offset)
    return text[_line_start(text, offset) : end if end >= 0 else len(text)]


def indent(text: str, offset: int) -> int:
    """How deep the line of an offset is indented."""
    start = _line_start(text, offset)
    match = _INDENT.match(text, start)
    return match.end() - start if match else 0


def is_first(text: str, offset: int) -> bool:
    """Whether nothing but space stands before an offset on its line."""
    return not text[_line_start(text, offset) : offset].strip()


def after_space(text: str, offset: int) -> int:
    """Where the next character stands that is no space."""
    match = _SPACE.match(text, offset)
    return match.end() if match else offset


def last_of_line(text: str, end: int) -> int:
    """Where the last character of the line before `end` stands that is neither space nor comment."""
    start = _line_start(text, end)
    return start + max(len(text[start:end].partition("#")[0].rstrip()), 1) - 1


def starts_definition(text: str, start: int) -> bool:
    """Whether what follows `start` reads like a definition."""
    return _DEFINITION.match(text, start) is not None


def next_definition(text: str, start: int) -> int:
    """The end of the line before the next definition, or of the text."""
    match = _NEXT_DEFINITION.search(text, start)
    return match.start() if match else len(text)


def needs_block(line: str) -> bool:
    """Whether a line needs a block and does not open it."""
    return _HEADLESS.fullmatch(line) is not None


def lacks_opener(text: str, end: int) -> bool:
    """Whether the line before `end` needs a block and does not open it, but a deeper line follows."""
    start, following = _line_start(text, end), after_space(text, end)
    if not needs_block(text[start:end]):
        return False
    return indent(text, following) > indent(text, start) and not text.startswith("{", following)


def _line_start(text: str, offset: int) -> int:
    return text.rfind("\n", 0, offset) + 1
