"""Masks wherever a topology may stand, their arguments, and what is said of wrong ones."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from nfc import load
from nfc.ir.fabric import Cascade, edge_count, factors
from nfc.ir.factors import Kron
from nfc.ir.network import Linear, weighted_layers
from tests.build import dense_pattern
from tests.documents import nfc
from tests.sema.programs import analyse, codes, in_network, network
from tests.sema.test_wiring import BUTTERFLY, TORUS, fabric, matrix

RING = "mask ring(k=1)[o, i] = (o - i) % cols <= k"
CUBE = "mask cube[o] = { o } + { o xor 2**b for b in 0..<log2(cols) }"
RING_1, RING_3 = ((np.subtract.outer(range(16), range(16)) % 16 <= k).astype(float) for k in (1, 3))
CUBE_4 = np.array([[(o ^ i).bit_count() <= 1 for i in range(16)] for o in range(16)], float)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("ring", RING_1),
        ("ring()", RING_1),
        ("ring(3)", RING_3),
        ("ring(k=1 + 2)", RING_3),
        ("ring(cols // 5)", RING_3),
        ("cube >> ring(3) >> cube", CUBE_4 @ RING_3 @ CUBE_4),
        ("cube + ring + butterfly", CUBE_4 + RING_1 + BUTTERFLY),
        ("parallel(2, cube)", 2 * CUBE_4),
        ("cascade(2, ring)", RING_1 @ RING_1),
        ("cascade(s in [1, 3]: ring(s))", RING_3 @ RING_1),
        ("transpose(ring(3))", RING_3.T),
        ('permute("reverse") >> ring', RING_1[:, ::-1]),
        ('ring >> permute("reverse")', RING_1[::-1]),
        ("direct_sum(small, small)", np.kron(np.eye(2), np.ones((8, 8)))),
        ("twice(ring(3))", RING_3 @ RING_3),
        ("wide(3) >> torus", TORUS @ RING_3),
        ("wide(k=1)", RING_1),
    ],
)
def test_wherever_a_topology_may_stand(text: str, expected: np.ndarray) -> None:
    definitions = (
        RING,
        CUBE,
        "mask small[o, i] = o < 8 and i < 8",
        "topology twice(t) = t >> t",
        "topology wide(k) = ring(k)",
    )
    assert np.array_equal(matrix(text, 16, 16, *definitions), expected)


def test_constants_defaults_and_sizes() -> None:
    definitions = (
        "param gap = 2",
        "let more = gap + 1",
        "mask m(k=more, j=k * gap)[o, i] = i in [o % cols, (o + k) % cols, (o + j) % cols] or o == rows - 1",
    )
    found = matrix("m", 20, 16, *definitions)
    expected = [[i in (o % 16, (o + 3) % 16, (o + 6) % 16) or o == 19 for i in range(16)] for o in range(20)]
    assert np.array_equal(found, np.array(expected, float))


def test_transposing_builds_a_mask_at_swapped_sizes() -> None:
    found = matrix("transpose(m)", 4, 12, "mask m[o, i] = o * cols // rows == i")
    assert np.array_equal(found, np.kron(np.eye(4), np.ones((1, 3))))


def test_arguments_count_at_the_sizes_of_the_place() -> None:
    """Widths inside a cascade are worked out before its parts are built; a mask's arguments have to wait."""
    definition = "mask m(k=rows // (cols - rows))[o, i] = (o - i) % k == 0"
    found = fabric("butterfly >> m", 8, 16, definition)
    assert isinstance(found, Cascade)
    assert found.parts[-1] == Kron(1, 8, 16, 1)


def test_masks_and_standard_topologies_are_one_factor() -> None:
    assert fabric("m", 64, 64, "mask m[o, i] = o // 8 == i // 8") == fabric("block(size=8)", 64, 64)
    assert fabric("cube", 64, 64, CUBE) == fabric("hypercube", 64, 64)
    assert fabric("ring(3)", 64, 64, RING.replace("(o - i)", "(i - o)")) == fabric(
        "ring(3)", 64, 64, "mask ring(k)[o] = { (o + d) % cols for d in 0..k }"
    )


