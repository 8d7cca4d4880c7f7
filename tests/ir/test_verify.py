"""Valid networks pass; each rule is broken once, and named."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings

from nfc.ir.convolution_rules import CONVOLUTION_RULES
from nfc.ir.convolutions import Conv, Depthwise, Pool, Shuffle
from nfc.ir.deviations import ByRow, Separable
from nfc.ir.fabric import Cascade, Fabric, Sum
from nfc.ir.fabric_rules import FABRIC_RULES
from nfc.ir.factors import Blocks, Edges, FanIn, Kron, Restricted, Shifts
from nfc.ir.network import (
    Activation,
    Concat,
    Crop,
    Draw,
    Dropout,
    Inline,
    Network,
    Norm,
    Op,
    Pad,
    Repeat,
    Reshape,
    Residual,
)
from nfc.ir.network import Sum as SumOf
from nfc.ir.op_rules import LAYER_RULES, OP_RULES
from nfc.ir.verify import FLOW_RULES, NETWORK_RULES, VerifyError, verify
from tests.build import FABRICS, linear, network
from tests.strategies import networks


@settings(max_examples=100, deadline=None)
@given(networks())
def test_valid_networks_pass(drawn: Network) -> None:
    verify(drawn)


@pytest.mark.parametrize("name", FABRICS)
def test_valid_fabrics_pass(name: str) -> None:
    verify(network(name, (linear("head", FABRICS[name]),)))


def relu(path: str, size: int = 4, **changes: Any) -> Activation:
    return replace(Activation(path=path, input=(size,), output=(size,), function="relu"), **changes)


def dense(path: str, rows: int, cols: int, **changes: Any) -> Op:
    return replace(linear(path, Kron(1, rows, cols, 1)), **changes)


def repeat(*copies: tuple[Op, ...]) -> Repeat:
    return Repeat(path="r", input=(4,), output=(4,), copies=copies)


def ints(*numbers: int) -> np.ndarray:
    return np.array(numbers, np.int64)


def table(*rows: tuple[int, ...]) -> np.ndarray:
    return np.array(rows, np.int64)


def flags(*values: int) -> np.ndarray:
    return np.array(values, np.bool_)


SQUARE = Kron(1, 4, 4, 1)
DRAW = Draw("uniform", 0.1, 0)
SHAPE = {"input": (4,), "output": (4,)}
IMAGE = {"input": (3, 4, 4), "output": (3, 4, 4)}


def conv(path: str, kind: type[Conv] = Conv, **changes: Any) -> Conv:
    """A valid convolution [3, 4, 4] → [6, 2, 3] but for the changes."""
    fields = {"input": (3, 4, 4), "output": (6, 2, 3), "fabric": Kron(1, 6, 3, 1)}
    fields |= {"kernel": (3, 2), "stride": (2, 1), "padding": (1, 0)}
    return kind(path=path, bias=False, scheme="balanced", topology="dense", **(fields | changes))


BROKEN_OPS: list[tuple[str, Op]] = [
    ("labels joined by points", relu("1a")),
    ("labels joined by points", relu("a.0")),
    ("a shape has axes", relu("a", input=(), output=())),
    ("a shape has axes", relu("a", input=(4, 0), output=(4, 0))),
    ("leading axes stay", Pad(path="a", input=(2, 4), output=(3, 4))),
    ("leading axes stay", dense("a", 4, 4, input=(2, 4))),
    ("the shape stays as it is", relu("a", output=(5,))),
    ("one of SCHEMES", dense("a", 4, 4, scheme="normal")),
    ("one of ACTIVATIONS", relu("a", function="swish")),
    ("leaky_relu has a finite slope", relu("a", function="leaky_relu")),
    ("leaky_relu has a finite slope", relu("a", function="leaky_relu", slope=float("nan"))),
    ("leaky_relu has a finite slope", relu("a", slope=0.1)),
    ("leaky_relu has a finite slope", relu("a", slope="auto")),
    ("negative axis", relu("a", function="softmax")),
    ("negative axis", relu("a", function="log_softmax", axis=-2)),
    ("negative axis", relu("a", axis=-1)),
    ("one of NORMS", Norm(path="a", **SHAPE, norm="instance")),
    ("groups that divide", Norm(path="a", **SHAPE, norm="group")),
    ("groups that divide", Norm(path="a", **SHAPE, norm="group", groups=3)),
    ("groups that divide", Norm(path="a", **SHAPE, norm="layer", groups=2)),
    ("maps [C, H, W] to [C, H, W]", conv("a", input=(3, 4), output=(6, 4))),
    ("kernels and strides", conv("a", stride=(0, 1))),
    ("holds the places of the windows", conv("a", output=(6, 4, 4))),
    ("or its channels, to the output's", conv("a", fabric=Kron(1, 6, 2, 1))),
    ("fabric is a diagonal", conv("a", Depthwise, output=(3, 2, 3), fabric=Kron(1, 3, 3, 1))),
    ("one of POOLS", Pool(path="a", **IMAGE, pool="min", kernel=(1, 1), stride=(1, 1))),
    ("a pool reads", Pool(path="a", **SHAPE, pool="max", kernel=(1, 1), stride=(1, 1))),
    ("holds the places of the windows", Pool(path="a", **IMAGE, pool="max", kernel=(2, 1), stride=(1, 1))),
    ("holds the places of the windows", Pool(path="a", **IMAGE, pool="global", kernel=(4, 4), stride=(4, 4))),
    ("the shape stays as it is", Shuffle(path="a", input=(4,), output=(2, 2), groups=2)),
    ("the groups divide", Shuffle(path="a", **SHAPE, groups=3)),
    ("at least 0 and less than 1", Dropout(path="a", **SHAPE, probability=1.0)),
    ("padding shortens nothing", Pad(path="a", input=(4,), output=(3,))),
    ("cropping lengthens nothing", Crop(path="a", input=(4,), output=(5,))),
    ("number of entries", Reshape(path="a", input=(4,), output=(2, 3))),
    ("there is a copy", repeat()),
    ("same operations", repeat((relu("r.0.a"),), (relu("r.1.b"),))),
    ("same operations", repeat((relu("r.0.a"),), (dense("r.1.a", 4, 4),))),
    ("without a projection", Residual(path="a", input=(4,), output=(5,), body=(dense("a.b", 5, 4),))),
    ("label is `project`", Residual(path="a", **SHAPE, body=(), project=dense("a.p", 4, 4))),
    ("there is a branch", SumOf(path="a", **SHAPE, branches=())),
    ("branches' features add", Concat(path="a", **SHAPE, branches=((), ()))),
    ("branches' features add", Concat(path="a", **IMAGE, branches=((), ()))),
    ("maps the input's last axis", dense("a", 4, 4, output=(5,))),
    ("one draw a factor", dense("a", 4, 4, draws=(DRAW, DRAW))),
    ("numbers of its rows and columns", dense("a", 4, 4, draws=(replace(DRAW, std=ByRow(np.ones(3))),))),
    ("numbers of its rows and columns", dense("a", 4, 4, draws=(replace(DRAW, std=Separable(np.ones(4), np.ones(3))),))),
    ("numbers of its rows and columns", dense("a", 4, 4, draws=(replace(DRAW, std=-1.0),))),
    ("numbers of its rows and columns", dense("a", 4, 4, draws=(replace(DRAW, std=float("inf")),))),
    ("a draw is one of", dense("a", 4, 4, draws=(replace(DRAW, distribution="normal"),))),
    ("a draw is one of", dense("a", 4, 4, draws=(Draw("orthogonal", Separable(np.ones(4), np.ones(4)), 0),))),
    ("a draw is one of", replace(linear("a", Shifts((4,), ((0,),))), draws=(Draw("orthogonal", 1.0, 0),))),
    ("takes what the one before gives", repeat((relu("r.0.a", 5),))),
    ("takes what the one before gives", Inline(path="a", input=(4,), output=(5,), network="b", body=())),
    ("takes what the one before gives", SumOf(path="a", **SHAPE, branches=((dense("a.0.b", 5, 4),),))),
    ("takes what the one before gives", Residual(path="a", **SHAPE, body=(), project=dense("a.project", 5, 4))),
]  # fmt: skip


@pytest.mark.parametrize(("sentence", "op"), BROKEN_OPS)
def test_broken_operations_are_named(sentence: str, op: Op) -> None:
    with pytest.raises(VerifyError) as caught:
        verify(network("broken", (op,)))
    assert caught.value.place == op.path
    assert sentence in caught.value.rule


BROKEN_FABRICS: list[tuple[str, Fabric]] = [
    ("kron's sizes", Kron(1, 4, 0, 1)),
    ("tables of as many blocks", Blocks(table((0, 1)), table((0,), (1,)))),
    ("tables of as many blocks", Blocks(table((0, 1)).astype(np.int32), table((0, 1)))),
    ("rows and columns ascend", Blocks(table((1, 0)), table((0, 1)))),
    ("rows and columns ascend", Blocks(table((1,), (0,)), table((0,), (1,)))),
    ("each row exactly once", Blocks(table((0, 2), (1, 2)), table((0,), (1,)))),
    ("each row exactly once", Blocks(table((0, 9)), table((0, 1)))),
    ("each column exactly once", Blocks(table((0,), (1,)), table((0,), (0,)))),
    ("dims of 1 or more", Shifts((), ())),
    ("dims of 1 or more", Shifts((2, 2), ((0,),))),
    ("distinct modulo dims", Shifts((4,), ((1,), (5,)))),
    ("of int64, [rows, k]", FanIn(4, np.zeros((3, 0), np.int64))),
    ("inputs of a row ascend", FanIn(4, table((0, 0)))),
    ("less than cols", FanIn(4, table((0, 4)))),
    ("lists of int64", Edges(4, ints(0), ints())),
    ("lists of int64", Edges(4, ints(0, 1), np.array([0.5]))),
    ("indptr ascends", Edges(4, ints(0, 2, 1), ints(0))),
    ("indptr ascends", Edges(4, ints(1, 1), ints(0))),
    ("indptr ascends", Edges(4, ints(0, 2), ints(0))),
    ("columns of a row ascend", Edges(4, ints(0, 2), ints(1, 1))),
    ("columns of a row ascend", Edges(4, ints(0, 1, 1, 3), ints(3, 2, 1))),
    ("columns of a row ascend", Edges(4, ints(0, 1), ints(4))),
    ("columns of a row ascend", Edges(4, ints(0, 1), ints(-1))),
    ("base is a kron", Restricted(Kron(0, 2, 2, 1), flags(1), flags(1))),
    ("first rows and columns", Restricted(Kron(1, 2, 2, 1), flags(1, 1, 1), flags(1))),
    ("first rows and columns", Restricted(Kron(1, 2, 2, 1), ints(1, 1), flags(1))),
    ("two parts or more", Cascade((SQUARE,))),
    ("two parts or more", Sum(())),
    ("no node of its own kind", Cascade((Cascade((SQUARE, SQUARE)), SQUARE))),
    ("no node of its own kind", Sum((SQUARE, Sum((SQUARE, SQUARE))))),
    ("as many columns as", Cascade((SQUARE, Kron(1, 4, 5, 1)))),
    ("have one shape", Sum((SQUARE, Kron(1, 5, 4, 1)))),
]


@pytest.mark.parametrize(("sentence", "fabric"), BROKEN_FABRICS)
def test_broken_fabrics_are_named(sentence: str, fabric: Fabric) -> None:
    layer = replace(linear("head", SQUARE), fabric=fabric)
    with pytest.raises(VerifyError) as caught:
        verify(network("broken", (layer,)))
    assert caught.value.place == "head"
    assert sentence in caught.value.rule


def test_the_place_in_a_fabric_is_named() -> None:
    fabric = Sum((SQUARE, Cascade((SQUARE, FanIn(4, table((0, 4)))))))
    with pytest.raises(VerifyError, match=r"`head\.fabric\.1\.1`: inputs are at least 0") as caught:
        verify(network("broken", (replace(linear("head", SQUARE), fabric=fabric),)))
    assert caught.value.place == "head.fabric.1.1"


def drawn_layer(path: str) -> Op:
    return dense(path, 4, 4, draws=(DRAW,))


@pytest.mark.parametrize(
    ("sentence", "broken"),
    [
        ("paths are unique", network("broken", (relu("a"), relu("a")))),
        ("that of the operation around", network("broken", (Inline(path="a", **SHAPE, network="b", body=(relu("b"),)),))),
        ("a stream of its own", network("broken", (drawn_layer("a"), drawn_layer("b")))),
        ("slopes are chosen", network("broken", (drawn_layer("a"), relu("b", function="leaky_relu", slope="auto")))),
        ("takes what the one before gives", network("broken", (relu("a"), relu("b", 5)))),
        ("takes what the one before gives", network("broken", (relu("a"),), input=(5,))),
        ("takes what the one before gives", replace(network("broken", (relu("a"),)), output=(5,))),
    ],
)  # fmt: skip
def test_broken_networks_are_named(sentence: str, broken: Network) -> None:
    with pytest.raises(VerifyError) as caught:
        verify(broken)
    assert caught.value.place == "broken"
    assert sentence in caught.value.rule


def test_every_rule_is_broken_once() -> None:
    rules = [*OP_RULES, *CONVOLUTION_RULES, *LAYER_RULES, *FABRIC_RULES, *NETWORK_RULES, *FLOW_RULES]
    fragments = [sentence for sentence, _ in BROKEN_OPS + BROKEN_FABRICS]  # type: ignore[operator]
    fragments += [
        "paths are unique",
        "that of the operation around",
        "a stream of its own",
        "slopes are chosen",
        "an embedding reads",
    ]
    assert [rule.sentence for rule in rules if not any(part in rule.sentence for part in fragments)] == []
