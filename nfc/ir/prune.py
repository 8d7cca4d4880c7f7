"""Pruning: the edges of a fabric that lie on no input-output path, and what fitting cuts off.

A neuron is reached when a path leads to it from a live input, and useful when a path leads from it
to a live output. An edge stays where its input is reached and its output is useful. Neurons that
the parts of a sum share (its inputs, its outputs) are reached or useful when they are so through
any part.
"""

from __future__ import annotations

from functools import reduce
from itertools import accumulate

import numpy as np

from nfc.ir.fabric import Cascade, Fabric, Sum, cascade, total
from nfc.ir.factors import Blocks, Factor, Flags, Kron, Restricted
from nfc.ir.structure import endpoints, from_edges, restricted


def prune(fabric: Fabric) -> Fabric:
    """The fabric without the edges that lie on no input-output path; its shape stays."""
    return restrict(fabric, fabric.rows, fabric.cols)


def restrict(fabric: Fabric, rows: int, cols: int) -> Fabric:
    """The fabric between its first `cols` inputs and its first `rows` outputs, pruned.

    Neurons between factors keep their numbers. A `Kron` becomes `Restricted`, or the `Kron` that
    is left; any other kind becomes what `nfc.ir.structure.sparse` makes of its edges.
    """
    return _keep(fabric, np.ones(cols, np.bool_), np.ones(rows, np.bool_))


def first_empty(fabric: Fabric) -> tuple[int | None, int | None]:
    """(the first output without an edge, the first input without one), None where there is none."""
    return _first(~_touched(fabric)), _first(~_touched(fabric, backward=True))


def _first(flags: Flags) -> int | None:
    return int(flags.argmax()) if flags.any() else None


def _touched(fabric: Fabric, *, backward: bool = False) -> Flags:
    """Which outputs (backward: inputs) have an edge, [rows] ([cols])."""
    match fabric:
        case Cascade(parts=parts):
            return _touched(parts[0 if backward else -1], backward=backward)
        case Sum(parts=parts):
            return reduce(np.logical_or, (_touched(part, backward=backward) for part in parts))
        case Restricted():
            return _spread(
                fabric, np.ones(fabric.rows if backward else fabric.cols, np.bool_), backward=backward
            )
        case _:
            return (fabric.fan_out() if backward else fabric.fan_in()) > 0


def _keep(fabric: Fabric, reached: Flags, useful: Flags) -> Fabric:
    """What stays between reached inputs and useful outputs; the flags cut the fabric to their lengths."""
    match fabric:
        case Cascade(parts=parts):
            before = accumulate(parts[:-1], lambda flags, part: _spread(part, flags), initial=reached)
            behind = accumulate(
                parts[:0:-1], lambda flags, part: _spread(part, flags, backward=True), initial=useful
            )
            return cascade(*map(_keep, parts, before, reversed([*behind])))
        case Sum(parts=parts):
            return total(*(_keep(part, reached, useful) for part in parts))
        case Kron():
            return restricted(fabric, useful, reached)
        case Restricted(base=base, live_rows=live_rows, live_cols=live_cols):
            rows, cols = live_rows[: len(useful)] & useful, live_cols[: len(reached)] & reached
            return restricted(base, rows, cols)
        case _:
            return _keep_edges(fabric, reached, useful)


def _keep_edges(factor: Factor, reached: Flags, useful: Flags) -> Factor:
    if factor.shape == (len(useful), len(reached)) and reached.all() and useful.all():
        return factor
    outputs, inputs = endpoints(factor)
    kept = _padded(useful, factor.rows)[outputs] & _padded(reached, factor.cols)[inputs]
    return from_edges(len(useful), len(reached), outputs[kept], inputs[kept])


def _spread(fabric: Fabric, flags: Flags, *, backward: bool = False) -> Flags:
    """The outputs to which a path leads from flagged inputs (backward: inputs, from outputs).

    Flags for the first neurons of the side suffice; the others count as False.
    """
    match fabric:
        case Cascade(parts=parts):
            order = reversed(parts) if backward else parts
            return reduce(lambda state, part: _spread(part, state, backward=backward), order, flags)
        case Sum(parts=parts):
            return reduce(np.logical_or, (_spread(part, flags, backward=backward) for part in parts))
        case Kron(a=a, b=b, c=c, d=d):
            near, far = (b, c) if backward else (c, b)
            return _spread_lanes(_padded(flags, a * near * d), a, near, far, d)
        case Restricted(base=base, live_rows=live_rows, live_cols=live_cols):
            near_flags, far_flags = (live_rows, live_cols) if backward else (live_cols, live_rows)
            live = near_flags & _padded(flags, len(near_flags))
            return _spread(base, live, backward=backward)[: len(far_flags)] & far_flags
        case Blocks(row_sets=row_sets, col_sets=col_sets):
            near_sets, far_sets = (row_sets, col_sets) if backward else (col_sets, row_sets)
            result = np.zeros(far_sets.size, np.bool_)
            result[far_sets] = _padded(flags, near_sets.size)[near_sets].any(axis=1, keepdims=True)
            return result
        case _:
            return _spread_edges(fabric, flags, backward=backward)


def _spread_lanes(flags: Flags, a: int, near: int, far: int, d: int) -> Flags:
    lanes = flags.reshape(a, near, d).any(axis=1, keepdims=True)
    return np.broadcast_to(lanes, (a, far, d)).reshape(-1)


def _spread_edges(factor: Factor, flags: Flags, *, backward: bool) -> Flags:
    outputs, inputs = endpoints(factor)
    (near, near_size), (far, far_size) = (inputs, factor.cols), (outputs, factor.rows)
    if backward:
        (near, near_size), (far, far_size) = (far, far_size), (near, near_size)
    result = np.zeros(far_size, np.bool_)
    result[far[_padded(flags, near_size)[near]]] = True
    return result


def _padded(flags: Flags, size: int) -> Flags:
    """Flags with False after the last, up to `size`."""
    return flags if len(flags) == size else np.pad(flags, (0, size - len(flags)))
