"""Which members of the families are drawn, measured and scored."""

from __future__ import annotations

from nfc.topologies import FAMILIES

DRAWN_WIDTH = 16
DRAWN: dict[str, str] = {
    "dense": "dense",
    "diagonal": "diagonal",
    "block": "block(size=4)",
    "band": "band(width=2)",
    "random": "random(fan_in=4, seed=1)",
    "bernoulli": "bernoulli(density=25%, seed=1)",
    "small_world": "small_world(fan_in=4, rewire=20%, seed=1)",
    "n_of_m": "n_of_m(n=1, m=4, seed=1)",
    "torus": "torus(depth=2)",
    "hypercube": "hypercube(depth=2)",
    "butterfly": "butterfly(radix=2)",
    "monarch": "monarch",
    "clos": "clos",
    "benes": "benes",
    "shuffle_exchange": "shuffle_exchange",
    "radix_net": "radix_net(systems=[[4, 4]])",
    "expander": "expander(fan_in=4, depth=2, seed=1)",
    "lowrank": "lowrank(rank=3)",
    "pixelfly": "pixelfly(block=2, rank=2)",
    "parallel": "parallel(2, monarch, shuffle=1)",
}
"""The member whose factors a family's picture shows; `parallel` is the combinator, with what it is best for."""

MEASURED_WIDTH = 64
MEASURED: dict[str, str] = {
    "dense": "dense",
    "diagonal": "diagonal",
    "block": "block(size=16)",
    "band": "band(width=8, wrap=true)",
    "random": "random(fan_in=16, seed=1)",
    "bernoulli": "bernoulli(density=25%, seed=1)",
    "small_world": "small_world(fan_in=16, rewire=10%, seed=1)",
    "n_of_m": "n_of_m(n=1, m=4, seed=1)",
    "torus": "torus(depth=3)",
    "hypercube": "hypercube(depth=2)",
    "butterfly": "butterfly(radix=4)",
    "monarch": "monarch",
    "clos": "clos",
    "benes": "benes(radix=4)",
    "shuffle_exchange": "shuffle_exchange(radix=8)",
    "radix_net": "radix_net(systems=[[8, 8]])",
    "expander": "expander(fan_in=8, depth=2, seed=1)",
    "lowrank": "lowrank(rank=8)",
    "pixelfly": "pixelfly(block=4)",
    "parallel": "parallel(2, monarch, shuffle=1)",
}
"""The member that a family's row in the table is of: with a quarter of the dense weights, or near to it."""

VARIANTS: tuple[str, ...] = (
    "butterfly",
    "parallel(2, butterfly(radix=4))",
    "parallel(2, monarch)",
    "expander(fan_in=16, depth=2, seed=1)",
    "expander(fan_in=8, depth=3, seed=1)",
)
"""Rows besides: what the argument for one topology or the other compares."""

SCORED_WIDTH = 256
SCORED: dict[str, tuple[str, ...]] = {
    "dense": ("dense",),
    "diagonal": ("diagonal",),
    "block": ("block(size=4)", "block(size=16)", "block(size=32)", "block(size=64)"),
    "band": tuple(f"band(width={width}, wrap=true)" for width in (2, 8, 16, 32)),
    "random": tuple(f"random(fan_in={degree}, seed=1)" for degree in (4, 16, 32, 64, 128)),
    "bernoulli": tuple(f"bernoulli(density={share}%, seed=1)" for share in (3, 6, 12, 25)),
    "small_world": tuple(f"small_world(fan_in={degree}, rewire=10%, seed=1)" for degree in (4, 16, 32, 64)),
    "n_of_m": tuple(f"n_of_m(n=1, m={group}, seed=1)" for group in (64, 16, 8, 4)),
    "torus": tuple(f"torus(depth={depth})" for depth in (1, 2, 4, 8)),
    "hypercube": tuple(f"hypercube(depth={depth})" for depth in (1, 2, 4, 6)),
    "butterfly": (
        "butterfly",
        "butterfly(radix=4)",
        "butterfly(radix=16)",
        "butterfly(radices=[8, 32])",
        "butterfly(radix=4, block=4)",
        "butterfly(radix=4, block=16)",
    ),
    "monarch": ("monarch", "cascade(2, monarch)", "cascade(3, monarch)"),
    "clos": ("clos(inputs=4, middle=4)", "clos(inputs=8, middle=8)", "clos", "clos(middle=32)"),
    "benes": ("benes", "benes(radix=4)", "benes(radix=16)"),
    "shuffle_exchange": ("shuffle_exchange", "shuffle_exchange(radix=4)", "shuffle_exchange(radix=16)"),
    "radix_net": (
        "radix_net(systems=[[4, 4, 4, 4]])",
        "radix_net(systems=[[4, 8, 8]])",
        "radix_net(systems=[[16, 16]])",
        "radix_net(systems=[[8, 32]])",
    ),
    "expander": tuple(f"expander(fan_in={degree}, depth=2, seed=1)" for degree in (2, 8, 16, 32, 64)),
    "lowrank": tuple(f"lowrank(rank={rank})" for rank in (2, 8, 16, 32, 64)),
    "pixelfly": ("pixelfly(block=4)", "pixelfly(block=8)", "pixelfly(block=16)", "pixelfly(block=32)"),
    "parallel": tuple(f"parallel({count}, monarch, shuffle=1)" for count in (2, 3, 4)),
}
"""The members of a family's score curve, by their weights."""

PICTURED: tuple[str, ...] = (*FAMILIES, "parallel")
"""What has a picture and a curve."""
