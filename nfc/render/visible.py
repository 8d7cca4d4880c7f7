"""Source text as it is safe and readable on a terminal and in the log of a CI service.

A file in a pull request is untrusted: its control characters, terminal escapes and bidirectional
overrides are shown as symbols, never sent, and what a CI service would obey in a log is taken apart.
Columns are those of a terminal cell grid.
"""

from __future__ import annotations

import re
from unicodedata import category, east_asian_width

TAB = 4
"""Cells to the next tab stop; spaces stand for tabs, so that carets line up in any terminal."""


LONGEST_WORD = 200
"""Characters of a word in a message; longer ones, which only a hostile file has, are cut in the middle."""

LONGEST_TEXT = 2000
"""As `LONGEST_WORD`, of a whole message."""

_ANYWHERE = re.compile(r"##(?=(?:vso)?\[)")
"""How a command to GitHub Actions or Azure Pipelines starts, wherever in a line of a log it stands."""

_TAKEN_APART = "<U+0023>"
"""What stands for the second character of such a start."""

_AT_START = re.compile(r"^([^\S\n]*):(?=:(?!: ))", re.MULTILINE)
"""How a command to GitHub Actions starts a line; no command's name starts with `: `, as a second place does."""

_LONG_WORD = re.compile(rf"\S{{{LONGEST_WORD + 1},}}")


def shortened(text: str) -> str:
    """A message whose names of any length leave it readable."""
    return _cut(_LONG_WORD.sub(lambda word: _cut(word[0], LONGEST_WORD), text), LONGEST_TEXT)


def _cut(text: str, length: int) -> str:
    """The text with an ellipsis in its middle where it is longer than `length`."""
    if len(text) <= length:
        return text
    half = (length - 1) // 2
    return f"{text[:half]}…{text[-half:]}"


def visible(text: str) -> str:
    """The text with everything a terminal or a CI service would act on made visible, on one line."""
    if text.isascii() and text.isprintable():
        return _without_log_commands(text)
    return _without_log_commands("".join(_symbol(character) for character in text))


def harmless(text: str) -> str:
    """Lines for a log, of visible pieces: none of them is a command to a CI service.

    See https://docs.github.com/actions/reference/workflow-commands-for-github-actions and
    https://learn.microsoft.com/azure/devops/pipelines/scripts/logging-commands.
    """
    return _without_log_commands(_AT_START.sub(r"\1<U+003A>", text) if "::" in text else text)


def _without_log_commands(text: str) -> str:
    return _ANYWHERE.sub(f"#{_TAKEN_APART}", text) if "##" in text else text


def cells(line: str) -> tuple[str, tuple[int, ...]]:
    """A source line as shown, and for each of its characters, and its end, the cell at which it starts."""
    shown: list[str] = []
    starts = [0]
    commands = {match.end() - 1 for match in _ANYWHERE.finditer(line)}
    for index, character in enumerate(line):
        if index in commands:
            text = _TAKEN_APART
        else:
            text = " " * (TAB - starts[-1] % TAB) if character == "\t" else _symbol(character)
        shown.append(text)
        starts.append(starts[-1] + width(text))
    return "".join(shown), tuple(starts)


def width(text: str) -> int:
    """Terminal cells of visible text: wide characters take two, combining marks none."""
    if text.isascii():
        return len(text)
    return sum(_character_width(character) for character in text)


def clip(text: str, start: int, end: int) -> str:
    """The cells `start` up to `end` of visible text; half a wide character is a space."""
    if text.isascii():
        return text[start:end]
    kept, cell = [], 0
    for character in text:
        following = cell + _character_width(character)
        inside = min(following, end) - max(cell, start)
        kept.append(character if inside == following - cell else " " * max(inside, 0))
        cell = following
    return "".join(kept)


def _symbol(character: str) -> str:
    if " " <= character <= "~":
        return character
    if character < " ":
        return chr(0x2400 + ord(character))  # ␛ for escape, ␍ for carriage return
    if character == "\x7f":
        return "␡"
    if category(character) in {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}:
        return f"<U+{ord(character):04X}>"
    return character


def _character_width(character: str) -> int:
    if category(character) in {"Mn", "Me"}:
        return 0
    return 2 if east_asian_width(character) in {"W", "F"} else 1
