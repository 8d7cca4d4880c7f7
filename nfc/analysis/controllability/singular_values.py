"""The controllability of patches: densities and counts in closed form, the rest by sampled singular values."""

from __future__ import annotations

from math import sqrt

import numpy as np
from numpy.typing import NDArray

from nfc.analysis.controllability.estimate import Estimate
from nfc.analysis.controllability.shapes import Shapes
from nfc.analysis.controllability.targets import block_energies

MOST = 1024
"""Samples of a block for each target."""
WORK = 2**22
"""The cubes of their sides, summed, up to which samples are taken, for each target."""
BATCH = 2**24
"""Numbers that the samples drawn at once may hold."""


def of_shapes(shapes: Shapes, rows: int, cols: int, targets: int, seed: int) -> Estimate:
    """1 − E[residual]: the energy of T, [rows, cols], that the patches can take.

    A patch of h × w out of T's n = max(rows, cols) takes h · w / n where its rank is full, its rank
    where h or w is n (all singular values of such a block are 1), else the largest squares of its
    singular values, whose expectation depends on h, w, n and the rank alone.
    """
    size, energy = max(rows, cols), min(rows, cols)
    each = np.stack([shapes.heights, shapes.widths, shapes.ranks], axis=1)
    different, counts = np.unique(each, axis=0, return_counts=True)
    mean, variance = 0.0, 0.0
    for place, ((height, width, rank), count) in enumerate(
        zip(different.tolist(), counts.tolist(), strict=True)
    ):
        if rank >= min(height, width):
            mean += count * height * width / size / energy
        elif max(height, width) == size:
            mean += count * rank / energy
        else:
            values = _samples(height, width, rank, size, targets, seed, place)
            mean += count * float(values.mean()) / energy
            variance += (count / energy) ** 2 * float(values.var(ddof=1)) / len(values)
    method = "singular values" if variance else "closed form"
    return Estimate(min(mean, 1.0), sqrt(variance), method)


def _samples(
    height: int, width: int, rank: int, size: int, targets: int, seed: int, place: int
) -> NDArray[np.float64]:
    """Sums of the `rank` largest squares, one a sampled block."""
    side = min(height, width)
    count = max(2, targets) * min(MOST, max(1, WORK // side**3))
    at_once = max(1, BATCH // side**2)
    sums = []
    for number, start in enumerate(range(0, count, at_once)):
        some = min(at_once, count - start)
        energies = block_energies(height, width, size, some, seed, place << 20 | number)
        sums.append(energies[:, side - rank :].sum(axis=1))
    return np.concatenate(sums)
