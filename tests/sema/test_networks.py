"""Networks: operations, shapes and paths."""

from __future__ import annotations

from pathlib import Path
from typing import cast

import pytest

from nfc.diagnostics import Sink
from nfc.files import load
from nfc.ir.fabric import factors
from nfc.ir.network import (
    Activation,
    Concat,
    Dropout,
    Inline,
    Linear,
    Norm,
    Residual,
    walk,
    weighted_layers,
)
from nfc.limits import Limits
from nfc.sema.program import elaborate
from tests.documents import ROOT
from tests.sema.programs import analyse, at, codes, in_network, network, paths, sound

LANGUAGE_EXAMPLE = """\
nf 1

param width = 1024
param layers = 2
let   half  = width // 2

mask ring(k=1)[o, i] = (o - i) % cols <= k
mask cube[o] = { o } + { o xor 2**b for b in 0..<log2(cols) }

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


def test_the_language_s_example() -> None:
    program = sound(LANGUAGE_EXAMPLE)
    mnist = program.networks["mnist"]
    assert paths(mnist) == [
        "flatten1",
        "pad1",
        "repeat1",
        "repeat1.0.linear1",
        "repeat1.0.relu1",
        "repeat1.1.linear1",
        "repeat1.1.relu1",
        "head",
    ]
    assert [layer.fabric.rows * layer.fabric.cols for layer in weighted_layers(mnist)] == [
        2**20,
        2**20,
        10240,
    ]
    edges = sum(factor.edges for layer in weighted_layers(mnist) for factor in factors(layer.fabric))
    assert edges == 2 * 4 * 32 * 1024 + 10240
    assert (mnist.input, mnist.output) == ((28, 28), (10,))
    assert program.constants == {"width": 1024, "layers": 2, "half": 512}
    assert [check.network for check in program.checks] == ["mnist"]


def test_a_slope_whose_square_is_no_float_is_refused() -> None:
    assert codes(in_network("input 4\nlinear 4\nleaky_relu slope=1e155")) == ["NF212"]


def test_shapes_flow() -> None:
    found = network(
        "input [4, 6]\nlinear 8\nreshape [2, 16]\ncrop 10\npad 12\nnorm rms\nsoftmax axis=0\nlog_softmax\n"
        "leaky_relu\ndropout 5%\nflatten\nlinear 3 bias=false init=kaiming"
    )
    assert [op.output for op in found.body] == [
        (4, 8), (2, 16), (2, 10), (2, 12), (2, 12), (2, 12), (2, 12), (2, 12), (2, 12), (24,), (3,),
    ]  # fmt: skip
    assert [op.input for op in found.body[1:]] == [op.output for op in found.body[:-1]]
    assert cast(Norm, found.body[4]).norm == "rms"
    assert [cast(Activation, op).axis for op in found.body[5:7]] == [-2, -1]
    assert cast(Activation, found.body[7]).slope == 0.01
    assert cast(Dropout, found.body[8]).probability == 0.05
    last = cast(Linear, found.body[-1])
    assert (last.bias, last.scheme, last.topology) == (False, "kaiming", "dense")


def test_blocks_and_their_paths() -> None:
    found = network(
        "input 8\nresidual {\n linear 8\n relu\n}\nboth: residual project=true { out: linear 4 }\n"
        "sum { { linear 4 } { } { a: linear 4; linear 4 } }\nconcat { { relu } { linear 3 } }\n"
        "repeat 2 { sum { { relu } { relu } } }"
    )
    assert paths(found) == [
        "residual1", "residual1.linear1", "residual1.relu1",
        "both", "both.project", "both.out",
        "sum1", "sum1.0.linear1", "sum1.2.a", "sum1.2.linear1",
        "concat1", "concat1.0.relu1", "concat1.1.linear1",
        "repeat1",
        "repeat1.0.sum1", "repeat1.0.sum1.0.relu1", "repeat1.0.sum1.1.relu1",
        "repeat1.1.sum1", "repeat1.1.sum1.0.relu1", "repeat1.1.sum1.1.relu1",
    ]  # fmt: skip
    projection = cast(Residual, at(found, "both")).project
    assert projection is not None
    assert (projection.input, projection.output, projection.bias) == ((8,), (4,), False)
    assert cast(Concat, at(found, "concat1")).output == (7,)


def test_a_repeat_may_change_its_shape_at_first() -> None:
    found = network("input 4\nrepeat 3 { linear 9 via dense }")
    assert [layer.input for layer in weighted_layers(found)] == [(4,), (9,), (9,)]


def test_copies_without_automatic_seeds_share_their_fabric() -> None:
    found = network("input 64\nrepeat 4 { linear 64 via parallel(2, butterfly) }")
    assert len({id(layer.fabric) for layer in weighted_layers(found)}) == 1


def test_inlined_networks() -> None:
    program = sound(
        in_network(
            "input 6\nencode\nencode\ntail: decode",
            "network encode { input 6; init kaiming; linear 6; relu }",
            "network decode { input 6; linear 2 }",
        ).replace("network n {", "network n {\ninit xavier")
    )
    found = program.networks["n"]
    assert paths(found) == [
        "encode1", "encode1.linear1", "encode1.relu1",
        "encode2", "encode2.linear1", "encode2.relu1",
        "tail", "tail.linear1",
    ]  # fmt: skip
    assert [layer.scheme for layer in weighted_layers(found)] == ["kaiming", "kaiming", "xavier"]
    assert cast(Inline, found.body[0]).network == "encode"
    assert list(program.networks) == ["encode", "decode", "n"]
    assert [layer.scheme for layer in weighted_layers(program.networks["decode"])] == ["balanced"]


def test_the_wiring_as_written() -> None:
    found = network('input 16\nlinear 16 via (butterfly(  # one\n radix=4)\n  >> permute("bit_reverse"))')
    assert cast(Linear, found.body[0]).topology == '(butterfly( radix=4) >> permute("bit_reverse"))'


def test_spans_and_source() -> None:
    found = network("input 16\nlinear 3")
    assert found.span is not None
    assert found.source_name == "test.nf"
    assert found.source_digest == found.span.source.digest
    assert all(op.span is not None for op in walk(found.body))


def test_labels_may_look_like_numbers_that_do_not_occur() -> None:
    found = network("input 4\nlinear3: linear 4\nlinear 4\nrelu1: gelu")
    assert paths(found) == ["linear3", "linear1", "relu1"]


def test_init_may_stand_before_the_input() -> None:
    assert cast(Linear, network("init xavier\ninput 4\nlinear 4").body[0]).scheme == "xavier"


def test_a_network_may_hold_nothing_but_its_input() -> None:
    assert network("input 4").output == (4,)


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("input 0", ["NF212"]),
        ("input []", ["NF205"]),
        ("input 4\nrepeat 0 { relu }", ["NF212"]),
        ("input 4\nrepeat 2.0 { relu }", ["NF205"]),
        ("input 4\nrepeat 2", ["NF206"]),
        ("input 4\nrelu { relu }", ["NF206"]),
        ("input 4\nsum { }", ["NF206"]),
        ("input 4\nrelu via dense", ["NF206"]),
        ("input 4\nrelu 3", ["NF206"]),
        ("input 4\nlinear 4 bias=true bias=false", ["NF206"]),
        ("input 4\nresidual project=true { project: linear 2 }", ["NF202"]),
        ("input [2, 4]\nconcat { { linear 3 } { flatten } }", ["NF303"]),
        ("input [2, 4]\nresidual project=true { flatten }", ["NF303"]),
        ("input 4\ntranspose\nnorm group groups=3\nleaky_relu", ["NF301", "NF304"]),
        ("input 4\nattention 2 causal=yes", ["NF201", "NF304"]),
        ("input 4\ntranspose\npad 2\nreshape 7\npad 3", ["NF304", "NF301", "NF301", "NF301"]),
        ("input 4\nlinear 3 via random(9)\npad 2", ["NF301", "NF301"]),
        ("input 4\nother 3", ["NF206"]),
        ("input 4\nrepeat 3 { linear 2 via random(5); pad 1 }", ["NF301", "NF301"]),
    ],
)
def test_errors(body: str, expected: list[str]) -> None:
    found = codes(in_network(body, "network other { input 4; relu }"))
    assert sorted(found) == sorted(expected)


def test_networks_with_mistakes_do_not_stop_the_others() -> None:
    program, _ = analyse(
        in_network("input 4\npad 2", "network good { input 3; relu }", "network bad { input 4; n }")
    )
    assert list(program.networks) == ["good"]
    assert program.broken == {"n", "bad"}


@pytest.mark.parametrize("path", sorted((ROOT / "examples").glob("*.nf")), ids=lambda path: path.stem)
def test_examples_are_sound(path: Path) -> None:
    sink = Sink()
    program = elaborate(load(path, sink, Limits()), overrides={}, sink=sink, limits=Limits())
    assert not sink.failed
    assert program.networks


def test_groups_go_with_group_norm() -> None:
    assert codes(in_network("input 4; norm layer groups=2; linear 4")) == ["NF206"]
