"""`expander`: random factors in a row."""

from __future__ import annotations

from nfc.ir.fabric import Fabric, cascade
from nfc.topologies.arguments import integer
from nfc.topologies.draws import Draws, Purpose
from nfc.topologies.family import AUTO, Arguments, Extent, Family, Parameter
from nfc.topologies.random import balanced


def _build(rows: int, cols: int, arguments: Arguments) -> Fabric:
    fan_in, seed = integer(arguments, "fan_in"), integer(arguments, "seed")
    heights = [cols] * (integer(arguments, "depth") - 1) + [rows]
    draws = (Draws(seed, Purpose.RANDOM, place) for place in range(len(heights)))
    return cascade(
        *(balanced(height, cols, fan_in, draw) for height, draw in zip(heights, draws, strict=True))
    )


def _extent(rows: int, cols: int, arguments: Arguments) -> Extent:
    depth = integer(arguments, "depth")
    outputs = cols * (depth - 1) + rows
    return Extent(max(rows, cols), outputs * integer(arguments, "fan_in"), depth)


EXPANDER = Family(
    name="expander",
    parameters=(
        Parameter("fan_in", "integer", minimum=1),
        Parameter("depth", "integer", minimum=1),
        Parameter("seed", "seed", AUTO),
    ),
    build=_build,
    next_width=None,
    definition="`depth` factors of `random(fan_in)`",
    source="A. Prabhu, G. Varma and A. Namboodiri, Deep expander networks (X-Net), 2018",
    extent=_extent,
)
