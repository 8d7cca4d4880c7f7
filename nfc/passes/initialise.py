"""The initialisation pass: how the weights of every factor are drawn."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from math import prod
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from nfc.diagnostics import Sink
from nfc.ir.deviations import ByRow, Deviations, deviations
from nfc.ir.fabric import Cascade, Fabric, Sum, named_factors, reads_input
from nfc.ir.factors import Blocks, Factor, Kron
from nfc.ir.network import Draw, Network, Op, WeightedLayer
from nfc.ir.orthogonal_weights import BLOCK_FACTORS, block_sizes, largest_block
from nfc.ir.sequences import Embed, Table
from nfc.passes.base import Pass
from nfc.passes.rewrite import rewrite
from nfc.passes.schemes import EdgeVariance, edge_variance
from nfc.passes.targets import layer_targets

Flags = NDArray[np.bool_]
Target = float | NDArray[np.float64]
"""An output variance for all rows, or one for each, [rows]."""
Deviation = float | Deviations

FEW_EDGES = 32
"""Up to so many edges an output, counted by their variances, draws have fixed magnitudes."""

EMBEDDING_STD = 1.0
"""Of an embedding's entries: tokens have the second moment 1, as other inputs do."""
POSITION_STD = 0.1
"""Of learned positions: they tell tokens apart and add a hundredth to the second moment."""


@dataclass(frozen=True)
class Initialise(Pass):
    """Sets `draws` of every weighted layer, projections included, by the layer's scheme, and `draw` of every table.

    The formulas are in docs/initialisation.md. Time and memory are in the edges of irregular
    factors; regular ones take constant time, and a fabric used twice is worked out once.

    Warns NF450 where `orthogonal` meets a factor that is not made of dense blocks (it gets
    `balanced`), and NF451 where the wiring leaves inputs far out of balance.
    """

    name: ClassVar[str] = "initialise"

    def run(self, network: Network, sink: Sink) -> Network:
        drawing = _Drawing(sink, layer_targets(network))
        return replace(network, body=rewrite(network.body, drawing.operation))


@dataclass
class _Drawing:
    """One run: what is known of factors already met, and the number of the next factor."""

    sink: Sink
    targets: dict[str, float]
    streams: int = 0
    variances: dict[tuple[Factor, str], EdgeVariance] = field(default_factory=dict)
    deviations: dict[tuple[Factor, str, float], Deviation] = field(default_factory=dict)

    def operation(self, op: Op) -> Op:
        """The operation with its draws."""
        match op:
            case WeightedLayer():
                return self.draw(op)
            case Table():
                return self.table(op)
            case _:
                return op

    def table(self, op: Table) -> Table:
        """The table with its draw."""
        draw = Draw("uniform", EMBEDDING_STD if isinstance(op, Embed) else POSITION_STD, self.streams)
        self.streams += 1
        return replace(op, draw=draw)

    def draw(self, layer: WeightedLayer) -> WeightedLayer:
        """The layer with one draw a factor, streams counted on."""
        draws = []
        shares = factor_targets(layer.fabric, self.targets[layer.path])
        placed = zip(named_factors(layer.fabric), reads_input(layer.fabric), shares, strict=True)
        for (place, factor), reads, target in placed:
            area = prod(layer.window) if reads else 1
            draws.append(self._factor(layer, place, factor, target, area))
            self.streams += 1
        return replace(layer, draws=tuple(draws))

    def _factor(self, layer: WeightedLayer, place: str, factor: Factor, target: Target, area: int) -> Draw:
        """The draw of a factor whose edges hold `area` weights each, which share an edge's variance equally."""
        if layer.scheme == "orthogonal":
            if isinstance(factor, BLOCK_FACTORS):
                return Draw("orthogonal", orthogonal_multiplier(factor, target, area), self.streams)
            self._warn_not_blocks(layer, place, factor)
        scheme = "balanced" if layer.scheme == "orthogonal" else layer.scheme
        if (factor, scheme) not in self.variances:
            self.variances[factor, scheme] = edge_variance(factor, scheme)
        variance = self.variances[factor, scheme]
        if variance.unbalanced:
            self._warn_unbalanced(layer, place, variance)
        distribution = balanced_distribution(factor, variance, area) if scheme == "balanced" else "uniform"
        if distribution == "orthogonal":
            return Draw("orthogonal", orthogonal_multiplier(factor, target, area), self.streams)
        return Draw(distribution, self._deviation(factor, scheme, target / area), self.streams)

    def _deviation(self, factor: Factor, scheme: str, target: Target) -> Deviation:
        """Standard deviations of the edges, one record for all uses of one factor at one target."""
        variance = self.variances[factor, scheme].values
        if not isinstance(target, float):
            return deviations(variance, target)
        key = (factor, scheme, target)
        if key not in self.deviations:
            self.deviations[key] = deviations(variance, target)
        return self.deviations[key]

    def _warn_not_blocks(self, layer: WeightedLayer, place: str, factor: Factor) -> None:
        self.sink.warning(
            "NF450",
            f"`init=orthogonal` needs dense blocks, but {_named(layer, place)} has none "
            f"({factor.kind}); it is initialised by `balanced`",
            layer.span,
            hints=(
                "`init=balanced` says so, and block-wise topologies such as `butterfly` can be orthogonal",
            ),
        )

    def _warn_unbalanced(self, layer: WeightedLayer, place: str, variance: EdgeVariance) -> None:
        (index, ratio), others = variance.unbalanced[0], len(variance.unbalanced) - 1
        more = f", as {others} more are out of balance" if others else ""
        self.sink.warning(
            "NF451",
            f"no initialisation balances {_named(layer, place)}: its input {index} gets {ratio:.2g} times "
            f"the mean share of the gradient{more}",
            layer.span,
            hints=(
                "other edges even this out, or where a topology was fitted, `pad` to its width before it",
            ),
        )


