"""`Module(seed)` draws the weights of nfc's frozen rule, bit for bit."""

from __future__ import annotations

from dataclasses import replace
from math import sqrt

import numpy as np
import pytest
import torch

import nfc
from nfc import philox
from nfc.backends.torch_module import build_module
from nfc.diagnostics import Sink
from nfc.ir.convolutions import Conv
from nfc.ir.deviations import ByDegrees, ByRow, Floored, Separable
from nfc.ir.fabric import factors
from nfc.ir.factors import Kron
from nfc.ir.initial_weights import initial_weights
from nfc.ir.network import SCHEMES, Draw, weighted_layers
from nfc.lowering import lower
from nfc.passes.initialise import Initialise
from tests.build import FABRICS, linear, network
from tests.ir.test_initial_weights import CUT
from tests.torch.networks import NETWORKS, replace_draws, with_draws

SEEDS = [0, 7, 2**31 + 5, 2**64 - 1]


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("name", NETWORKS)
def test_uniform_draws_are_bit_exact(name, seed):
    module = build_module(lower(NETWORKS[name]), seed=seed)
    state = module.state_dict()
    for key, value in initial_weights(NETWORKS[name], seed).items():
        assert state[key].numpy().tobytes() == value.tobytes(), key


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("kind", FABRICS)
def test_every_scheme_draws_the_same(kind, scheme):
    net = Initialise().run(network("net", (linear("linear1", FABRICS[kind], scheme=scheme),)), Sink())
    (layer,) = weighted_layers(net)
    state = build_module(lower(net), seed=7).state_dict()
    exact = "orthogonal" not in {draw.distribution for draw in layer.draws}
    for key, value in initial_weights(net, 7).items():
        np.testing.assert_allclose(state[key].numpy(), value, rtol=0, atol=0 if exact else 1e-6, err_msg=key)


def deviations_of(factor):
    """Records of every kind, with numbers that round."""
    random = np.random.default_rng(2)
    rows, cols = (lambda: random.random(factor.rows)), (lambda: random.random(factor.cols))
    blocks = (np.arange(factor.rows) % 2.0, np.arange(factor.cols) % 2.0)
    yield ByRow(rows())
    yield ByDegrees(rows(), rows(), cols())
    yield Separable(rows(), cols())
    yield Floored(rows(), rows(), cols(), rows(), cols(), *blocks)


@pytest.mark.parametrize("distribution", ["uniform", "sign"])
@pytest.mark.parametrize("kind", ["fan_in", "edges", "restricted"])
def test_deviations_of_rows_and_columns_are_bit_exact(kind, distribution):
    for factor in factors(FABRICS[kind]):
        for std in deviations_of(factor):
            layer = replace_draws(linear("linear1", factor), (Draw(distribution, std, 0),))
            net = network("net", (layer,))
            state = build_module(lower(net), seed=3).state_dict()
            assert (
                state["linear1.weight"].numpy().tobytes()
                == initial_weights(net, 3)["linear1.weight"].tobytes()
            )


@pytest.mark.parametrize(
    "kind", ["dense", "block", "diagonal", "strided", "blocks", "torus", "fan_in", "edges"]
)
def test_deviations_of_rows_are_bit_exact_for_every_kind_of_factor(kind):
    factor = FABRICS[kind]
    std = ByRow(np.random.default_rng(2).random(factor.rows))
    net = network("net", (replace_draws(linear("linear1", factor), (Draw("sign", std, 0),)),))
    state = build_module(lower(net), seed=3).state_dict()
    assert state["linear1.weight"].numpy().tobytes() == initial_weights(net, 3)["linear1.weight"].tobytes()


SIGNED = (
    *(factor for kind in FABRICS for factor in factors(FABRICS[kind])),
    *CUT,
    Kron(1, 40, 3, 1),
    Kron(3, 40, 2, 1),
    Kron(2, 35, 3, 4),
    Kron(4, 1, 5, 2),
)


def convolution(factor):
    """A layer whose edges hold a kernel of 3 by 2 each."""
    image = ((factor.cols, 5, 4), (factor.rows, 3, 3))
    ends = {"input": image[0], "output": image[1], "kernel": (3, 2), "stride": (1, 1), "padding": (0, 0)}
    return Conv(path="linear1", fabric=factor, topology="test", bias=False, scheme="balanced", **ends)


