"""`direct_sum(fabrics)`: fabrics side by side, factor by factor."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate

import numpy as np

from nfc.ir.fabric import Cascade, Fabric, Sum, cascade, total
from nfc.ir.factors import Blocks, Factor, Indices, Kron, Restricted, Shifts
from nfc.ir.structure import block_sets, blocks, endpoints, from_edges, kron, restricted, shifts
from nfc.topologies.family import TopologyError


def direct_sum(fabrics: Sequence[Fabric]) -> Fabric:
    """The block diagonal of fabrics, [sum of rows, sum of cols].

    Cascades are joined part by part and so are sums, which is why they have to have as many parts.
    Equal kinds stay: `Kron`s with equal blocks and strides (`Restricted` ones too), equal `Shifts`,
    `Blocks` of one size; other factors become what `nfc.ir.structure.sparse` makes of their edges.

    Raises:
        TopologyError: NF402, two fabrics differ in the number of parts of a cascade or a sum.
    """
    first = fabrics[0]
    if all(isinstance(fabric, Factor) for fabric in fabrics):
        return _side_by_side([fabric for fabric in fabrics if isinstance(fabric, Factor)])
    if isinstance(first, Cascade) and all(isinstance(fabric, Cascade) for fabric in fabrics):
        return cascade(*map(direct_sum, _transposed(fabrics)))
    if isinstance(first, Sum) and all(isinstance(fabric, Sum) for fabric in fabrics):
        return total(*map(direct_sum, _transposed(fabrics)))
    raise _mismatch(fabrics)


def _transposed(fabrics: Sequence[Fabric]) -> list[tuple[Fabric, ...]]:
    """The first parts of all fabrics, then the second ones …"""
    parts = [fabric.parts for fabric in fabrics if not isinstance(fabric, Factor)]
    if len({len(found) for found in parts}) > 1:
        raise _mismatch(fabrics)
    return list(zip(*parts, strict=True))


def _mismatch(fabrics: Sequence[Fabric]) -> TopologyError:
    found = ", ".join(map(_shape_of_tree, fabrics))
    message = f"`direct_sum` joins its parts factor by factor, and they are {found}"
    hint = "parts with equal numbers of factors; `depth=` sets it in many topologies"
    return TopologyError("NF402", message, hint=hint)


def _shape_of_tree(fabric: Fabric) -> str:
    match fabric:
        case Cascade(parts=parts):
            return f"a cascade of {len(parts)}"
        case Sum(parts=parts):
            return f"a sum of {len(parts)}"
        case _:
            return "a single factor"


def _side_by_side(factors: Sequence[Factor]) -> Factor:
    return (
        _krons(factors)
        or _equal_shifts(factors)
        or _restricted(factors)
        or _blocks(factors)
        or _edges(factors)
    )


def _krons(factors: Sequence[Factor]) -> Kron | None:
    krons = [factor for factor in factors if isinstance(factor, Kron)]
    if len(krons) < len(factors) or len({(k.b, k.c, k.d) for k in krons}) > 1:
        return None
    return kron(sum(k.a for k in krons), krons[0].b, krons[0].c, krons[0].d)


def _equal_shifts(factors: Sequence[Factor]) -> Factor | None:
    first = factors[0]
    if not isinstance(first, Shifts) or any(factor != first for factor in factors):
        return None
    return shifts((*first.dims, len(factors)), tuple((*offset, 0) for offset in first.offsets))


def _restricted(factors: Sequence[Factor]) -> Factor | None:
    """Restricted factors of equal blocks and strides; only the last may be cut short of its base."""
    parts = [factor for factor in map(_as_restricted, factors) if factor is not None]
    if len(parts) < len(factors) or any(part.shape != part.base.shape for part in parts[:-1]):
        return None
    base = _krons([part.base for part in parts])
    if base is None:
        return None
    live_rows = np.concatenate([part.live_rows for part in parts])
    return restricted(base, live_rows, np.concatenate([part.live_cols for part in parts]))


def _as_restricted(factor: Factor) -> Restricted | None:
    if isinstance(factor, Kron):
        return Restricted(factor, np.ones(factor.rows, np.bool_), np.ones(factor.cols, np.bool_))
    return factor if isinstance(factor, Restricted) else None


def _blocks(factors: Sequence[Factor]) -> Factor | None:
    sets = [block_sets(factor) for factor in factors if isinstance(factor, Kron | Blocks)]
    if len(sets) < len(factors) or len({(r.shape[1], c.shape[1]) for r, c in sets}) > 1:
        return None
    above, left = _offsets(factors)
    row_sets = np.concatenate([r + start for (r, _), start in zip(sets, above, strict=True)])
    return blocks(row_sets, np.concatenate([c + start for (_, c), start in zip(sets, left, strict=True)]))


def _edges(factors: Sequence[Factor]) -> Factor:
    ends = [endpoints(factor) for factor in factors]
    above, left = _offsets(factors)
    outputs = np.concatenate([o + start for (o, _), start in zip(ends, above, strict=True)])
    inputs = np.concatenate([i + start for (_, i), start in zip(ends, left, strict=True)])
    return from_edges(sum(f.rows for f in factors), sum(f.cols for f in factors), outputs, inputs)


def _offsets(factors: Sequence[Factor]) -> tuple[Indices, Indices]:
    """Where each factor's rows and its columns begin."""
    rows = [0, *accumulate(factor.rows for factor in factors)]
    cols = [0, *accumulate(factor.cols for factor in factors)]
    return np.array(rows[:-1]), np.array(cols[:-1])
