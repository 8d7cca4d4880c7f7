"""Degrees of a fabric's neurons (LANGUAGE, section 5).

The neurons that read (`fan_in`) are the rows of factors, those that are read (`fan_out`) their
columns. Rows that a sum adds into one output are one neuron, and so are the columns through which
a sum's branches read one input. Neurons without edges do not count.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np

from nfc.analysis.memo import once_a_fabric
from nfc.ir.fabric import Cascade, Fabric
from nfc.ir.factors import Factor, Flags, Indices


@dataclass(frozen=True)
class Degrees:
    """Degrees over a set of neurons.

    Attributes:
        minimum, maximum: over neurons with an edge; 0 where there is none.
        edges: their sum.
        neurons: how many neurons have an edge.
        least, most: where the first neuron of least and of greatest degree is: its factor, from 1
            in written order (of an output or input that several share, the last or first branch's),
            and its row or column; None where there is no neuron.
    """

    minimum: int
    maximum: int
    edges: int
    neurons: int
    least: tuple[int, int] | None
    most: tuple[int, int] | None

    @property
    def mean(self) -> float:
        """Edges over neurons, correctly rounded; 0 where there is no neuron."""
        return self.edges / self.neurons if self.neurons else 0.0


@once_a_fabric
def fan_in(fabric: Fabric) -> Degrees:
    """Edges into each neuron. Takes time in the neurons."""
    return _summary(_groups(fabric, inward=True))


@once_a_fabric
def fan_out(fabric: Fabric) -> Degrees:
    """Edges out of each neuron. Takes time in the neurons."""
    return _summary(_groups(fabric, inward=False))


def live_outputs(fabric: Fabric) -> Flags:
    """Which outputs have an edge, [rows]."""
    return _outer(fabric, inward=True) > 0


def live_inputs(fabric: Fabric) -> Flags:
    """Which inputs have an edge, [cols]."""
    return _outer(fabric, inward=False) > 0


def _outer(fabric: Fabric, *, inward: bool) -> Indices:
    """Degrees of a fabric's own outputs (`inward`) or inputs."""
    if isinstance(fabric, Factor):
        return fabric.fan_in() if inward else fabric.fan_out()
    if isinstance(fabric, Cascade):
        return _outer(fabric.parts[-1 if inward else 0], inward=inward)
    degrees = _outer(fabric.parts[0], inward=inward)
    for part in fabric.parts[1:]:
        degrees = degrees + _outer(part, inward=inward)
    return degrees


def _groups(fabric: Fabric, *, inward: bool) -> Iterator[tuple[int, Indices]]:
    """Degrees of every neuron: a vector for each row of neurons, with its factor's number, in order of data flow."""
    own = _outer_factor(fabric, 1, inward=inward), _outer(fabric, inward=inward)
    if not inward:
        yield own
    yield from _inner(fabric, 1, inward=inward)
    if inward:
        yield own


def _inner(fabric: Fabric, number: int, *, inward: bool) -> Iterator[tuple[int, Indices]]:
    """The same without the fabric's own outputs (inputs); its first factor has this number."""
    if isinstance(fabric, Factor):
        return
    shared = len(fabric.parts) - 1 if inward else 0
    for index, part in enumerate(fabric.parts):
        yield from _inner(part, number, inward=inward)
        if isinstance(fabric, Cascade) and index != shared:
            yield _outer_factor(part, number, inward=inward), _outer(part, inward=inward)
        number += _count(part)


def _outer_factor(fabric: Fabric, number: int, *, inward: bool) -> int:
    """The number of the last factor (`inward`) or of the first one."""
    return number + _count(fabric) - 1 if inward else number


def _count(fabric: Fabric) -> int:
    return 1 if isinstance(fabric, Factor) else sum(map(_count, fabric.parts))


def _summary(groups: Iterable[tuple[int, Indices]]) -> Degrees:
    total = Degrees(0, 0, 0, 0, None, None)
    for number, degrees in groups:
        live = np.flatnonzero(degrees)
        if len(live):
            total = _merged(total, _one_group(number, degrees, live))
    return total


def _one_group(number: int, degrees: Indices, live: Indices) -> Degrees:
    values = degrees[live]
    least, most = int(values.argmin()), int(values.argmax())
    return Degrees(
        minimum=int(values[least]),
        maximum=int(values[most]),
        edges=int(values.sum()),
        neurons=len(live),
        least=(number, int(live[least])),
        most=(number, int(live[most])),
    )


def _merged(first: Degrees, second: Degrees) -> Degrees:
    if first.neurons == 0:
        return second
    low = min(first, second, key=lambda group: group.minimum)
    high = max(first, second, key=lambda group: group.maximum)
    edges, neurons = first.edges + second.edges, first.neurons + second.neurons
    return Degrees(low.minimum, high.maximum, edges, neurons, low.least, high.most)
