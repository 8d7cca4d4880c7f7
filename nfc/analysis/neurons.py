"""A fabric's neurons, numbered, and its factors as links between layers of them.

Inputs and outputs are neurons, and so are the lines between the parts of a cascade; the branches of
a sum share their first layer and their last one.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from nfc.analysis.transfer import apply
from nfc.ir.fabric import Cascade, Fabric
from nfc.ir.factors import Factor, Flags, Indices
from nfc.topologies.transposing import transpose


@dataclass(frozen=True)
class Link:
    """A factor from the layer whose first neuron is `source` to the one whose first neuron is `target`."""

    factor: Factor
    source: int
    target: int

    @property
    def sources(self) -> slice:
        return slice(self.source, self.source + self.factor.cols)

    @property
    def targets(self) -> slice:
        return slice(self.target, self.target + self.factor.rows)

    @property
    def reversed(self) -> Factor:
        """The factor from its outputs to its inputs."""
        turned = transpose(self.factor)
        assert isinstance(turned, Factor)
        return turned


@dataclass(frozen=True)
class Neurons:
    """All neurons of a fabric: the inputs first, then the outputs, then those between.

    Attributes:
        inputs, outputs: how many.
        inner: how many lie between.
        links: the factors in the order in which data flow through them.
    """

    inputs: int
    outputs: int
    inner: int
    links: tuple[Link, ...]

    @property
    def count(self) -> int:
        return self.inputs + self.outputs + self.inner

    @property
    def first_inner(self) -> int:
        return self.inputs + self.outputs

    def degrees(self) -> tuple[Indices, Indices]:
        """Edges into and out of every neuron, [count] both."""
        fan_in, fan_out = np.zeros(self.count, np.int64), np.zeros(self.count, np.int64)
        for link in self.links:
            fan_in[link.targets] += link.factor.fan_in()
            fan_out[link.sources] += link.factor.fan_out()
        return fan_in, fan_out

    def on_paths(self) -> Flags:
        """Which neurons lie on a path from an input to an output, [count]."""
        reached, reaching = np.zeros((2, self.count), np.uint64)
        reached[: self.inputs] = 1
        reaching[self.inputs : self.first_inner] = 1
        for link in self.links:
            reached[link.targets] |= apply(link.factor, reached[link.sources, None], np.bitwise_or)[:, 0]
        for link in reversed(self.links):
            reaching[link.sources] |= apply(link.reversed, reaching[link.targets, None], np.bitwise_or)[:, 0]
        flags: Flags = (reached & reaching).astype(np.bool_)
        return flags


def neurons(fabric: Fabric) -> Neurons:
    """Number the neurons of a fabric."""
    first = fabric.cols + fabric.rows
    links = tuple(_links(fabric, 0, fabric.cols, _Counter(first)))
    inner = _inner(fabric)
    return Neurons(fabric.cols, fabric.rows, inner, links)


class _Counter:
    """The numbers of the layers between, handed out in order."""

    def __init__(self, first: int) -> None:
        self._next = first

    def take(self, count: int) -> int:
        number = self._next
        self._next += count
        return number


def _links(fabric: Fabric, source: int, target: int, counter: _Counter) -> Iterator[Link]:
    if isinstance(fabric, Factor):
        yield Link(fabric, source, target)
    elif isinstance(fabric, Cascade):
        for part in fabric.parts[:-1]:
            between = counter.take(part.rows)
            yield from _links(part, source, between, counter)
            source = between
        yield from _links(fabric.parts[-1], source, target, counter)
    else:
        for part in fabric.parts:
            yield from _links(part, source, target, counter)


def _inner(fabric: Fabric) -> int:
    if isinstance(fabric, Factor):
        return 0
    own = sum(part.rows for part in fabric.parts[:-1]) if isinstance(fabric, Cascade) else 0
    return own + sum(map(_inner, fabric.parts))