@pytest.mark.parametrize("layer_of", [lambda factor: linear("linear1", factor), convolution])
@pytest.mark.parametrize("number", range(len(SIGNED)))
def test_signs_are_bit_exact_for_every_kind_of_factor(number, layer_of):
    layer = replace(layer_of(SIGNED[number]), draws=(Draw("sign", 0.3, 0),))
    net = network("net", (layer,))
    state = build_module(lower(net), seed=3).state_dict()
    assert state["linear1.weight"].numpy().tobytes() == initial_weights(net, 3)["linear1.weight"].tobytes()


@pytest.mark.parametrize("cut", CUT, ids=lambda factor: repr(factor.base))
@pytest.mark.parametrize("by_row", [False, True])
def test_orthogonal_draws_of_cut_blocks(cut, by_row):
    std = ByRow(1.0 + np.arange(cut.rows)) if by_row else 1.5
    net = network("net", (replace_draws(linear("linear1", cut), (Draw("orthogonal", std, 0),)),))
    state = build_module(lower(net), seed=5).state_dict()
    np.testing.assert_allclose(
        state["linear1.weight"].numpy(), initial_weights(net, 5)["linear1.weight"], rtol=0, atol=1e-5
    )


IRREGULAR = """nf 1

network irregular {
    input 40
    linear 64 via bernoulli(density=.1)
    relu
    linear 64 init=xavier via small_world(fan_in=5)
    linear 50 init=kaiming via butterfly
    relu
    linear 48 via torus
    repeat 3 {
        linear 48 via random(fan_in=3)
        leaky_relu
    }
    linear 10
}
"""


def test_onnx_holds_the_weights_of_the_module_and_the_interpreter(tmp_path):
    """One seed, three ways: the same bits in the module, the same file without weights as with the module's."""
    (tmp_path / "irregular.nf").write_text(IRREGULAR)
    net = nfc.load(tmp_path / "irregular.nf")["irregular"]
    module = net.torch(seed=7)
    distributions = {draw.distribution for layer in weighted_layers(net.ir) for draw in layer.draws}
    assert distributions == {"uniform", "sign"}
    state = module.state_dict()
    for key, value in initial_weights(net.ir, 7).items():
        assert state[key].numpy().tobytes() == value.tobytes(), key
    assert net.onnx(seed=7) == net.onnx(module)
    assert net.onnx(seed=8) != net.onnx(module)


@pytest.mark.parametrize("seed", SEEDS)
def test_the_uniform_rule_written_out(seed):
    layer = replace_draws(linear("linear1", FABRICS["block"]), (Draw("uniform", 0.3, 0),))
    module = build_module(lower(network("net", (layer,))), seed=seed)
    u = philox.uniform(seed, 0, 24).reshape(4, 3, 2)
    expected = (0.3 * sqrt(3.0) * (2.0 * u - 1.0)).astype(np.float32)
    assert module.linear1.weight.detach().numpy().tobytes() == expected.tobytes()
    assert not module.linear1.bias.any()


@pytest.mark.parametrize("kind", ["dense", "block", "diagonal", "strided", "butterfly", "blocks", "nested"])
def test_orthogonal_draws(kind):
    net = with_draws(network("net", (linear("linear1", FABRICS[kind]),)), orthogonal=True)
    module = build_module(lower(net), seed=5)
    state = module.state_dict()
    for key, value in initial_weights(net, 5).items():
        np.testing.assert_allclose(state[key].numpy(), value, rtol=0, atol=1e-6, err_msg=key)


def test_an_orthogonal_butterfly_keeps_lengths():
    layer = linear("linear1", FABRICS["butterfly"], bias=False)
    draws = tuple(Draw("orthogonal", 1.0, stream) for stream in range(3))
    module = build_module(lower(network("net", (replace_draws(layer, draws),))))
    x = torch.eye(8)
    y = module(x)
    torch.testing.assert_close(y @ y.T, x, rtol=0, atol=1e-5)


def test_resetting_gives_the_initial_weights_again():
    module = build_module(lower(NETWORKS["norms"]), seed=4)
    before = {key: value.clone() for key, value in module.state_dict().items()}
    module.train()(torch.randn(8, 3, 8))
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.add_(1.0)
    module.reset_parameters(4)
    for key, value in module.state_dict().items():
        assert torch.equal(value, before[key]), key


def test_streams_that_are_not_the_factors_numbers_are_an_internal_error():
    net = with_draws(network("net", (linear("linear1", FABRICS["butterfly"]),)))
    (layer,) = weighted_layers(net)
    swapped = replace_draws(layer, layer.draws[::-1])
    with pytest.raises(ValueError, match="stream"):
        build_module(lower(network("net", (swapped,))))
