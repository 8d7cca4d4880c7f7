"""Where an operation stands, and how its shape can fail to fit."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from nfc.ir.network import Shape
from nfc.sema.errors import SemanticError
from nfc.sema.values import Value
from nfc.source import Span

Arguments = Mapping[str, Value | None]
"""Values by slot name; a word stands for itself."""


@dataclass(frozen=True)
class Place:
    """Where an operation stands: its path, the shape that arrives, and its place in the source."""

    path: str
    shape: Shape
    name: str
    span: Span


class ShapeError(SemanticError):
    """A shape does not fit; `output` is the shape to go on with, None where nothing is known of it."""

    output: Shape | None = None

    def going_on_with(self, output: Shape | None) -> ShapeError:
        self.output = output
        return self
