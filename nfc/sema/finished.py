"""Empty neurons (LANGUAGE, section 2): what each finished factor of a topology leaves without an edge."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import IntEnum

from nfc.diagnostics import Diagnostic, Label, Severity
from nfc.ir.fabric import Fabric
from nfc.ir.factors import Factor
from nfc.ir.prune import first_empty
from nfc.sema.tree import one_line
from nfc.source import Span
from nfc.syntax import ast

LONGEST_NAME = 40
"""Characters of an expression that is named by its text."""


class Origin(IntEnum):
    """Who says where the edges lie; a factor made of several has the greatest of theirs."""

    STANDARD = 0
    FILE = 1
    MASK = 2


@dataclass(frozen=True)
class Finished:
    """A finished factor, or the factors of one standard topology, and the first neurons without an edge.

    Attributes:
        what: as messages name it.
        output: the first output without an edge, or None.
        input: the first input without an edge, or None.
        allowed: whether a mask of it says `allow_empty`.
        masks: the names of its masks where they are defined.
    """

    what: str
    span: Span
    output: int | None
    input: int | None
    origin: Origin = Origin.STANDARD
    allowed: bool = False
    masks: frozenset[Span] = frozenset()

    @property
    def matters(self) -> bool:
        """Whether it has something to say, alone or as a part of another."""
        return self.origin is not Origin.STANDARD or self._neuron is not None

    @property
    def diagnostic(self) -> Diagnostic | None:
        """A warning for standard topologies, an error for masks and files, or None."""
        if self._neuron is None or self.allowed:
            return None
        message = f"{self.what} leaves neurons without an edge, {self._neuron} first"
        if self.origin is Origin.STANDARD:
            return Diagnostic("NF412", message, self.span, Severity.WARNING)
        labels = tuple(Label(span, "this mask") for span in sorted(self.masks, key=_place))
        hint = (
            "`allow_empty` before a mask's `=` permits neurons without an edge"
            if self.origin is Origin.MASK
            else "a union gives them edges, as in `file(…) | diagonal`"
        )
        return Diagnostic("NF413", message, self.span, Severity.ERROR, labels, (hint,))

    def transposed(self) -> Finished:
        """Of the transposed factor."""
        once = self.what.removesuffix(_TRANSPOSED)
        what = once if once != self.what else self.what + _TRANSPOSED
        return replace(self, what=what, output=self.input, input=self.output)

    def moved(self, rows: int, cols: int) -> Finished:
        """As a part of a direct sum, below `rows` outputs and right of `cols` inputs."""
        output = None if self.output is None else self.output + rows
        return replace(self, output=output, input=None if self.input is None else self.input + cols)

    @property
    def _neuron(self) -> str | None:
        if self.output is not None:
            return f"output {self.output}"
        return None if self.input is None else f"input {self.input}"


_TRANSPOSED = ", transposed,"


def by_standard(name: str, span: Span, empty: tuple[int | None, int | None]) -> Finished:
    """What is to be said of a standard topology, from its first empty output and input."""
    return Finished(f"`{name}`", span, *empty)


def by_mask(mask: ast.Mask, span: Span, factor: Factor) -> Finished:
    """What is to be said of a mask's factor where it is a factor by itself."""
    masks = frozenset({mask.name_span})
    what = f"the mask `{mask.name}`"
    return Finished(what, span, *first_empty(factor), Origin.MASK, mask.allow_empty, masks)


def by_file(span: Span, factor: Factor) -> Finished:
    """What is to be said of a file's factor where it is a factor by itself."""
    return Finished("the file", span, *first_empty(factor), Origin.FILE)


def of_operands(span: Span, factor: Factor, operands: Sequence[Finished]) -> Finished:
    """What is to be said of a factor made of operands, none of which is finished by itself."""
    text = one_line(span.text)
    what = f"`{text}`" if len(text) <= LONGEST_NAME else "this topology"
    origin = max((operand.origin for operand in operands), default=Origin.STANDARD)
    allowed = any(operand.allowed for operand in operands)
    masks = frozenset[Span]().union(*(operand.masks for operand in operands))
    return Finished(what, span, *first_empty(factor), origin, allowed, masks)


def of_sum(span: Span, fabric: Fabric, parts: Sequence[Finished]) -> list[Finished]:
    """What is to be said of a sum: what one standard part leaves without an edge, another may reach."""
    written = [part for part in parts if part.origin is not Origin.STANDARD]
    if len(written) == len(parts):
        return written
    return [*written, Finished("the sum", span, *first_empty(fabric))]


def _place(span: Span) -> tuple[str, int]:
    return span.source.name, span.start
