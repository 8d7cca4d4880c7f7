"""`butterfly`, `monarch` and `benes`: stages that each mix one digit of the neuron's number."""

from __future__ import annotations

from math import prod

import numpy as np

from nfc.ir.fabric import Fabric, cascade
from nfc.ir.factors import Factor
from nfc.ir.structure import block_sets, blocks, identity, kron
from nfc.topologies.arguments import integer, integers
from nfc.topologies.family import Arguments, Extent, Family, Parameter, TopologyError
from nfc.topologies.widths import near_factors, next_near_product, quotient

RADIX = Parameter("radix", "integer", 2, minimum=2)


def stages(radices: tuple[int, ...], block: int = 1) -> list[Factor]:
    """Stage s joins numbers that differ in digit s alone, digit 0 having stride 1.

    Args:
        radices: the sizes of the digits; their product is the width over `block`.
        block: each edge is a dense block of this size.
    """
    width = prod(radices)
    strides = [prod(radices[:index]) for index in range(len(radices))]
    factors = [kron(width // (r * s), r, r, s) for r, s in zip(radices, strides, strict=True)]
    return [_with_blocks(factor.a, factor.b, factor.d, block) for factor in factors or [identity(1)]]


def _with_blocks(a: int, radix: int, stride: int, block: int) -> Factor:
    """I_a ⊗ 1_{radix} ⊗ I_stride ⊗ 1_{block}: a `Kron` unless both strides and blocks are there."""
    if block == 1:
        return kron(a, radix, radix, stride)
    if radix == 1:
        return kron(a * stride, block, block, 1)
    if stride == 1:
        return kron(a, radix * block, radix * block, 1)
    nodes, _ = block_sets(kron(a, radix, radix, stride))
    sets = (nodes[:, :, None] * block + np.arange(block)).reshape(len(nodes), -1)
    return blocks(sets, sets)


def next_power_times(width: int, radix: int) -> int:
    """The least radix^k · q ≥ width with 1 ≤ q < radix."""
    power = 1
    while power * radix <= width:
        power *= radix
    return quotient(width, power) * power


def digits(width: int, radix: int) -> tuple[int, ...]:
    """The radices of a width radix^k · q: k times `radix`, then q if it is above 1."""
    found: list[int] = []
    while width >= radix:
        found.append(radix)
        width //= radix
    return (*found, width) if width > 1 else tuple(found)


def _radices(width: int, arguments: Arguments) -> tuple[int, ...]:
    return integers(arguments, "radices") or digits(
        width // integer(arguments, "block"), integer(arguments, "radix")
    )


def _butterfly(rows: int, cols: int, arguments: Arguments) -> Fabric:
    return cascade(*stages(_radices(rows, arguments), integer(arguments, "block")))


def _butterfly_width(width: int, arguments: Arguments) -> int:
    block, radix, radices = (
        integer(arguments, "block"), integer(arguments, "radix"), integers(arguments, "radices"),
    )  # fmt: skip
    if radices is None:
        return block * next_power_times(quotient(width, block), radix)
    if radix != RADIX.default:
        message = "`butterfly` takes either `radix` or `radices`, and both are given"
        raise TopologyError(
            "NF401", message, argument="radix", hint="`radices=[…]` alone gives one stage a radix"
        )
    accepted = block * prod(radices)
    if width > accepted:
        message = f"`radices` multiply to {accepted}, and the place has a width of {width}"
        raise TopologyError(
            "NF301", message, argument="radices", hint=f"radices with a product of {width} or more"
        )
    return accepted


def _butterfly_extent(rows: int, cols: int, arguments: Arguments) -> Extent:
    radices = _radices(rows, arguments) or (1,)
    return Extent(rows, rows * integer(arguments, "block") * sum(radices), len(radices))


def _near_width(width: int, arguments: Arguments) -> int:
    return next_near_product(width)


def _monarch(rows: int, cols: int, arguments: Arguments) -> Fabric:
    return cascade(*stages(near_factors(rows)))


def _monarch_extent(rows: int, cols: int, arguments: Arguments) -> Extent:
    return Extent(rows, rows * sum(near_factors(rows)), factors=2)


def _benes(rows: int, cols: int, arguments: Arguments) -> Fabric:
    half = stages(digits(rows, integer(arguments, "radix")))
    return cascade(*half, *half[-2::-1])


def _benes_width(width: int, arguments: Arguments) -> int:
    return next_power_times(width, integer(arguments, "radix"))


def _benes_extent(rows: int, cols: int, arguments: Arguments) -> Extent:
    radices = digits(rows, integer(arguments, "radix")) or (1,)
    return Extent(rows, rows * (2 * sum(radices) - radices[-1]), 2 * len(radices) - 1)


BUTTERFLY = Family(
    name="butterfly",
    parameters=(
        RADIX,
        Parameter("radices", "integers", None, minimum=2),
        Parameter("block", "integer", 1, minimum=1),
    ),
    build=_butterfly,
    next_width=_butterfly_width,
    definition="one stage a radix; stage s joins numbers that differ in digit s alone",
    source="J. Cooley and J. Tukey, 1965; T. Dao et al., Learning fast algorithms for linear transforms using butterfly factorizations, 2019",
    extent=_butterfly_extent,
)

MONARCH = Family(
    name="monarch",
    parameters=(),
    build=_monarch,
    next_width=_near_width,
    definition="the butterfly with radices [p, q], p·q = n, p ≤ q ≤ 2p",
    source="T. Dao et al., Monarch: expressive structured matrices for efficient and accurate training, 2022",
    extent=_monarch_extent,
)

BENES = Family(
    name="benes",
    parameters=(RADIX,),
    build=_benes,
    next_width=_benes_width,
    definition="a butterfly, then its mirror without the middle stage: 2k − 1 stages",
    source="V. Beneš, Optimal rearrangeable multistage connecting networks, 1964",
    extent=_benes_extent,
)
