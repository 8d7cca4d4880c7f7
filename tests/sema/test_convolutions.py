"""Convolutions, pools, shuffles and group norms: the shapes that they give, and what is wrong with others."""

from __future__ import annotations

from typing import cast

import pytest

import nfc
from nfc.ir.convolutions import Conv, Depthwise, Pool
from nfc.ir.network import Residual, Shape
from nfc.source import Source


def network(body: str) -> nfc.Network:
    return nfc.load(Source("n.nf", f"nf 1\nnetwork n {{\n{body}\n}}\n")).network


def refused(body: str) -> list[tuple[str, str]]:
    with pytest.raises(nfc.NfcError) as caught:
        network(body)
    return [(each.code, each.message) for each in caught.value.diagnostics]


@pytest.mark.parametrize(
    ("statement", "before", "after"),
    [
        ("conv 5", (3, 9, 8), (5, 9, 8)),
        ("conv 5 kernel=4", (3, 9, 8), (5, 10, 9)),
        ("conv 5 kernel=[1, 3] stride=[2, 3] padding=0", (3, 9, 8), (5, 5, 2)),
        ("conv 5 kernel=5 padding=[0, 4] stride=2", (3, 9, 8), (5, 3, 6)),
        ("conv 5 via monarch", (3, 9, 8), (5, 9, 8)),
        ("depthwise stride=2", (3, 9, 8), (3, 5, 4)),
        ("pool max kernel=2", (3, 9, 8), (3, 4, 4)),
        ("pool avg kernel=[3, 1] stride=1", (3, 9, 8), (3, 7, 8)),
        ("pool global", (3, 9, 8), (3,)),
        ("shuffle groups=3", (6, 2, 2), (6, 2, 2)),
        ("shuffle groups=2", (4, 6), (4, 6)),
        ("norm group groups=2", (6, 2, 2), (6, 2, 2)),
        ("norm group groups=2", (5, 6), (5, 6)),
        ("concat { { conv 4 } { relu } }", (3, 5, 5), (7, 5, 5)),
        ("sum { { conv 4 } { conv 4 kernel=1 } }", (3, 5, 5), (4, 5, 5)),
        ("residual { conv 3 }", (3, 5, 5), (3, 5, 5)),
        ("residual project=true { conv 4 stride=2 }", (3, 5, 5), (4, 3, 3)),
        ("flatten", (3, 5, 4), (60,)),
    ],
)
def test_shapes(statement: str, before: Shape, after: Shape) -> None:
    found = network(f"input {list(before)}\n{statement}")
    assert found.ir.output == after


def test_options_arrive() -> None:
    body = "input [4, 8, 8]\nconv 6 kernel=[3, 5] stride=[1, 2] padding=1 bias=false init=xavier via block(count=2)"
    op = cast(Conv, network(body).ir.body[0])
    assert (op.kernel, op.stride, op.padding) == ((3, 5), (1, 2), (1, 1))
    assert (op.bias, op.scheme, op.topology) == (False, "xavier", "block(count=2)")
    wise = cast(Depthwise, network("input [4, 8, 8]\ndepthwise kernel=[3, 5]").ir.body[0])
    assert (wise.kernel, wise.padding, wise.fabric.rows) == ((3, 5), (1, 2), 4)
    pool = cast(Pool, network("input [4, 8, 8]\npool max kernel=3 stride=[1, 2]").ir.body[0])
    assert (pool.kernel, pool.stride) == ((3, 3), (1, 2))


