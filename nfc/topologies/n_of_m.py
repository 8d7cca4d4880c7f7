"""`n_of_m`: n random inputs of each group of m consecutive ones."""

from __future__ import annotations

import numpy as np

from nfc.ir.fabric import Fabric
from nfc.ir.factors import Indices
from nfc.ir.structure import fan_in
from nfc.topologies.arguments import integer
from nfc.topologies.draws import Draws, Purpose
from nfc.topologies.family import AUTO, Arguments, Extent, Family, Parameter, TopologyError


def _build(rows: int, cols: int, arguments: Arguments) -> Fabric:
    n, m = _n_and_m(arguments)
    whole, rest = divmod(cols, m)
    groups = [_group(rows, whole, n, m, 0, arguments)]
    if rest:
        groups.append(_group(rows, 1, min(n, rest), rest, 1, arguments) + whole * m)
    return fan_in(cols, np.concatenate(groups, axis=1))


def _group(rows: int, groups: int, n: int, m: int, part: int, arguments: Arguments) -> Indices:
    """N of m in each of a few groups, numbered from the first group's start, [rows, groups · n]."""
    draws = Draws(integer(arguments, "seed"), Purpose.N_OF_M, part=part)
    chosen = draws.distinct(np.full(rows * groups, n), m).reshape(rows, groups, n)
    return (chosen + np.arange(groups)[:, None] * m).reshape(rows, groups * n)


def _n_and_m(arguments: Arguments) -> tuple[int, int]:
    n, m = integer(arguments, "n"), integer(arguments, "m")
    if n > m:
        message = f"`n` of `n_of_m` is at most m = {m}, not {n}"
        raise TopologyError(
            "NF401", message, argument="n", hint=f"`n_of_m(n={m}, m={n})` is the other way round"
        )
    return n, m


def _extent(rows: int, cols: int, arguments: Arguments) -> Extent:
    n, m = _n_and_m(arguments)
    return Extent(max(rows, cols), rows * (cols // m * n + min(n, cols % m)))


N_OF_M = Family(
    name="n_of_m",
    parameters=(
        Parameter("n", "integer", minimum=1),
        Parameter("m", "integer", minimum=1),
        Parameter("seed", "seed", AUTO),
    ),
    build=_build,
    next_width=None,
    definition="an output reads n random inputs of each group of m consecutive ones",
    source="A. Zhou et al., Learning N:M fine-grained structured sparse neural networks from scratch, 2021",
    extent=_extent,
)
