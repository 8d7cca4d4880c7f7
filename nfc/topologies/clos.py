"""`clos`: three stages of switches, ingress, middle and egress."""

from __future__ import annotations

import numpy as np

from nfc.ir.fabric import Fabric, cascade
from nfc.ir.structure import blocks, kron
from nfc.topologies.arguments import optional_integer
from nfc.topologies.family import AUTO, Arguments, Extent, Family, Parameter
from nfc.topologies.widths import near_factors, next_multiple, next_near_product


def _sizes(width: int, arguments: Arguments) -> tuple[int, int, int]:
    """(inputs of an ingress switch, ingress switches, middle switches)."""
    inputs = optional_integer(arguments, "inputs") or near_factors(width)[0]
    return inputs, width // inputs, optional_integer(arguments, "middle") or inputs


def _build(rows: int, cols: int, arguments: Arguments) -> Fabric:
    inputs, switches, middle = _sizes(rows, arguments)
    outer = np.arange(rows).reshape(switches, inputs)
    lines = np.arange(switches * middle).reshape(middle, switches).T
    return cascade(blocks(lines, outer), kron(middle, switches, switches, 1), blocks(outer, lines))


def _next_width(width: int, arguments: Arguments) -> int:
    inputs = optional_integer(arguments, "inputs")
    return next_near_product(width) if inputs is None else next_multiple(width, inputs)


def _extent(rows: int, cols: int, arguments: Arguments) -> Extent:
    inputs, switches, middle = _sizes(rows, arguments)
    lines = switches * middle
    return Extent(max(rows, lines), lines * (2 * inputs + switches), factors=3)


CLOS = Family(
    name="clos",
    parameters=(
        Parameter("inputs", "integer", AUTO, minimum=1),
        Parameter("middle", "integer", AUTO, minimum=1),
    ),
    build=_build,
    next_width=_next_width,
    definition="n/inputs ingress blocks, `middle` middle blocks that each meet all of them, egress blocks",
    source="C. Clos, A study of non-blocking switching networks, 1953",
    extent=_extent,
)
