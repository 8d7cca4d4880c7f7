"""Which neighbouring stages of a cascade multiply out into one of their own kind.

A stage is I_a ⊗ W ⊗ I_d with W b × c. Two of them nest where the digit that one writes and the
digit that the other reads lie side by side, so that the product is I ⊗ W' ⊗ I once more, with one
path alone from an input of a block to an output: an outer product of the weights, without a sum
(Dao et al., "Kaleidoscope", 2020, and Le Magoarou and Gribonval, 2016, for the patterns).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TypeGuard

from nfc.lowering.plan import Blocked, Fused, Kernel

Digits = tuple[int, int, int, int]
"""a, b, c, d of I_a ⊗ 1_{b×c} ⊗ I_d."""


def digits(stage: Blocked | Fused) -> Digits:
    return stage.a, stage.b, stage.c, stage.d


def is_stage(kernel: Kernel) -> TypeGuard[Blocked]:
    """Whether a kernel may be a part of a fused one: blocks without missing edges and windows, and no diagonal.

    A diagonal costs one pass over the values; multiplied out it would cost the same pass over the weights.
    """
    if not isinstance(kernel, Blocked) or kernel.weight.window:
        return False
    return kernel.places is None and (kernel.b, kernel.c) != (1, 1)


def nested(first: Digits, second: Digits) -> Digits | None:
    """The product of two stages, `first` acting first; None where it is no single stage."""
    return ascending(first, second) or descending(first, second)


def ascending(first: Digits, second: Digits) -> Digits | None:
    """The product where the second stage's stride is the first one's times its block's outputs.

    An entry [(j2, j1), s, (k2, k1)] of block a2 is W2[a2, j2, (j1, s), k2] · W1[(a2, k2), j1, s, k1].
    """
    (a1, b1, c1, d1), (a2, b2, c2, d2) = first, second
    return (a2, b2 * b1, c2 * c1, d1) if d2 == d1 * b1 and a1 == a2 * c2 else None


def descending(first: Digits, second: Digits) -> Digits | None:
    """The product where the first stage's stride is the second one's times its block's inputs.

    An entry [(j1, j2), s, (k1, k2)] of block a1 is W2[(a1, j1), j2, s, k2] · W1[a1, j1, (k2, s), k1].
    """
    (a1, b1, c1, d1), (a2, b2, c2, d2) = first, second
    return (a1, b1 * b2, c1 * c2, d2) if d1 == d2 * c2 and a2 == a1 * b1 else None


def fused(parts: Sequence[Blocked]) -> Fused:
    """The product of neighbouring stages, the first acting first.

    Raises:
        ValueError: a part does not nest with those before it, or has missing edges.
    """
    found = digits(parts[0])
    for part in parts:
        if not is_stage(part):
            raise ValueError(f"{part.weight.name} is a diagonal or has missing edges")
    for part in parts[1:]:
        together = nested(found, digits(part))
        if together is None:
            raise ValueError(f"{part.weight.name} does not nest with the stages before it")
        found = together
    return Fused(tuple(parts), *found)


def fusable_from(stages: Sequence[Blocked], start: int) -> Iterator[Blocked | Fused]:
    """The stage at `start` alone, then with one more of its neighbours at a time, as far as they nest."""
    yield stages[start]
    found: Digits | None = digits(stages[start])
    for end in range(start + 1, len(stages)):
        found = nested(found, digits(stages[end])) if found else None
        if found is None:
            return
        yield Fused(tuple(stages[start : end + 1]), *found)
