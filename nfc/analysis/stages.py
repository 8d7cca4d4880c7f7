"""Nested stages of cascades multiplied out, which keeps every path count."""

from __future__ import annotations

from nfc.ir.fabric import Fabric, Sum, cascade
from nfc.ir.factors import Factor, Kron


def joined(fabric: Fabric) -> Fabric:
    """A fabric with the same path counts, neighbouring factors multiplied where the product is a 0/1 `Kron`.

    Two Krons give one where the stride of one is the other's stride times its radix: then they
    join different digits, with one path a pair. A whole butterfly becomes a dense factor.
    """
    if isinstance(fabric, Factor):
        return fabric
    parts = [joined(part) for part in fabric.parts]
    if isinstance(fabric, Sum):
        return Sum(tuple(parts))
    kept: list[Fabric] = []
    for part in parts:
        both = _product(part, kept[-1]) if kept else None
        if both is None:
            kept.append(part)
        else:
            kept[-1] = both
    return cascade(*kept)


def _product(second: Fabric, first: Fabric) -> Kron | None:
    if not (isinstance(first, Kron) and isinstance(second, Kron)):
        return None
    if second.d == first.b * first.d:
        return Kron(second.a, second.b * first.b, second.c * first.c, first.d)
    if first.d == second.c * second.d:
        return Kron(first.a, first.b * second.b, first.c * second.c, second.d)
    return None
