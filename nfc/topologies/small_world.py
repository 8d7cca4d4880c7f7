"""`small_world`: a ring's neighbours, some of them moved (Watts–Strogatz)."""

from __future__ import annotations

import numpy as np

from nfc.ir.fabric import Fabric
from nfc.ir.structure import fan_in as fan_in_factor
from nfc.topologies.arguments import integer, number
from nfc.topologies.draws import Draws, Purpose
from nfc.topologies.family import AUTO, Arguments, Extent, Family, Parameter
from nfc.topologies.random import require_fan_in


def _build(rows: int, cols: int, arguments: Arguments) -> Fabric:
    fan_in, seed = integer(arguments, "fan_in"), integer(arguments, "seed")
    require_fan_in(fan_in, cols)
    first = np.arange(rows, dtype=np.int64) * cols // rows - (fan_in - 1) // 2
    table = (first[:, None] + np.arange(fan_in)) % cols
    if fan_in < cols:
        moved = _moved(rows, cols, fan_in, number(arguments, "rewire"), seed)
        outputs = np.nonzero(moved)[0]
        free = Draws(seed, Purpose.SMALL_WORLD, part=1).distinct(moved.sum(axis=1), cols - fan_in)
        # The inputs that an output does not read follow its own ones on the ring.
        table[moved] = (first[outputs] + fan_in + free) % cols
    return fan_in_factor(cols, table)


def _moved(rows: int, cols: int, fan_in: int, rewire: float, seed: int) -> np.ndarray:
    """Which edges move, [rows, fan_in]: at most as many an output as there are inputs it does not read."""
    fractions = Draws(seed, Purpose.SMALL_WORLD).fractions(0, rows * fan_in)
    chosen = (fractions < rewire).reshape(rows, fan_in)
    result: np.ndarray = chosen & (np.cumsum(chosen, axis=1) <= cols - fan_in)
    return result


def _extent(rows: int, cols: int, arguments: Arguments) -> Extent:
    return Extent(max(rows, cols), rows * integer(arguments, "fan_in"))


SMALL_WORLD = Family(
    name="small_world",
    parameters=(
        Parameter("fan_in", "integer", minimum=1),
        Parameter("rewire", "number", 0.1, minimum=0, maximum=1),
        Parameter("seed", "seed", AUTO),
    ),
    build=_build,
    next_width=None,
    definition="the `fan_in` inputs nearest ⌊o·cols/rows⌋ on a ring; each edge moves with probability `rewire`",
    source="D. Watts and S. Strogatz, Collective dynamics of small-world networks, 1998",
    extent=_extent,
)
