"""Whether a family's weights can be chosen apart from the width.

At one width it has to have a member for every budget from 1/16 to 1/4 of the dense weights, in half
octaves, that spends at least four fifths of it.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from itertools import product

import nfc
from nfc.diagnostics import NfcError

WIDTH = 256
BUDGETS: tuple[float, ...] = tuple(2.0 ** (-4.0 + 0.5 * step) for step in range(5))
"""Shares of the dense weights."""
SPENT = 0.8

RADICES = (
    "[4, 4, 4, 4]", "[4, 8, 8]", "[4, 4, 16]", "[16, 16]", "[8, 32]", "[4, 64]", "[2, 128]",
)  # fmt: skip
BUTTERFLIES = (
    *(f"butterfly(radices={radices})" for radices in RADICES),
    *(f"butterfly(radix={radix}, block={block})" for radix in (2, 4, 8) for block in (1, 2, 4, 8)),
)
"""By their weights at least one for each budget."""


def _each(pattern: str, values: Iterable[object]) -> tuple[str, ...]:
    return tuple(pattern.format(value) for value in values)


VARIED: dict[str, tuple[str, ...]] = {
    "dense": ("dense",),
    "diagonal": ("diagonal",),
    "block": _each("block(count={})", range(2, 17)),
    "band": _each("band(width={}, wrap=true)", range(4, 33)),
    "random": _each("random(fan_in={}, seed=1)", range(8, 65, 4)),
    "bernoulli": _each("bernoulli(density={}%, seed=1)", range(4, 26)),
    "small_world": _each("small_world(fan_in={}, seed=1)", range(8, 65, 4)),
    "n_of_m": _each("n_of_m(n={}, m=64, seed=1)", range(4, 17)),
    "torus": _each("torus(depth={})", range(1, 14)),
    "hypercube": _each("hypercube(depth={})", range(1, 8)),
    "butterfly": BUTTERFLIES,
    "monarch": ("monarch",),
    "clos": tuple(f"clos(inputs={inputs}, middle={middle})" for inputs in (4, 8, 16) for middle in range(2, 25)),
    "benes": _each("benes(radix={})", (2, 4, 8, 16)),
    "shuffle_exchange": _each("shuffle_exchange(depth={})", range(4, 33)),
    "radix_net": _each("radix_net(systems=[{}])", (*RADICES, "[8, 32], [4, 4, 16]")),
    "expander": tuple(f"expander(fan_in={fan_in}, depth=2, seed=1)" for fan_in in range(4, 33, 2)),
    "lowrank": _each("lowrank(rank={})", range(4, 33)),
    "pixelfly": tuple(f"pixelfly(block={block}, rank={rank})" for block, rank in product((1, 2, 4), range(0, 29, 2))),
    "parallel": tuple(f"parallel({count}, {each})" for count in (1, 2, 3, 4) for each in BUTTERFLIES),
}  # fmt: skip
"""Members of each family at WIDTH, by the arguments that change their weights."""


@cache
def tunable(family: str) -> bool:
    """Whether the family has a member near to every budget."""
    densities = [share for each in VARIED[family] if (share := _density(each)) is not None]
    return all(any(SPENT * budget <= share <= budget for share in densities) for budget in BUDGETS)


def _density(topology: str) -> float | None:
    try:
        return float(nfc.topology(topology, rows=WIDTH, cols=WIDTH).density)
    except NfcError:
        return None
