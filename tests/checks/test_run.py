"""Check blocks on networks made by hand: what names mean, what is measured, what failures say."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from textwrap import indent

import numpy as np
import pytest

from nfc.checks import Result, run
from nfc.diagnostics import Diagnostic, Severity, Sink
from nfc.ir.fabric import Cascade, cascade
from nfc.ir.factors import Kron
from nfc.ir.network import Activation, Block, Inline, Linear, Network, Repeat, Sum
from nfc.limits import Limits
from nfc.sema.scope import Entry, Scope
from nfc.sema.values import Value
from nfc.source import Source
from nfc.syntax import ast, parse
from tests.build import butterfly, edges_of, linear, network
from tests.strategies import initialised

GAP = "no path leads from input 0 to output 4; 32 of 64 pairs have none"
LONGEST = (
    "the longest path is `repeat1.0.linear1` (3) → `repeat1.0.narrow` → `repeat1.1.linear1` (3) → "
    "`repeat1.1.narrow` → 4 more → `head`"
)
HALVES = edges_of(np.kron(np.eye(2, dtype=int), np.ones((4, 4), int)))


def relu(path: str) -> Activation:
    return Activation(path=path, input=(8,), output=(8,), function="relu")


def copy(path: str, number: int, *, broken: int | None = None) -> Block:
    at = f"{path}.{number}"
    fabric = HALVES if number == broken else butterfly(8)
    return (linear(f"{at}.linear1", fabric), relu(f"{at}.relu1"), linear(f"{at}.narrow", Kron(8, 1, 1, 1)))


def repeat(path: str, count: int, *, broken: int | None = None) -> Repeat:
    copies = tuple(copy(path, number, broken=broken) for number in range(count))
    return Repeat(path=path, input=(8,), output=(8,), copies=copies)


def example(*, broken: int | None = None) -> Network:
    """repeat1 (3 × linear1, relu1, narrow), sum1 (butterfly + dense), enc1 (first), head."""
    branches = ((linear("sum1.0.linear1", butterfly(8)),), (linear("sum1.1.linear1", Kron(1, 8, 8, 1)),))
    made = network(
        "net",
        (
            repeat("repeat1", 3, broken=broken),
            Sum(path="sum1", input=(8,), output=(8,), branches=branches),
            Inline(path="enc1", input=(8,), output=(8,), network="enc", body=(linear("enc1.first", HALVES),)),
            linear("head", Kron(1, 4, 8, 1)),
        ),
    )
    return initialised(made, np.random.default_rng(0))


@dataclass
class Program:
    checks: tuple[ast.Check, ...]
    networks: Mapping[str, Network]
    constants: Mapping[str, Value] = field(default_factory=dict)
    broken: frozenset[str] = frozenset()
    scope: Scope = field(default_factory=lambda: Scope(parse_file("nf 1\n")))


def parse_file(text: str, name: str = "net.nf") -> ast.File:
    sink = Sink()
    file = parse(Source(name, text), sink, Limits())
    assert not sink.diagnostics
    return file


@dataclass
class Outcome:
    results: tuple[Result, ...]
    diagnostics: list[Diagnostic]

    @property
    def only(self) -> Result:
        assert len(self.results) == 1, self
        return self.results[0]

    @property
    def error(self) -> Diagnostic:
        assert len(self.diagnostics) == 1, self
        return self.diagnostics[0]


def check(
    body: str, made: Network | None = None, *, constants: Mapping[str, Value] | None = None, name: str = "net"
) -> Outcome:
    text = f"nf 1\ncheck {name} {{\n{indent(body, '    ')}\n}}\n"
    sink = Sink()
    networks = {"net": made or example()}
    checks = tuple(each for each in parse_file(text).definitions if isinstance(each, ast.Check))
    results = run(Program(checks, networks, constants or {}), networks, sink, Limits())
    return Outcome(results, sink.diagnostics)


# --- truth and measured values ------------------------------------------------------------------


@pytest.mark.parametrize(
    ("assertion", "measured"),
    [
        ("depth <= 15", 3 * 4 + 3 + 1 + 1),
        ("edges >= 1k", 3 * (48 + 8) + 48 + 64 + 32 + 32),
        ("bytes == 4 * params", 4 * (3 * (48 + 8 + 16) + 48 + 64 + 16 + 32 + 8 + 32 + 4)),
        ("10 <= edges < 1k", 344),
        ("edges / 4 in 80..90", 86.0),
        ("head.density == 100%", 1.0),
        ("100% == head.density", 1.0),
        ("head.fan_in.max == 8", 8),
        ("head.connected", True),
        ("not enc1.first.connected", False),
        ("min(head.edges, 3) == 3", 3),
        ("head.edges <= limit", 32),
        ("head.edges == sum1.1.linear1.edges // 2", 32),
        ("1 < 2", 1),
        ("true", True),
        ("head.connected and depth < 30", "head.connected = true, depth = 17"),
    ],
)
def test_truth_and_measured_value(assertion: str, measured: object) -> None:
    found = check(assertion, constants={"limit": 40})
    result = found.only
    expected_ok = assertion not in ("depth <= 15", "edges >= 1k")
    assert (result.ok, result.measured, type(result.measured)) == (expected_ok, measured, type(measured))
    assert result.assertion == assertion
    assert [d.code for d in found.diagnostics] == [] if expected_ok else ["NF501"]


def test_all_assertions_run() -> None:
    found = check('depth < 1 as "fast"\nedges > 1\nparams < 1; connected_all\nhead.reach >= 50%')
    assert [result.ok for result in found.results] == [False, True, False, False, True]
    assert [result.measured for result in found.results] == [17, 344, 420, None, 1.0]
    assert [d.code for d in found.diagnostics] == ["NF501", "NF501", "NF502"]
    assert [result.reason for result in found.results] == ["fast", None, None, None, None]


def test_a_property_comes_before_a_path_and_a_path_before_a_constant() -> None:
    made = network("net", (linear("depth", Kron(1, 8, 8, 1)), linear("width", Kron(1, 8, 8, 1))))
    assert check("depth == 2", made, constants={"depth": 9}).only.ok
    assert check("width == 9", made, constants={"width": 9}).error.code == "NF503"
    assert check("depth.edges == 64", made).only.ok


# --- layers and copies ---------------------------------------------------------------------------


def test_each_visits_every_layer_once_for_all_copies() -> None:
    found = check("each linear { fan_in.max <= 8 }")
    layers = ["repeat1.linear1", "repeat1.narrow", "sum1.0.linear1", "sum1.1.linear1", "enc1.first", "head"]
    assert [result.layer for result in found.results] == layers
    assert [result.measured for result in found.results] == [2, 1, 2, 8, 4, 8]
    assert all(result.ok for result in found.results)


def test_each_reports_a_failing_copy_by_its_own_path() -> None:
    found = check("each layer { connected or edges < 10 }", example(broken=1))
    failed = [result for result in found.results if not result.ok]
    assert [result.layer for result in failed] == ["repeat1.1.linear1", "enc1.first"]
    assert [d.code for d in found.diagnostics] == ["NF501", "NF501"]
    assert "for `repeat1.1.linear1`" in found.diagnostics[0].message


def test_a_path_into_a_repeat_means_every_copy() -> None:
    assert check("repeat1.linear1.connected").only.ok
    found = check("repeat1.linear1.connected", example(broken=2))
    assert (found.only.ok, found.only.measured, found.only.layer) == (False, False, "repeat1.2.linear1")
    assert "for `repeat1.2.linear1`: repeat1.linear1.connected is false" in found.error.message
    assert found.only.evidence == GAP
    assert found.error.hints == (found.only.evidence,)


def test_one_copy_can_be_named() -> None:
    made = example(broken=2)
    assert check("repeat1.1.linear1.connected", made).only.ok
    assert not check("repeat1.2.linear1.connected", made).only.ok


@pytest.mark.parametrize(
    ("assertion", "failing"),
    [
        ("repeat1.0.linear1.edges == repeat1.1.linear1.edges", None),
        ("repeat1.0.linear1.edges == repeat1.2.linear1.edges", "repeat1.0.linear1"),
        ("repeat1.linear1.edges == repeat1.0.linear1.edges", "repeat1.2.linear1"),
        ("repeat1.0.linear1.edges == repeat1.linear1.edges", "repeat1.0.linear1"),
        ("repeat1.narrow.edges < repeat1.2.linear1.edges", None),
        ("repeat1.linear1.edges + repeat1.narrow.edges > repeat1.1.linear1.edges", "repeat1.2.linear1"),
    ],
)
def test_a_written_copy_is_compared_with_every_other(assertion: str, failing: str | None) -> None:
    found = check(assertion, example(broken=2)).only
    assert (found.ok, found.layer if not found.ok else None) == (failing is None, failing)


def test_each_compares_every_copy_with_a_written_one() -> None:
    found = check("each linear { edges == repeat1.0.linear1.edges or edges < 40 }", example(broken=2))
    by_layer = {result.layer: result.ok for result in found.results}
    assert by_layer.pop("sum1.1.linear1") is False
    assert all(by_layer.values())
    found = check("each linear { edges != repeat1.2.linear1.edges }", example(broken=2))
    failed = [result.layer for result in found.results if not result.ok]
    assert failed == ["repeat1.2.linear1", "enc1.first", "head"]


def test_layers_without_a_common_copy_are_an_error() -> None:
    first, second = linear("repeat1.0.a", HALVES), linear("repeat1.1.b", HALVES)
    made = network("net", (Repeat(path="repeat1", input=(8,), output=(8,), copies=((first,), (second,))),))
    found = check("repeat1.a.edges == repeat1.b.edges", made)
    assert (found.only.ok, found.only.measured, found.error.code) == (False, None, "NF502")


def test_copies_that_differ_are_measured_as_a_range() -> None:
    found = check("repeat1.linear1.edges > 1", example(broken=2))
    assert (found.only.ok, found.only.measured, found.only.text) == (True, "32..48", "32..48")


def test_layers_of_one_repeat_are_asked_in_step() -> None:
    made = example(broken=1)
    in_step = check("repeat1.linear1.edges == 48 or repeat1.linear1.edges + repeat1.narrow.edges == 40", made)
    assert in_step.only.ok


def test_layers_of_two_repeats_are_asked_in_all_combinations() -> None:
    made = network("net", (repeat("a", 2, broken=0), repeat("b", 2, broken=1)))
    found = check("a.linear1.edges <= b.linear1.edges", made)
    assert not found.only.ok
    assert found.error.message == (
        "`a.linear1.edges <= b.linear1.edges` does not hold for `a.1.linear1`: "
        "a.linear1.edges is 48; b.linear1.edges is 32"
    )


def test_copies_of_nested_repeats() -> None:
    inner = tuple(repeat(f"repeat1.{number}.deep", 2, broken=number) for number in range(2))
    made = network(
        "net", (Repeat(path="repeat1", input=(8,), output=(8,), copies=tuple((op,) for op in inner)),)
    )
    found = check("repeat1.deep.linear1.connected", made)
    assert found.only.layer == "repeat1.0.deep.0.linear1"
    assert "(and 1 more of 4 copies)" in found.error.message
    assert check("repeat1.1.deep.0.linear1.connected", made).only.ok
    assert check("repeat1.0.deep.narrow.edges < repeat1.1.deep.linear1.edges", made).only.ok
    assert check("repeat1.0.deep.0.linear1.edges == repeat1.1.deep.1.linear1.edges", made).only.ok
    assert not check("repeat1.0.deep.linear1.edges == repeat1.1.deep.linear1.edges", made).only.ok
    assert not check("repeat1.deep.linear1.edges == repeat1.1.deep.linear1.edges", made).only.ok
    assert not check("repeat1.deep.linear1.edges == repeat1.deep.1.linear1.edges", made).only.ok
    assert check("repeat1.1.deep.linear1.connected", made).only.layer == "repeat1.1.deep.1.linear1"
    assert check("repeat1.deep.0.linear1.connected", made).only.layer == "repeat1.0.deep.0.linear1"
    assert check("each linear { edges == repeat1.deep.linear1.edges or edges == 8 }", made).results[0].ok


def test_each_over_no_layer_says_so() -> None:
    found = check("each conv { connected }")
    assert found.results == ()
    assert (found.error.code, found.error.severity) == ("NF505", Severity.WARNING)


def test_a_name_inside_each_may_be_another_layer_or_a_constant() -> None:
    found = check("each layer { edges * 8 >= head.edges - most }", constants={"most": 1})
    assert all(result.ok for result in found.results)


def test_a_layer_called_like_a_property_is_named_by_each() -> None:
    inner = linear("fan_in.max", Kron(1, 8, 8, 1))
    made = network("net", (Inline(path="fan_in", input=(8,), output=(8,), network="enc", body=(inner,)),))
    found = check("each linear { fan_in.max == 9 }", made)
    assert (found.only.layer, found.only.names_layer) == ("fan_in.max", False)
    assert "for `fan_in.max`: " in found.error.message


# --- failures ----------------------------------------------------------------------------------


def test_a_failure_gives_value_bound_and_reason() -> None:
    found = check('each layer { edges <= most // 2 as "the budget" }', constants={"most": 100})
    assert [d.message for d in found.diagnostics] == [
        "`edges <= most // 2` does not hold for `sum1.1.linear1`: edges is 64; most // 2 is 50 (the budget)",
    ]
    assert found.diagnostics[0].span.text == "edges <= most // 2"


@pytest.mark.parametrize(
    ("assertion", "evidence"),
    [
        ("params < 1", "`repeat1.linear1` adds most: 168 in 3 copies"),
        ("bytes == 4", "`repeat1.linear1` adds most: 672 in 3 copies"),
        ("params < params", "`repeat1.linear1` adds most: 168 in 3 copies; `head` adds least: 36"),
        ("1 >= edges", "`repeat1.linear1` adds most: 144 in 3 copies"),
        ("edges in 1..2", "`repeat1.linear1` adds most: 144 in 3 copies"),
        ("edges in 1..<344", "`repeat1.linear1` adds most: 144 in 3 copies"),
        ("edges in 1k..2k", "`repeat1.narrow` adds least: 24 in 3 copies"),
        ("edges in [1, 2]", None),
        ("edges != 344", None),
        ("edges == 1k", "`repeat1.narrow` adds least: 24 in 3 copies"),
        ("params >= 1k", "`head` adds least: 36"),
        ("params / 2 < 1", None),
        ("depth <= 3", LONGEST),
        ("depth >= 30", LONGEST),
        ("enc1.first.connected", GAP),
        ("enc1.first.connected == true", GAP),
        ("enc1.first.reach == 100%", GAP),
        ("enc1.first.reach < 10%", None),
        ("enc1.first.paths.min >= 1", GAP),
        ("depth > 3 and enc1.first.connected", GAP),
        ("depth < 3 or enc1.first.connected", f"{LONGEST}; {GAP}"),
        ("not enc1.first.connected and depth < 3", LONGEST),
        ("not head.connected", None),
        ("head.fan_in.max < 8", "every output has 8 inputs"),
        ("head.density < 5%", "32 edges over 4 × 8 pairs"),
        ("1 > 2", None),
    ],
)
def test_evidence(assertion: str, evidence: str | None) -> None:
    found = check(assertion)
    assert (found.only.ok, found.only.evidence) == (False, evidence)


@pytest.mark.parametrize(
    ("assertion", "evidence"),
    [
        ("mix.fan_in.max <= 2", "output 2 of factor 2 has 3 inputs"),
        ("1 <= mix.fan_in.max <= 2", "output 2 of factor 2 has 3 inputs"),
        ("mix.fan_in.max >= 4", "output 2 of factor 2 has 3 inputs"),
        ("mix.fan_in.min >= 2", "output 0 of factor 1 has 1 input"),
        ("mix.fan_out.min != 1", None),
        ("mix.fan_out.min > 1", "input 0 of factor 1 has 1 output"),
        ("mix.fan_in.min < 1", "output 0 of factor 1 has 1 input"),
    ],
)
def test_the_neuron_with_too_many_or_too_few_edges_is_named(assertion: str, evidence: str | None) -> None:
    first = edges_of(np.array([[1, 1, 0], [0, 1, 0], [1, 1, 1]]))
    made = network("net", (linear("mix", Cascade((Kron(3, 1, 1, 1), first))),))
    assert check(assertion, made).only.evidence == evidence


def test_no_layer_adds_most_where_all_add_as_much() -> None:
    made = network("net", (linear("a", Kron(1, 8, 8, 1)), linear("b", Kron(1, 8, 8, 1))))
    assert check("params < 1", made).only.evidence == "each of the 2 layers adds 72"


def test_digests_are_whole() -> None:
    found = check('head.digest == ""')
    digest = found.only.measured
    assert isinstance(digest, str)
    assert len(digest) == len("sha256:") + 64
    assert found.only.text == f'"{digest}"'
    assert f'head.digest is "{digest}"' in found.error.message
    assert check(f"head.digest == {found.only.text}").only.ok


def test_conditions_of_several_properties_are_shown_without_quotes() -> None:
    found = check("head.connected and depth < 3")
    assert found.only.text == found.only.measured == "head.connected = true, depth = 17"
    assert found.error.message.endswith("does not hold: head.connected is true; depth is 17")


# --- what has no truth -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("assertion", "code", "message", "hint"),
    [
        ("parms < 3", "NF502", "`parms` is no property, path or constant", "did you mean `params`?"),
        ("hed.density < 3", "NF502", "`hed.density` is no property", "`head.density`"),
        (
            "head.fan_in_max < 3",
            "NF502",
            "a layer such as `head` has no property `fan_in_max`",
            "`fan_in.max`",
        ),
        (
            "repeat1.liner1.edges < 3",
            "NF502",
            "`repeat1.liner1.edges` is no property",
            "`repeat1.linear1.edges`",
        ),
        ("repeat1.0.relu1.liner < 3", "NF502", "`repeat1.0.relu1.liner` is no property", ""),
        ("repeat1.7.linear1.edges < 3", "NF502", "`repeat1.7.linear1.edges` is no property", ""),
        ("limt < 3", "NF502", "`limt` is no property, path or constant", "did you mean `limit`?"),
        ("connectd", "NF502", "`connectd` is no property", "did you mean `connected`?"),
        ("connectd", "NF502", "`connectd` is no property", "`connected` is asked of layers: ask every layer"),
        ("fan_in_max < 3", "NF502", "`fan_in_max` is no property", "as in `repeat1.linear1.fan_in.max`"),
        ("connected", "NF503", "`connected` is a property of weighted layers", "each layer"),
        ("head < 3", "NF503", "`head` is a layer", "`head.density`"),
        ("head.bytes < 3", "NF503", "`bytes` is a property of networks; `head` is a layer", ""),
        ("repeat1.relu1.density < 3", "NF503", "`repeat1.relu1` is an activation", ""),
        ("repeat1.params < 3", "NF503", "`repeat1` is a repeat", "`repeat1.linear1`"),
        ("enc1 < 3", "NF503", "`enc1` is an inlined network", "`enc1.first`"),
        ("each head { connected }", "NF502", "`head` is no kind of layer; expected linear, conv", ""),
        ("each layer { bytes < 3 }", "NF503", "inside `each`", ""),
        ("each layer { each layer { connected } }", "NF504", "no other `each`", ""),
        ("params", "NF504", "`params` is an integer: 420", "`params == 420`"),
        ("params / 0 < 3", "NF2", "", ""),
        ("params < connected_", "NF502", "", ""),
        ("not params", "NF2", "", ""),
    ],
)
def test_what_has_no_truth(assertion: str, code: str, message: str, hint: str) -> None:
    found = check(f"{assertion}\ndepth > 1", constants={"limit": 40})
    results = [(result.ok, result.measured is None) for result in found.results]
    assert set(results[:-1]) == {(False, True)}
    assert results[-1] == (True, False)
    assert found.error.code.startswith(code)
    assert message in found.error.message
    assert hint in " ".join(found.error.hints)


def test_an_assertion_without_truth_is_reported_once_for_all_layers() -> None:
    found = check("each linear { params }")
    assert found.error.code == "NF504"
    assert [(result.ok, result.measured, result.layer) for result in found.results] == [
        (False, None, layer)
        for layer in (
            "repeat1.linear1", "repeat1.narrow", "sum1.0.linear1", "sum1.1.linear1", "enc1.first", "head"
        )
    ]  # fmt: skip


def test_too_much_work_is_an_error_at_the_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("nfc.analysis.paths.WORK", 1)
    monkeypatch.setattr("nfc.analysis.paths.quotient", lambda fabric: None)
    half = edges_of(np.array([[1, 0], [1, 1]]))  # a cascade, as single factors have a closed form
    fresh = cascade(half, half)  # measured by no other test, so remembered by none
    found = check("mix.paths.max > 0 and true\ndepth == 2", network("net", (linear("mix", fresh),)))
    assert found.error.code == "NF506"
    assert found.error.span.text == "mix.paths.max"
    assert [(result.ok, result.measured) for result in found.results] == [(False, None), (True, 2)]


def test_too_many_combinations_of_copies_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("nfc.checks.copies.MOST_PAIRS", 3)
    made = network("net", (repeat("a", 2), repeat("b", 2)))
    assert check("a.linear1.edges <= b.linear1.edges", made).error.code == "NF506"


# --- networks -------------------------------------------------------------------------------------


def test_an_unknown_network_is_one_error() -> None:
    found = check("depth > 1", name="nett")
    assert (found.error.code, found.error.span.text, found.error.hints) == (
        "NF201",
        "nett",
        ("did you mean `net`?",),
    )


def test_assertions_about_an_unknown_network_do_not_hold() -> None:
    found = check("depth > 1\neach linear { connected }", name="nett")
    assert [(result.network, result.ok, result.measured) for result in found.results] == [
        ("nett", False, None),
        ("nett", False, None),
    ]


@pytest.mark.parametrize(
    ("definition", "message", "hints"),
    [
        (
            "network lib { input 8; linear 8 }",
            "`lib` is defined in `lib.nf`",
            ("write this block in `lib.nf`",),
        ),
        ("let lib = 3", "a check is about a network; `lib` is a constant", ()),
    ],
)
def test_a_definition_that_is_no_network_of_the_file(
    definition: str, message: str, hints: tuple[str, ...]
) -> None:
    used = Scope(parse_file(f"nf 1\n{definition}\n", "lib.nf"))
    file = parse_file("nf 1\ncheck lib { depth > 1 }\n")
    scope = Scope(file, names={"lib": Entry(used.file.definitions[0], used)})  # type: ignore[arg-type]
    checks = tuple(each for each in file.definitions if isinstance(each, ast.Check))
    sink = Sink()
    results = run(Program(checks, {}, scope=scope), {}, sink, Limits())
    assert [(result.ok, result.measured) for result in results] == [(False, None)]
    (found,) = sink.diagnostics
    assert (found.code, found.hints) == ("NF201", hints)
    assert found.message.endswith(message)


def test_a_broken_network_and_one_not_asked_for_are_skipped() -> None:
    sink = Sink()
    file = parse(
        Source("net.nf", "nf 1\ncheck net { depth > 1 }\ncheck other { depth > 1 }\n"), sink, Limits()
    )
    checks = tuple(each for each in file.definitions if isinstance(each, ast.Check))
    program = Program(checks, {"other": example()}, broken=frozenset({"net"}))
    assert run(program, {}, sink, Limits()) == ()
    assert sink.diagnostics == []


def test_properties_are_measured_once(monkeypatch: pytest.MonkeyPatch) -> None:
    from nfc.analysis import properties

    seen: list[Network] = []
    counted = replace(
        properties.NETWORK_PROPERTIES["variance.forward"], measure=lambda net: seen.append(net) or 1.0
    )
    monkeypatch.setitem(properties.NETWORK_PROPERTIES, "variance.forward", counted)
    found = check("variance.forward in 0.5..2\nvariance.forward > 0.1\nvariance.forward == 1")
    assert [result.ok for result in found.results] == [True] * 3
    assert len(seen) == 1


def test_layers_of_the_example_are_linear() -> None:
    assert all(isinstance(op, Linear) for op in example().body[3:])
