"""`torus` and `hypercube`: cascades of a mesh's nearest neighbours."""

from __future__ import annotations

from nfc.ir.fabric import Fabric, cascade
from nfc.ir.structure import shifts
from nfc.topologies.arguments import integer
from nfc.topologies.family import Arguments, Extent, Family, Parameter
from nfc.topologies.widths import power_at_least, root_at_least

Offset = tuple[int, ...]


def unit(axis: int, axes: int, step: int = 1) -> Offset:
    """One step along an axis."""
    return tuple(step if index == axis else 0 for index in range(axes))


def _torus(rows: int, cols: int, arguments: Arguments) -> Fabric:
    dims, depth = integer(arguments, "dims"), integer(arguments, "depth")
    side = root_at_least(rows, dims)
    offsets = [(0,) * dims, *(unit(axis, dims, step) for axis in range(dims) for step in (1, -1))]
    return cascade(*[shifts((side,) * dims, tuple(offsets))] * depth)


def _torus_width(width: int, arguments: Arguments) -> int:
    dims = integer(arguments, "dims")
    return int(root_at_least(width, dims) ** dims)


def _torus_extent(rows: int, cols: int, arguments: Arguments) -> Extent:
    dims, depth = integer(arguments, "dims"), integer(arguments, "depth")
    neighbours = min(root_at_least(rows, dims) - 1, 2) * dims
    return Extent(rows, rows * (1 + neighbours) * depth, depth)


def _hypercube(rows: int, cols: int, arguments: Arguments) -> Fabric:
    axes = power_at_least(rows, 2)
    offsets = ((0,) * axes, *(unit(axis, axes) for axis in range(axes)))
    return cascade(*[shifts((2,) * axes, offsets)] * integer(arguments, "depth"))


def _hypercube_width(width: int, arguments: Arguments) -> int:
    return int(2 ** power_at_least(width, 2))


def _hypercube_extent(rows: int, cols: int, arguments: Arguments) -> Extent:
    depth = integer(arguments, "depth")
    return Extent(rows, rows * (1 + power_at_least(rows, 2)) * depth, depth)


TORUS = Family(
    name="torus",
    parameters=(
        Parameter("dims", "integer", 2, minimum=1, maximum=64),
        Parameter("depth", "integer", 1, minimum=1),
    ),
    build=_torus,
    next_width=_torus_width,
    definition="itself and its two neighbours along each of `dims` axes, which close to rings",
    source="W. Dally and B. Towles, Principles and Practices of Interconnection Networks, chapter 5",
    extent=_torus_extent,
)

HYPERCUBE = Family(
    name="hypercube",
    parameters=(Parameter("depth", "integer", 1, minimum=1),),
    build=_hypercube,
    next_width=_hypercube_width,
    definition="popcount(o xor i) ≤ 1 over 2^k neurons",
    source="C. Seitz, The Cosmic Cube, 1985",
    extent=_hypercube_extent,
)
