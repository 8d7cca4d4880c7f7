"""Dividing a budget over layers by their shapes alone."""

from __future__ import annotations

from collections.abc import Sequence

from nfc.search.slots import Slot


def uniform(slots: Sequence[Slot], budget: int) -> list[int]:
    """Weights of one copy of each layer where all have the same density."""
    total = sum(slot.copies * slot.size for slot in slots)
    density = min(budget / total, 1.0)
    return [int(density * slot.size) for slot in slots]


def erdos_renyi(slots: Sequence[Slot], budget: int) -> list[int]:
    """Weights of one copy of each layer, its density in proportion to (rows + cols) / (rows · cols).

    A layer that this would give more than all its weights is dense, and the rest share what is left
    (Evci et al., Rigging the Lottery, 2020).
    """
    dense: set[int] = set()
    while True:
        left = budget - sum(slots[each].copies * slots[each].size for each in dense)
        open_ = [each for each in range(len(slots)) if each not in dense]
        ends = sum(slots[each].copies * (slots[each].rows + slots[each].cols) for each in open_)
        factor = max(left, 0) / ends if open_ else 0.0
        full = {each for each in open_ if factor * (slots[each].rows + slots[each].cols) > slots[each].size}
        if not full:
            break
        dense |= full
    return [
        slot.size if number in dense else int(factor * (slot.rows + slot.cols))
        for number, slot in enumerate(slots)
    ]
