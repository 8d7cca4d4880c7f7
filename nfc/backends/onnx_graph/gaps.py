"""Ascending positions as small unsigned gaps: what `--sparse delta` stores."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from nfc.ir.factors import Indices

GAP_TYPES: tuple[type[np.unsignedinteger], ...] = (np.uint8, np.uint16)


def gap_type(positions: Indices, value_bytes: int) -> type[np.unsignedinteger]:
    """The type with which gaps and values together take the fewest bytes: uint16 for the very sparse."""
    return min(
        GAP_TYPES,
        key=lambda kind: entries(positions, kind) * (value_bytes + np.dtype(kind).itemsize),
    )


def entries(positions: Indices, kind: type[np.unsignedinteger]) -> int:
    """How many gaps of `kind` reach all positions: one each, and one for each full step of a longer way."""
    return int((1 + _full_steps(positions, kind)).sum())


def encode(
    positions: Indices, values: NDArray[np.floating], kind: type[np.unsignedinteger]
) -> tuple[NDArray[np.unsignedinteger], NDArray[np.floating]]:
    """Gaps whose running sum is the positions, and the values there, both [entries].

    The first gap is counted from 0. A gap longer than `kind` holds is reached in full steps, which
    stop between two positions and hold the value 0 there.

    Args:
        positions: strictly ascending, [edges].
        values: [edges].
    """
    steps = _full_steps(positions, kind)
    places = np.cumsum(1 + steps) - 1
    full = np.iinfo(kind).max
    gaps = np.full(len(positions) + int(steps.sum()), full, kind)
    gaps[places] = np.diff(positions, prepend=0) - full * steps
    spread = np.zeros(len(gaps), values.dtype)
    spread[places] = values
    return gaps, spread


def _full_steps(positions: Indices, kind: type[np.unsignedinteger]) -> Indices:
    """Full steps before the last gap to each position, [edges]; none where the gap is short enough."""
    full = int(np.iinfo(kind).max)
    gaps = np.diff(positions, prepend=0)
    steps: Indices = np.maximum(-(-gaps // full) - 1, 0)
    return steps
