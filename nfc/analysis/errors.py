"""Why a property has no value."""

from __future__ import annotations


class PropertyError(Exception):
    """A property is unknown (NF502, NF503) or costs too much (NF506).

    Attributes:
        code, message, hints: of the diagnostic to report at the place that asks.
    """

    def __init__(self, code: str, message: str, *, hints: tuple[str, ...] = ()) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.hints = hints
