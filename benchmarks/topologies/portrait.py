"""A fabric's factors as pictures of their matrices, in the order of the data: a filled cell is a weight."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from benchmarks.topologies import svg
from nfc.ir.fabric import Cascade, Fabric
from nfc.ir.factors import Factor

CELL = 4.0
GAP = 14.0


@dataclass(frozen=True)
class Drawing:
    """Parts of an SVG whose corner is at the place asked for, and how much room they take."""

    width: float
    height: float
    parts: tuple[str, ...]


def portrait(fabric: Fabric, at: svg.Point) -> Drawing:
    """A cascade from left to right, the branches of a sum one above the other; outputs are rows."""
    if isinstance(fabric, Factor):
        return _matrix(fabric, at)
    beside = isinstance(fabric, Cascade)
    drawings: list[Drawing] = []
    x, y = at
    for part in fabric.parts:
        if drawings:
            x, y = (x + GAP, y) if beside else (x, y + GAP)
            drawings.append(_joint("›", (x - GAP / 2, y + 10)) if beside else _joint("+", (x + 32, y - 3)))
        drawing = portrait(part, (x, y))
        drawings.append(drawing)
        x, y = (x + drawing.width, y) if beside else (x, y + drawing.height)
    width = x - at[0] if beside else max(each.width for each in drawings)
    height = max(each.height for each in drawings) if beside else y - at[1]
    return Drawing(width, height, tuple(part for each in drawings for part in each.parts))


def _joint(sign: str, at: svg.Point) -> Drawing:
    return Drawing(0.0, 0.0, (svg.text(at, sign, anchor="middle", size=12.0),))


def _matrix(factor: Factor, at: svg.Point) -> Drawing:
    width, height = CELL * factor.cols, CELL * factor.rows
    runs = ((at[0] + CELL * first, at[1] + CELL * row, CELL * length) for row, first, length in _runs(factor))
    return Drawing(width, height, (svg.cells(runs, CELL), svg.frame(at, width, height)))


def _runs(factor: Factor) -> Iterator[tuple[int, int, int]]:
    """(row, first column, length) of each maximal run of edges."""
    starts, columns = factor.arrays()
    for row in range(factor.rows):
        own = columns[starts[row] : starts[row + 1]]
        for run in np.split(own, np.flatnonzero(np.diff(own) > 1) + 1):
            if len(run):
                yield row, int(run[0]), len(run)
