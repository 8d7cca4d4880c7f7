"""`leaky_relu slope=auto`: the slope takes angles where it should, in every kind of network."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from nfc.analysis.profile import profile
from nfc.diagnostics import Sink
from nfc.ir.factors import Kron
from nfc.ir.network import (
    AUTO_SLOPE,
    Activation,
    Block,
    Concat,
    Inline,
    Network,
    Norm,
    Op,
    Repeat,
    Residual,
    Sum,
    walk,
)
from nfc.ir.text import parse_network, print_network
from nfc.ir.verify import VerifyError, verify
from nfc.passes.initialise import Initialise
from nfc.passes.pipeline import run_pipeline
from nfc.passes.tailor import COSINE, Tailor, chosen_slope, network_cosine, with_slope
from tests.build import linear, network

WIDTH = 4
SHAPE = {"input": (WIDTH,), "output": (WIDTH,)}


def layer(path: str, cols: int = WIDTH) -> Op:
    return linear(path, Kron(1, WIDTH, cols, 1))


def leaky(path: str) -> Activation:
    return Activation(path=path, function="leaky_relu", slope=AUTO_SLOPE, **SHAPE)


def step(prefix: str) -> Block:
    return layer(f"{prefix}.linear1"), leaky(f"{prefix}.leaky_relu1")


def plain(prefix: str) -> Block:
    return step(prefix)


def inlined(prefix: str) -> Block:
    return (Inline(path=f"{prefix}.net", network="net", body=step(f"{prefix}.net"), **SHAPE),)


def residual(prefix: str) -> Block:
    return (Residual(path=f"{prefix}.residual1", body=step(f"{prefix}.residual1"), **SHAPE),)


def bottleneck(prefix: str) -> Block:
    body = (*step(f"{prefix}.residual1"), layer(f"{prefix}.residual1.linear2"))
    return (Residual(path=f"{prefix}.residual1", body=body, **SHAPE),)


def projected(prefix: str) -> Block:
    path = f"{prefix}.residual1"
    return (Residual(path=path, body=step(path), project=layer(f"{path}.project"), **SHAPE),)


def added(prefix: str) -> Block:
    branches = (step(f"{prefix}.sum1.0"), step(f"{prefix}.sum1.1"))
    return (Sum(path=f"{prefix}.sum1", branches=branches, **SHAPE),)


def joined(prefix: str) -> Block:
    branches = (step(f"{prefix}.concat1.0"), ())
    both = Concat(path=f"{prefix}.concat1", branches=branches, input=(WIDTH,), output=(2 * WIDTH,))
    return both, layer(f"{prefix}.linear1", 2 * WIDTH)


def normed(prefix: str) -> Block:
    return (*step(prefix), Norm(path=f"{prefix}.norm1", norm="rms", **SHAPE))


def deep(build: Callable[[str], Block], depth: int) -> Network:
    copies = tuple(build(f"repeat1.{k}") for k in range(depth))
    return network("deep", (Repeat(path="repeat1", copies=copies, **SHAPE), layer("head")))


def slopes(net: Network) -> set[object]:
    return {op.slope for op in walk(net.body) if isinstance(op, Activation) and op.function == "leaky_relu"}


@pytest.mark.parametrize("build", [plain, inlined, added, joined, normed])
@pytest.mark.parametrize("depth", [50, 200])
def test_the_predicted_correlation_is_the_cosine_asked_for(build: Callable[[str], Block], depth: int) -> None:
    tailored = Tailor().run(deep(build, depth), Sink())
    (slope,) = slopes(tailored)
    assert 0.0 < slope < 1.0
    assert profile(Initialise().run(tailored, Sink())).correlation == pytest.approx(COSINE, abs=1e-4)


@pytest.mark.parametrize("build", [residual, bottleneck, projected])
@pytest.mark.parametrize("depth", [10, 200])
def test_residual_blocks_keep_angles_apart_with_relu(build: Callable[[str], Block], depth: int) -> None:
    """What is worked out of them is what the analysis predicts, as their first values are not activated."""
    tailored = Tailor().run(deep(build, depth), Sink())
    assert slopes(tailored) == {0.0}
    found = profile(Initialise().run(tailored, Sink())).correlation
    assert network_cosine(deep(build, depth), 0.0) == pytest.approx(found, rel=1e-6)
    assert found < COSINE


def test_shallow_networks_have_relu_and_slopes_grow_with_the_depth() -> None:
    found = [chosen_slope(deep(plain, depth)) for depth in (1, 5, 10, 20, 50, 100, 1000)]
    assert found[:3] == [0.0, 0.0, 0.0]
    assert found[2:] == sorted(set(found[2:]))
    assert found[5] == 0.57044
    assert found[6] == 0.84435


def test_slopes_have_six_digits() -> None:
    slope = chosen_slope(deep(plain, 137))
    assert slope == float(f"{slope:.6g}")
    cosines = [network_cosine(deep(plain, 137), slope + off) for off in (-1e-6, 1e-6)]
    assert cosines[0] > COSINE > cosines[1]


def test_other_activations_and_slopes_stay() -> None:
    body = (
        layer("a"),
        Activation(path="relu1", function="relu", **SHAPE),
        layer("b"),
        replace(leaky("leaky_relu1"), slope=0.3),
        layer("c"),
        leaky("leaky_relu2"),
    )
    tailored = Tailor().run(network("mixed", body), Sink())
    assert [op.slope for op in tailored.body if isinstance(op, Activation)] == [None, 0.3, 0.0]
    fixed = with_slope(network("mixed", body), 0.25)
    assert Tailor().run(fixed, Sink()) is fixed


def test_the_pipeline_leaves_no_automatic_slope() -> None:
    ran = run_pipeline(deep(plain, 30), Sink())
    assert slopes(ran) == {chosen_slope(deep(plain, 30))}


def test_second_moments_beyond_float64_are_no_fault() -> None:
    doubled = tuple(Sum(path=f"sum{k}", branches=((), ()), **SHAPE) for k in range(2000))
    assert 0.0 <= chosen_slope(network("double", (*doubled, *step("net")))) <= 1.0


def test_the_text_form_says_auto() -> None:
    text = print_network(deep(plain, 1))
    assert "slope=auto" in text
    assert parse_network(text) == deep(plain, 1)


def test_no_weights_are_drawn_before_slopes_are_chosen() -> None:
    verify(network("auto", step("net")[1:]))
    drawn = Initialise().run(network("auto", (layer("head"),)), Sink())
    with pytest.raises(VerifyError, match="slopes are chosen before weights are drawn"):
        verify(replace(drawn, body=(*drawn.body, leaky("leaky_relu1"))))


def test_nothing_runs_with_an_automatic_slope() -> None:
    with pytest.raises(ValueError, match="`tailor` has to run before"):
        _ = leaky("leaky_relu1").negative_slope
