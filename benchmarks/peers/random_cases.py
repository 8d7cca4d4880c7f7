"""Cases drawn at random: shape, topology, density and batch, as a seed has it."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from benchmarks.cases import Case

WIDTHS = (256, 384, 512, 768, 1000, 1024, 1536, 2048, 3072, 4096)
POWERS = (256, 512, 1024, 2048, 4096)
BATCHES = (1, 4, 16, 32, 64, 100, 128, 256, 512)
DENSITIES = (0.005, 0.01, 0.02, 0.05, 0.1, 0.2)
LARGEST = 2**32
"""Multiplications of the dense layer, so that a case ends within seconds."""

Topology = Callable[[np.random.Generator, int], str]


def random_cases(count: int, seed: int) -> Iterator[Case]:
    """Different cases, in the order in which they are drawn."""
    generator = np.random.default_rng(seed)
    names: set[str] = set()
    while len(names) < count:
        case = _draw(generator)
        if case.rows * case.cols * case.batch <= LARGEST and case.name not in names:
            names.add(case.name)
            yield case


def _draw(generator: np.random.Generator) -> Case:
    name = generator.choice([*_ANY_SHAPE, *_SQUARE])
    if name in _ANY_SHAPE:
        rows, cols = (int(width) for width in generator.choice(WIDTHS, 2))
        topology = _ANY_SHAPE[name](generator, cols)
    else:
        rows = cols = int(generator.choice(POWERS))
        topology = _SQUARE[name](generator, cols)
    batch = int(generator.choice(BATCHES))
    title = f"{topology}, {cols} → {rows}, batch {batch}"
    return Case(name=title, topology=topology, rows=rows, cols=cols, batch=batch)


def _random(generator: np.random.Generator, cols: int) -> str:
    return f"random(fan_in={max(1, round(cols * generator.choice(DENSITIES)))})"


def _bernoulli(generator: np.random.Generator, cols: int) -> str:
    return f"bernoulli(density={max(0.02, generator.choice(DENSITIES)):g})"


def _small_world(generator: np.random.Generator, cols: int) -> str:
    return f"small_world(fan_in={max(2, round(cols * generator.choice(DENSITIES)))})"


def _butterfly(generator: np.random.Generator, cols: int) -> str:
    return f"butterfly(radix={generator.choice((2, 4, 8, 16, 32))})"


def _parallel(generator: np.random.Generator, cols: int) -> str:
    return f"parallel({generator.choice((2, 4))}, {_butterfly(generator, cols)})"


def _block(generator: np.random.Generator, cols: int) -> str:
    return f"block(count={generator.choice((4, 8, 16, 32))})"


def _low_rank(generator: np.random.Generator, cols: int) -> str:
    return f"lowrank(rank={generator.choice((8, 16, 32, 64))})"


_ANY_SHAPE: dict[str, Topology] = {
    "random": _random,
    "bernoulli": _bernoulli,
    "small_world": _small_world,
    "lowrank": _low_rank,
}
_SQUARE: dict[str, Topology] = {
    "butterfly": _butterfly,
    "monarch": lambda generator, cols: "monarch",
    "parallel": _parallel,
    "block": _block,
    "hypercube": lambda generator, cols: "hypercube",
    "torus": lambda generator, cols: f"torus(dims={generator.choice((1, 2))})",
}
