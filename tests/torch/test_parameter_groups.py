"""`parameter_groups`: rates against closed forms, decay against the dense twin's."""

from __future__ import annotations

from math import isclose, sqrt

import numpy as np
import pytest
import torch

from nfc.backends.torch_groups import block_rates
from nfc.backends.torch_module import build_module
from nfc.backends.torch_source import emit_torch
from nfc.ir.fabric import factors, named_factors
from nfc.ir.factors import Kron
from nfc.ir.network import Reshape
from nfc.ir.parameters import factor_name, parameters
from nfc.lowering import Target, lower, optimise
from tests.build import FABRICS, butterfly, edges_of, linear, network
from tests.torch.networks import NETWORKS, _chain, _repeat, one_layer, random_fan_in, with_draws

SINGLE = {"block": 2, "diagonal": 1, "strided": 2, "blocks": 3, "torus": 5, "hypercube": 4, "fan_in": 2}
"""The fan-in of layers of one factor."""


def expected_places(kind):
    """(fan-in of the neurons, gain of their movement, share) of each factor."""
    match kind:
        case "butterfly":
            return [(2, 1, 1 / 3)] * 3
        case "restricted":
            degrees = [factor.fan_in() for factor in factors(FABRICS[kind])]
            live = [np.count_nonzero(each) for each in degrees]
            gains = [max(1, sqrt(count / live[-1])) for count in live]
            return [
                (each.sum() / count, gain, 1 / 3)
                for each, count, gain in zip(degrees, live, gains, strict=True)
            ]
        case "sum":  # a butterfly of three stages and a product of two factors through 3
            outputs = [(2 + 3, 1, 1 / 3), (2 + 3, 1, 1 / 2)]
            return [(2, sqrt(2), 1 / 3)] * 2 + outputs[:1] + [(8, sqrt(2), 1 / 2)] + outputs[1:]
        case "nested":  # two factors that add, then one from 8 to 5
            return [(2 + 1, sqrt(8 / 5), 1 / 2)] * 2 + [(8, 1, 1 / 2)]
        case "edges":
            return [((3 + 1 + 4) / 3, 1, 1)]
        case _:
            return [(SINGLE[kind], 1, 1)]


def movement(edges, gain=1.0):
    return gain * edges + 8 * sqrt(edges)


@pytest.mark.parametrize("kind", sorted(FABRICS.keys() - {"dense"}))
def test_rates_are_the_closed_forms(kind):
    fabric = FABRICS[kind]
    model = build_module(lower(one_layer(fabric)))
    groups = model.parameter_groups(1e-3, 0.5)
    found = {id(parameter): group for group in groups for parameter in group["params"]}
    for (place, _), (edges, gain, share) in zip(named_factors(fabric), expected_places(kind), strict=True):
        group = found[id(model.get_parameter(factor_name("linear1", place)))]
        rate = share * movement(fabric.cols) / movement(edges, gain)
        assert isclose(group["lr"], 1e-3 * rate, rel_tol=0.05), place  # two digits are printed
        assert isclose(group["lr"] * group["weight_decay"], 1e-3 * 0.5 * share, rel_tol=1e-12), place


def test_a_dense_network_has_the_given_rate():
    layers = (linear("linear1", Kron(1, 64, 32, 1)), linear("linear2", Kron(1, 8, 64, 1)))
    model = build_module(lower(with_draws(network("net", layers))))
    matrices, vectors = model.parameter_groups(0.25, 0.125)
    assert (matrices["lr"], matrices["weight_decay"]) == (0.25, 0.125)
    assert (vectors["lr"], vectors["weight_decay"]) == (0.25, 0.0)
    assert [each.ndim for each in matrices["params"] + vectors["params"]] == [2, 2, 1, 1]


