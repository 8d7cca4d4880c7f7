"""Fused stages multiplied out when the file is written: in float64, to be rounded once."""

from __future__ import annotations

from functools import reduce

import numpy as np
from numpy.typing import NDArray

from nfc.ir.parameters import Weights
from nfc.lowering.fuse import ascending
from nfc.lowering.plan import Fused

Blocks = NDArray[np.float64]
"""Weights of I_a ⊗ W ⊗ I_d, [a, b, d, c]."""


def folded(kernel: Fused, weights: Weights) -> Blocks:
    """The blocks of a fused kernel, [a, b, d, c]; each entry is a product of one weight of each part."""
    stages = [
        weights[part.weight.name].astype(np.float64).reshape(part.a, part.b, part.d, part.c)
        for part in kernel.parts
    ]
    return reduce(_outer, stages)


def _outer(first: Blocks, second: Blocks) -> Blocks:
    """The product of two stages that nest, `first` acting first."""
    a1, b1, d1, c1 = first.shape
    a2, b2, d2, c2 = second.shape
    if ascending((a1, b1, c1, d1), (a2, b2, c2, d2)):
        inner, outer = first.reshape(a2, c2, b1, d1, c1), second.reshape(a2, b2, b1, d1, c2)
        raised: Blocks = np.einsum("akjsl,aijsk->aijskl", inner, outer)
        return raised.reshape(a2, b2 * b1, d1, c2 * c1)
    outer, inner = first.reshape(a1, b1, c2, d2, c1), second.reshape(a1, b1, b2, d2, c2)
    lowered: Blocks = np.einsum("aiksl,aijsk->aijslk", outer, inner)
    return lowered.reshape(a1, b1 * b2, d2, c1 * c2)
