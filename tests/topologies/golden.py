"""Topologies whose digests never change in edition 1, and a program that prints them afresh.

`python -m tests.topologies.golden` prints what stands in `digests.txt`. A line that differs is a
broken promise to everyone who has weights for that topology.
"""

from __future__ import annotations

from collections.abc import Iterator

from nfc.ir.digest import fabric_digest
from nfc.ir.fabric import Fabric
from nfc.ir.factors import Kron
from nfc.ir.permute import permute_inputs
from nfc.limits import Limits
from nfc.topologies import FAMILIES, build, combinators

SIZES = ((1, 1), (7, 5), (16, 16), (12, 20), (300, 784))
CALLS: dict[str, tuple[str, dict[str, object]]] = {
    "dense": ("dense", {}),
    "diagonal": ("diagonal", {}),
    "block(size=4)": ("block", {"size": 4}),
    "block(count=3)": ("block", {"count": 3}),
    "band(2)": ("band", {"width": 2}),
    "band(1, wrap=true)": ("band", {"width": 1, "wrap": True}),
    "random(1, seed=0)": ("random", {"fan_in": 1, "seed": 0}),
    "random(4, seed=1)": ("random", {"fan_in": 4, "seed": 1}),
    "random(5, seed=2**64 - 1)": ("random", {"fan_in": 5, "seed": 2**64 - 1}),
    "bernoulli(30%, seed=1)": ("bernoulli", {"density": 0.3, "seed": 1}),
    "small_world(4, 25%, seed=1)": ("small_world", {"fan_in": 4, "rewire": 0.25, "seed": 1}),
    "n_of_m(2, 4, seed=1)": ("n_of_m", {"n": 2, "m": 4, "seed": 1}),
    "n_of_m(3, 8, seed=1)": ("n_of_m", {"n": 3, "m": 8, "seed": 1}),
    "torus": ("torus", {}),
    "torus(3, 2)": ("torus", {"dims": 3, "depth": 2}),
    "hypercube(2)": ("hypercube", {"depth": 2}),
    "butterfly": ("butterfly", {}),
    "butterfly(3)": ("butterfly", {"radix": 3}),
    "butterfly(block=2)": ("butterfly", {"block": 2}),
    "monarch": ("monarch", {}),
    "clos": ("clos", {}),
    "clos(3, 5)": ("clos", {"inputs": 3, "middle": 5}),
    "benes": ("benes", {}),
    "shuffle_exchange": ("shuffle_exchange", {}),
    "expander(4, 2, seed=1)": ("expander", {"fan_in": 4, "depth": 2, "seed": 1}),
    "lowrank(3)": ("lowrank", {"rank": 3}),
    "pixelfly(2, rank=1)": ("pixelfly", {"block": 2, "rank": 1}),
}


def drawn() -> Iterator[tuple[str, str]]:
    """Every case, `CALL COLS -> ROWS`, and its digest."""
    for call, (family, arguments) in CALLS.items():
        for rows, cols in SIZES:
            if int(str(arguments.get("fan_in", 1))) <= cols:
                built = build(FAMILIES[family], rows, cols, arguments, limits=Limits())
                yield f"{call} {cols} -> {rows}", fabric_digest(built.fabric)
    for name, fabric in others():
        yield name, fabric_digest(fabric)


def others() -> Iterator[tuple[str, Fabric]]:
    """What needs sizes of its own, and the random combinators."""
    systems = ((2, 3, 2), (3, 4), (4,))
    arguments: dict[str, object] = {"systems": systems, "widths": (2, 1, 3, 3, 2, 5, 4)}
    yield "radix_net 24 -> 48", build(FAMILIES["radix_net"], 48, 24, arguments, limits=Limits()).fabric
    diagonal = Kron(100, 1, 1, 1)
    yield (
        "permute(random, seed=1) 100",
        permute_inputs(diagonal, combinators.permutation("random", 100, seed=1)),
    )
    yield "parallel(3, diagonal, shuffle=1) 100", combinators.shuffled_sum([diagonal] * 3, 1)
    half = {"fan_in": 2048, "seed": 3}
    yield "random(2048, seed=3) 4096 -> 64", build(FAMILIES["random"], 64, 4096, half, limits=Limits()).fabric
    wide = {"fan_in": 16, "seed": 3}
    yield (
        "random(16, seed=3) 65536 -> 65536",
        build(FAMILIES["random"], 2**16, 2**16, wide, limits=Limits()).fabric,
    )


def main() -> None:
    for name, digest in drawn():
        print(f"{digest}  {name}")  # noqa: T201


if __name__ == "__main__":
    main()
