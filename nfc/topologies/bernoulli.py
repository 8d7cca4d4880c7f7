"""`bernoulli`: each edge exists independently of the others (Erdős–Rényi)."""

from __future__ import annotations

from math import isqrt

import numpy as np

from nfc.ir.fabric import Fabric
from nfc.ir.factors import Indices
from nfc.ir.structure import kron, sparse
from nfc.topologies.arguments import integer, number
from nfc.topologies.draws import Draws, Purpose, logarithm, logarithm_of_complement
from nfc.topologies.family import AUTO, Arguments, Extent, Family, Parameter, TopologyError

BATCH = 2**14
"""Gaps drawn a step; part of the frozen rule."""


def _build(rows: int, cols: int, arguments: Arguments) -> Fabric:
    density = _density(arguments)
    if density == 1:
        return kron(1, rows, cols, 1)
    pairs = _pairs(rows * cols, density, Draws(integer(arguments, "seed"), Purpose.BERNOULLI))
    indptr = np.searchsorted(pairs, np.arange(rows + 1, dtype=np.int64) * cols)
    return sparse(cols, indptr.astype(np.int64), pairs % cols)


def _pairs(count: int, density: float, draws: Draws) -> Indices:
    """The numbers o·cols + i of the edges, ascending.

    The gap before the next edge is geometric: ⌊ln u / ln(1 − density)⌋ with u a fraction plus
    2^-54. Step t draws gaps t·BATCH to (t + 1)·BATCH − 1.
    """
    scale = logarithm_of_complement(density)
    batches, last, step = [], -1, 0
    while last < count:
        uniform = draws.fractions(step, BATCH) + 2.0**-54
        gaps = np.minimum(logarithm(uniform) / scale, float(count)).astype(np.int64)
        batches.append(last + np.cumsum(gaps + 1))
        last, step = int(batches[-1][-1]), step + 1
    pairs = np.concatenate(batches)
    return pairs[: np.searchsorted(pairs, count)]


def _density(arguments: Arguments) -> float:
    density = number(arguments, "density")
    if density <= 0:
        message = f"`density` of `bernoulli` is above 0 and at most 1, not {density:g}"
        raise TopologyError("NF401", message, argument="density", hint="`density=5%` is one edge in twenty")
    return density


def _extent(rows: int, cols: int, arguments: Arguments) -> Extent:
    if rows * cols > 2**48:
        message = f"`bernoulli` takes at most 2^48 pairs of outputs and inputs, not {rows} × {cols}"
        raise TopologyError("NF301", message, hint="`random` with a fan-in has no such bound")
    mean = int(rows * cols * _density(arguments))
    return Extent(max(rows, cols), min(rows * cols, mean + 8 * isqrt(mean)))


BERNOULLI = Family(
    name="bernoulli",
    parameters=(
        Parameter("density", "number", minimum=0, maximum=1),
        Parameter("seed", "seed", AUTO),
    ),
    build=_build,
    next_width=None,
    definition="each edge exists with probability `density`, independently",
    source="P. Erdős and A. Rényi, On random graphs, 1959; E. Gilbert, Random graphs, 1959",
    extent=_extent,
)
