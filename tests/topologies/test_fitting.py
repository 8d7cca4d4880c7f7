"""Families at sizes that they do not take: built larger, cut, pruned."""

from __future__ import annotations

import numpy as np
import pytest

from nfc.ir.fabric import Sum, factors
from nfc.ir.factors import Kron, Restricted
from nfc.ir.prune import prune, restrict
from nfc.limits import Limits
from nfc.topologies import FAMILIES, build
from nfc.topologies.family import TopologyError
from tests.build import butterfly
from tests.topologies import oracles
from tests.topologies.oracles import cut_and_pruned, made, patterns

SIZES = [(7, 5), (5, 7), (1, 9), (9, 1), (12, 20), (23, 11), (13, 13)]
SQUARE = {
    "diagonal": ({}, lambda n: n, oracles.diagonal),
    "block": ({"size": 4}, lambda n: -(-n // 4) * 4, lambda n: oracles.block(n, 4)),
    "band": ({"width": 2}, lambda n: n, lambda n: oracles.band(n, 2)),
    "torus": ({"depth": 2}, lambda n: min(s * s for s in range(1, 9) if s * s >= n), lambda n: oracles.torus(n, 2, 2)),
    "hypercube": ({"depth": 2}, lambda n: 1 << (n - 1).bit_length(), lambda n: oracles.hypercube(n, 2)),
    "butterfly": ({}, lambda n: 1 << (n - 1).bit_length(), oracles.butterfly),
    "butterfly of radix 3": (
        {"radix": 3},
        lambda n: min(w for w in (1, 2, 3, 6, 9, 18, 27) if w >= n),
        lambda n: oracles.butterfly(n, 3),
    ),
    "butterfly of blocks": (
        {"block": 3},
        lambda n: min(w for w in (3, 6, 12, 24) if w >= n),
        lambda n: oracles.butterfly(n, block=3),
    ),
    "butterfly of radices": (
        {"radices": (4, 2, 3)},
        lambda n: 24,
        lambda n: oracles.butterfly(n, radices=(4, 2, 3)),
    ),
    "monarch": ({}, lambda n: min(w for w in (1, 2, 4, 6, 8, 9, 12, 15, 20, 24) if w >= n), oracles.monarch),
    "benes": ({}, lambda n: 1 << (n - 1).bit_length(), oracles.benes),
    "clos": ({"inputs": 3}, lambda n: -(-n // 3) * 3, lambda n: oracles.clos(n, 3)),
    "shuffle_exchange": (
        {},
        lambda n: 1 << (n - 1).bit_length(),
        lambda n: oracles.shuffle_exchange(n, (n - 1).bit_length()),
    ),
    "pixelfly": (
        {"block": 2},
        lambda n: min(w for w in (2, 4, 8, 16, 32) if w >= n),
        lambda n: oracles.pixelfly(n, 2, (n // 2).bit_length() - 1),
    ),
}  # fmt: skip


@pytest.mark.parametrize(("rows", "cols"), SIZES)
@pytest.mark.parametrize("case", SQUARE)
def test_fitting_is_cutting_and_pruning(case: str, rows: int, cols: int) -> None:
    arguments, width, formula = SQUARE[case]
    built = made(case.partition(" ")[0], rows, cols, **arguments)
    n = width(max(rows, cols))
    assert built.fitted_width == (None if rows == cols == n else n)
    expected = cut_and_pruned(formula(n), rows, cols)
    found = patterns(built.fabric)
    for matrix, brute_force in zip(found, expected, strict=True):
        np.testing.assert_array_equal(matrix, brute_force)
    outputs, inputs = found[-1].any(axis=1), found[0].any(axis=0)
    assert built.empty_output == (None if outputs.all() else outputs.argmin())
    assert built.empty_input == (None if inputs.all() else inputs.argmin())


def test_a_fitted_sum_is_cut_in_every_branch() -> None:
    built = made("pixelfly", 5, 7, block=2, rank=3)
    assert isinstance(built.fabric, Sum)
    flat, left, right = patterns(built.fabric)
    np.testing.assert_array_equal(flat, oracles.pixelfly(8, 2, 2)[0][:5, :7])
    np.testing.assert_array_equal(left, np.ones((3, 7)))
    np.testing.assert_array_equal(right, np.ones((5, 3)))


def test_an_image_layer() -> None:
    built = made("butterfly", 300, 784, radix=4)
    assert built.fitted_width == 1024
    for matrix, brute_force in zip(
        patterns(built.fabric), cut_and_pruned(oracles_butterfly(1024), 300, 784), strict=True
    ):
        np.testing.assert_array_equal(matrix, brute_force)


def oracles_butterfly(width: int) -> list[np.ndarray]:
    numbers = np.arange(width)
    stages = []
    for stride in (1, 4, 16, 64, 256):
        others = numbers % stride + numbers // (4 * stride) * width
        stages.append((others[:, None] == others).astype(float))
    return stages


def test_what_is_left_of_a_kron_is_a_kron_where_it_can_be() -> None:
    assert restrict(Kron(4, 3, 2, 1), 9, 6) == Kron(3, 3, 2, 1)
    assert restrict(Kron(2, 4, 5, 3), 9, 6) == Kron(1, 3, 2, 3)
    assert restrict(Kron(1, 8, 8, 1), 3, 5) == Kron(1, 3, 5, 1)
    assert restrict(Kron(9, 1, 1, 1), 4, 4) == Kron(4, 1, 1, 1)
    assert restrict(Kron(2, 2, 2, 8), 5, 5) == Kron(5, 1, 1, 1)
    assert isinstance(restrict(Kron(2, 2, 2, 2), 7, 8), Restricted)


def test_pruning_takes_nothing_from_a_whole_fabric() -> None:
    whole = butterfly(16)
    assert prune(whole) == whole


def test_neurons_keep_the_fitted_width_inside() -> None:
    built = made("butterfly", 5, 7)
    assert [factor.shape for factor in factors(built.fabric)] == [(8, 7), (8, 8), (5, 8)]


def test_strict_forbids_fitting() -> None:
    exact = build(FAMILIES["hypercube"], 8, 8, {}, strict=True, limits=Limits())
    assert exact.fitted_width is None
    with pytest.raises(TopologyError, match="the next width it takes is 8, not 7 → 8") as raised:
        build(FAMILIES["hypercube"], 8, 7, {}, strict=True, limits=Limits())
    assert raised.value.code == "NF302"


def test_strict_says_nothing_where_any_sizes_are_taken() -> None:
    for name, arguments in [("dense", {}), ("block", {"count": 2}), ("lowrank", {"rank": 1})]:
        assert build(FAMILIES[name], 4, 7, arguments, strict=True, limits=Limits()).fitted_width is None


@pytest.mark.parametrize(
    ("family", "arguments", "code"),
    [
        ("dense", {}, "NF714"),
        ("random", {"fan_in": 2**11, "seed": 0}, "NF714"),
        ("bernoulli", {"density": 0.5, "seed": 0}, "NF714"),
        ("expander", {"fan_in": 8, "depth": 1000, "seed": 0}, "NF714"),
        ("expander", {"fan_in": 8, "depth": 10**9, "seed": 0}, "NF712"),
        ("hypercube", {"depth": 1000}, "NF714"),
        ("hypercube", {"depth": 10**9}, "NF712"),
        ("shuffle_exchange", {"depth": 10**9}, "NF712"),
        ("torus", {"dims": 64}, "NF713"),
        ("block", {"size": 10**9}, "NF713"),
        ("butterfly", {"radices": (2,) * 200}, "NF713"),
        ("clos", {"middle": 10**9}, "NF713"),
        ("lowrank", {"rank": 10**12}, "NF713"),
        ("n_of_m", {"n": 2**19, "m": 2**20, "seed": 0}, "NF714"),
    ],
)
def test_limits_hold_before_memory_is_taken(family: str, arguments: dict, code: str) -> None:
    with pytest.raises(TopologyError) as raised:
        made(family, 2**20, 2**20, **arguments)
    assert raised.value.code == code


@pytest.mark.parametrize("name", FAMILIES)
@pytest.mark.parametrize(("rows", "cols"), [(24, 24), (48, 24)])
def test_extents_are_the_fabrics_own(name: str, rows: int, cols: int) -> None:
    """The formula gives the edges that are built; where they are drawn or uneven, at least as many."""
    arguments = {
        "block": {"count": 5}, "random": {"fan_in": 5}, "bernoulli": {"density": 0.3}, "small_world": {"fan_in": 4},
        "n_of_m": {"n": 2, "m": 7}, "torus": {"depth": 2}, "butterfly": {"radix": 3, "block": 2},
        "radix_net": {"systems": ((2, 3), (3,)), "widths": (4, 1, 9, rows // 6)}, "lowrank": {"rank": 50},
        "expander": {"fan_in": 3, "depth": 3}, "pixelfly": {"block": 3, "rank": 2}, "clos": {"middle": 9},
    }.get(name, {})  # fmt: skip
    family = FAMILIES[name]
    if any(parameter.name == "seed" for parameter in family.parameters):
        arguments = {**arguments, "seed": 3}
    complete = {p.name: p.default for p in family.parameters} | arguments
    width = family.next_width and family.next_width(max(rows, cols), complete)
    rows, cols = (width, width) if width else (rows, cols)
    fabric = family.build(rows, cols, complete)
    extent = family.extent(rows, cols, complete)
    edges = sum(factor.edges for factor in factors(fabric))
    widest = max(max(factor.shape) for factor in factors(fabric))
    assert extent.width == widest
    assert extent.factors == len(list(factors(fabric)))
    if name in ("bernoulli", "block", "band"):
        assert edges <= extent.edges <= 2 * edges
    else:
        assert edges == extent.edges
