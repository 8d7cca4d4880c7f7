"""A whole network's budget, divided."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from nfc.diagnostics import Diagnostic, NfcError
from nfc.search.allocation import Allocation, allocations, least_weights
from nfc.search.curves import FAMILIES, Curve, curve
from nfc.search.definitions import Definitions
from nfc.search.evaluation import Evaluation
from nfc.search.measure import Effort
from nfc.search.shares import erdos_renyi, uniform
from nfc.search.slots import Slot

LOOK = 200
"""Steps that the student is trained: half of those of the score."""


@dataclass(frozen=True)
class Division:
    """A budget divided over layers.

    Attributes:
        slots: the statements that get a topology.
        fixed: weights of the layers that keep theirs; the budget pays them first.
        allocations: by each method; none where the budget is too small.
        least: the smallest budget that suffices.
    """

    slots: tuple[Slot, ...]
    fixed: int
    allocations: tuple[Allocation, ...]
    least: int


def divide(
    slots: tuple[Slot, ...],
    fixed: int,
    budget: int,
    definitions: Definitions,
    effort: Effort,
    evaluation: Evaluation,
    families: Sequence[str] = (),
) -> Division:
    """Divide a budget over slots by a first look at candidates for each shape.

    Raises:
        NfcError: a result cannot be kept (NF750), or no candidate of a layer can be scored (NF506).
    """
    look = replace(effort, targets=1, steps=LOOK)
    left = max(budget - fixed, 1)
    shares = list(zip(uniform(slots, left), erdos_renyi(slots, left), strict=True))
    by_shape: dict[tuple[int, int], Curve] = {}
    for slot in slots:
        shape = slot.rows, slot.cols
        if shape in by_shape:
            continue
        levels = {
            share
            for other, both in zip(slots, shares, strict=True)
            if (other.rows, other.cols) == shape
            for share in both
        }
        by_shape[shape] = curve(*shape, levels, definitions, families or FAMILIES, look, evaluation)
        if not by_shape[shape]:
            raise NfcError([_unscored(slot)])
    curves = [by_shape[slot.rows, slot.cols] for slot in slots]
    least = fixed + least_weights(slots, curves)
    found = allocations(slots, curves, left) if budget >= least else ()
    return Division(slots, fixed, found, least)


def _unscored(slot: Slot) -> Diagnostic:
    message = f"no candidate for {slot.cols} → {slot.rows} can be scored"
    hint = "`--family` tries other families"
    return Diagnostic("NF506", message, slot.span, hints=(hint,))
