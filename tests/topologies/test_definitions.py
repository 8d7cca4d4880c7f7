"""Families at sizes that they take have the edges of their definitions, in the order of their stages."""

from __future__ import annotations

import numpy as np
import pytest

from nfc.ir.fabric import factors
from nfc.ir.factors import Kron
from tests.topologies import oracles
from tests.topologies.oracles import fabric, patterns

CASES = [
    ("diagonal", 1, {}, oracles.diagonal(1)),
    ("diagonal", 7, {}, oracles.diagonal(7)),
    ("block", 12, {"size": 4}, oracles.block(12, 4)),
    ("block", 5, {"size": 5}, oracles.block(5, 5)),
    ("band", 1, {}, oracles.band(1)),
    ("band", 9, {}, oracles.band(9)),
    ("band", 9, {"width": 0}, oracles.band(9, 0)),
    ("band", 5, {"width": 7}, oracles.band(5, 7)),
    ("band", 9, {"width": 3, "wrap": True}, oracles.band(9, 3, wrap=True)),
    ("band", 6, {"width": 3, "wrap": True}, oracles.band(6, 3, wrap=True)),
    ("band", 2, {"wrap": True}, oracles.band(2, wrap=True)),
    ("torus", 25, {}, oracles.torus(25)),
    ("torus", 16, {"depth": 3}, oracles.torus(16, depth=3)),
    ("torus", 9, {}, oracles.torus(9)),
    ("torus", 4, {}, oracles.torus(4)),
    ("torus", 1, {}, oracles.torus(1)),
    ("torus", 27, {"dims": 3}, oracles.torus(27, dims=3)),
    ("torus", 8, {"dims": 3}, oracles.torus(8, dims=3)),
    ("torus", 7, {"dims": 1}, oracles.torus(7, dims=1)),
    ("torus", 3, {"dims": 1}, oracles.torus(3, dims=1)),
    ("hypercube", 1, {}, oracles.hypercube(1)),
    ("hypercube", 2, {}, oracles.hypercube(2)),
    ("hypercube", 32, {"depth": 2}, oracles.hypercube(32, depth=2)),
    ("butterfly", 1, {}, oracles.butterfly(1)),
    ("butterfly", 16, {}, oracles.butterfly(16)),
    ("butterfly", 27, {"radix": 3}, oracles.butterfly(27, 3)),
    ("butterfly", 18, {"radix": 3}, oracles.butterfly(18, 3)),
    ("butterfly", 5, {"radix": 8}, oracles.butterfly(5, 8)),
    ("butterfly", 48, {"radix": 4}, oracles.butterfly(48, 4)),
    ("butterfly", 30, {"radices": (5, 2, 3)}, oracles.butterfly(30, radices=(5, 2, 3))),
    ("butterfly", 24, {"block": 3}, oracles.butterfly(24, block=3)),
    ("butterfly", 3, {"block": 3}, oracles.butterfly(3, block=3)),
    ("butterfly", 24, {"radices": (3, 2), "block": 4}, oracles.butterfly(24, radices=(3, 2), block=4)),
    ("monarch", 1, {}, oracles.monarch(1)),
    ("monarch", 2, {}, oracles.monarch(2)),
    ("monarch", 20, {}, oracles.monarch(20)),
    ("monarch", 32, {}, oracles.monarch(32)),
    ("benes", 1, {}, oracles.benes(1)),
    ("benes", 2, {}, oracles.benes(2)),
    ("benes", 16, {}, oracles.benes(16)),
    ("benes", 18, {"radix": 3}, oracles.benes(18, 3)),
    ("clos", 20, {}, oracles.clos(20, 4)),
    ("clos", 24, {"inputs": 3}, oracles.clos(24, 3)),
    ("clos", 24, {"inputs": 4, "middle": 7}, oracles.clos(24, 4, 7)),
    ("clos", 6, {"inputs": 6, "middle": 2}, oracles.clos(6, 6, 2)),
    ("clos", 6, {"inputs": 1}, oracles.clos(6, 1)),
    ("shuffle_exchange", 16, {}, oracles.shuffle_exchange(16, 4)),
    ("shuffle_exchange", 27, {"radix": 3, "depth": 2}, oracles.shuffle_exchange(27, 2, 3)),
    ("shuffle_exchange", 2, {}, oracles.shuffle_exchange(2, 1)),
    ("shuffle_exchange", 1, {"depth": 2}, [np.ones((1, 1))] * 2),
    ("pixelfly", 24, {"block": 3}, oracles.pixelfly(24, 3, 3)),
    ("pixelfly", 16, {"block": 1, "stages": 2}, oracles.pixelfly(16, 1, 2)),
    ("pixelfly", 16, {"block": 4, "stages": 0}, oracles.pixelfly(16, 4, 0)),
    ("pixelfly", 8, {"block": 4}, oracles.pixelfly(8, 4, 1)),
    ("pixelfly", 4, {"block": 4}, oracles.pixelfly(4, 4, 0)),
    ("pixelfly", 8, {"block": 2, "rank": 3}, oracles.pixelfly(8, 2, 2) + oracles.low_rank(8, 8, 3)),
]  # fmt: skip


