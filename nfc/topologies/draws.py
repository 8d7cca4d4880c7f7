"""The frozen random rule: which Philox numbers a topology draws, and how it turns them into choices.

The same (topology, sizes, seed) gives the same edges for ever. The rule is written down in
docs/random_edges.md; only integer arithmetic and the operations that IEEE 754 rounds correctly
(+ − × ÷) are used, so that no mathematical library can change an edge.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Context, Decimal
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from nfc import philox
from nfc.ir.factors import Indices

Numbers = NDArray[np.float64]


class Purpose(IntEnum):
    """What a stream is drawn for; its number never changes."""

    RANDOM = 1
    BERNOULLI = 2
    SMALL_WORLD = 3
    N_OF_M = 4
    PERMUTATION = 5
    SHUFFLE = 6


@dataclass(frozen=True)
class Draws:
    """The streams of one random factor or permutation.

    Step t of it draws from the Philox stream purpose·2^56 + place·2^32 + part·2^24 + t.

    Attributes:
        seed: 64 bits.
        place: the factor's number in its family's cascade, or the copy's in a `parallel`.
        part: which of several independent choices.
    """

    seed: int
    purpose: Purpose
    place: int = 0
    part: int = 0

    def words(self, step: int, count: int) -> NDArray[np.uint32]:
        """`count` integers of 32 bits."""
        return philox.words(self.seed, self._stream(step), count)

    def integers(self, step: int, count: int) -> NDArray[np.uint64]:
        """`count` integers of 64 bits."""
        return philox.integers(self.seed, self._stream(step), count)

    def _stream(self, step: int) -> int:
        return self.purpose << 56 | self.place << 32 | self.part << 24 | step

    def fractions(self, step: int, count: int) -> Numbers:
        """`count` multiples of 2^-53 in [0, 1): the upper 53 bits of each integer."""
        return (self.integers(step, count) >> np.uint64(11)).astype(np.float64) * 2.0**-53

    def below(self, step: int, count: int, size: int) -> Indices:
        """`count` integers in [0, size): ⌊fraction · size⌋."""
        return (self.fractions(step, count) * size).astype(np.int64)

    def permutation(self, step: int, size: int) -> Indices:
        """A permutation of range(size): the stable order of `size` integers."""
        return np.argsort(self.integers(step, size), kind="stable").astype(np.int64)

    def distinct(self, counts: Indices, size: int) -> Indices:
        """For each sample s, counts[s] distinct integers in [0, size), every choice as likely.

        A sample of more than half of the integers is the start of a permutation (step 0). The
        others are drawn with repetition (step 1), then what repeats an earlier number of its
        sample is drawn anew (steps 2, 3, …) until nothing does.

        Returns:
            The numbers of all samples one after the other, [sum of counts].
        """
        large = 2 * counts > size
        owners = np.repeat(np.arange(len(counts)), counts)
        values = np.empty(len(owners), np.int64)
        values[large[owners]] = self._starts(counts[large], size)
        small = np.flatnonzero(~large[owners])
        values[small] = self._without_repeats(owners[small], size)
        return values

    def _starts(self, counts: Indices, size: int) -> Indices:
        keys = self.integers(0, len(counts) * size).reshape(-1, size)
        orders = np.argsort(keys, axis=1, kind="stable")
        return orders[np.arange(size) < counts[:, None]].astype(np.int64)

    def _without_repeats(self, owners: Indices, size: int) -> Indices:
        values = self.below(1, len(owners), size)
        suspects = np.arange(len(owners))
        repeated, step = _repeats(owners * size + values), 2
        # Half of the integers are free at least, so that each round settles half of what it draws.
        while len(repeated):
            values[repeated] = self.below(step, len(repeated), size)
            suspects = suspects[np.isin(owners[suspects], owners[repeated])]
            repeated = suspects[_repeats(owners[suspects] * size + values[suspects])]
            step += 1
        return values


def _repeats(keys: Indices) -> Indices:
    """Where a key has occurred before, ascending."""
    order = np.argsort(keys, kind="stable")
    again = keys[order[1:]] == keys[order[:-1]]
    return np.sort(order[1:][again])


_LN2 = 0.6931471805599453


def logarithm(values: Numbers) -> Numbers:
    """Ln of numbers in (0, 1], to about 1e-16, in operations that round alike on every machine.

    ln(m·2^e) = e·ln 2 + 2·artanh(s), s = (m − 1)/(m + 1), with m between √½ and √2, where thirteen
    terms of the series suffice.
    """
    mantissas, exponents = np.frexp(values)
    low = mantissas < 0.7071067811865476
    mantissas = np.where(low, 2.0 * mantissas, mantissas)
    slopes = (mantissas - 1.0) / (mantissas + 1.0)
    squares = slopes * slopes
    series = np.zeros_like(slopes)
    for term in range(12, -1, -1):
        series = series * squares + 1.0 / (2 * term + 1)
    return (exponents - low) * _LN2 + 2.0 * slopes * series


def logarithm_of_complement(probability: float) -> float:
    """ln(1 − probability), rounded from 60 decimal digits, for 0 < probability < 1."""
    context = Context(prec=60)
    exact = context.subtract(Decimal(1), Decimal(probability))
    return float(context.ln(exact)) if exact < 1 else -probability
