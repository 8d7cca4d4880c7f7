"""Topologies: expressions to fabrics, against dense matrices and the fabrics of the families themselves."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from nfc.diagnostics import Sink
from nfc.ir.fabric import Cascade, Fabric, Sum, depth, edge_count, factors
from nfc.limits import Limits
from nfc.sema.program import topology_fabric
from nfc.topologies import FAMILIES, build
from nfc.topologies.combinators import permutation, shuffled_sum
from tests.build import dense_pattern
from tests.sema.programs import analyse, codes, in_network, network, sound


def fabric(text: str, rows: int = 16, cols: int = 16, *definitions: str) -> Fabric:
    program = sound("\n".join(["nf 1", *definitions, ""]))
    sink = Sink()
    found = topology_fabric(text, rows, cols, sink, Limits(), program)
    assert sink.diagnostics == []
    assert found is not None
    return found


def family(name: str, rows: int = 16, cols: int = 16, **arguments: object) -> NDArray[np.float64]:
    return dense_pattern(build(FAMILIES[name], rows, cols, arguments, limits=Limits()).fabric)


def matrix(text: str, rows: int = 16, cols: int = 16, *definitions: str) -> NDArray[np.float64]:
    return dense_pattern(fabric(text, rows, cols, *definitions))


BUTTERFLY, TORUS, RANDOM = family("butterfly"), family("torus"), family("random", fan_in=3, seed=5)
REVERSE = np.eye(16)[::-1]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("butterfly", BUTTERFLY),
        ("butterfly >> torus", TORUS @ BUTTERFLY),
        ("torus + random(3, seed=5)", TORUS + RANDOM),
        ("torus >> random(3, seed=5) + torus >> butterfly", BUTTERFLY @ (RANDOM + TORUS) @ TORUS),
        ("cascade(3, torus)", TORUS @ TORUS @ TORUS),
        ("cascade(1, torus)", TORUS),
        ("cascade(s in [1, 2]: torus(depth=s))", TORUS @ TORUS @ TORUS),
        ("parallel(2, torus)", 2 * TORUS),
        ("transpose(random(3, seed=5))", RANDOM.T),
        ("transpose(torus >> random(3, seed=5))", (RANDOM @ TORUS).T),
        ('permute("reverse") >> random(3, seed=5)', RANDOM @ REVERSE),
        ('random(3, seed=5) >> permute("reverse")', REVERSE @ RANDOM),
        ('permute("reverse") >> permute("reverse") >> random(3, seed=5)', RANDOM),
        ('torus >> permute("reverse") >> random(3, seed=5)', RANDOM @ REVERSE @ TORUS),
        ('cascade(3, permute("shuffle")) >> permute("shuffle") >> torus', TORUS),
        ('transpose(permute("shuffle")) >> permute("shuffle") >> torus', TORUS),
        ('permute("reverse") >> (torus + random(3, seed=5))', (TORUS + RANDOM) @ REVERSE),
        ("twice(torus)", TORUS @ TORUS),
        ("twice(twice(torus))", TORUS @ TORUS @ TORUS @ TORUS),
        ("mirrored", REVERSE @ BUTTERFLY),
        ("direct_sum(dense, dense)", np.kron(np.eye(2), np.ones((8, 8)))),
    ],
)
def test_square(text: str, expected: NDArray[np.float64]) -> None:
    definitions = (
        "topology twice(t) = t >> t",
        "topology mirrored = butterfly >> back",
        'topology back = permute("reverse")',
    )
    assert np.array_equal(matrix(text, 16, 16, *definitions), expected)


def test_permutations_are_no_factors() -> None:
    assert depth(fabric('permute("shuffle") >> torus >> permute("reverse")')) == 1


def test_shuffle_permutes_as_written() -> None:
    order = permutation("shuffle", 16, 4)
    expected = RANDOM[:, np.argsort(order)]
    assert np.array_equal(matrix('permute("shuffle", radix=4) >> random(3, seed=5)'), expected)


def test_shuffled_parallel() -> None:
    parts = [fabric("random(3, seed=5)")] * 3
    assert np.array_equal(
        matrix("parallel(3, random(3, seed=5), shuffle=9)"), dense_pattern(shuffled_sum(parts, 9))
    )


def test_widths_in_cascades() -> None:
    found = fabric("torus >> dense(width=5) >> random(2, seed=1) >> dense", 7, 16)
    assert isinstance(found, Cascade)
    assert [(part.cols, part.rows) for part in found.parts] == [(16, 16), (16, 5), (5, 5), (5, 7)]


def test_widths_of_definitions_in_cascades() -> None:
    definitions = ("topology neck(k) = dense >> random(2, seed=1, width=k)",)
    found = fabric("neck(4) >> parallel(2, dense(width=6)) >> dense", 3, 8, *definitions)
    assert [part.rows for part in found.parts] == [8, 4, 6, 3]  # type: ignore[union-attr]


def test_a_permutation_behind_the_last_factor() -> None:
    found = matrix('random(3, seed=5) >> permute("reverse")', 10, 16)
    assert np.array_equal(found, family("random", 10, 16, fan_in=3, seed=5)[::-1])


def test_copies_of_different_sizes() -> None:
    found = fabric("cascade(3, random(2, seed=1))", 5, 9)
    assert [(part.cols, part.rows) for part in found.parts] == [(9, 9), (9, 9), (9, 5)]  # type: ignore[union-attr]


def test_transposing_swaps_the_sizes_of_definitions() -> None:
    assert edge_count(fabric("transpose(t)", 4, 8, "topology t = random(cols, seed=1)")) == 32
    assert edge_count(fabric("transpose(random(cols // 2, seed=1))", 4, 8)) == 8 * 4


def test_sizes_are_those_of_the_definition() -> None:
    found = fabric("dense(width=4) >> t", 6, 12, "topology t = random(cols // 2, seed=1)")
    assert edge_count(found) == 4 * 12 + 6 * 2
    found = fabric("t", 6, 12, "topology t = dense(width=4) >> random(cols // 4, seed=1)")
    assert edge_count(found) == 4 * 12 + 6 * 3


def test_topologies_as_arguments_keep_their_surroundings() -> None:
    definitions = (
        "topology outer(k) = inner(random(k, seed=1))",
        "topology inner(t, k=5) = t >> random(k, seed=1)",
    )
    assert [factor.edges for factor in factors(fabric("outer(2)", 16, 16, *definitions))] == [32, 80]


def test_direct_sum_shares() -> None:
    found = matrix("direct_sum(dense, dense, dense, sizes=[1, 2, 1])", 8, 12)
    expected = np.zeros((8, 12))
    for rows, cols in (((0, 2), (0, 3)), ((2, 6), (3, 9)), ((6, 8), (9, 12))):
        expected[slice(*rows), slice(*cols)] = 1
    assert np.array_equal(found, expected)


def test_sums_and_cascades_are_in_normal_form() -> None:
    found = fabric("(torus + torus) + parallel(2, torus)")
    assert isinstance(found, Sum)
    assert len(found.parts) == 4


@pytest.mark.parametrize(
    ("wiring", "expected"),
    [
        ("dense(width=5)", ["NF301"]),
        ("torus >> dense(width=5)", ["NF301"]),
        ("dense + dense(width=5)", ["NF301"]),
        ("dense(width=0) >> dense", ["NF401"]),
        ("cascade(0, dense)", ["NF401"]),
        ("cascade(1.5, dense)", ["NF401"]),
        ("cascade(s in 3..1: dense)", ["NF212"]),
        ("cascade(s in 0.5..2: dense)", ["NF205"]),
        ("cascade(s in 4: dense)", ["NF205"]),
        ("random(auto)", ["NF401"]),
        ("random(0..3)", ["NF205"]),
        ("random(3, seed=-1)", ["NF401"]),
        ('permute("revers") >> dense', ["NF401"]),
        ('permute("reverse")', ["NF411"]),
        ('dense + permute("reverse")', ["NF411"]),
        ('cascade(2, permute("reverse"))', ["NF411"]),
        ("direct_sum(dense, dense, sizes=[1])", ["NF206"]),
        ("direct_sum(dense, dense, sizes=[1, 0])", ["NF401"]),
        ("direct_sum(dense, dense, sizes=[1, 100])", ["NF301"]),
        ("direct_sum(dense, cascade(2, dense))", ["NF402"]),
        ("t(auto)", ["NF205"]),
        ("kron(dense, dense, size=3)", ["NF301"]),
        ("random(rows / 2)", ["NF401"]),
    ],
)
def test_errors(wiring: str, expected: list[str]) -> None:
    text = in_network(f"input 16\nlinear 16 via {wiring}", "topology t(x) = x >> dense")
    assert codes(text) == expected


def test_a_text_without_a_program() -> None:
    sink = Sink()
    found = topology_fabric("butterfly(radix=4)", 1024, 1024, sink, Limits())
    assert found is not None
    assert edge_count(found) == 5 * 4 * 1024
    assert topology_fabric("buterfly", 4, 4, sink, Limits()) is None
    assert topology_fabric("butterfly(", 4, 4, sink, Limits()) is None
    assert topology_fabric("random(9)", 4, 4, sink, Limits()) is None
    assert [d.code[:3] for d in sink.diagnostics] == ["NF2", "NF1", "NF3"]


def test_permutations_behind_a_width_leave_it() -> None:
    definition = 'topology t = dense(width=3) >> permute("reverse")'
    found = network("input 8\nlinear 4 via t >> dense", definition).body[0]
    assert edge_count(found.fabric) == 8 * 3 + 3 * 4  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("wiring", "code", "words"),
    [
        ("dense(width=auto) >> dense", "NF401", "it has no `auto`"),
        ("cascade(2, s in 0..1: dense)", "NF206", "`cascade` takes `s in range: t` alone"),
    ],
)
def test_messages(wiring: str, code: str, words: str) -> None:
    _, (found,) = analyse(in_network(f"input 8\nlinear 8 via {wiring}"))
    assert found.code == code
    assert words in found.message
