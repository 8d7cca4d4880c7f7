"""What newcomers get wrong, and what they are told."""

from __future__ import annotations

import pytest
from syrupy.assertion import SnapshotAssertion

from tests.sema.programs import analyse, in_network, report

MISTAKES = {
    "no input": in_network("linear 10"),
    "input twice": in_network("input 784\nrelu\ninput 10"),
    "both sizes": in_network("input 784\nlinear 784 10"),
    "another framework's names": in_network("input 784\nLinear 64\nReLU\nBatchNorm1d\nMaxPool2d\nConv2d\nfc 10\nview"),
    "a topology as a layer": in_network("input 784\ndense 10\nbutterfly 784"),
    "a misspelt operation": in_network("input 784\nlinaer 10\nnetwrok"),
    "a misspelt topology": in_network("input 64\nlinear 64 via buterfly(radix=4)"),
    "a misspelt argument": in_network("input 64\nlinear 64 via butterfly(radx=4)"),
    "a misspelt key": in_network("input 64\nlinear 64 bais=false init=kaming"),
    "a misspelt constant": in_network("input 64\nlinear widht", "param width = 64"),
    "a float for a size": in_network("input 64\nlinear half", "let half = 65 / 2"),
    "no argument": in_network("input 64\nlinear\nnorm\ndropout\nlinear 64 via random"),
    "quotes and truth": in_network('input 64\nnorm "layer"\nlinear 4 bias=1\nlinear "10"'),
    "pad and crop the wrong way": in_network("input 784\npad 512\ncrop 1024"),
    "reshape": in_network("input [28, 28]\nreshape [27, 28]"),
    "reshape with -1": in_network("input [28, 28]\nreshape [-1, 28]"),
    "residual of another shape": in_network("input 64\nresidual {\n linear 32\n relu\n}"),
    "branches that differ": in_network("input 64\nsum { { linear 3 } { linear 4 } }"),
    "dropout of everything": in_network("input 64\ndropout 100%"),
    "an axis that is not there": in_network("input 64\nsoftmax axis=1"),
    "labels": in_network("input 64\na: relu\na: gelu\nlinear1: linear 4\nlinear 8"),
    "a repeat that does not compose": in_network("input 64\nrepeat 3 {\n pad 100\n linear 200\n}"),
    "too many inputs a neuron": in_network("input 64\nlinear 10 via random(100)"),
    "strict": in_network("input 100\nlinear 100 via hypercube(strict=true)"),
    "width of the last part": in_network("input 64\nlinear 10 via dense(width=16) >> random(4, width=12)"),
    "a number for a topology": in_network("input 64\nlinear 64 via twice(3)", "topology twice(t) = t >> t"),
    "a topology for a number": in_network("input 64\nlinear dense\nlinear 4 via random(dense)"),
    "a lone permutation": in_network('input 64\nlinear 64 via dense + permute("reverse")'),
    "a network of another input": in_network("input 64\nencoder", "network encoder { input 32; linear 8 }"),
    "a constant as an operation": in_network("input 64\nwidth", "let width = 3"),
    "images": in_network(
        "input [3, 8, 8]\nconv 16 kernel=\"3\"\nnorm batch\npool max kernle=2\nflatten\nlinear 10",
    ),
    "masks and algebra": in_network(
        "input 64\nlinear 64 via near & far\nlinear 64 via hop\nlinear 64 via near | butterfly\n"
        "linear 64 via ~dense\nlinear 64 via kron(near, ~near, size=5)",
        "mask near[o, i] = abs(o - i) <= 1",
        "mask far[o, i] = abs(o - i) > 1",
        "topology hop = near >> (far - ~near) >> near",
    ),
    "empty neurons": in_network("input 64\nrepeat 3 {\nlinear 64 via bernoulli(0.1%)\n}"),
    "names of the language": in_network("input 64\nlinear 8 via max", "let random = 4", "topology cols(rows) = dense"),
    "init": in_network("init kaming\ninput 64\nrepeat 2 {\ninit xavier\n}\ninit kaiming"),
}  # fmt: skip


@pytest.mark.parametrize("mistake", MISTAKES)
def test_mistakes(mistake: str, snapshot: SnapshotAssertion) -> None:
    assert report(MISTAKES[mistake]) == snapshot


TEN = """\
nf 1
param width 10
let depth = widht
let a = b
let b = a
topology mixer(r) = buterfly(radix=r)
network first {
    input [28, 28]
    pad 16
    flaten
}
network second {
    input 64
    residual { linear 32 }
    linear 10 via random(4, sede=1)
    softmax axis=2
    norm batsh
}
"""


def test_ten_mistakes_in_one_run() -> None:
    program, diagnostics = analyse(TEN)
    found = [(d.code, d.span.line) for d in diagnostics if d.span is not None]
    assert sorted(found, key=lambda each: each[1]) == [
        ("NF111", 2),
        ("NF201", 3),
        ("NF204", 4),
        ("NF201", 6),
        ("NF301", 9),
        ("NF207", 10),
        ("NF303", 14),
        ("NF206", 15),
        ("NF301", 16),
        ("NF212", 17),
    ]
    assert len(diagnostics) == 10
    assert program.networks == {}
    assert {"width", "depth", "a", "b", "mixer", "first", "second"} <= program.broken


def test_what_is_broken_is_reported_once() -> None:
    text = in_network("input 4\nlinear w\nlinear 4 via t\nlinear 4 via t\nlinear 4 via u(w)\nm",
                      "let w = missing", "topology t = unknown", "topology u(x) = random(x)",
                      "network m { input 4; linear w }")  # fmt: skip
    assert [line for line in report(text).splitlines() if "error" in line] == [
        "test.nf:2:9: error[NF201]: unknown name `missing`",
        "test.nf:3:14: error[NF201]: unknown topology `unknown`",
    ]
