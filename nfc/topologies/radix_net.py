"""`radix_net`: mixed-radix topologies, expanded by dense widths."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from math import prod

import numpy as np

from nfc.ir.fabric import Fabric, cascade
from nfc.ir.factors import Factor
from nfc.ir.structure import fan_in, kron, shifts
from nfc.topologies.arguments import integers, systems
from nfc.topologies.family import Arguments, Extent, Family, Parameter, TopologyError


@dataclass(frozen=True)
class Layer:
    """kron(ones(height × width), W): W[o, i] = 1 where (o − i) mod n is in {0, v, …, (radix − 1)·v}."""

    n: int
    radix: int
    v: int
    height: int
    width: int

    @property
    def edges(self) -> int:
        return self.n * self.radix * self.height * self.width

    def factor(self) -> Factor:
        if self.radix * self.v == self.n:
            return kron(1, self.height * self.radix, self.width * self.radix, self.v)
        moves = [move * self.v for move in range(self.radix)]
        if self.height == self.width:
            size = self.n * self.height
            return shifts(
                (size,), tuple((move + start,) for start in range(0, size, self.n) for move in moves)
            )
        outputs = np.tile(np.arange(self.n), self.height)
        inner = (outputs[:, None] - np.array(moves)) % self.n
        outer = np.arange(self.width) * self.n
        table = (outer[:, None] + inner[:, None, :]).reshape(len(outputs), -1)
        return fan_in(self.width * self.n, table)


def _layers(rows: int, cols: int, arguments: Arguments) -> list[Layer]:
    given = systems(arguments, "systems")
    n = _size(given)
    count = sum(map(len, given))
    if rows % n or cols % n:
        message = f"`systems` multiply to {n}, of which {cols} inputs and {rows} outputs have to be multiples"
        raise TopologyError("NF301", message, argument="systems", hint="systems whose product divides both")
    widths = integers(arguments, "widths") or (*[cols // n] * count, rows // n)
    _check_widths(widths, count, n, rows, cols)
    radices = [(radix, prod(system[:index])) for system in given for index, radix in enumerate(system)]
    return [
        Layer(n, radix, v, height, width)
        for (radix, v), (width, height) in zip(radices, pairwise(widths), strict=True)
    ]


def _size(given: tuple[tuple[int, ...], ...]) -> int:
    """The product n that all systems share; that of the last may be a divisor of it."""
    products = [prod(system) for system in given]
    n = products[0]
    for index, found in enumerate(products):
        last = index == len(products) - 1
        if found != n and not (last and n % found == 0):
            expected = f"{n} or a divisor of it" if last else str(n)
            message = f"system {index + 1} of `systems` multiplies to {found}, not to {expected}"
            hint = "all systems have one product; that of the last may be a divisor of it"
            raise TopologyError("NF401", message, argument="systems", hint=hint)
    return n


def _check_widths(widths: tuple[int, ...], count: int, n: int, rows: int, cols: int) -> None:
    if len(widths) != count + 1:
        message = f"`widths` has one number for each of the {count + 1} layers of neurons, not {len(widths)}"
        hint = "one before the first radix, and one after each"
        raise TopologyError("NF401", message, argument="widths", hint=hint)
    if (widths[0] * n, widths[-1] * n) != (cols, rows):
        message = (
            f"`widths` and `systems` map {widths[0]} · {n} inputs to {widths[-1]} · {n} outputs, "
            f"and the place has {cols} and {rows}"
        )
        hint = f"`widths` from {cols // n} to {rows // n}"
        raise TopologyError("NF301", message, argument="widths", hint=hint)


def _build(rows: int, cols: int, arguments: Arguments) -> Fabric:
    return cascade(*(layer.factor() for layer in _layers(rows, cols, arguments)))


def _extent(rows: int, cols: int, arguments: Arguments) -> Extent:
    layers = _layers(rows, cols, arguments)
    widest = max(layer.n * max(layer.height, layer.width) for layer in layers)
    return Extent(widest, sum(layer.edges for layer in layers), len(layers))


RADIX_NET = Family(
    name="radix_net",
    parameters=(
        Parameter("systems", "systems", minimum=2),
        Parameter("widths", "integers", None, minimum=1),
    ),
    build=_build,
    next_width=None,
    definition="layer l is kron(ones(D_l × D_{l−1}), W), W a circulant with as many shifts as its radix",
    source="R. Robinett and J. Kepner, RadiX-Net: structured sparse matrices for deep neural networks, 2019",
    extent=_extent,
)
