"""Every operation of a plan that has no kernels."""

from __future__ import annotations

import pytest

from nfc.ir.factors import Kron
from nfc.ir.network import (
    ACTIVATIONS,
    NORMS,
    Activation,
    Concat,
    Crop,
    Dropout,
    Inline,
    Norm,
    Op,
    Pad,
    Repeat,
    Reshape,
    Residual,
    Sum,
)
from tests.build import butterfly, linear, network
from tests.onnx.running import assert_computes, compiled

SHAPES = ((7,), (4, 7), (2, 3, 7))


def same(kind: type[Op], path: str, shape: tuple[int, ...], **fields) -> Op:
    return kind(path=path, input=shape, output=shape, **fields)


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("function", ACTIVATIONS)
def test_activations(function: str, shape: tuple[int, ...]) -> None:
    assert_computes(network("n", (same(Activation, f"{function}1", shape, function=function),)))


def test_slope_of_leaky_relu() -> None:
    op = same(Activation, "leaky_relu1", (7,), function="leaky_relu", slope=0.3)
    assert_computes(network("n", (op,)))


@pytest.mark.parametrize("axis", [-1, -2])
@pytest.mark.parametrize("function", ["softmax", "log_softmax"])
def test_axis_of_softmax(function: str, axis: int) -> None:
    assert_computes(network("n", (same(Activation, "softmax1", (4, 7), function=function, axis=axis),)))


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("norm", NORMS)
def test_norms(norm: str, shape: tuple[int, ...]) -> None:
    assert_computes(network("n", (same(Norm, "norm1", shape, norm=norm),)))


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_pad_and_crop(shape: tuple[int, ...]) -> None:
    wide = (*shape[:-1], 10)
    narrow = (*shape[:-1], 4)
    ops = (
        Pad(path="pad1", input=shape, output=wide),
        Crop(path="crop1", input=wide, output=narrow),
    )
    assert_computes(network("n", ops))


def test_reshapes() -> None:
    ops = (
        Reshape(path="flatten1", input=(2, 3, 4), output=(24,)),
        Reshape(path="reshape1", input=(24,), output=(6, 4)),
    )
    assert_computes(network("n", ops))


def test_dropout_is_gone() -> None:
    net = network("n", (same(Dropout, "dropout1", (7,), probability=0.5),))
    assert_computes(net)
    assert b"Dropout" not in compiled(net)


@pytest.mark.parametrize("project", [True, False])
def test_residual(project: bool) -> None:
    relu = same(Activation, "residual1.relu1", (8,), function="relu")
    shortcut = linear("residual1.project", Kron(1, 8, 8, 1), bias=False) if project else None
    op = Residual(
        path="residual1",
        input=(8,),
        output=(8,),
        body=(linear("residual1.linear1", butterfly(8)), relu),
        project=shortcut,
    )
    assert_computes(network("n", (op,)))


def test_residual_around_nothing() -> None:
    assert_computes(network("n", (Residual(path="residual1", input=(3,), output=(3,), body=()),)))


def test_branches() -> None:
    def branches(path: str) -> tuple[tuple[Op, ...], ...]:
        return (
            (linear(f"{path}.0.linear1", Kron(1, 8, 8, 1)),),
            (same(Activation, f"{path}.1.tanh1", (8,), function="tanh"),),
            (),
        )

    ops = (
        Sum(path="sum1", input=(8,), output=(8,), branches=branches("sum1")),
        Sum(path="sum2", input=(8,), output=(8,), branches=branches("sum2")[:1]),
        Concat(path="concat1", input=(8,), output=(24,), branches=branches("concat1")),
    )
    assert_computes(network("n", ops))


def test_concat_with_leading_axes() -> None:
    halves = ((), (Crop(path="concat1.1.crop1", input=(3, 8), output=(3, 5)),))
    assert_computes(network("n", (Concat(path="concat1", input=(3, 8), output=(3, 13), branches=halves),)))


def test_repeat_and_inline() -> None:
    copies = tuple(
        (
            linear(f"repeat1.{copy}.linear1", butterfly(8)),
            same(Activation, f"repeat1.{copy}.relu1", (8,), function="relu"),
        )
        for copy in range(3)
    )
    repeat = Repeat(path="repeat1", input=(8,), output=(8,), copies=copies)
    encoder = Inline(path="enc1", input=(8,), output=(8,), network="enc", body=(repeat,))
    assert_computes(network("n", (encoder,)))


def test_names_that_are_taken() -> None:
    """Labels may be called as the model's input and output, or as steps inside a layer."""
    ops = tuple(linear(path, butterfly(4)) for path in ("output", "input", "output_2"))
    assert_computes(network("n", ops))


def test_a_path_that_is_the_name_of_a_weight() -> None:
    """A layer `type` has the weight `type_.weight` in state dicts; so may an operation in a block `type_`."""
    relu = same(Activation, "type_.weight", (4,), function="relu")
    ops = (
        Inline(path="type_", input=(4,), output=(4,), network="other", body=(relu,)),
        linear("type", Kron(1, 4, 4, 1)),
    )
    assert_computes(network("n", ops))
