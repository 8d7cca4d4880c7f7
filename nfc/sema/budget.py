"""What is left of a run's limits: time, operations, edges, numbers in a sample."""

from __future__ import annotations

from dataclasses import dataclass, field
from math import prod
from time import monotonic

from nfc.limits import Limits
from nfc.sema.errors import LimitError
from nfc.sema.values import show
from nfc.source import Span


@dataclass(frozen=True)
class Budget:
    """The limits of a run and when it began."""

    limits: Limits
    started: float = field(default_factory=monotonic)

    def check_time(self, span: Span | None) -> None:
        """Raises LimitError once elaboration has taken longer than it may."""
        if monotonic() - self.started > self.limits.seconds:
            message = f"elaboration takes longer than {self.limits.seconds:g} s"
            raise LimitError("NF715", message, span)

    def check_operations(self, count: int, span: Span, what: str = "operations after expansion") -> None:
        if count > self.limits.operations:
            message = f"there are more than {self.limits.operations} {what} here"
            raise LimitError("NF712", message, span)

    def check_shape(self, shape: tuple[int, ...], span: Span) -> None:
        """A sample of a shape must not hold more numbers than `limits.width`."""
        if prod(shape) > self.limits.width:
            message = f"a sample of shape {show(shape)} holds more than {self.limits.width} numbers"
            raise LimitError("NF713", message, span)

    def check_width(self, width: int, span: Span) -> None:
        if width > self.limits.width:
            message = f"a topology here is more than {self.limits.width} neurons wide"
            raise LimitError("NF713", message, span)

    def check_table(self, rows: int, features: int, span: Span) -> None:
        """A table of `rows` must not hold more numbers than a network may have edges."""
        if rows * features > self.limits.edges:
            message = f"a table of {rows} × {features} holds more than {self.limits.edges} numbers"
            raise LimitError("NF714", message, span)

    def check_edges(self, count: int, span: Span, what: str = "the network has") -> None:
        if count > self.limits.edges:
            message = f"{what} more than {self.limits.edges} edges up to here"
            raise LimitError("NF714", message, span)