def test_a_mask_is_built_once_for_equal_arguments_and_sizes() -> None:
    body = "input 16\nrepeat 2 { linear 16 via ring >> ring(1); linear 16 via ring(k=1) + ring(1.0) }"
    found = [factor for layer in weighted_layers(network(body, RING)) for factor in factors(layer.fabric)]
    assert len(found) == 8
    assert len({id(factor) for factor in found}) == 2


def test_masks_of_another_file(tmp_path: Path) -> None:
    (tmp_path / "blocks.nf").write_text(f"nf 1\nparam near = 3\n{RING.replace('k=1', 'k=near')}\n", "utf-8")
    (tmp_path / "main.nf").write_text(
        'nf 1\nuse "blocks.nf"\nnetwork n { input 16; linear 16 via ring >> ring(1) }\n', "utf-8"
    )
    layer = load(tmp_path / "main.nf")["n"].ir.body[0]
    assert isinstance(layer, Linear)
    assert np.array_equal(dense_pattern(layer.fabric), RING_1 @ RING_3)


def test_a_mask_may_be_nothing_where_it_says_so() -> None:
    assert edge_count(fabric("m", 4, 4, "mask m[o, i] allow_empty = o == 0 and i == 0")) == 1
    assert edge_count(fabric("m", 4, 4, "mask m[o] allow_empty = { o + cols }")) == 0


@pytest.mark.parametrize(
    ("definition", "wiring", "code", "at", "words"),
    [
        # arguments
        (RING, "ring(1, 2)", "NF206", "2", "takes at most 1 argument"),
        (RING, "ring(kk=1)", "NF206", "kk", "no argument `kk`"),
        (RING, "rinq", "NF201", "rinq", "unknown topology `rinq`"),
        (RING, "ring(auto)", "NF205", "auto", "`k` of the mask `ring` is a value; found `auto`"),
        (RING, "ring(dense)", "NF205", "dense", "found a topology"),
        (RING, "ring(1 // 0)", "NF211", "1 // 0", "division by zero"),
        ("mask m(k=dense)[o, i] = o == i", "m", "NF205", "dense", "found a topology"),
        ("mask m(k)[o, i] = o == i", "m", "NF206", "m", "lacks its argument `k`"),
        # predicates
        ("mask m[o, i] = o + i", "m", "NF205", "o + i", "is a boolean; found an integer, first at (o, i) = (0, 0)"),
        ("mask m[o, i] = i < 3 or i", "m", "NF205", "i", "found an integer, first at (o, i) = (0, 3)"),
        ("mask m[a, b] = a == b or a % (b - 3) == 0", "m", "NF211", "a % (b - 3)", "first at (a, b) = (0, 3)"),
        ("mask m[o, i] = o // (o - 5) == i", "m", "NF211", "o // (o - 5)", "zero, first at (o, i) = (5, 0)"),
        ("mask m[o, i] = i == 2**(o * 8)", "m", "NF421", "2**(o * 8)", "64 bits, first at (o, i) = (8, 0)"),
        ("mask m[o, i] = (o + 2**62) * 2 > i", "m", "NF421", "(o + 2**62) * 2", "first at (o, i) = (0, 0)"),
        ("mask m[o, i] = i < 2**63", "m", "NF421", "2**63", "first at (o, i) = (0, 0)"),
        ("mask m[o, i] = sqrt(o - i) < 2", "m", "NF211", "sqrt(o - i)", "found -1, first at (o, i) = (0, 1)"),
        ("mask m[o, i] = log(i, o) < 2", "m", "NF211", "log(i, o)", "first at (o, i) = (0, 0)"),
        ('mask m[o, i] = o < 5 or i == "x"', "m", "NF205", 'i == "x"', "first at (o, i) = (5, 0)"),
        ("mask m[o, i] = abs(o, i) < 3", "m", "NF206", "abs(o, i)", "called with 2 arguments"),
        ("mask m[o, i] = abs(x=o) < 3", "m", "NF206", "x=o", "by position alone"),
        # sets
        ("mask m[o] = { 6 // (o - 3) }", "m", "NF211", "6 // (o - 3)", "zero, first at o = 3"),
        (
            "mask m[o] = { o } + { d // (o - d) for d in 2..4 }",
            "m",
            "NF211",
            "d // (o - d)",
            "division by zero, first at (o, d) = (2, 2)",
        ),
        ("mask m[o] = { o / 2 }", "m", "NF205", "o / 2", "holds integers; found a float, first at o = 0"),
        ("mask m[o] = { d for d in o }", "m", "NF205", "o", "a range or a list is expected here"),
        ("mask m[o] = { d for d in 0..o / 2 }", "m", "NF205", "0..o / 2", "ends of this range are integers"),
        ("mask m[o] = { d for d in 0..o if d }", "m", "NF205", "d", "`if` takes booleans"),
        ("mask m[o] = { o * 2**60 }", "m", "NF421", "o * 2**60", "first at o = 8"),
        ("mask m[o] = { d for d in 0..10**12 }", "m", "NF716", "{ d for d in 0..10**12 }", "2^32"),
        # neurons without edges
        ("mask m[o, i] = i == o + 1", "m", "NF413", "m", "output 15 first"),
        ("mask m[o] = { 3 }", "m", "NF413", "m", "input 0 first"),
        ("mask m[o] = { o + 16, o - 16 }", "dense >> m", "NF413", "m", "output 0 first"),
    ],
)  # fmt: skip
def test_what_is_wrong(definition: str, wiring: str, code: str, at: str, words: str) -> None:
    _, found = analyse(in_network(f"input 16\nlinear 16 via {wiring}", definition))
    assert [each.code for each in found] == [code]
    assert found[0].span is not None
    assert found[0].span.text == at
    assert words in found[0].message


