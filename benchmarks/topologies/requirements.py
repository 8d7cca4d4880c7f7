"""What makes a topology good, as assertions of a check block, and which members hold them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import chain

import nfc
from nfc.source import Source

LAYER = "mix"


@dataclass(frozen=True)
class Requirement:
    """A requirement of a topology.

    Attributes:
        title: as the table heads its column.
        assertions: which all have to hold, of a layer called LAYER that is `{width}` wide.
    """

    title: str
    assertions: tuple[str, ...]


REQUIREMENTS: tuple[Requirement, ...] = (
    Requirement("connected", ("mix.connected",)),
    Requirement("equal paths", ("mix.paths.cv == 0",)),
    Requirement("few hops", ("mix.depth <= 3",)),
    Requirement("no waste", ("mix.dead == 0", "mix.duplicates == 0", "mix.freedom >= 75% * mix.density")),
    Requirement("full bandwidth", ("mix.bandwidth == {width}",)),
    Requirement("mixing", ("mix.spectral_gap >= 0.5",)),
)
"""In the order of the table; that weights can be chosen apart from the width is a family's, see `tunable`."""


def program(topology: str, width: int, assertions: Iterable[str]) -> str:
    """A file with one layer of the topology and a check block of the assertions."""
    lines = (
        "nf 1",
        "network layer {",
        f"    input {width}",
        f"    {LAYER}: linear {width} via {topology}",
        "}",
        "check layer {",
        *(f"    {line.format(width=width)}" for line in assertions),
        "}",
    )
    return "\n".join(lines) + "\n"


def met(topology: str, width: int, *, without: str | None = None) -> dict[str, bool]:
    """Which requirements `nfc check` finds held, by title.

    Args:
        without: a property whose assertions are left out, because it cannot be measured at the width.

    Raises:
        NfcError: the topology is wrong or does not take the width.
        ValueError: a property cannot be measured at this width.
    """
    asked = {
        each.title: [line for line in each.assertions if without is None or f".{without} " not in line]
        for each in REQUIREMENTS
    }
    text = program(topology, width, chain.from_iterable(asked.values()))
    results = iter(nfc.load(Source(f"{topology} at {width}", text)).check("layer").results)
    held: dict[str, bool] = {}
    for title, assertions in asked.items():
        outcomes = [next(results) for _ in assertions]
        if any(each.measured is None for each in outcomes):
            raise ValueError(f"`{topology}` at {width}: {title} cannot be measured")
        held[title] = all(each.ok for each in outcomes)
    return held
