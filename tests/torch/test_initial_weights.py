"""`Module(seed)` draws the weights of nfc's frozen rule, bit for bit."""

from __future__ import annotations

from math import sqrt

import numpy as np
import pytest
import torch

from nfc import philox
from nfc.backends.torch_module import build_module
from nfc.ir.initial_weights import initial_weights
from nfc.ir.network import Draw, linear_layers
from nfc.lowering import lower
from tests.build import FABRICS, linear, network
from tests.torch.networks import NETWORKS, replace_draws, with_draws

SEEDS = [0, 7, 2**31 + 5, 2**64 - 1]


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("name", NETWORKS)
def test_uniform_draws_are_bit_exact(name, seed):
    module = build_module(lower(NETWORKS[name]), seed=seed)
    state = module.state_dict()
    for key, value in initial_weights(NETWORKS[name], seed).items():
        assert state[key].numpy().tobytes() == value.tobytes(), key


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
    (layer,) = linear_layers(net)
    swapped = replace_draws(layer, layer.draws[::-1])
    with pytest.raises(ValueError, match="stream"):
        build_module(lower(network("net", (swapped,))))