def test_did_you_mean() -> None:
    _, (found,) = analyse(
        in_network("input 16\nlinear 16 via ring(kay=1)", "mask ring(key=1)[o, i] = o == i")
    )
    assert "`key`" in found.hints[0]


def test_too_many_pairs_show_the_other_form() -> None:
    text = in_network("input 2**17\nlinear 2**17 via near", "mask near[o, i] = abs(o - i) <= 1")
    _, (found,) = analyse(text)
    assert found.code == "NF716"
    assert found.span is not None
    assert found.span.text == "abs(o - i) <= 1"
    assert "`mask near[o] = { o + d for d in -1..1 }`" in found.hints[0]


def test_the_layer_is_named_where_the_mistake_is_in_the_mask() -> None:
    _, (found,) = analyse(in_network("input 16\nlinear 16 via m", "mask m[o, i] = o / i == 1"))
    assert [label.text for label in found.labels] == ["needed here, from 16 to 16"]


def test_each_layer_is_judged() -> None:
    text = in_network(
        "input 16\nlinear 16 via a\nlinear 16 via b", "mask a[o] = { 1 // o }", "mask b[o] = { 2 // o }"
    )
    assert codes(text) == ["NF211", "NF211"]


def test_show_and_check(tmp_path: Path) -> None:
    spec = tmp_path / "cube.nf"
    spec.write_text(
        f"nf 1\n{CUBE}\nmask same[o, i] = popcount(o xor i) <= 1\n"
        "network n { input 64; a: linear 64 via cascade(6, cube); b: linear 64 via same; c: linear 64 via hypercube }\n"
        "check n { a.connected; b.edges == 448; b.fan_in.max == 7; b.paths.max == 1 }\n",
        "utf-8",
    )
    assert nfc(["check", str(spec)]).code == 0
    shown = nfc(["show", str(spec)])
    assert shown.code == 0
    assert "same" in shown.out
    network = load(spec)["n"]
    digests = {str(network[path].digest) for path in ("b", "c")}
    assert len(digests) == 1
