"""Path counts as floats of any magnitude: a thousand dense factors pass the largest float, their ratios do not."""

from __future__ import annotations

from dataclasses import dataclass
from functools import reduce

import numpy as np
from numpy.typing import NDArray

from nfc.analysis.transfer import apply
from nfc.ir.fabric import Cascade, Fabric
from nfc.ir.factors import Factor

Values = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Scaled:
    """The numbers values · 2^exponent, values [neurons, batch] of magnitude 1 at most."""

    values: Values
    exponent: int

    def times_two_to(self, power: int) -> Values:
        """Values · 2^(exponent + power)."""
        return np.ldexp(self.values, self.exponent + power)


def scaled(values: Values, exponent: int = 0) -> Scaled:
    """Values · 2^exponent with the magnitude of the values taken into the exponent."""
    _, power = np.frexp(np.abs(values).max(initial=0.0))
    return Scaled(np.ldexp(values, -int(power)), exponent + int(power))


def counted(fabric: Fabric, start: Scaled) -> Scaled:
    """Numbers at the inputs, [cols, batch], summed over all paths to each output, [rows, batch]."""
    if isinstance(fabric, Factor):
        return scaled(apply(fabric, start.values, np.add), start.exponent)
    if isinstance(fabric, Cascade):
        return reduce(lambda value, part: counted(part, value), fabric.parts, start)
    parts = [counted(part, start) for part in fabric.parts]
    top = max(part.exponent for part in parts)
    return scaled(np.sum([part.times_two_to(-top) for part in parts], axis=0), top)
