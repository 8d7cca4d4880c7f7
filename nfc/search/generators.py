"""The candidates: for each standard family the expressions that spend a budget in a place.

A generator gives the members of its family that come near to the budget, by its formula or by trial;
what is too large, too small or a double is sorted out later. Every random topology has a written
seed, so that it is the same in any file.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import chain

from nfc.search.place import Place
from nfc.search.radices import mixed_radices

Generator = Callable[[Place], Iterator[str]]

DEPTHS = (2, 3, 4, 6)
"""Factors of cascades of random graphs."""

DEEPEST = 6
"""Stages of repeated or mixed structures at most; deeper ones learn too slowly to win."""

RADIX_NET_DEPTH = 3
"""Stages of a RadiX-Net at most: deeper ones express what butterflies do, and run slower."""

BLOCKS = (4, 8, 16, 32)
"""Sides of dense blocks."""

DRAWN = 0.98
"""Share of the budget that is expected of drawn edges, whose number varies."""


def dense(place: Place) -> Iterator[str]:
    yield "dense"


def block(place: Place) -> Iterator[str]:
    """Blocks of which neighbours share no input, alone and with shuffles between."""
    for depth in (1, 2, 3, 4):
        count = -(-place.cols * (place.rows + (depth - 1) * place.cols) // place.budget)
        if 1 < count <= min(place.rows, place.cols):
            yield ' >> permute("random", seed=1) >> '.join([f"block(count={count})"] * depth)


def band(place: Place) -> Iterator[str]:
    """Bands, wrapped, with a shuffle between each two."""
    for depth in (2, 3, 4):
        width = (place.degree(depth) - 1) // 2
        if width > 0:
            yield ' >> permute("random", seed=1) >> '.join([f"band(width={width}, wrap=true)"] * depth)


def random(place: Place) -> Iterator[str]:
    if place.degree(1) > 0:
        yield f"random(fan_in={place.degree(1)}, seed=1)"


def expander(place: Place) -> Iterator[str]:
    """Cascades of random graphs, alone and two side by side."""
    for depth in DEPTHS:
        alone, paired = place.degree(depth), place.degree(depth, branches=2)
        if alone > 1:
            yield f"expander(fan_in={alone}, depth={depth}, seed=1)"
        if paired > 1:
            yield " + ".join(f"expander(fan_in={paired}, depth={depth}, seed={seed})" for seed in (1, 2))


def bernoulli(place: Place) -> Iterator[str]:
    density = min(DRAWN * place.budget / (place.rows * place.cols), 1.0)
    yield f"bernoulli(density={density:.4g}, seed=1)"


def small_world(place: Place) -> Iterator[str]:
    for depth in (1, 2, 3):
        degree = place.degree(depth)
        if degree > 1:
            arguments = f"fan_in={degree}, rewire=20%"
            yield _cascade(depth, f"small_world({arguments}, seed={{seed}})")


def n_of_m(place: Place) -> Iterator[str]:
    """A few inputs of each group, which is as small as the budget allows."""
    for depth in (1, 2):
        for chosen in (1, 4):
            groups = place.degree(depth) // chosen
            if groups == 0:
                continue
            arguments = f"n={chosen}, m={max(-(-place.cols // groups), chosen)}"
            yield _cascade(depth, f"n_of_m({arguments}, seed={{seed}})")


def torus(place: Place) -> Iterator[str]:
    for dims in (2, 3):
        yield from place.deepest(f"torus(dims={dims}, depth={{depth}})", DEEPEST)


def hypercube(place: Place) -> Iterator[str]:
    yield from place.deepest("hypercube(depth={depth})", DEEPEST)
    for depth in (2, 3):
        yield from place.copies(f"hypercube(depth={depth})")


def butterfly(place: Place) -> Iterator[str]:
    """Butterflies of each radix, of mixed radices, and of blocks."""
    fan_in = place.budget // place.size
    for radix in place.powers[1:]:
        yield from place.copies(f"butterfly(radix={radix})")
    for radices in mixed_radices(place.size, fan_in):
        if 1 < len(radices) <= DEEPEST:
            yield from place.copies(f"butterfly(radices={list(radices)})")
    for size in BLOCKS:
        for radix in (2, 4, 8):
            yield from place.copies(f"butterfly(radix={radix}, block={size})")


def monarch(place: Place) -> Iterator[str]:
    yield from place.copies("monarch")


def clos(place: Place) -> Iterator[str]:
    for inputs in place.powers:
        yield from place.copies(f"clos(inputs={inputs})")


def benes(place: Place) -> Iterator[str]:
    for radix in place.powers[:5]:
        yield from place.copies(f"benes(radix={radix})")


def shuffle_exchange(place: Place) -> Iterator[str]:
    for radix in place.powers[1:5]:
        yield from place.copies(f"shuffle_exchange(radix={radix})")


def radix_net(place: Place) -> Iterator[str]:
    """One system of radices, which joins every input to every output once."""
    if place.rows == place.cols:
        for radices in mixed_radices(place.size, place.budget // place.size):
            if len(radices) <= RADIX_NET_DEPTH:
                yield from place.copies(f"radix_net(systems=[{list(radices)}])")


def lowrank(place: Place) -> Iterator[str]:
    rank = place.budget // (place.rows + place.cols)
    if rank:
        yield f"lowrank(rank={min(rank, place.rows, place.cols)})"


def pixelfly(place: Place) -> Iterator[str]:
    """The blocks, and what is left of the budget as low rank."""
    for size in BLOCKS:
        weights = place.weights(f"pixelfly(block={size})")
        if weights and weights <= place.budget:
            rank = (place.budget - weights) // (place.rows + place.cols)
            yield f"pixelfly(block={size}, rank={min(rank, place.rows, place.cols)})"


GENERATORS: dict[str, Generator] = {
    "dense": dense,
    "block": block,
    "band": band,
    "random": random,
    "bernoulli": bernoulli,
    "small_world": small_world,
    "n_of_m": n_of_m,
    "torus": torus,
    "hypercube": hypercube,
    "butterfly": butterfly,
    "monarch": monarch,
    "clos": clos,
    "benes": benes,
    "shuffle_exchange": shuffle_exchange,
    "radix_net": radix_net,
    "expander": expander,
    "lowrank": lowrank,
    "pixelfly": pixelfly,
}
"""The families that are searched, in the order of the language's table; `diagonal` has nothing to choose."""


def _cascade(depth: int, part: str) -> str:
    """A part in a row, with `{seed}` in it replaced by 1, 2, …"""
    return " >> ".join(part.format(seed=seed) for seed in range(1, depth + 1))


def candidates(place: Place, families: tuple[str, ...] = ()) -> tuple[str, ...]:
    """The candidates of some families, or of all, each once."""
    chosen = [GENERATORS[name] for name in families or GENERATORS]
    return tuple(dict.fromkeys(chain.from_iterable(generate(place) for generate in chosen)))
