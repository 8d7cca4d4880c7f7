"""A family's score and controllability against its weights, over those of all other families."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from math import log2
from typing import Any

from benchmarks.topologies import svg

WIDTH, HEIGHT = 190.0, 120.0
LEFT, BELOW = 26.0, 28.0
FEWEST, MOST = 2**8, 2**16
"""The ends of the axis of weights."""

Record = dict[str, Any]


def curve(quantity: str, points: Sequence[Record], others: Sequence[Record], at: svg.Point) -> Iterator[str]:
    """One panel, WIDTH × HEIGHT with its labels, at its upper left corner.

    Args:
        points: the family's, by their weights; a line joins those that no member with as few weights beats.
        others: of all other families, drawn faintly.
    """
    corner = at[0] + LEFT, at[1] + 14
    width, height = WIDTH - LEFT - 6, HEIGHT - BELOW - 14

    def place(weights: float, value: float) -> svg.Point:
        share = log2(weights / FEWEST) / log2(MOST / FEWEST)
        return corner[0] + width * share, corner[1] + height * (1 - min(max(value, 0.0), 1.0))

    yield svg.text((corner[0], at[1] + 9), quantity)
    yield svg.frame(corner, width, height)
    yield from _scales(place)
    yield svg.dots((place(each["weights"], each[quantity]) for each in others), svg.FAINT, 1.8)
    own = [place(each["weights"], each[quantity]) for each in points]
    best = [point for point in own if all(x > point[0] or y >= point[1] for x, y in own)]
    if len(best) > 1:
        yield svg.line(best, svg.ACCENT)
    yield svg.dots(own, svg.ACCENT, 2.6)


def _scales(place: Callable[[float, float], svg.Point]) -> Iterator[str]:
    for value, words in ((0.0, "0"), (0.5, ".5"), (1.0, "1")):
        x, y = place(FEWEST, value)
        yield svg.text((x - 3, y + 3), words, anchor="end", size=8)
    for exponent in (8, 10, 12, 14, 16):
        x, y = place(2**exponent, 0.0)
        label = str(2**exponent) if exponent < 10 else f"{2 ** (exponent - 10)}k"
        yield svg.text((x, y + 11), label, anchor="middle", size=8)
    x, y = place(2**12, 0.0)
    yield svg.text((x, y + 22), "weights", anchor="middle", size=8)
