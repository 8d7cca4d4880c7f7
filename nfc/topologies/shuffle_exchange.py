"""`shuffle_exchange`: the same stage again and again, a perfect shuffle and an exchange."""

from __future__ import annotations

import numpy as np

from nfc.ir.fabric import Fabric, cascade
from nfc.ir.factors import Factor
from nfc.ir.structure import blocks, identity
from nfc.topologies.arguments import integer, optional_integer
from nfc.topologies.family import AUTO, Arguments, Extent, Family, Parameter
from nfc.topologies.widths import power_at_least


def _depth(width: int, arguments: Arguments) -> int:
    """The stages: `depth`, else as many as connect every pair once, log(width) to the base `radix`."""
    return optional_integer(arguments, "depth") or max(1, power_at_least(width, integer(arguments, "radix")))


def _build(rows: int, cols: int, arguments: Arguments) -> Fabric:
    return cascade(*[_stage(rows, integer(arguments, "radix"))] * _depth(rows, arguments))


def _stage(width: int, radix: int) -> Factor:
    """Output o reads the inputs i with o // radix == i % (width // radix)."""
    if width == 1:
        return identity(1)
    numbers = np.arange(width)
    return blocks(numbers.reshape(-1, radix), numbers.reshape(radix, -1).T)


def _next_width(width: int, arguments: Arguments) -> int:
    radix = integer(arguments, "radix")
    return int(radix ** power_at_least(width, radix))


def _extent(rows: int, cols: int, arguments: Arguments) -> Extent:
    depth = _depth(rows, arguments)
    return Extent(rows, rows * min(rows, integer(arguments, "radix")) * depth, depth)


SHUFFLE_EXCHANGE = Family(
    name="shuffle_exchange",
    parameters=(
        Parameter("depth", "integer", AUTO, minimum=1),
        Parameter("radix", "integer", 2, minimum=2),
    ),
    build=_build,
    next_width=_next_width,
    definition="each stage: o // radix == i % (n // radix), over radix^k neurons",
    source="H. Stone, Parallel processing with the perfect shuffle, 1971",
    extent=_extent,
)
