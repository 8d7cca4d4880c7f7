"""Hostile input meets limits, and soon."""

from __future__ import annotations

import pytest

from nfc.diagnostics import Sink
from nfc.limits import Limits
from nfc.sema.budget import Budget
from nfc.sema.program import topology_fabric
from nfc.source import Span
from tests.sema.programs import analyse, codes, in_network, network, sound

DOUBLING = [f"topology t{k} = t{k - 1} + t{k - 1}" for k in range(1, 60)]


@pytest.mark.parametrize(
    ("body", "definitions", "code"),
    [
        ("input 4\nrepeat 10**9 { relu }", [], "NF712"),
        ("input 4\nrepeat 10**9 { }", [], "NF712"),
        ("input 4\nrepeat 1000 {\nrepeat 1000 {\nrepeat 1000 { relu } } }", [], "NF712"),
        ("input 4\nm59", ["network m0 { input 4; relu }", *(f"network m{k} {{ input 4; m{k - 1}; m{k - 1} }}" for k in range(1, 60))], "NF712"),
        ("input 4\nlinear 4 via t59", ["topology t0 = dense", *DOUBLING], "NF712"),
        ("input 4\nlinear 4 via cascade(10**9, dense)", [], "NF712"),
        ("input 4\nlinear 4 via parallel(10**9, dense)", [], "NF712"),
        ("input 4\nlinear 4 via cascade(s in 0..10**18: dense)", [], "NF712"),
        ("input 4\nlinear 4 via cascade(10**5, cascade(10**5, diagonal))", [], "NF712"),
        ("input 4\nlinear 4 via t59 >> dense", ['topology t0 = permute("reverse")', *(d.replace("+", ">>") for d in DOUBLING)], "NF712"),
        ("input 4\nlinear 4 via dense >> t59(permute(\"reverse\"))", ["topology t0(x) = x >> x", *(f"topology t{k}(x) = t{k - 1}(x) >> t{k - 1}(x)" for k in range(1, 60))], "NF712"),
        ("input 2**25", [], "NF713"),
        ("input [2**13, 2**13]", [], "NF713"),
        ("input 4\nlinear 2**4000", [], "NF713"),
        ("input 4\npad 2**25", [], "NF713"),
        ("input 4\nlinear 4 via dense(width=2**25) >> dense", [], "NF713"),
        ("input 2**16\nlinear 2**16", [], "NF714"),
        ("input 2**15\nrepeat 9 { linear 2**12 via dense(width=2**15) >> dense; pad 2**15 }", [], "NF714"),
        ("input 2**16\nlinear 2**16 via random(2**15)", [], "NF714"),
        ("input 2**15\nlinear 2**15 via parallel(100, dense)", [], "NF714"),
        ("input 2**14\nlinear 2**14\nlinear 2**14 via parallel(4, dense)", [], "NF714"),
        ("input 4\nlinear a", ["let a = 2**10**9"], "NF711"),
        ("input 4\nrelu", ["let a0 = [1, 1]", *(f"let a{k} = [a{k - 1}, a{k - 1}]" for k in range(1, 60))], "NF711"),
        ("input 4\nlinear 4 via t999(dense)", ["topology t0(x) = x", *(f"topology t{k}(x) = t{k - 1}(x)" for k in range(1, 1000))], "NF701"),
    ],
)  # fmt: skip
def test_limits(body: str, definitions: list[str], code: str) -> None:
    assert codes(in_network(body, *definitions)) == [code]


def test_long_chains_of_constants() -> None:
    chain = "\n".join(["nf 1", "let a0 = 1", *(f"let a{k} = a{k - 1} + 1" for k in range(1, 5000))])
    assert sound(chain).constants["a4999"] == 5000


def test_limits_can_be_changed() -> None:
    body = "input 4\nrepeat 10 { relu }"
    assert codes(in_network(body), limits=Limits(operations=10)) == ["NF712"]
    assert codes(in_network(body), limits=Limits(operations=11)) == []
    assert codes(in_network("input 5"), limits=Limits(width=4)) == ["NF713"]
    assert codes(in_network("input 4\nlinear 4"), limits=Limits(edges=15)) == ["NF714"]
    assert codes(in_network("input 4\nlinear 4"), limits=Limits(edges=16)) == []
    assert codes("nf 1\nlet a = 1000\n", limits=Limits(integer_bits=8)) == ["NF711"]


@pytest.mark.parametrize(
    "wiring", ["parallel(4000, random(2))", "parallel(4000, hypercube)", "t + t + t + t"]
)
def test_edges_inside_a_topology_end_its_elaboration(wiring: str) -> None:
    text = in_network(f"input 4\nlinear 4 via {wiring}", "topology t = parallel(10, dense)")
    assert codes(text, limits=Limits(edges=500)) == ["NF714"]


def test_edges_of_a_topology_may_reach_the_limit() -> None:
    text = in_network("input 4\nlinear 4\nlinear 4 via dense + diagonal >> dense")
    assert codes(text, limits=Limits(edges=52)) == []
    assert codes(text, limits=Limits(edges=51)) == ["NF714"]


@pytest.mark.parametrize(("rows", "cols"), [(8, 10**12), (10**12, 8)])
def test_width_of_a_topology_of_its_own(rows: int, cols: int) -> None:
    sink = Sink()
    assert topology_fabric('permute("reverse") >> dense', rows, cols, sink, Limits()) is None
    assert [d.code for d in sink.diagnostics] == ["NF713"]


def test_many_mistakes_end_in_one_line() -> None:
    _, found = analyse("\n".join(["nf 1", *(f"let x{k} = y{k}" for k in range(4000))]))
    assert len(found) == 101
    assert "more than 100 errors" in found[-1].message
    assert found[-1].span is not None
    assert found[-1].span.line == 102


def test_time_is_checked_after_a_family(monkeypatch: pytest.MonkeyPatch) -> None:
    def late(budget: Budget, count: int, span: Span, what: str = "") -> None:
        object.__setattr__(budget, "started", -1e9)

    monkeypatch.setattr(Budget, "check_edges", late)
    assert codes(in_network("input 4\nlinear 4 via dense")) == ["NF715"]


def test_time() -> None:
    assert codes(in_network("input 4\nrelu"), limits=Limits(seconds=-1.0)) == ["NF715"]
    assert codes(in_network("input 4\nlinear 4 via dense"), limits=Limits(seconds=-1.0)) == ["NF715"]


def test_many_layers() -> None:
    found = network("input 1024\nrepeat 200 {\nlinear 1024 via parallel(2, butterfly(radix=32))\nrelu\n}")
    assert len(found.body[0].copies) == 200  # type: ignore[attr-defined]
