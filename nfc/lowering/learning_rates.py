"""Learning rates of a layer's factors beside its dense twin's, for optimisers of Adam's family.

Adam moves every weight by about the learning rate. An output that reads k inputs so moves by
k + √(NOISE k), in units of the rate: the first term is what the weights do together, the second what
each does for itself. A factor's multiplier makes that `share` times as much as in the dense twin; the
shares of the factors on a path through the layer add up to 1. docs/learning_rates.md derives the rule.

After Yang et al., "Tensor Programs V" (arXiv 2203.03466), and Qiu et al., "Compute Better Spent"
(arXiv 2406.06248); the second term, and what holds for sums and for wide factors, are this project's.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import reduce
from math import isclose, sqrt

import numpy as np

from nfc.ir.factors import Indices
from nfc.lowering.kernels import output_features, weighted_kernels
from nfc.lowering.plan import (
    Add,
    Blocked,
    BlockSets,
    Chain,
    Clustered,
    CropFeatures,
    Dense,
    Edgewise,
    Fused,
    Kernel,
    Neighbours,
    PadFeatures,
    Product,
    Scattered,
    Sparse,
)

NOISE = 64.0
"""The fan-in at which weights move an output as much each for itself as they do together; measured."""


@dataclass(frozen=True)
class Rate:
    """How fast a factor learns and decays.

    Attributes:
        multiplier: of the dense twin's learning rate, to two digits; 1 for a dense layer.
        share: of the layer's movement, and of its decay: after a step the factor is smaller by the
            dense twin's lr · weight_decay times this.
    """

    multiplier: float
    share: Fraction


@dataclass(frozen=True)
class _Place:
    """Where a kernel lies in its layer.

    Attributes:
        share: of the layer's movement, for all factors on a path through the kernel.
        fan_in: mean edges into the neurons that the kernel's outputs are, with those of kernels beside it.
        outer, inner: how many times as far as one of these neurons, or of those before them inside
            of the kernel, an output of the layer moves where all move together; at least 1.
    """

    share: Fraction
    fan_in: float
    outer: float
    inner: float


def learning_rates(product: Product) -> dict[str, Rate]:
    """The rate of each factor of a linear layer, by the name of its weights, in written order."""
    kernel = product.kernel
    dense = _movement(product.weights_read, 1.0)
    whole = _Place(Fraction(1), _mean(fan_in(kernel)), 1.0, 1.0)
    names = (each.weight.name for each in weighted_kernels(kernel))
    rates = (
        Rate(float(f"{float(at.share) * dense / _movement(at.fan_in, at.outer):.2g}"), at.share)
        for at in _places(kernel, whole)
    )
    return dict(zip(names, rates, strict=True))


def alike(some: tuple[Rate, ...], others: tuple[Rate, ...]) -> bool:
    """Whether two layers' factors have equal shares, and multipliers within a tenth of each other's."""
    return len(some) == len(others) and all(
        one.share == other.share and isclose(one.multiplier, other.multiplier, rel_tol=0.1)
        for one, other in zip(some, others, strict=True)
    )


def fan_in(kernel: Kernel) -> Indices:
    """Weights into each output, [features of the output]; an edge with a window has several."""
    match kernel:
        case Dense(rows=rows, cols=cols, weight=weight):
            return np.full(rows, cols * weight.area)
        case Blocked(a=a, b=b, c=c, d=d, places=places, weight=weight):
            rows = a * b * d
            edges = np.full(rows, c) if places is None else np.bincount(places // c, minlength=rows)
            return edges * weight.area
        case BlockSets(row_sets=row_sets, col_sets=col_sets, weight=weight):
            return np.full(row_sets.size, col_sets.shape[1] * weight.area)
        case Neighbours(table=table, weight=weight):
            return np.full(len(table), table.shape[1] * weight.area)
        case Sparse(indptr=indptr, weight=weight):
            return np.diff(indptr) * weight.area
        case Edgewise(kernel=inner) | Scattered(kernel=inner) | Clustered(kernel=inner):
            return fan_in(inner)
        case Add(parts=parts):
            return reduce(np.add, map(fan_in, parts))
        case Chain():
            return fan_in(_stages(kernel)[-1])[: output_features(kernel, 0)]
        case _:
            raise TypeError(f"{type(kernel).__name__} has no weights of its own")


def _places(kernel: Kernel, place: _Place) -> Iterator[_Place]:
    """The place of every factor, in written order."""
    match kernel:
        case Chain():
            yield from _stage_places(_stages(kernel), place)
        case Add(parts=parts):
            inner = place.inner * sqrt(len(parts))
            for part in parts:
                yield from _places(part, replace(place, inner=inner))
        case _:
            yield place


def _stage_places(stages: tuple[Kernel, ...], place: _Place) -> Iterator[_Place]:
    depths = [_depth(stage) for stage in stages]
    degrees = [fan_in(stage) for stage in stages]
    neurons = [max(1, int(np.count_nonzero(each))) for each in degrees]
    for stage, depth, edges, count in zip(stages[:-1], depths[:-1], degrees[:-1], neurons[:-1], strict=True):
        share = place.share * Fraction(depth, sum(depths))
        gain = place.inner * sqrt(max(1.0, count / neurons[-1]))
        yield from _places(stage, _Place(share, _mean(edges), gain, gain))
    yield from _places(stages[-1], replace(place, share=place.share * Fraction(depths[-1], sum(depths))))


def _stages(chain: Chain) -> tuple[Kernel, ...]:
    """The parts of a cascade that have weights, those of fused ones one by one."""
    parts = (each for part in chain.parts for each in (part.parts if isinstance(part, Fused) else (part,)))
    return tuple(part for part in parts if not isinstance(part, PadFeatures | CropFeatures))


def _depth(kernel: Kernel) -> int:
    """Factors on the longest path."""
    match kernel:
        case Chain():
            return sum(map(_depth, _stages(kernel)))
        case Add(parts=parts):
            return max(map(_depth, parts))
        case _:
            return 1


def _movement(edges: float, gain: float) -> float:
    """How far a step moves outputs by neurons of so many edges, in units of the learning rate."""
    return gain * edges + sqrt(NOISE * edges)


def _mean(degrees: Indices) -> float:
    """The mean over the neurons that read; 1 where none does."""
    neurons = np.count_nonzero(degrees)
    return float(degrees.sum() / neurons) if neurons else 1.0