def _named(layer: WeightedLayer, place: str) -> str:
    return f"factor {place} of `{layer.topology}`" if place else f"`{layer.topology}`"


def balanced_distribution(factor: Factor, variance: EdgeVariance, area: int = 1) -> str:
    """Which of DISTRIBUTIONS keeps the typical signal of a balanced factor near its expected one.

    Where few edges carry an output, the squares of drawn numbers scatter; signs do not. In a small
    block of signs, two rows are alike too often; an orthonormal block never loses a direction.
    """
    if isinstance(factor, BLOCK_FACTORS):
        height, width = largest_block(factor)
        if min(height, width * area) > 1 and max(height, width * area) <= FEW_EDGES:
            return "orthogonal"
    return "sign" if variance.fan_in * area <= FEW_EDGES else "uniform"


def orthogonal_multiplier(factor: Factor, target: Target, area: int = 1) -> Deviation:
    """What orthonormal blocks are multiplied by, so that outputs have second moment `target`.

    A row of a height × width block has squares that sum to width / max(height, width). The `area`
    weights of an edge count as so many columns.
    """
    if isinstance(factor, Kron | Blocks):
        height, edges = largest_block(factor)
        width = edges * area
        return deviations(max(height, width) / width, target)
    heights, widths = block_sizes(factor)
    widths = widths * area
    live = widths > 0
    scale = np.divide(np.maximum(heights, widths), widths, out=np.zeros(factor.rows), where=live)
    distinct = np.unique(scale[live])
    return deviations(float(distinct[0]) if len(distinct) == 1 else ByRow(scale), target)


def factor_targets(fabric: Fabric, target: Target) -> Iterator[Target]:
    """The output variance that each factor aims at, in written order.

    A cascade meets its target in its last part; the parts of a sum share each output's target
    equally among those that reach it.
    """
    match fabric:
        case Cascade(parts=parts):
            for part in parts[:-1]:
                yield from factor_targets(part, 1.0)
            yield from factor_targets(parts[-1], target)
        case Sum(parts=parts):
            for part, share in zip(parts, _shares(parts), strict=True):
                yield from factor_targets(part, target * share)
        case _:
            yield target


def _shares(parts: tuple[Fabric, ...]) -> list[Target]:
    reached = [reached_outputs(part) for part in parts]
    if all(flags is None for flags in reached):
        return [1.0 / len(parts)] * len(parts)
    everywhere = np.ones(parts[0].rows, np.bool_)
    flags = np.stack([everywhere if each is None else each for each in reached])
    return list(flags / np.maximum(1, flags.sum(axis=0)))


def reached_outputs(fabric: Fabric) -> Flags | None:
    """Which outputs have an edge, [rows]; None means all of them."""
    match fabric:
        case Cascade(parts=parts):
            return reached_outputs(parts[-1])
        case Sum(parts=parts):
            flags = [reached_outputs(part) for part in parts]
            known = [each for each in flags if each is not None]
            return None if len(known) < len(flags) else np.logical_or.reduce(known)
        case factor:
            reached = factor.fan_in() > 0 if not isinstance(factor, Kron | Blocks) else None
            return None if reached is None or reached.all() else reached
