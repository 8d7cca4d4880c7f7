"""The language's definitions as index arithmetic: a family at a width it takes, as dense 0/1 matrices."""

from __future__ import annotations

from collections.abc import Callable
from math import prod

import numpy as np

from nfc.ir.fabric import Fabric, factors
from nfc.limits import Limits
from nfc.topologies import FAMILIES, Built, build
from tests.build import dense_pattern


def made(family: str, rows: int, cols: int, **arguments: object) -> Built:
    return build(FAMILIES[family], rows, cols, arguments, limits=Limits())


def fabric(family: str, rows: int, cols: int, **arguments: object) -> Fabric:
    return made(family, rows, cols, **arguments).fabric


def patterns(fabric: Fabric) -> list[np.ndarray]:
    """Each factor's pattern, in written order."""
    return [dense_pattern(factor) for factor in factors(fabric)]


def where(rows: int, cols: int, joined: Callable[[int, int], bool]) -> np.ndarray:
    """The matrix with a one wherever joined(output, input)."""
    return np.array([[joined(o, i) for i in range(cols)] for o in range(rows)], float)


def diagonal(n: int) -> list[np.ndarray]:
    return [where(n, n, lambda o, i: o == i)]


def block(n: int, size: int) -> list[np.ndarray]:
    return [where(n, n, lambda o, i: o // size == i // size)]


def block_count(rows: int, cols: int, count: int) -> list[np.ndarray]:
    return [where(rows, cols, lambda o, i: o * count // rows == i * count // cols)]


def band(n: int, width: int = 1, wrap: bool = False) -> list[np.ndarray]:
    near = lambda gap: min(gap, n - gap) if wrap else gap  # noqa: E731
    return [where(n, n, lambda o, i: near(abs(o - i)) <= width)]


def digits(number: int, radices: list[int]) -> list[int]:
    found = []
    for radix in radices:
        found.append(number % radix)
        number //= radix
    return found


def torus(n: int, dims: int = 2, depth: int = 1) -> list[np.ndarray]:
    side = round(n ** (1 / dims))

    def joined(o: int, i: int) -> bool:
        gaps = [
            (a - b) % side for a, b in zip(digits(o, [side] * dims), digits(i, [side] * dims), strict=True)
        ]
        moved = [gap for gap in gaps if gap]
        return len(moved) == 0 or (len(moved) == 1 and moved[0] in (1, side - 1))

    return [where(n, n, joined)] * depth


def hypercube(n: int, depth: int = 1) -> list[np.ndarray]:
    return [where(n, n, lambda o, i: (o ^ i).bit_count() <= 1)] * depth


def butterfly(
    n: int, radix: int = 2, radices: tuple[int, ...] | None = None, block: int = 1
) -> list[np.ndarray]:
    sizes = list(radices or [])
    rest = n // block
    while not radices and rest > 1:
        sizes.append(min(radix, rest))
        rest //= sizes[-1]

    def stage(s: int) -> np.ndarray:
        def joined(o: int, i: int) -> bool:
            there, here = digits(o // block, sizes), digits(i // block, sizes)
            return all(a == b for k, (a, b) in enumerate(zip(there, here, strict=True)) if k != s)

        return where(n, n, joined)

    return [stage(s) for s in range(len(sizes))] or [np.ones((n, n))]


def monarch(n: int) -> list[np.ndarray]:
    p = max(p for p in range(1, n + 1) if n % p == 0 and p * p <= n)
    return butterfly(n, radices=(p, n // p))


def benes(n: int, radix: int = 2) -> list[np.ndarray]:
    half = butterfly(n, radix)
    return half + half[:-1][::-1]


def clos(n: int, inputs: int, middle: int | None = None) -> list[np.ndarray]:
    r, m = n // inputs, middle or inputs
    return [
        where(r * m, n, lambda y, x: y % r == x // inputs),
        where(r * m, r * m, lambda y, x: x // r == y // r),
        where(n, r * m, lambda o, x: x % r == o // inputs),
    ]


def shuffle_exchange(n: int, depth: int, radix: int = 2) -> list[np.ndarray]:
    return [where(n, n, lambda o, i: o // radix == i % (n // radix))] * depth


def radix_net(systems: tuple[tuple[int, ...], ...], widths: tuple[int, ...]) -> list[np.ndarray]:
    n = prod(systems[0])
    layers = []
    for system in systems:
        for index, radix in enumerate(system):
            v = prod(system[:index])
            gaps = {j * v for j in range(radix)}
            w = where(n, n, lambda o, i, gaps=gaps: (o - i) % n in gaps)
            layer = len(layers)
            layers.append(np.kron(np.ones((widths[layer + 1], widths[layer])), w))
    return layers


def pixelfly(n: int, block: int, stages: int) -> list[np.ndarray]:
    steps = {0, *(2**k for k in range(stages))}
    return [where(n, n, lambda o, i: (o // block) ^ (i // block) in steps)]


def low_rank(rows: int, cols: int, rank: int) -> list[np.ndarray]:
    return [np.ones((rank, cols)), np.ones((rows, rank))]


def cut_and_pruned(matrices: list[np.ndarray], rows: int, cols: int) -> list[np.ndarray]:
    """A cascade between its first inputs and outputs, without the edges that lie on no path."""
    cut = [matrix.copy() for matrix in matrices]
    cut[0] = cut[0][:, :cols]
    cut[-1] = cut[-1][:rows]
    reach, use = np.ones(cols), [np.ones(rows)]
    for matrix in cut[:0:-1]:
        use.insert(0, matrix.T @ use[0])
    for index, matrix in enumerate(cut):
        cut[index] = matrix * (use[index] > 0)[:, None] * (reach > 0)
        reach = matrix @ reach
    return cut
