"""The mask algebra in `.nf` texts: precedence, sizes, names, seeds, and the rule of empty neurons."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from nfc.diagnostics import Sink, describe
from nfc.ir.digest import fabric_digest
from nfc.ir.fabric import Cascade, Sum, edge_count, factors
from nfc.ir.factors import Factor
from nfc.ir.network import Linear
from nfc.limits import Limits
from nfc.sema.program import topology_fabric
from nfc.sema.seeds import automatic_seed
from tests.build import dense_pattern
from tests.sema.programs import analyse, codes, in_network, network, sound
from tests.sema.test_wiring import fabric, family, matrix

Pattern = NDArray[np.bool_]

DEFINITIONS = ("topology a = band(2)", "topology b = random(3, seed=5)", "topology c = block(count=4)")


def found(text: str, rows: int, cols: int, *definitions: str) -> Pattern:
    """The pattern of an expression of one factor, which may leave neurons without an edge."""
    program, sink = sound("\n".join(["nf 1", *definitions, ""])), Sink()
    factor = topology_fabric(text, rows, cols, sink, Limits(), program)
    assert isinstance(factor, Factor)
    assert {diagnostic.code for diagnostic in sink.diagnostics} <= {"NF412"}
    return dense_pattern(factor) > 0


@pytest.mark.parametrize(("rows", "cols"), [(16, 16), (12, 20), (20, 12)])
def test_operators(rows: int, cols: int) -> None:
    a = family("band", rows, cols, width=2) > 0
    b = family("random", rows, cols, fan_in=3, seed=5) > 0
    c = family("block", rows, cols, count=4) > 0
    for text, expected in {
        "a | b": a | b,
        "a & c": a & c,
        "c - b": c & ~b,
        "~a": ~a,
        "~~a": a,
        "dense - a - b - c": ~a & ~b & ~c,
        "dense - (a - c)": ~(a & ~c),
        "a | b & c": a | (b & c),
        "a | dense - c": ~c,
        "dense - a | c": ~(a | c),
        "~a & dense": ~a,
        "~(a | b)": ~(a | b),
        "c & ~b | a": (c & ~b) | a,
        "a | b | c | a": a | b | c,
        "transpose(transpose(a) | transpose(c))": a | c,
    }.items():
        np.testing.assert_array_equal(found(text, rows, cols, *DEFINITIONS), expected, err_msg=text)


def test_sums_and_cascades_of_the_algebra() -> None:
    summed = fabric("a - b + c | a", 16, 16, *DEFINITIONS)
    assert isinstance(summed, Sum)
    assert [
        part.edges for part in factors(summed)
    ] == [  # `-` and `+` are of one precedence, `|` binds closer
        edge_count(fabric(text, 16, 16, *DEFINITIONS)) for text in ("a - b", "c | a")
    ]
    cascaded = fabric("dense(width=8) | a >> c & dense", 12, 16, "topology a = dense", DEFINITIONS[2])
    assert isinstance(cascaded, Cascade)
    assert [(part.rows, part.cols) for part in cascaded.parts] == [(8, 16), (12, 8)]


def test_an_absorbed_permutation_is_no_factor() -> None:
    expected = matrix('permute("reverse") >> random(3, seed=5)') + matrix("diagonal") > 0
    np.testing.assert_array_equal(
        found('(permute("reverse") >> random(3, seed=5)) | diagonal', 16, 16), expected
    )


def test_topologies_as_arguments() -> None:
    definitions = (
        *DEFINITIONS,
        "topology both(x, y) = x | y",
        "topology but(x, y) = x - y",
        "topology no(x) = ~x",
    )
    for text, same in {
        "both(a, b)": "a | b",
        "both(a & c, no(b))": "(a & c) | ~b",
        "but(dense, both(a, b))": "~(a | b)",
        "no(no(a))": "a",
        "both(a, but(b, c))": "a | (b & ~c)",
        "both(a - b, c)": "(a & ~b) | c",
    }.items():
        assert fabric_digest(fabric(text, 16, 16, *definitions)) == fabric_digest(
            fabric(same, 16, 16, *definitions)
        )


@pytest.mark.parametrize(("rows", "cols"), [(16, 16), (12, 20)])
def test_kron(rows: int, cols: int) -> None:
    outer = family("random", rows // 4, cols // 4, fan_in=2, seed=1)
    inner = family("band", 4, 4)
    for text, expected in {
        "kron(random(2, seed=1), band(1), size=4)": np.kron(outer, inner),
        "kron(random(rows // 6, seed=1), band(1), size=4)": np.kron(outer, inner),
        "kron(random(2, seed=1), ~band(1), 4)": np.kron(outer, 1 - inner),
        "kron(~random(2, seed=1), diagonal | band(1), 4)": np.kron(1 - outer, inner),
        "kron(dense, diagonal, size=4)": np.kron(np.ones_like(outer), np.eye(4)),
        "kron(random(2, seed=1), kron(dense, diagonal, size=2), size=4)": np.kron(
            outer, np.kron(np.ones((2, 2)), np.eye(2))
        ),
    }.items():
        np.testing.assert_array_equal(found(text, rows, cols), expected > 0, err_msg=text)


def test_places_of_automatic_seeds() -> None:
    definitions = ("topology t = random(3)", "topology both(x, y) = x | y")
    for text, places in {
        "random(3) | random(3) | random(3)": ["0", "1", "2"],
        "random(3) | t & random(3)": ["0", "1.0", "1.1"],
        "dense - random(3) - random(3)": ["1", "2"],
        "dense & ~~random(3)": ["1"],
        "both(t, random(3))": ["0", "1"],
        "diagonal >> random(3) | random(3)": ["1.0", "1.1"],
    }.items():
        seeds = ", ".join(str(automatic_seed("n", "linear1", place)) for place in places)
        written = text.replace("t &", "random(3) &").replace("both(t, random(3))", "random(3) | random(3)")
        for seed in seeds.split(", "):
            written = written.replace("random(3)", f"random(seed={seed}, fan_in=3)", 1)
        automatic, by_hand = (
            network(f"input 32\nlinear 32 via {wiring}", *definitions).body[0] for wiring in (text, written)
        )
        assert isinstance(automatic, Linear)
        assert isinstance(by_hand, Linear)
        assert fabric_digest(automatic.fabric) == fabric_digest(by_hand.fabric)
    (layer,) = network("input 32\nlinear 32 via kron(random(2), random(2), size=8)").body
    assert isinstance(layer, Linear)
    a, b = (automatic_seed("n", "linear1", place) for place in "01")
    expected = np.kron(family("random", 4, 4, fan_in=2, seed=a), family("random", 8, 8, fan_in=2, seed=b))
    np.testing.assert_array_equal(np.repeat(np.arange(32), 4), np.nonzero(expected)[0])
    np.testing.assert_array_equal(
        np.concatenate([f.arrays()[1] for f in factors(layer.fabric)]), np.nonzero(expected)[1]
    )


def test_complements_are_not_written_out_on_the_way() -> None:
    definitions = ("topology far = ~band(2)", "topology drop(x) = ~x")
    for text in (
        "random(4, seed=1) - band(2)",
        "random(4, seed=1) & far",
        "drop(drop(random(4, seed=1)) | band(2))",
    ):
        wide = fabric(text, 2**17, 2**17, *definitions)
        assert edge_count(wide) in range(4 * 2**17 - 100, 4 * 2**17)


def test_edges_of_operands_are_not_those_of_the_network() -> None:
    body = "input 64\nlinear 64 via dense - band(10)\nlinear 64 via dense"
    most = 2 * 64 * 64
    assert codes(in_network(body), limits=Limits(edges=most)) == []
    assert codes(in_network(body), limits=Limits(edges=most - 2000)) == ["NF714"]


@pytest.mark.parametrize(
    ("wiring", "expected", "at", "words"),
    [
        ("dense | butterfly", "NF403", "butterfly", "this is a cascade of 6 factors"),
        ("~(dense + band(1))", "NF403", "(dense + band(1))", "this is a sum of 2 factors"),
        ("kron(pair, dense, size=2)", "NF403", "pair", "this is a cascade of 2 factors"),
        ('dense & kron(dense, permute("reverse"), 2)', "NF411", 'permute("reverse")', "no weights"),
        ("kron(dense, dense, size=7)", "NF301", "7", "`size=7` does not divide the 64 inputs and 48 outputs"),
        ("dense & kron(dense, dense, 5)", "NF301", "5", "`size=4` divides both"),
        ("kron(dense, dense, size=0)", "NF401", "0", "`size`"),
    ],
)  # fmt: skip
def test_errors(wiring: str, expected: str, at: str, words: str) -> None:
    text = in_network(f"input 64\nlinear 48 via {wiring}", "topology pair = dense >> dense")
    _, (diagnostic,) = analyse(text)
    assert (diagnostic.code, diagnostic.span and diagnostic.span.text) == (expected, at)
    assert words in describe(diagnostic)


def test_what_is_too_large_is_found_by_formula() -> None:
    for text in ("~band(1)", "kron(random(64), ~random(1), size=1024)"):
        (code,) = codes(in_network(f"input 131072\nlinear 131072 via {text}"))
        assert code == "NF714"


# --- empty neurons ---

MASKS = (
    "mask up[o] = { o + 1 }",  # no edge of the last output and the first input
    "mask down[o] = { o - 1 }",
    "mask few[o, i] allow_empty = o == i and o > 2",
    "mask even[o, i] = o % 2 == i % 2",
    "mask odd[o, i] = o % 2 != i % 2",
    "topology named = up",
    "topology both(x, y) = x | y",
)


@pytest.mark.parametrize(
    ("wiring", "expected"),
    [
        ("up", "`up` leaves neurons without an edge, output 15 first"),
        ("down", "`down` leaves neurons without an edge, output 0 first"),
        ("transpose(up)", "`up`, transposed, leaves neurons without an edge, output 0 first"),
        ("transpose(transpose(up))", "`up` leaves neurons without an edge, output 15 first"),
        ("named", "output 15 first"),
        ("up | down", None),
        ("named | down", None),
        ("both(up, down)", None),
        ("up & down", "`up & down` leaves neurons without an edge, output 0 first"),
        ("even & odd", "output 0 first"),
        ("~(even | odd)", "output 0 first"),
        ("even - few", None),
        ("(even & odd) - few", None),
        ("few", None),
        ("dense >> up", "output 15 first"),
        ("up >> dense", "output 15 first"),
        ("(up | down) >> (up | down)", None),
        ("(named | down) >> (named & dense | down)", None),
        ("(named | down) >> (named & diagonal)", "output 0 first"),
        ("up + dense", "output 15 first"),
        ("parallel(2, up | diagonal, shuffle=1)", None),
        ("cascade(3, named)", "output 15 first"),
        ("direct_sum(dense, up)", "output 15 first"),
        ("direct_sum(up, dense)", "output 7 first"),
        (
            "kron(up, dense, size=4)",
            "`kron(up, dense, size=4)` leaves neurons without an edge, output 12 first",
        ),
        ("kron(diagonal, up | down, size=4)", None),
        ("bernoulli(20%, seed=1) | up | down", None),
        ("diagonal - up", None),
    ],
)
def test_empty_neurons_of_masks(wiring: str, expected: str | None) -> None:
    _, diagnostics = analyse(in_network(f"input 16\nlinear 16 via {wiring}", *MASKS))
    if expected is None:
        assert diagnostics == []
    else:
        (diagnostic,) = diagnostics
        assert diagnostic.code == "NF413"
        assert expected in diagnostic.message


def test_an_empty_input_is_named_where_outputs_have_edges() -> None:
    _, (diagnostic,) = analyse(in_network("input 16\nlinear 16 via m", "mask m[o] = { o // 2 }"))
    assert "input 8 first" in diagnostic.message


def test_masks_that_could_allow_it_are_shown() -> None:
    _, (diagnostic,) = analyse(in_network("input 16\nlinear 16 via even & odd & dense", *MASKS))
    assert sorted(label.span.text for label in diagnostic.labels if label.text == "this mask") == [
        "even",
        "odd",
    ]


@pytest.mark.parametrize(
    ("wiring", "expected"),
    [
        ("diagonal - band(1)", ["NF412"]),
        ("~dense", ["NF412"]),
        ("band(2) & block(size=4)", []),
        ("bernoulli(1%, seed=1) | diagonal", []),
        ("bernoulli(1%, seed=1)", ["NF412"]),
        ("bernoulli(1%, seed=1) + diagonal", []),
        ("(diagonal - band(1)) + dense", []),
        ("kron(bernoulli(1%, seed=1), dense, size=2)", ["NF412"]),
    ],
)
def test_empty_neurons_of_standard_topologies(wiring: str, expected: list[str]) -> None:
    assert codes(in_network(f"input 16\nlinear 16 via {wiring}")) == expected


def test_operands_are_no_factors_of_the_topology() -> None:
    """A cascade of as many factors as there may be, each made of two."""
    limits = Limits(operations=50)
    text = in_network("input 8\nlinear 8 via cascade(40, random(fan_in=1) | diagonal)")
    assert codes(text, limits=limits) == []