@pytest.mark.parametrize("name", NETWORKS)
def test_every_parameter_is_in_one_group(name):
    net = NETWORKS[name]
    model = build_module(lower(net))
    groups = model.parameter_groups(1e-3, 0.1)
    grouped = [id(parameter) for group in groups for parameter in group["params"]]
    assert sorted(grouped) == sorted(map(id, model.parameters()))
    pairs = [(group["lr"], group["weight_decay"]) for group in groups]
    assert len(set(pairs)) == len(pairs)
    roles = {id(model.get_parameter(each.name)): each.role for each in parameters(net) if each.trainable}
    for group in groups:
        for parameter in group["params"]:
            role = roles[id(parameter)]
            assert (group["weight_decay"] == 0.0) == (role not in ("factor", "table"))
            assert role == "factor" or group["lr"] == 1e-3


@pytest.mark.parametrize("name", NETWORKS)
def test_the_kernels_do_not_matter(name):
    plan = lower(NETWORKS[name])
    assert block_rates(optimise(plan, Target(runtime="torch")).body) == block_rates(plan.body)


@pytest.mark.parametrize("kind", FABRICS)
def test_a_matrix_decays_as_its_dense_twin(kind):
    fabric = FABRICS[kind]
    model = build_module(lower(one_layer(fabric, bias=False))).double()
    before = model(torch.eye(fabric.cols, dtype=torch.float64)).detach()
    optimizer = torch.optim.AdamW(model.parameter_groups(1e-2, 0.1))
    for parameter in model.parameters():
        parameter.grad = torch.zeros_like(parameter)
    for _ in range(10):
        optimizer.step()
    after = model(torch.eye(fabric.cols, dtype=torch.float64)).detach()
    # A step of n factors multiplies by (1 − 1e-3 / n)^n, which is 1 − 1e-3 to 1e-6 / 2.
    torch.testing.assert_close(after, (1 - 1e-2 * 0.1) ** 10 * before, rtol=1e-5, atol=1e-6)


def repeated(copies, fabric_of):
    body = _repeat("repeat1", [_chain(f"repeat1.{copy}.", fabric_of(copy)) for copy in range(copies)])
    return with_draws(network("net", (Reshape(path="flatten1", input=(8, 2), output=(16,)), body)))


def statements(net):
    text = emit_torch(lower(net)).text
    return [line for line in text.splitlines() if "rates.set(" in line]


def test_copies_are_set_in_a_loop():
    short, long = (repeated(copies, lambda copy: butterfly(16)) for copies in (2, 60))
    assert statements(short) == statements(long)
    assert len(statements(long)) == 1
    model = build_module(lower(long))
    assert {len(group["params"]) for group in model.parameter_groups(1.0)} == {4 * 60, 60}


def test_random_copies_share_their_lines():
    nearly = np.ones((16, 16), int)
    nearly[0, 0] = 0
    patterns = [edges_of(nearly), random_fan_in(16, 15, 0)]
    rates = block_rates(lower(repeated(4, lambda copy: patterns[copy % 2])).body)
    assert len(set(rates.values())) == 1
    assert len(statements(repeated(4, lambda copy: random_fan_in(16, 2 + 6 * (copy % 2), copy)))) == 4


def test_rates_hold_after_conversions():
    model = build_module(lower(NETWORKS["repeats"]))
    sizes = [len(group["params"]) for group in model.parameter_groups(1e-3, 0.1)]
    model.requires_grad_(False)
    for changed in (model.half(), model.to("meta")):
        assert [len(group["params"]) for group in changed.parameter_groups(1e-3, 0.1)] == sizes


def test_groups_and_schedules_are_taken_by_pytorch():
    model = build_module(lower(NETWORKS["branches"]))
    groups = model.parameter_groups(1e-3, 0.1)
    rates = [group["lr"] for group in groups]
    optimizer = torch.optim.AdamW(groups)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: 1 / (1 + step))
    before = [parameter.detach().clone() for parameter in model.parameters()]
    model(torch.randn(4, 8)).square().sum().backward()
    optimizer.step()
    schedule.step()
    assert schedule.get_last_lr() == [rate / 2 for rate in rates]
    assert not any(map(torch.equal, before, model.parameters()))
    torch.optim.AdamW(model.parameter_groups(1e-3)).load_state_dict(optimizer.state_dict())


def test_a_network_without_weights_has_no_groups():
    net = network("net", (Reshape(path="flatten1", input=(2, 4), output=(8,)),))
    assert build_module(lower(net)).parameter_groups(1e-3) == []
