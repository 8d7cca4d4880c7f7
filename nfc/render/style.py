"""The style sheet: what is coloured how, and when colour is used at all."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TextIO


@dataclass(frozen=True, slots=True)
class Style:
    """SGR parameters by role; an empty one leaves the text as it is."""

    error: str = ""
    warning: str = ""
    success: str = ""
    message: str = ""
    gutter: str = ""
    secondary: str = ""
    faint: str = ""

    def paint(self, role: str, text: str) -> str:
        """The text in the colour of a role."""
        parameters = getattr(self, role)
        return f"\x1b[{parameters}m{text}\x1b[0m" if parameters and text else text


PLAIN = Style()
COLOURED = Style(
    error="1;31",
    warning="1;33",
    success="32",
    message="1",
    gutter="1;34",
    secondary="1;34",
    faint="2",
)


def style_for(choice: str, stream: TextIO, environment: Mapping[str, str]) -> Style:
    """The style for a stream: `always`, `never`, or `auto`, which follows NO_COLOR, TERM and the terminal.

    See https://no-color.org: NO_COLOR counts when it is set and not empty.
    """
    if choice == "auto":
        allowed = not environment.get("NO_COLOR") and environment.get("TERM") != "dumb"
        return COLOURED if allowed and stream.isatty() else PLAIN
    return COLOURED if choice == "always" else PLAIN
