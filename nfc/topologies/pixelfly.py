"""`pixelfly`: the block butterfly flattened to one factor, and a low-rank term."""

from __future__ import annotations

from itertools import product

from nfc.ir.fabric import Fabric, total
from nfc.ir.factors import Factor
from nfc.ir.structure import kron, shifts
from nfc.topologies.arguments import integer, optional_integer
from nfc.topologies.family import AUTO, Arguments, Extent, Family, Parameter, TopologyError
from nfc.topologies.full import low_rank
from nfc.topologies.torus import unit
from nfc.topologies.widths import power_at_least, quotient


def _stages(width: int, arguments: Arguments) -> tuple[int, int]:
    """(the bits of a block's number, the bits that an edge may change)."""
    bits = power_at_least(width // integer(arguments, "block"), 2)
    stages = optional_integer(arguments, "stages")
    if stages is not None and stages > bits:
        message = f"`stages` is at most log2(n/block), which is {bits} at a width of {width}, not {stages}"
        raise TopologyError(
            "NF301", message, argument="stages", hint="without `stages` there are as many as fit"
        )
    return bits, bits if stages is None else stages


def _build(rows: int, cols: int, arguments: Arguments) -> Fabric:
    flat, rank = _flat(rows, arguments), integer(arguments, "rank")
    return total(flat, low_rank(rows, rows, rank)) if rank else flat


def _flat(width: int, arguments: Arguments) -> Factor:
    """Blocks whose numbers differ in one of the lowest bits at most."""
    block, (bits, stages) = integer(arguments, "block"), _stages(width, arguments)
    if stages == 0:
        return kron(width // block, block, block, 1)
    moves = [(0,) * (stages + 1), *(unit(axis, stages + 1) for axis in range(stages))]
    offsets = tuple((inner, *move) for move, inner in product(moves, range(block)))
    return shifts((block, *(2,) * stages, 2 ** (bits - stages)), offsets)


def _next_width(width: int, arguments: Arguments) -> int:
    block = integer(arguments, "block")
    return int(block * 2 ** power_at_least(quotient(width, block), 2))


def _extent(rows: int, cols: int, arguments: Arguments) -> Extent:
    block, rank = integer(arguments, "block"), integer(arguments, "rank")
    _, stages = _stages(rows, arguments)
    return Extent(max(rows, rank), rows * (block * (stages + 1) + 2 * rank), 3 if rank else 1)


PIXELFLY = Family(
    name="pixelfly",
    parameters=(
        Parameter("block", "integer", minimum=1),
        Parameter("rank", "integer", 0, minimum=0),
        Parameter("stages", "integer", AUTO, minimum=0),
    ),
    build=_build,
    next_width=_next_width,
    definition="o // block xor i // block is 0, 1, 2, … or 2^(stages − 1); plus `lowrank(rank)`",
    source="B. Chen et al., Pixelated butterfly: simple and efficient sparse training for neural network models, 2022",
    extent=_extent,
)
