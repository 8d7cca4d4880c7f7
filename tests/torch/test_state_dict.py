"""State dicts: keys and shapes of nfc's parameters, and a digest that keeps wirings apart."""

from __future__ import annotations

import pytest
import torch
from safetensors.torch import load_file, save_file

from nfc.backends.torch_module import build_module
from nfc.ir.digest import network_digest
from nfc.ir.parameters import parameters
from nfc.lowering import lower
from tests.build import FABRICS, random_values
from tests.torch.networks import NETWORKS, one_layer


@pytest.mark.parametrize("name", NETWORKS)
def test_keys_and_shapes_are_the_parameters_of_the_network(name):
    net = NETWORKS[name]
    module = build_module(lower(net))
    expected = {parameter.name: parameter.shape for parameter in parameters(net)}
    state = module.state_dict()
    found = {
        key: tuple(value.shape)
        for key, value in state.items()
        if key != "_extra_state" and not key.endswith("num_batches_tracked")
    }
    assert found == expected
    trainable = {parameter.name for parameter in parameters(net) if parameter.trainable}
    assert {key for key, _ in module.named_parameters()} == trainable


@pytest.mark.parametrize("name", ["every_fabric", "norms"])
def test_round_trip_through_safetensors(name, tmp_path):
    plan = lower(NETWORKS[name])
    module, other = build_module(plan, seed=1), build_module(plan, seed=2)
    save_file(module.state_dict(), tmp_path / "weights.safetensors")
    other.load_state_dict(load_file(tmp_path / "weights.safetensors"))
    x = torch.tensor(random_values((3, *NETWORKS[name].input)))
    torch.testing.assert_close(other.eval()(x), module.eval()(x), rtol=0, atol=0)


def test_the_digest_is_a_tensor_that_survives_half_precision():
    net = one_layer(FABRICS["fan_in"])
    module = build_module(lower(net)).half()
    state = module.state_dict()
    assert state["_extra_state"].dtype == torch.uint8
    assert bytes(state["_extra_state"].tolist()).decode() == network_digest(net) == module.topology_digest
    module.load_state_dict(state)
    module.load_state_dict({**state, "_extra_state": state["_extra_state"].half()})


@pytest.mark.parametrize("strict", [True, False])
def test_weights_of_another_topology_are_refused(strict):
    wide, strided = one_layer(FABRICS["block"], bias=False), one_layer(FABRICS["nested"], bias=False)
    module, other = build_module(lower(wide)), build_module(lower(strided))
    before = {key: value.clone() for key, value in module.state_dict().items()}
    with pytest.raises(RuntimeError, match="another topology") as caught:
        module.load_state_dict(other.state_dict(), strict=strict)
    assert network_digest(wide) in str(caught.value)
    assert network_digest(strided) in str(caught.value)
    for key, value in module.state_dict().items():
        assert torch.equal(value, before[key])


@pytest.mark.parametrize("strict", [True, False])
def test_weights_without_a_digest_are_refused_until_it_is_added(strict):
    net = one_layer(FABRICS["block"])
    module, other = build_module(lower(net), seed=1), build_module(lower(net), seed=2)
    plain = dict(other.named_parameters())
    with pytest.raises(RuntimeError, match="does not say its topology") as caught:
        module.load_state_dict(plain, strict=strict)
    assert network_digest(net) in str(caught.value)
    assert not torch.equal(module.linear1.weight, other.linear1.weight)
    module.load_state_dict({**plain, "_extra_state": module.get_extra_state()}, strict=strict)
    assert torch.equal(module.linear1.weight, other.linear1.weight)


def test_the_digest_is_found_inside_a_larger_model():
    net = one_layer(FABRICS["block"])
    model = torch.nn.Sequential(build_module(lower(net)), torch.nn.ReLU())
    model.load_state_dict(model.state_dict())
    with pytest.raises(RuntimeError, match=r"0\._extra_state"):
        model.load_state_dict(dict(model.named_parameters()))


def test_garbage_in_place_of_the_digest_is_refused():
    module = build_module(lower(one_layer(FABRICS["block"])))
    state = {**module.state_dict(), "_extra_state": torch.tensor([255, 0], dtype=torch.uint8)}
    with pytest.raises(RuntimeError, match="another topology"):
        module.load_state_dict(state)
