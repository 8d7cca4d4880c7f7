"""Automatic seeds: they decide which edges a network has, so they never change."""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import sha256
from typing import cast

import numpy as np

from nfc.ir.fabric import factors
from nfc.ir.factors import Factor
from nfc.ir.network import Linear, weighted_layers
from nfc.limits import Limits
from nfc.sema.seeds import automatic_seed
from nfc.topologies import FAMILIES, build
from tests.sema.programs import network, sound


def random_factor(seed: int, fan_in: int = 4, rows: int = 32, cols: int = 32) -> Factor:
    arguments = {"fan_in": fan_in, "seed": seed}
    return cast(Factor, build(FAMILIES["random"], rows, cols, arguments, limits=Limits()).fabric)


def same(left: Sequence[Factor], right: Sequence[Factor]) -> bool:
    return len(left) == len(right) and all(
        np.array_equal(a.arrays()[1], b.arrays()[1]) for a, b in zip(left, right, strict=True)
    )


def layer_factors(body: str, *definitions: str) -> list[list[Factor]]:
    return [list(factors(layer.fabric)) for layer in weighted_layers(network(body, *definitions))]


def seed(path: str, place: str) -> int:
    digest = sha256(b"n\0" + path.encode() + b"\0" + place.encode()).digest()
    return sum(byte << 8 * k for k, byte in enumerate(digest[:8]))


def test_golden() -> None:
    assert automatic_seed("mnist", "repeat1.0.linear1", "") == 17928786265960195193
    assert automatic_seed("mnist", "repeat1.0.linear1", "0.1") == 13110443417995275505
    assert automatic_seed("", "", "") == 14305106031378080406


def test_places() -> None:
    definitions = ("topology two(t) = cascade(2, t)", "topology pair = random(4) + random(4)")
    for wiring, places in {
        "random(4)": [""],
        "random(4, seed=auto)": [""],
        "random(4) >> random(4) >> random(4)": ["0", "1", "2"],
        "(random(4) >> random(4)) >> random(4)": ["0", "1", "2"],
        "random(4) >> (random(4) >> random(4))": ["0", "1.0", "1.1"],
        "random(4) + random(4) >> random(4)": ["0.0", "0.1", "1"],
        "cascade(2, random(4))": ["0", "1"],
        "cascade(s in 3..4: random(s))": ["0", "1"],
        "parallel(2, random(4) >> diagonal)": ["0.0", "1.0"],
        "transpose(random(4))": [""],
        "two(random(4))": ["0", "1"],
        "two(pair)": ["0.0", "0.1", "1.0", "1.1"],
        "dense >> two(pair)": ["1.0.0", "1.0.1", "1.1.0", "1.1.1"],
    }.items():
        (found,) = layer_factors(f"input 32\na: linear 32 via {wiring}", *definitions)
        drawn = [factor for factor in found if factor.kind == "fan_in"]
        expected = [random_factor(seed("a", place)) for place in places]
        if "transpose" in wiring:
            drawn, expected = [_transposed(found[0])], [expected[0]]
        if "s in" in wiring:
            expected = [
                random_factor(seed("a", place), fan_in) for place, fan_in in zip(places, (3, 4), strict=True)
            ]
        assert same(drawn, expected), wiring


def _transposed(factor: Factor) -> Factor:
    from nfc.topologies.combinators import transpose

    return cast(Factor, transpose(factor))


def test_direct_sums_number_their_parts() -> None:
    from nfc.topologies.combinators import direct_sum

    (found,) = layer_factors("input 64\na: linear 64 via direct_sum(random(4), random(4))")
    expected = direct_sum([random_factor(seed("a", "0")), random_factor(seed("a", "1"))])
    assert same(found, list(factors(expected)))


def test_copies_of_a_repeat_differ() -> None:
    found = layer_factors("input 32\nrepeat 2 { linear 32 via random(4) }")
    assert same(found[0], [random_factor(seed("repeat1.0.linear1", ""))])
    assert same(found[1], [random_factor(seed("repeat1.1.linear1", ""))])
    assert not same(found[0], found[1])


def test_inlined_networks_take_the_outer_name() -> None:
    found = layer_factors("input 32\nm", "network m { input 32; linear 32 via random(4) }")
    assert same(found[0], [random_factor(seed("m1.linear1", ""))])


def test_written_seeds_are_the_same_in_every_copy() -> None:
    for wiring in ("cascade(2, random(4, seed=7))", "random(4, seed=7) + random(4, seed=7)"):
        found = layer_factors(f"input 32\nrepeat 2 {{ linear 32 via {wiring} }}")
        assert all(same([factor], [random_factor(7)]) for copy in found for factor in copy)


def test_seeds_through_parameters() -> None:
    definition = "topology noise(s=auto) = random(4, seed=s)"
    for wiring, expected in {"noise": seed("a", ""), "noise(7)": 7, "noise(s=auto)": seed("a", "")}.items():
        (found,) = layer_factors(f"input 32\na: linear 32 via {wiring}", definition)
        assert same(found, [random_factor(expected)])


def test_labels_protect_seeds() -> None:
    before = layer_factors("input 32\na: linear 32 via random(4)")
    after = layer_factors("input 32\nlinear 32 via random(4)\na: linear 32 via random(4)")
    assert same(before[0], after[1])


def test_runs_agree() -> None:
    text = 'nf 1\nnetwork n { input 32; linear 32 via parallel(2, random(4), shuffle=3) >> permute("random") >> bernoulli(0.2) }\n'
    first, second = (cast(Linear, sound(text).networks["n"].body[0]) for _ in range(2))
    assert same(list(factors(first.fabric)), list(factors(second.fabric)))
