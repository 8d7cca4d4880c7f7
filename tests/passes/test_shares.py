"""Shares of addends: the second moment of their sum, by closed forms, quadrature and chance."""

from __future__ import annotations

from math import cosh, e, pi

import numpy as np
import pytest

from nfc.analysis.activations import gain
from nfc.analysis.profile import profile
from nfc.diagnostics import Sink
from nfc.ir.factors import Kron
from nfc.ir.interpreter import activate
from nfc.ir.network import Activation, Concat, Dropout, Inline, Network, Norm, Op, Repeat, Residual, Sum
from nfc.passes.initialise import Initialise
from nfc.passes.shares import endings, share
from tests.build import linear, network

WIDTH = 8
SHAPE = {"input": (WIDTH,), "output": (WIDTH,)}
COUNTS = (1, 2, 8, 100, 1000)


def activation(function: str, slope: float | None = None) -> Activation:
    return Activation(path=function, function=function, slope=slope, **SHAPE)


def layer(path: str) -> Op:
    return linear(path, Kron(1, WIDTH, WIDTH, 1))


def second_of_sum(op: Activation, addends: int, part: float) -> float:
    """n E[f²] + n (n − 1) E[f]² by the trapezoidal rule on the interpreter's activation."""
    z = np.linspace(-12, 12, 400_001)
    values = activate(op, np.sqrt(gain(op) * part) * z)
    weights = np.exp(-(z**2) / 2) / np.sqrt(2 * pi)
    mean, square = np.trapezoid(values * weights, z), np.trapezoid(values**2 * weights, z)
    return float(addends * square + addends * (addends - 1) * mean**2)


@pytest.mark.parametrize("count", COUNTS)
@pytest.mark.parametrize("function", ["relu", "leaky_relu", "gelu", "silu", "tanh"])
def test_a_sum_has_the_second_moment_of_one_addend_with_the_whole_target(function: str, count: int) -> None:
    op = activation(function, 0.2 if function == "leaky_relu" else None)
    found = second_of_sum(op, count, share(count, [op]))
    assert found == pytest.approx(second_of_sum(op, 1, 1.0), rel=1e-5)


@pytest.mark.parametrize("count", COUNTS)
def test_closed_forms(count: int) -> None:
    assert share(count, [None]) == 1 / count
    assert share(count, [activation("relu")]) == pytest.approx(1 / (count * (1 + (count - 1) / pi)))
    assert share(count, [activation("leaky_relu", 1.0)]) == 1 / count
    assert share(count, [activation("sigmoid")]) == 1 / count


def test_of_several_endings_the_least_share_counts() -> None:
    assert share(9, [None, activation("relu"), activation("gelu")]) == share(9, [activation("relu")])


def test_endings() -> None:
    relu, tanh = activation("relu"), activation("tanh")
    dropout = Dropout(path="dropout1", probability=0.5, **SHAPE)
    assert endings((layer("a"), relu, dropout)) == [relu]
    assert (
        endings((relu, layer("a")))
        == endings(())
        == endings((relu, Norm(path="n", norm="rms", **SHAPE)))
        == [None]
    )
    assert endings((Repeat(path="r", copies=((relu,), (tanh,)), **SHAPE),)) == [tanh]
    assert endings((Inline(path="i", network="n", body=(relu,), **SHAPE),)) == [relu]
    assert endings((Residual(path="r", body=(relu,), **SHAPE),)) == [None]
    for kind in (Sum, Concat):
        assert endings((kind(path="s", branches=((relu,), (), (tanh,)), **SHAPE),)) == [relu, None, tanh]


def chain(function: str, count: int, *before: Op) -> Network:
    blocks = tuple(
        Residual(
            path=f"residual{k}", body=(layer(f"residual{k}.linear1"), activation_at(k, function)), **SHAPE
        )
        for k in range(count)
    )
    return Initialise().run(network("chain", (*before, *blocks)), Sink())


def activation_at(number: int, function: str) -> Activation:
    return Activation(path=f"residual{number}.{function}1", function=function, **SHAPE)


@pytest.mark.parametrize("count", [8, 24, 100, 1000])
@pytest.mark.parametrize("function", ["relu", "gelu", "silu", "tanh"])
def test_chains_of_residual_blocks_stay_bounded(function: str, count: int) -> None:
    found = profile(chain(function, count))
    assert 1.0 < found.forward < 3.3
    assert 1.0 < found.backward < e


def test_the_limit_of_long_relu_chains() -> None:
    """Means m and second moments S along them solve dm/du = √S, S = 1 + m²."""
    found = profile(chain("relu", 1000))
    assert found.forward == pytest.approx(cosh(1.0) ** 2, rel=1e-3)
    assert found.correlation == pytest.approx(1 - 1 / cosh(1.0) ** 2, rel=3e-3)


def test_chains_that_begin_with_a_mean_stay_below_e_squared() -> None:
    found = profile(chain("relu", 1000, layer("linear1"), activation("relu")))
    first = next(place for place in found.places if place.op.path == "relu")
    assert found.forward / first.forward.mean < e**2


def test_sums_of_branches_that_end_in_relu_keep_the_second_moment() -> None:
    branches = tuple(
        (layer(f"sum1.{k}.a"), Activation(path=f"sum1.{k}.relu1", function="relu", **SHAPE)) for k in range(5)
    )
    body = (Sum(path="sum1", branches=branches, **SHAPE), layer("head"))
    assert profile(Initialise().run(network("wide", body), Sink())).forward == pytest.approx(1.0)