@pytest.mark.parametrize(("family", "width", "arguments", "expected"), CASES)
def test_square_families(family: str, width: int, arguments: dict, expected: list[np.ndarray]) -> None:
    built = oracles.made(family, width, width, **arguments)
    assert built.fitted_width is None
    found = patterns(built.fabric)
    assert len(found) == len(expected)
    for matrix, formula in zip(found, expected, strict=True):
        np.testing.assert_array_equal(matrix, formula)


@pytest.mark.parametrize(("rows", "cols"), [(1, 1), (1, 9), (7, 5), (12, 12), (30, 78)])
def test_rectangular_families(rows: int, cols: int) -> None:
    for matrix, formula in [
        (fabric("dense", rows, cols), [np.ones((rows, cols))]),
        (fabric("lowrank", rows, cols, rank=3), oracles.low_rank(rows, cols, 3)),
        *(
            (fabric("block", rows, cols, count=c), oracles.block_count(rows, cols, c))
            for c in (1, 2, 3, 6, 50)
        ),
    ]:
        for found, expected in zip(patterns(matrix), formula, strict=True):
            np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize(
    ("systems", "widths"),
    [
        (((2, 3),), (1, 1, 1)),
        (((2, 3),), (2, 4, 3)),
        (((3, 2, 2), (4, 3)), (1, 2, 2, 1, 3, 3)),
        (((4, 3), (2, 3)), (2, 2, 1, 1, 5)),
    ],
)
def test_radix_net(systems: tuple[tuple[int, ...], ...], widths: tuple[int, ...]) -> None:
    expected = oracles.radix_net(systems, widths)
    rows, cols = len(expected[-1]), len(expected[0][0])
    found = patterns(fabric("radix_net", rows, cols, systems=systems, widths=widths))
    for matrix, formula in zip(found, expected, strict=True):
        np.testing.assert_array_equal(matrix, formula)


def test_radix_net_without_widths_keeps_the_inputs_width_until_its_last_layer() -> None:
    found = patterns(fabric("radix_net", 18, 12, systems=((2, 3),)))
    expected = oracles.radix_net(((2, 3),), (2, 2, 3))
    for matrix, formula in zip(found, expected, strict=True):
        np.testing.assert_array_equal(matrix, formula)


def test_near_factors_are_taken_where_a_width_has_them() -> None:
    """p·q = n with p ≤ q ≤ 2p, else the next width that has such factors, by exhaustion."""
    splits = {p * q for p in range(1, 60) for q in range(p, 2 * p + 1)}
    for width in range(1, 300):
        accepted = min(n for n in splits if n >= width)
        built = oracles.made("monarch", width, width)
        assert (built.fitted_width or width) == accepted
        first = next(factors(built.fabric))
        side = max(p for p in range(1, accepted + 1) if accepted % p == 0 and p * p <= accepted)
        assert max(first.fan_in()) == side


@pytest.mark.parametrize(
    ("family", "arguments", "kind"),
    [
        ("torus", {}, "shifts"),
        ("hypercube", {}, "shifts"),
        ("pixelfly", {"block": 4}, "shifts"),
        ("clos", {"inputs": 8}, "blocks"),
        ("shuffle_exchange", {}, "blocks"),
        ("butterfly", {}, "kron"),
        ("benes", {"radix": 4}, "kron"),
        ("monarch", {}, "kron"),
        ("block", {"size": 16}, "kron"),
        ("block", {"count": 4}, "kron"),
        ("band", {"wrap": True}, "shifts"),
        ("random", {"fan_in": 4, "seed": 0}, "fan_in"),
        ("bernoulli", {"density": 0.5, "seed": 0}, "edges"),
    ],
)
def test_structure_is_kept(family: str, arguments: dict, kind: str) -> None:
    assert next(factors(fabric(family, 64, 64, **arguments))).kind == kind


def test_trivial_cases_are_kron() -> None:
    for built in [
        fabric("torus", 3, 3, dims=1),
        fabric("hypercube", 2, 2),
        fabric("band", 5, 5, width=4),
        fabric("band", 6, 6, width=3, wrap=True),
        fabric("random", 4, 5, fan_in=5, seed=0),
        fabric("small_world", 4, 5, fan_in=5, seed=0),
        fabric("n_of_m", 4, 5, n=3, m=3, seed=0),
        fabric("bernoulli", 4, 5, density=1, seed=0),
        fabric("radix_net", 6, 6, systems=((6,),)),
    ]:
        assert isinstance(built, Kron)
        assert built.is_dense


def test_the_last_layer_of_a_radix_system_is_a_strided_block() -> None:
    parts = list(factors(fabric("radix_net", 24, 12, systems=((3, 4),), widths=(1, 1, 2))))
    assert parts[1] == Kron(1, 8, 4, 3)


def test_a_wide_butterfly_is_a_few_small_records() -> None:
    width = 2**20
    assert list(factors(fabric("butterfly", width, width))) == [
        Kron(width // (2 * stride), 2, 2, stride) for stride in (2**s for s in range(20))
    ]
