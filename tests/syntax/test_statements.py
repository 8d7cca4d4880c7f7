"""Definitions, operations and assertions: what the syntax tree says of them."""

from __future__ import annotations

import pytest

from nfc.syntax import ast
from tests.syntax.trees import assertions, codes, expression, parsed, shape, sound, statements

LANGUAGE = """nf 1                                    # the edition, first statement of every file

use "blocks.nf"                         # the masks, topologies, networks and constants of another file

param width = 1024                      # can be overridden: nfc check mnist.nf -D width=2048
param layers = 2
let   half  = width // 2                # a constant; cannot be overridden

mask ring(k=1)[o, i] = (o - i) % cols <= k                     # predicate form
mask cube[o] = { o } + { o xor 2**b for b in 0..<log2(cols) }  # neighbour form, costs O(edges)

topology mixer(r) = parallel(2, butterfly(radix=r))
topology hop      = cube >> ring(2) >> cube

network mnist {
    input [28, 28]
    flatten
    pad width
    repeat layers {
        linear width via mixer(32)
        relu
    }
    head: linear 10
}

check mnist {
    params <= 310k
    depth <= 5
    each linear { connected; fan_out.max <= 64 }
    head.density == 100%
    variance.forward in 0.5..2 as "signals must survive"
}
"""


def test_the_example_of_the_language() -> None:
    file, diagnostics = parsed(LANGUAGE)
    assert diagnostics == []
    assert [type(definition).__name__ for definition in file.definitions] == [
        *(
            "Use",
            "Constant",
            "Constant",
            "Constant",
            "Mask",
            "Mask",
            "Topology",
            "Topology",
            "Network",
            "Check",
        ),
    ]
    assert file.span.text == LANGUAGE
    assert [definition.span.line for definition in file.definitions] == [3, 5, 6, 7, 9, 10, 12, 13, 15, 26]


def test_a_use() -> None:
    (use,) = sound('use "a/b c.nf"').definitions
    assert (use.path, use.path_span.text) == ("a/b c.nf", '"a/b c.nf"')


def test_constants() -> None:
    first, second = sound("param a = 1\nlet b = a").definitions
    assert (first.name, first.overridable, first.name_span.text) == ("a", True, "a")
    assert (second.name, second.overridable, second.span.text) == ("b", False, "let b = a")


def test_a_mask_in_predicate_form() -> None:
    (mask,) = sound("mask ring(k, m=2,)[o, i,] allow_empty = o == i").definitions
    assert isinstance(mask, ast.Mask)
    assert (mask.name, mask.output, mask.input, mask.allow_empty) == ("ring", "o", "i", True)
    assert [(each.name, shape(each.default)) for each in mask.parameters] == [
        ("k", None),
        ("m", shape(expression("2"))),
    ]
    assert (mask.output_span.text, mask.input_span.text) == ("o", "i")


def test_a_mask_in_neighbour_form() -> None:
    (mask,) = sound(
        "mask cube[o] = { o xor 2**b + c for b in 0..<3 for c in 1..b if c > 1 if b != c }"
    ).definitions
    assert (mask.input, mask.input_span, mask.allow_empty) == (None, None, False)
    assert [type(clause) for clause in mask.body.clauses] == [ast.For, ast.For, ast.If, ast.If]
    assert (mask.body.clauses[1].name, mask.body.clauses[1].name_span.text) == ("c", "c")
    assert len(mask.body.elements) == 1


def test_a_topology() -> None:
    (topology,) = sound("topology t(r=2, s) = f(r) >> g").definitions
    assert [each.name for each in topology.parameters] == ["r", "s"]
    assert topology.body.span.text == "f(r) >> g"
    (plain,) = sound("topology t() = dense").definitions
    assert plain.parameters == ()


def test_an_operation_with_all_its_parts() -> None:
    (operation,) = statements("enc: conv a + 1 3 x kernel=[3, 3] bias=not b via f(2) >> g")
    assert isinstance(operation, ast.Operation)
    assert (operation.label, operation.name) == ("enc", "conv")
    assert (operation.label_span.text, operation.name_span.text) == ("enc", "conv")
    assert [each.span.text for each in operation.positionals] == ["a + 1", "3", "x"]
    assert [(each.name, each.value.span.text) for each in operation.keywords] == [
        ("kernel", "[3, 3]"),
        ("bias", "not b"),
    ]
    assert operation.keywords[0].name_span.text == "kernel"
    assert operation.via.span.text == "f(2) >> g"
    assert operation.blocks == ()
    assert operation.span.text.startswith("enc: conv")
    assert operation.span.text.endswith(">> g")


@pytest.mark.parametrize(
    ("text", "positionals"),
    [
        ("linear -5", ["-5"]),
        ("linear 5 -3", ["5 -3"]),
        ("linear (128)", ["(128)"]),
        ("linear(128)", ["(128)"]),
        ("linear (a + b) * 2", ["(a + b) * 2"]),
        ("linear f (3) x", ["f (3)", "x"]),
        ("embed 100 32", ["100", "32"]),
        ("embed vocab dim", ["vocab", "dim"]),
        ('thing "a" "b"', ['"a"', '"b"']),
        ("input [28, 28]", ["[28, 28]"]),
        ("dropout 10%", ["10%"]),
        ("relu", []),
    ],
)
def test_positionals(text: str, positionals: list[str]) -> None:
    (operation,) = statements(text)
    assert [each.span.text for each in operation.positionals] == positionals


