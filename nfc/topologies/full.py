"""`dense` and `lowrank`: full factors."""

from __future__ import annotations

from nfc.ir.fabric import Fabric, cascade
from nfc.ir.factors import Factor
from nfc.ir.structure import kron
from nfc.topologies.arguments import integer, require_width
from nfc.topologies.family import Arguments, Extent, Family, Parameter


def dense(rows: int, cols: int) -> Factor:
    """Every output reads every input."""
    return kron(1, rows, cols, 1)


def low_rank(rows: int, cols: int, rank: int) -> Fabric:
    """`rank` neurons between dense factors: the matrices of at most that rank."""
    return cascade(dense(rank, cols), dense(rows, rank))


def _dense(rows: int, cols: int, arguments: Arguments) -> Fabric:
    require_width(rows, arguments)
    return dense(rows, cols)


def _low_rank(rows: int, cols: int, arguments: Arguments) -> Fabric:
    return low_rank(rows, cols, integer(arguments, "rank"))


def _low_rank_extent(rows: int, cols: int, arguments: Arguments) -> Extent:
    rank = integer(arguments, "rank")
    return Extent(max(rows, cols, rank), rank * (rows + cols), factors=2)


DENSE = Family(
    name="dense",
    parameters=(Parameter("width", "integer", None, minimum=1),),
    build=_dense,
    next_width=None,
    definition="every output reads every input",
    source="F. Rosenblatt, The perceptron, 1958",
)

LOWRANK = Family(
    name="lowrank",
    parameters=(Parameter("rank", "integer", minimum=1),),
    build=_low_rank,
    next_width=None,
    definition="two dense factors through `rank` neurons",
    source="C. Eckart and G. Young, The approximation of one matrix by another of lower rank, 1936",
    extent=_low_rank_extent,
)
