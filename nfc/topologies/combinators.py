"""What makes topologies of topologies, as pure functions on fabrics.

Cascades and sums are `nfc.ir.fabric.cascade` and `total`; a permutation is absorbed by
`nfc.ir.permute`.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from nfc.diagnostics import did_you_mean
from nfc.ir.fabric import Fabric, total
from nfc.ir.factors import Indices
from nfc.ir.permute import permute_inputs, permute_outputs
from nfc.topologies.direct_sum import direct_sum as direct_sum
from nfc.topologies.draws import Draws, Purpose
from nfc.topologies.family import TopologyError
from nfc.topologies.transposing import transpose as transpose

PERMUTATIONS = ("reverse", "bit_reverse", "shuffle", "random")
"""What `permute` takes."""


def permutation(kind: str, width: int, radix: int = 2, seed: int = 0) -> Indices:
    """The order of `permute(kind)`: output o takes input order[o], [width].

    - `reverse`: width − 1 − o.
    - `bit_reverse`: the bits of o in reverse; the width is a power of two.
    - `shuffle`: (o % radix) · (width / radix) + o // radix, the perfect shuffle, which interleaves
      `radix` piles; the width is a multiple of `radix`.
    - `random`: drawn by the frozen rule from `seed`.

    Raises:
        TopologyError: NF401 for an unknown kind, NF301 for a width that the kind does not take.
    """
    numbers = np.arange(width, dtype=np.int64)
    match kind:
        case "reverse":
            return numbers[::-1].copy()
        case "bit_reverse":
            return _bit_reverse(numbers)
        case "shuffle":
            return _perfect_shuffle(numbers, radix)
        case "random":
            return Draws(seed, Purpose.PERMUTATION).permutation(0, width)
    known = ", ".join(f'`"{name}"`' for name in PERMUTATIONS)
    hint = next(iter(did_you_mean(kind, PERMUTATIONS)), None)
    message = f'`permute` takes {known}; found `"{kind}"`'
    raise TopologyError("NF401", message, argument="kind", hint=hint)


def _bit_reverse(numbers: Indices) -> Indices:
    width = len(numbers)
    bits = width.bit_length() - 1
    if width != 1 << bits:
        message = f'`permute("bit_reverse")` takes a width that is a power of two, not {width}'
        raise TopologyError("NF301", message, hint=f"{1 << bits} and {2 << bits} are the nearest ones")
    order = np.zeros(width, np.int64)
    for bit in range(bits):
        order |= (numbers >> bit & 1) << (bits - 1 - bit)
    return order


def _perfect_shuffle(numbers: Indices, radix: int) -> Indices:
    if len(numbers) % radix:
        message = (
            f'`permute("shuffle")` takes a width that is a multiple of its radix {radix}, not {len(numbers)}'
        )
        raise TopologyError("NF301", message, argument="radix", hint="`radix=…` with a divisor of the width")
    return numbers.reshape(radix, -1).T.reshape(-1).copy()


def shuffled_sum(fabrics: Sequence[Fabric], seed: int) -> Fabric:
    """`parallel(p, t, shuffle=seed)` of the p copies: all but the first shuffled."""
    return total(*(shuffled_copy(fabric, seed, copy) for copy, fabric in enumerate(fabrics)))


def shuffled_copy(fabric: Fabric, seed: int, copy: int) -> Fabric:
    """Copy number `copy` (from 0) with random permutations of its inputs and its outputs; copy 0 has none.

    The permutations are drawn from (seed, copy, side), side 0 for inputs and 1 for outputs.
    """
    if copy == 0:
        return fabric
    inputs = Draws(seed, Purpose.SHUFFLE, copy, part=0).permutation(0, fabric.cols)
    outputs = Draws(seed, Purpose.SHUFFLE, copy, part=1).permutation(0, fabric.rows)
    return permute_outputs(permute_inputs(fabric, inputs), outputs)
