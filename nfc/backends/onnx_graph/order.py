"""The order in which features lie in memory: digits of a mixed radix, or a list of places.

A blocked product reads its features as outer × contracted × inner digits and writes the new digit
last. Knowing the digits, the next product moves only what it contracts, and a cascade returns to
the natural order once, at its end: "constant geometry" (Pease, 1968, for the FFT).

Blocks between index sets write their features set by set. These stay so until something needs them
in the natural order; a product that gathers its inputs takes them from where they lie.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import prod
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from nfc.ir.factors import Indices

Number = TypeVar("Number", bound=np.floating[Any])


@dataclass(frozen=True)
class Digit:
    """`size` values, `stride` apart in the natural order."""

    size: int
    stride: int


@dataclass(frozen=True, eq=False)
class Listed:
    """Any order: feature f lies at `places[f]`, [features], a table that the file has under a name of its own.

    Equal to itself alone.
    """

    places: Indices
    table: str
    is_natural = False

    def positions(self) -> Indices:
        """Where each feature lies in memory, [features]."""
        return self.places


@dataclass(frozen=True)
class Order:
    """Digits as they lie in memory, the slowest first; feature = Σ digit · stride. Digits of size 1 are left out."""

    digits: tuple[Digit, ...]

    @property
    def sizes(self) -> tuple[int, ...]:
        return tuple(digit.size for digit in self.digits)

    @property
    def is_natural(self) -> bool:
        strides = [digit.stride for digit in self.digits]
        return strides == sorted(strides, reverse=True)

    def natural_permutation(self) -> tuple[int, ...]:
        """The digits' places, sorted into the natural order."""
        return tuple(sorted(range(len(self.digits)), key=lambda place: -self.digits[place].stride))

    def positions(self) -> Indices:
        """Where each feature lies in memory, [features]."""
        count = prod(self.sizes)
        memory = np.arange(count, dtype=np.int64).reshape(self.sizes or (1,))
        return memory.transpose(self.natural_permutation() or (0,)).reshape(-1)

    def split(self, *boundaries: int) -> Order | None:
        """The same order with no digit across a boundary (a stride); None where one cannot be cut there."""
        digits = list(self.digits)
        for boundary in boundaries:
            for place, digit in enumerate(digits):
                if not digit.stride < boundary < digit.stride * digit.size:
                    continue
                low, remainder = divmod(boundary, digit.stride)
                if remainder or digit.size % low:
                    return None
                digits[place : place + 1] = [Digit(digit.size // low, boundary), Digit(low, digit.stride)]
                break
        return Order(tuple(digits))


def natural(features: int) -> Order:
    """Features in their own order."""
    return Order(() if features == 1 else (Digit(features, 1),))


def in_memory(numbers: NDArray[Number], order: Order | Listed) -> NDArray[Number]:
    """Numbers, one a feature on the last axis, as the features lie in `order`."""
    if order.is_natural:
        return numbers
    moved = np.empty_like(numbers)
    moved[..., order.positions()] = numbers
    return moved


def refined(first: Order | Listed, second: Order | Listed) -> tuple[Order, Order] | None:
    """Both orders in the same digits; None where they have no common refinement, or one has no digits."""
    if isinstance(first, Listed) or isinstance(second, Listed):
        return None
    cut = first.split(*(digit.stride for digit in second.digits))
    other = second.split(*(digit.stride for digit in first.digits))
    if cut is None or other is None or set(cut.digits) != set(other.digits):
        return None
    return cut, other


@dataclass(frozen=True)
class Contraction:
    """How I_a ⊗ W ⊗ I_d, with W b × c, reads features that lie in the order `read`, and the order that it writes.

    Attributes:
        read: the order, cut so that each digit belongs to a, to the contracted c or to d.
        batch: places in `read` of the digits of a and d, as they lie.
        contracted: places in `read` of the digits of c, as they lie.
    """

    a: int
    b: int
    c: int
    d: int
    read: Order
    batch: tuple[int, ...]
    contracted: tuple[int, ...]

    @property
    def written(self) -> Order:
        """The batch digits as they lay, then the digit of b."""
        digits = [self._moved(self.read.digits[place]) for place in self.batch]
        return Order((*digits, *([Digit(self.b, self.d)] if self.b > 1 else [])))

    def _moved(self, digit: Digit) -> Digit:
        """A batch digit among the outputs: outer strides grow or shrink with b / c."""
        outer = digit.stride >= self.c * self.d
        return Digit(digit.size, digit.stride // self.c * self.b if outer else digit.stride)

    def arrange(self, weight: NDArray[Number]) -> NDArray[Number]:
        """Weights [a, b, d, c] as [batch digits, b, c digits] in the order of the memory, [a·d, b, c]."""
        ordered = self.read.natural_permutation()
        outer = [place for place in ordered if self.read.digits[place].stride >= self.c * self.d]
        inner = [place for place in ordered if self.read.digits[place].stride < self.d]
        contracted = sorted(self.contracted, key=ordered.index)
        row = len(self.read.digits)
        stored = [*outer, row, *inner, *contracted]
        wanted = [*self.batch, row, *self.contracted]
        sizes = [*self.read.sizes, self.b]
        digits = weight.reshape([sizes[place] for place in stored])
        arranged = digits.transpose([stored.index(place) for place in wanted])
        return np.ascontiguousarray(arranged).reshape(self.a * self.d, self.b, self.c)


def contraction(order: Order | Listed, a: int, b: int, c: int, d: int) -> Contraction | None:
    """The contraction of features that lie in `order`; None where they must be put in natural order first."""
    read = order.split(d, c * d) if isinstance(order, Order) else None
    if read is None:
        return None
    places = range(len(read.digits))
    contracted = tuple(place for place in places if d <= read.digits[place].stride < c * d)
    batch = tuple(place for place in places if place not in contracted)
    return Contraction(a, b, c, d, read, batch, contracted)


def merged(
    sizes: tuple[int, ...], groups: tuple[tuple[int, ...], ...]
) -> tuple[tuple[int, ...], tuple[int, ...], tuple[int, ...]]:
    """A transpose of axes with the fewest axes: neighbours that stay neighbours inside a group become one.

    Returns:
        The sizes of the merged axes as they lie, the permutation of those, and how many of the
        permuted axes each group has.
    """
    runs: list[list[int]] = []
    counts = []
    for group in groups:
        before = len(runs)
        for index, place in enumerate(group):
            if index and place == group[index - 1] + 1:
                runs[-1].append(place)
            else:
                runs.append([place])
        counts.append(len(runs) - before)
    starts = sorted(run[0] for run in runs)
    size_of = {run[0]: prod(sizes[place] for place in run) for run in runs}
    return (
        tuple(size_of[start] for start in starts),
        tuple(starts.index(run[0]) for run in runs),
        tuple(counts),
    )