def test_blocks() -> None:
    repeat, residual, total = statements(
        "repeat n { relu; tanh }\nr: residual project=true { relu }\nsum { { relu } { repeat 2 { relu } } }"
    )
    assert [each.name for each in repeat.blocks[0].statements] == ["relu", "tanh"]
    assert (residual.label, residual.keywords[0].name, len(residual.blocks)) == ("r", "project", 1)
    assert [len(block.statements) for block in total.blocks] == [1, 1]
    assert total.blocks[0].span.text == "{ relu }"


def test_empty_blocks_and_branches() -> None:
    repeat, total, branch = statements("repeat 2 {}; sum {}; concat { {} }")
    assert [len(each.blocks) for each in (repeat, total, branch)] == [1, 0, 1]


def test_init_is_a_statement_before_a_name_and_an_operation_otherwise() -> None:
    first, second, third, fourth = statements("init orthogonal; init; init a=1; init: relu")
    assert isinstance(first, ast.Init)
    assert (first.scheme, first.scheme_span.text) == ("orthogonal", "orthogonal")
    assert [second.name, third.name, third.keywords[0].name, fourth.label] == ["init", "init", "a", "init"]


def test_assertions() -> None:
    comparison, chain, bare, reason = assertions(
        '(a.b) <= 5\n1 <= depth < 9\nconnected\nvariance.forward in 0.5..2 as "why: a, b"'
    )
    assert [each.text for each in (comparison, chain, bare)] == ["(a.b) <= 5", "1 <= depth < 9", "connected"]
    assert (reason.text, reason.reason) == ("variance.forward in 0.5..2", "why: a, b")
    assert comparison.reason is None
    assert reason.span.text.endswith('as "why: a, b"')


def test_each() -> None:
    (each,) = assertions("each linear { connected; each layer { reach == 1 } }")
    assert (each.kind, each.kind_span.text) == ("linear", "linear")
    assert [type(inner).__name__ for inner in each.statements] == ["Assertion", "EachLayer"]


@pytest.mark.parametrize(
    "text",
    [
        "use 'a'",
        "let a",
        "let = 1",
        "mask m = 1",
        "mask m[] = 1",
        "topology t",
        "network n",
        "check n",
        "check n = 1",
    ],
)
def test_definitions_that_are_none(text: str) -> None:
    file, diagnostics = parsed(f"nf 1\n{text}\nlet z = 1\n")
    assert len(diagnostics) == 1
    first, last = file.definitions
    assert isinstance(first, ast.BadDefinition)
    assert first.kind == text.split()[0]
    assert shape(last) == shape(sound("let z = 1").definitions[0])


@pytest.mark.parametrize(
    ("text", "name"), [("let a 5", "a"), ("topology t { }", "t"), ("mask = 1", None), ("import x", None)]
)
def test_the_name_of_what_could_not_be_parsed(text: str, name: str | None) -> None:
    (definition,) = parsed(f"nf 1\n{text}\n")[0].definitions
    assert definition.name == name


def test_a_network_whose_header_is_wrong_keeps_its_name_and_its_body() -> None:
    file, diagnostics = parsed("nf 1\nnetwork m(x) { relu; linear ; tanh }\ncheck m: { depth <= 1 }\n")
    assert [diagnostic.code for diagnostic in diagnostics] == ["NF111", "NF111"]
    network, check = file.definitions
    assert (network.name, network.name_span.text, len(network.body.statements)) == ("m", "m", 3)
    assert (check.network, len(check.statements)) == ("m", 1)


def test_a_wrong_statement_stands_between_its_neighbours() -> None:
    file, diagnostics = parsed(
        "nf 1\nnetwork m {\n  input 4\n  linear , 5\n  repeat ) 2 { relu }\n  tanh\n}\n"
    )
    assert len(diagnostics) == 2
    (network,) = file.definitions
    kinds = [type(each).__name__ for each in network.body.statements]
    assert kinds[:2] == ["Operation", "BadStatement"]
    assert kinds[-1] == "Operation"


def test_a_wrong_assertion_stands_between_its_neighbours() -> None:
    file, _ = parsed("nf 1\ncheck m {\n  depth <= 5\n  each { connected }\n  depth = 5\n  edges <= 5\n}\n")
    (check,) = file.definitions
    assert [type(each).__name__ for each in check.statements] == [
        "Assertion",
        "BadStatement",
        "BadStatement",
        "Assertion",
    ]


def test_what_is_malformed_after_parsing_is_a_bad_statement() -> None:
    file, diagnostics = parsed(
        "nf 1\nnetwork m { input 4; linear 1e999; sum { relu }; repeat 2 { {relu} }; let a = 1 }\n"
    )
    assert [diagnostic.code for diagnostic in diagnostics] == ["NF711", "NF109", "NF109", "NF106"]
    (network,) = file.definitions
    assert [type(each).__name__ for each in network.body.statements] == ["Operation", *["BadStatement"] * 4]


def test_a_statement_with_an_unclosed_bracket_says_that_alone() -> None:
    assert codes("nf 1\nlet a = f(1 2, * 3\nlet b = 1\n") == ["NF103"]


def test_two_numbers_that_are_too_large_are_two_mistakes() -> None:
    assert codes("nf 1\nlet a = [1e999, 1e999]\n") == ["NF711", "NF711"]
