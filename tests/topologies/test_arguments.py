"""Arguments that a family does not take are errors that name them."""

from __future__ import annotations

import pytest

from nfc.limits import Limits
from nfc.topologies import FAMILIES, build
from nfc.topologies.family import TopologyError

CASES = [
    ("butterfly", {"radics": 4}, "NF401", "radics", "has no argument `radics`"),
    ("random", {"seed": 1}, "NF401", "fan_in", "needs the argument `fan_in`, an integer of at least 1"),
    ("random", {"fan_in": 2}, "NF401", "seed", "is an integer in 0..<2.*64, not"),
    ("random", {"fan_in": 2, "seed": -1}, "NF401", "seed", "not `-1`"),
    ("random", {"fan_in": 2, "seed": 2**64}, "NF401", "seed", "not `18446744073709551616`"),
    ("butterfly", {"radix": 1}, "NF401", "radix", "an integer of at least 2, not `1`"),
    ("butterfly", {"radix": 2.0}, "NF401", "radix", "not `2.0`"),
    ("butterfly", {"radix": True}, "NF401", "radix", "not `true`"),
    ("butterfly", {"radices": ()}, "NF401", "radices", r"not `\[\]`"),
    ("butterfly", {"radices": (4, 1)}, "NF401", "radices", r"each of at least 2, not `\[4, 1\]`"),
    ("butterfly", {"radix": 4, "radices": (4, 4)}, "NF401", "radix", "either `radix` or `radices`"),
    ("butterfly", {"radices": (3, 4)}, "NF301", "radices", "multiply to 12, and the place has a width of 16"),
    ("block", {}, "NF401", "size", "either `size` or `count`, and neither is given"),
    ("block", {"size": 4, "count": 4}, "NF401", "size", "and both are given"),
    ("block", {"count": 2**25}, "NF401", "count", "from 1 to 16777216, not"),
    ("block", {"size": 0}, "NF401", "size", "at least 1"),
    ("band", {"wrap": 1}, "NF401", "wrap", "`true` or `false`, not `1`"),
    ("bernoulli", {"density": 1.5, "seed": 0}, "NF401", "density", "from 0 to 1, not `1.5`"),
    ("bernoulli", {"density": "much", "seed": 0}, "NF401", "density", 'not `"much"`'),
    ("n_of_m", {"n": 5, "m": 4, "seed": 0}, "NF401", "n", "at most m = 4, not 5"),
    ("torus", {"dims": 65}, "NF401", "dims", "from 1 to 64"),
    ("clos", {"inputs": 0}, "NF401", "inputs", "at least 1 or `auto`"),
    ("pixelfly", {"block": 4, "stages": 3}, "NF301", "stages", "which is 2 at a width of 16, not 3"),
    ("radix_net", {"systems": ((2, 3),)}, "NF301", "systems", "multiply to 6, of which 16 inputs"),
    (
        "radix_net",
        {"systems": ((2, 4), (3,))},
        "NF401",
        "systems",
        "system 2 .* multiplies to 3, not to 8 or a",
    ),
    (
        "radix_net",
        {"systems": ((2, 4), (4,), (8,))},
        "NF401",
        "systems",
        "system 2 .* multiplies to 4, not to 8",
    ),
    (
        "radix_net",
        {"systems": ((2, 4),), "widths": (2, 2)},
        "NF401",
        "widths",
        "the 3 layers of neurons, not 2",
    ),
    ("radix_net", {"systems": ((2, 4),), "widths": (2, 1, 3)}, "NF301", "widths", "to 3 · 8 outputs"),
    ("radix_net", {"systems": ((2, "x"),)}, "NF401", "systems", "a list of lists of integers"),
    ("dense", {"width": 9}, "NF301", "width", "asks for 9 outputs, and the place has 16"),
    ("random", {"fan_in": 2, "width": 9, "seed": 0}, "NF301", "width", "asks for 9 outputs"),
    ("lowrank", {"rank": -1}, "NF401", "rank", "not `-1`"),
]


@pytest.mark.parametrize(("family", "arguments", "code", "argument", "message"), CASES)
def test_errors_name_the_argument(
    family: str, arguments: dict, code: str, argument: str, message: str
) -> None:
    with pytest.raises(TopologyError, match=message) as raised:
        build(FAMILIES[family], 16, 16, arguments, limits=Limits())
    assert (raised.value.code, raised.value.argument) == (code, argument)


def test_a_near_name_is_suggested() -> None:
    with pytest.raises(TopologyError) as raised:
        build(FAMILIES["butterfly"], 16, 16, {"radics": 4}, limits=Limits())
    assert raised.value.hint == "did you mean `radices` or `radix`?"


def test_absent_and_automatic_arguments_may_be_given() -> None:
    for name, arguments in [
        ("clos", {"inputs": "auto", "middle": "auto"}),
        ("block", {"size": 4, "count": None}),
        ("butterfly", {"radices": None}),
        ("shuffle_exchange", {"depth": "auto"}),
    ]:
        build(FAMILIES[name], 16, 16, arguments, limits=Limits())


@pytest.mark.parametrize("family", FAMILIES.values(), ids=lambda family: family.name)
def test_every_family_is_described(family: object) -> None:
    assert FAMILIES[family.name] is family
    assert family.definition
    assert family.source
