"""Widths that families accept: powers, multiples, and products of two near factors."""

from __future__ import annotations

from math import isqrt


def quotient(numerator: int, denominator: int) -> int:
    """Numerator / denominator, rounded up."""
    return -(-numerator // denominator)


def next_multiple(width: int, unit: int) -> int:
    """The least multiple of `unit` that is at least `width`."""
    return quotient(width, unit) * unit


def power_at_least(width: int, base: int) -> int:
    """The least k with base^k ≥ width."""
    exponent, power = 0, 1
    while power < width:
        exponent, power = exponent + 1, power * base
    return exponent


def root_at_least(width: int, degree: int) -> int:
    """The least side with side^degree ≥ width, by bisection."""
    low, high = 1, 1
    while high**degree < width:
        high *= 2
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if middle**degree >= width else (middle + 1, high)
    return low


def near_factors(width: int) -> tuple[int, int]:
    """(p, q) with p·q = width and p ≤ q, as near to each other as can be."""
    p = next(p for p in range(isqrt(width), 0, -1) if width % p == 0)
    return p, width // p


def next_near_product(width: int) -> int:
    """The least p·q ≥ width with p ≤ q ≤ 2p."""
    # Such a product needs p² ≥ half of it, and p = ⌈√width⌉ always gives one.
    roots = range(1, isqrt(width - 1) + 2) if width > 1 else range(1, 2)
    products = (p * max(p, quotient(width, p)) for p in roots if quotient(width, p) <= 2 * p)
    return min(products)