@pytest.mark.parametrize(("side", "stride"), [(1, 1), (2, 2), (3, 2), (4, 3), (5, 2), (8, 3), (9, 4)])
def test_a_projection_s_stride_is_the_least_that_fits(side: int, stride: int) -> None:
    """⌈side / stride⌉ places of a 1 × 1 kernel, as a convolution with `padding=auto` has for odd kernels."""
    body = f"input [2, {side}, {side}]\nresidual project=true {{ conv 3 stride={stride} }}"
    op = cast(Residual, network(body).ir.body[0])
    project = cast(Conv, op.project)
    assert (project.kernel, project.padding, project.bias) == ((1, 1), (0, 0), False)
    strides = [s for s in range(1, side + 1) if -(-side // s) == op.output[1]]
    assert project.stride == (strides[0], strides[0])


@pytest.mark.parametrize(
    ("body", "code", "part"),
    [
        ("input 12\nconv 4", "NF301", "reads [C, H, W]"),
        ("input [3, 4]\ndepthwise", "NF301", "the shape here is [3, 4]"),
        ("input [2, 3, 4, 5]\npool global", "NF301", "reads [C, H, W]"),
        ("input [3, 4, 4]\nconv 4 kernel=7 padding=1", "NF301", "[7, 7], does not fit into its input, which is [6, 6]"),
        ("input [3, 4, 4]\ndepthwise kernel=[1, 5] padding=0", "NF301", "[1, 5], does not fit"),
        ("input [3, 4, 4]\npool max kernel=5", "NF301", "does not fit into its input [3, 4, 4]"),
        ("input [6, 4, 4]\nshuffle groups=4", "NF301", "cuts 6 channels into 4 groups"),
        ("input 6\nshuffle groups=4", "NF301", "cuts 6 features into 4 groups"),
        ("input [6, 4, 4]\nnorm group groups=7", "NF301", "cuts 6 channels into 7 groups"),
        ("input 6\nnorm group", "NF206", "needs to know how many groups"),
        ("input 6\nnorm layer groups=2", "NF206", "has no groups"),
        ("input [6, 4, 4]\npool avg", "NF206", "needs the size of its windows"),
        ("input [6, 4, 4]\npool global kernel=2", "NF206", "has no windows"),
        ("input [6, 4, 4]\nconv 4 kernel=[1, 2, 3]", "NF205", "an integer or a list of two"),
        ("input [6, 4, 4]\nconv 4 kernel=0", "NF212", "at least 1"),
        ("input [6, 4, 4]\nconv 4 padding=-1", "NF212", "at least 0"),
        ("input [6, 4, 4]\nresidual { conv 6 stride=2 }", "NF303", "[6, 4, 4] to what its block makes of it, [6, 2, 2]"),
        ("input [6, 4, 4]\nresidual project=true { flatten }", "NF303", "[96]"),
        ("input [6, 4, 4]\nresidual project=true { conv 6 kernel=3 padding=3 }", "NF303", "[6, 8, 8]"),
        ("input [6, 4, 4]\nresidual project=true { conv 6 kernel=2 padding=0 }", "NF303", "[6, 3, 3]"),
        ("input [6, 4, 4]\nconcat { { conv 6 } { conv 6 stride=2 } }", "NF303", "joins its branches on the channels"),
        ("input [6, 4, 4]\nconv 4 via butterfly(strict=true)", "NF302", "butterfly"),
        ("input [2, 4, 4]\nconv 2 kernel=40000", "NF714", "edges"),
        ("input [6, 4, 4]\nconv 4 padding=9000", "NF713", "numbers"),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_said(body: str, code: str, part: str) -> None:
    found = refused(body)
    assert len(found) == 1
    assert found[0][0] == code
    assert part in found[0][1]


def test_one_run_finds_several_mistakes() -> None:
    body = "input [6, 4, 4]\nshuffle groups=5\nconv 4 kernel=9 padding=0\nnorm group groups=3\nlinear 0"
    assert [code for code, _ in refused(body)] == ["NF301", "NF301", "NF212"]


def test_checks_ask_convolutions_and_not_depthwise_ones_by_each_conv() -> None:
    text = (
        "nf 1\nnetwork n { input [4, 6, 6]; a: conv 8 via block(count=2); b: depthwise; c: conv 8 kernel=1 }\n"
        "check n { each conv { fan_in.max >= 2 }; each layer { params > 0 }; b.fan_in.max == 1 }"
    )
    report = nfc.load(Source("n.nf", text)).check()
    assert report.ok
    assert len(report.results) == 2 + 3 + 1
