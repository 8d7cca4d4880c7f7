"""`transpose(fabric)`: factors in reverse order, each with its inputs and outputs exchanged."""

from __future__ import annotations

from nfc.ir.fabric import Cascade, Fabric, Sum, cascade, total
from nfc.ir.factors import Blocks, Factor, Kron, Restricted, Shifts
from nfc.ir.structure import blocks, endpoints, from_edges, kron, restricted, shifts


def transpose(fabric: Fabric) -> Fabric:
    """The fabric from its outputs to its inputs; every factor keeps its kind where that kind has it.

    The transpose of a `FanIn` whose fan-outs differ is `Edges`.
    """
    match fabric:
        case Cascade(parts=parts):
            return cascade(*map(transpose, reversed(parts)))
        case Sum(parts=parts):
            return total(*map(transpose, parts))
        case _:
            return _transpose_factor(fabric)


def _transpose_factor(factor: Factor) -> Factor:
    match factor:
        case Kron(a=a, b=b, c=c, d=d):
            return kron(a, c, b, d)
        case Blocks(row_sets=row_sets, col_sets=col_sets):
            return blocks(col_sets, row_sets)
        case Shifts(dims=dims, offsets=offsets):
            return shifts(dims, tuple(tuple(-move for move in offset) for offset in offsets))
        case Restricted(base=base, live_rows=live_rows, live_cols=live_cols):
            return restricted(kron(base.a, base.c, base.b, base.d), live_cols, live_rows)
        case _:
            outputs, inputs = endpoints(factor)
            return from_edges(factor.cols, factor.rows, inputs, outputs)
