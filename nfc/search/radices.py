"""Radices of butterflies: the ways to write a width as a product."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby

LARGEST_PRIME = 7
"""Widths with a larger prime factor make lopsided stages; the next power of two stands in for them."""


def mixed_radices(width: int, fan_in: int) -> Iterator[tuple[int, ...]]:
    """For each number of stages, the radices with which copies fill a budget best, and the most even ones.

    Args:
        width: at least which the radices multiply to.
        fan_in: edges a neuron that the budget pays, over all stages and copies.
    """
    found = [each for each in factorisations(smooth(width)) if sum(each) <= fan_in]
    for _, same_depth in groupby(sorted(found, key=lambda each: (len(each), each)), key=len):
        options = list(same_depth)
        fullest = max(options, key=lambda radices: (fan_in // sum(radices) * sum(radices), -sum(radices)))
        yield from dict.fromkeys((fullest, min(options, key=sum)))


def factorisations(number: int, least: int = 2) -> Iterator[tuple[int, ...]]:
    """The ascending factorisations of a number into factors of at least `least`, itself among them."""
    if number >= least:
        yield (number,)
    for factor in range(least, int(number**0.5) + 1):
        if number % factor == 0:
            yield from ((factor, *rest) for rest in factorisations(number // factor, factor))


def smooth(width: int) -> int:
    """The width itself if its prime factors are small, else the next power of two."""
    rest = width
    for prime in range(2, LARGEST_PRIME + 1):
        while rest % prime == 0:
            rest //= prime
    return width if rest == 1 else 1 << (width - 1).bit_length()
