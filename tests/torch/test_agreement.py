"""Emitted modules and the plan interpreter compute what dense masked matrices compute."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from nfc.backends.numpy_interpreter import run_plan
from nfc.backends.torch_module import build_module
from nfc.ir.initial_weights import initial_weights
from nfc.ir.interpreter import interpret
from nfc.lowering import lower
from tests.build import FABRICS, random_values
from tests.torch.dense import dense_layer
from tests.torch.networks import NETWORKS, disturb, load, one_layer

CLOSE = {"rtol": 1e-5, "atol": 1e-5}


@pytest.mark.parametrize("batch", [1, 3, 32])
@pytest.mark.parametrize("leading", [(), (5,)], ids=["vector", "sequence"])
@pytest.mark.parametrize("kind", FABRICS)
def test_each_kind_of_factor_multiplies_by_its_dense_matrix(kind, leading, batch):
    net = one_layer(FABRICS[kind], leading=leading)
    weights = disturb(initial_weights(net, 1))
    module = build_module(lower(net)).eval()
    load(module, weights)
    x = random_values((batch, *net.input))
    tensors = {name: torch.tensor(value, dtype=torch.float64) for name, value in weights.items()}
    expected = dense_layer(net.body[0], tensors, torch.tensor(x, dtype=torch.float64)).numpy()
    np.testing.assert_allclose(module(torch.tensor(x)).detach().numpy(), expected, **CLOSE)
    np.testing.assert_allclose(run_plan(lower(net), weights, x), expected, **CLOSE)


@pytest.mark.parametrize("batch", [1, 3, 32])
@pytest.mark.parametrize("name", NETWORKS)
def test_networks_agree_with_the_reference_interpreter(name, batch):
    net = NETWORKS[name]
    weights = disturb(initial_weights(net, 1))
    module = build_module(lower(net)).eval()
    load(module, weights)
    x = random_values((batch, *net.input))
    expected = interpret(net, weights, x)
    close = {"rtol": 1e-5, "atol": 1e-5 * max(1.0, float(np.abs(expected).max()))}
    np.testing.assert_allclose(module(torch.tensor(x)).detach().numpy(), expected, **close)
    np.testing.assert_allclose(run_plan(lower(net), weights, x), expected, **close)


@pytest.mark.parametrize("kind", FABRICS)
def test_gradients_are_those_of_the_dense_masked_network(kind):
    net = one_layer(FABRICS[kind])
    module = build_module(lower(net), seed=2)
    x = torch.tensor(random_values((6, *net.input)), requires_grad=True)
    gradient = torch.tensor(random_values((6, *net.output), seed=1))
    module(x).backward(gradient)
    twin = {name: value.detach().clone().requires_grad_() for name, value in module.named_parameters()}
    dense_x = x.detach().clone().requires_grad_()
    dense_layer(net.body[0], twin, dense_x).backward(gradient)
    torch.testing.assert_close(x.grad, dense_x.grad, rtol=1e-5, atol=1e-5)
    for name, parameter in module.named_parameters():
        torch.testing.assert_close(parameter.grad, twin[name].grad, rtol=1e-5, atol=1e-5, msg=name)


def test_a_dead_output_between_live_ones_stays_zero():
    from nfc.ir.factors import Kron, Restricted

    live_rows, live_cols = np.array([True, False, True]), np.array([True, True, False, True])
    net = one_layer(Restricted(Kron(2, 2, 2, 1), live_rows, live_cols), bias=False)
    module = build_module(lower(net))
    assert module.linear1.weight.shape == (3,)
    optimiser = torch.optim.AdamW(module.parameters(), lr=0.1)
    for step in range(3):
        optimiser.zero_grad()
        y = module(torch.tensor(random_values((4, 4), seed=step)))
        assert not y[:, 1].any()
        y.square().sum().backward()
        assert module.linear1.weight.grad.all()
        optimiser.step()


def test_batch_norm_normalises_the_last_axis_of_a_sequence_in_training():
    net = NETWORKS["norms"]
    module = build_module(lower(net)).train()
    x = torch.tensor(random_values((16, 3, 8)))
    seen = []
    module.norm1.register_forward_hook(lambda _module, _inputs, output: seen.append(output))
    module(x)
    flat = x.reshape(-1, 8)
    expected = (flat - flat.mean(0)) / (flat.var(0, unbiased=False) + 1e-5).sqrt()
    torch.testing.assert_close(seen[0], expected, rtol=1e-4, atol=1e-4)


def test_an_empty_batch_goes_through():
    for net in (NETWORKS["every_fabric"], NETWORKS["branches"]):
        module = build_module(lower(net)).eval()
        assert module(torch.zeros(0, *net.input)).shape == (0, *net.output)
