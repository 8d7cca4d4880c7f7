"""Emitted modules of networks on sequences against plain PyTorch, and in everything PyTorch does with modules."""

from __future__ import annotations

import copy

import numpy as np
import pytest
import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor

import nfc
from nfc.ir.initial_weights import initial_weights
from nfc.ir.network import Network
from nfc.source import Source
from nfc.weights import from_state_dict, read_weights, write_weights
from tests.build import input_values
from tests.torch.dense import dense_layer
from tests.torch.networks import disturb, load

CLOSE = {"rtol": 1e-5, "atol": 1e-5}
LANGUAGE = """nf 1
network language {
    input 6
    embed 11 8
    place: position 8
    repeat COPIES {
        residual { norm layer; attn: attention 2 causal=CAUSAL via random(fan_in=3) >> monarch }
        residual { norm layer; linear 12 via random(fan_in=4); gelu; linear 8 }
    }
    norm layer
    head: linear 11
}
"""


def language(*, causal: bool = True, copies: int = 2) -> nfc.Network:
    text = LANGUAGE.replace("CAUSAL", str(causal).lower()).replace("COPIES", str(copies))
    return nfc.load(Source("language.nf", text)).network


def dense_language(net: Network, weights: dict[str, Tensor], ids: Tensor, *, causal: bool) -> Tensor:
    """The network as plain PyTorch: every fabric multiplied out to a dense masked matrix."""

    def norm(path: str, x: Tensor) -> Tensor:
        return F.layer_norm(x, (8,), weights[f"{path}.weight"], weights[f"{path}.bias"])

    def attention(op, x: Tensor) -> Tensor:
        q, k, v = (
            dense_layer(layer, weights, x).reshape(len(x), 6, 2, 4).transpose(1, 2)
            for layer in (op.q, op.k, op.v)
        )
        scores = q @ k.mT / 4**0.5
        if causal:
            scores = scores.masked_fill(torch.ones(6, 6, dtype=torch.bool).triu(1), -torch.inf)
        means = (scores.softmax(-1) @ v).transpose(1, 2).reshape(len(x), 6, 8)
        return dense_layer(op.o, weights, means)

    x = weights["embed1.weight"][ids] + weights["place.weight"]
    for number, (first, second) in enumerate(net.body[2].copies):
        path = f"repeat1.{number}"
        x = x + attention(first.body[1], norm(f"{path}.residual1.norm1", x))
        _, up, _, down = second.body
        inside = F.gelu(dense_layer(up, weights, norm(f"{path}.residual2.norm1", x)))
        x = x + dense_layer(down, weights, inside)
    return dense_layer(net.body[4], weights, norm("norm1", x))


@pytest.mark.parametrize("batch", [1, 3, 32])
@pytest.mark.parametrize("causal", [False, True])
def test_values_and_gradients_are_those_of_plain_pytorch(causal: bool, batch: int) -> None:
    net = language(causal=causal)
    module = net.torch(seed=1)
    load(module, disturb(initial_weights(net.ir, 1)))
    ids = torch.from_numpy(input_values(net.ir, batch))
    single = module(ids).detach()
    module.double()
    twin = {name: p.detach().clone().requires_grad_() for name, p in module.named_parameters()}
    output, expected = module(ids), dense_language(net.ir, twin, ids, causal=causal)
    assert (single - expected).abs().max() <= 3e-5 * expected.abs().max()
    torch.testing.assert_close(output, expected)
    gradient = torch.randn(output.shape, generator=torch.Generator().manual_seed(batch)).double()
    output.backward(gradient)
    expected.backward(gradient)
    for name, parameter in module.named_parameters():
        torch.testing.assert_close(parameter.grad, twin[name].grad, rtol=1e-6, atol=1e-9, msg=name)


def test_under_autocast_to_bfloat16() -> None:
    net = language()
    module = net.torch(seed=1)
    ids = torch.from_numpy(input_values(net.ir, 32))
    expected = module(ids).detach()
    with torch.autocast("cpu", torch.bfloat16):
        found = module(ids)
        F.cross_entropy(found.flatten(0, 1), ids.flatten()).backward()
    error = (found.float() - expected).abs().max() / expected.abs().max()
    assert 0.0 < error < 0.05
    assert all(torch.isfinite(p.grad).all() for p in module.parameters())


def test_in_bfloat16_throughout() -> None:
    net = language()
    ids = torch.from_numpy(input_values(net.ir, 3))
    expected = net.torch(seed=1)(ids)
    found = net.torch(seed=1).bfloat16()(ids)
    assert found.dtype == torch.bfloat16
    assert (found.float() - expected).abs().max() / expected.abs().max() < 0.1


def test_a_later_token_changes_nothing_before_it() -> None:
    net = language()
    module = net.torch(seed=1).eval()
    ids = torch.from_numpy(input_values(net.ir, 8))
    before = module(ids)
    for place in range(6):
        changed = ids.clone()
        changed[:, place] = (changed[:, place] + 1) % 11
        after = module(changed)
        torch.testing.assert_close(after[:, :place], before[:, :place], rtol=0, atol=1e-6)
        assert not torch.allclose(after[:, place], before[:, place])


def test_without_causal_every_token_is_seen() -> None:
    net = language(causal=False)
    module = net.torch(seed=1).eval()
    ids = torch.from_numpy(input_values(net.ir, 8))
    changed = ids.clone()
    changed[:, 5] = (changed[:, 5] + 1) % 11
    assert ((module(changed) - module(ids))[:, 0].abs().amax(-1) > 1e-6).all()


def test_compiled_as_one_graph() -> None:
    torch._dynamo.reset()
    text = (
        "nf 1\nnetwork n { input 6; embed 11 8; position 8; attention 2 causal=true via monarch; linear 3 }"
    )
    net = nfc.load(Source("n.nf", text)).network
    module = net.torch(seed=1)
    compiled = torch.compile(copy.deepcopy(module), fullgraph=True, backend="aot_eager")
    ids = torch.from_numpy(input_values(net.ir, 4))
    expected, found = module(ids), compiled(ids)
    torch.testing.assert_close(found, expected, **CLOSE)
    expected.square().sum().backward()
    found.square().sum().backward()
    for one, other in zip(compiled.parameters(), module.parameters(), strict=True):
        torch.testing.assert_close(one.grad, other.grad, rtol=1e-4, atol=1e-4)


def test_exported_with_a_dynamic_batch() -> None:
    net = language(copies=1)
    module = net.torch(seed=1).eval()
    ids = torch.from_numpy(input_values(net.ir, 4))
    exported = torch.export.export(module, (ids,), dynamic_shapes=({0: torch.export.Dim("batch")},))
    for batch in (2, 9):
        other = torch.from_numpy(input_values(net.ir, batch))
        torch.testing.assert_close(exported.module()(other), module(other), **CLOSE)


def test_an_empty_batch_goes_through() -> None:
    assert language().torch().eval()(torch.zeros(0, 6, dtype=torch.int64)).shape == (0, 6, 11)


def test_names_follow_the_labels() -> None:
    net = nfc.load(
        Source("n.nf", "nf 1\nnetwork n { input 4; embed 5 6; place: position 6; attn: attention 3 }")
    ).network
    names = [name for name, _ in net.torch().named_parameters()]
    layers = [f"attn.{part}.{kind}" for part in "qkvo" for kind in ("weight", "bias")]
    assert names == ["embed1.weight", "place.weight", *layers]


def test_initial_weights_are_those_of_the_rule_and_come_back_from_files(tmp_path) -> None:
    net = language()
    module, weights = net.torch(seed=5), initial_weights(net.ir, 5)
    state = module.state_dict()
    for name, value in weights.items():
        np.testing.assert_allclose(state[name].numpy(), value, rtol=0, atol=1e-6)
    for suffix in (".safetensors", ".pt"):
        path = tmp_path / f"weights{suffix}"
        write_weights(path, weights, net.ir)
        found = read_weights(path, net.ir)
        assert all(np.array_equal(found[name], value) for name, value in weights.items())
    assert set(from_state_dict(module, net.ir)) == set(weights)


def test_a_table_of_another_shape_is_named() -> None:
    net = language()
    state = dict(net.torch().state_dict())
    state["embed1.weight"] = torch.zeros(12, 8)
    with pytest.raises(nfc.NfcError, match=r"`embed1.weight` has the shape \[12, 8\]"):
        from_state_dict(state, net.ir)


def test_groups_hold_every_parameter_once_and_tables_learn_as_in_the_dense_twin() -> None:
    module = language().torch()
    groups = module.parameter_groups(lr=0.1, weight_decay=0.2)
    found = [parameter for group in groups for parameter in group["params"]]
    assert sorted(map(id, found)) == sorted(map(id, module.parameters()))
    (group,) = (group for group in groups if any(p is module.embed1.weight for p in group["params"]))
    assert (group["lr"], group["weight_decay"]) == (0.1, 0.2)


def test_training_learns_to_repeat_the_token_before() -> None:
    """A causal network finds the token before by attention alone."""
    net = language(copies=1)
    module = net.torch(seed=0)
    optimiser = torch.optim.AdamW(module.parameter_groups(lr=1e-2))
    generator = torch.Generator().manual_seed(0)
    for _ in range(120):
        ids = torch.randint(11, (64, 6), generator=generator)
        loss = F.cross_entropy(module(ids)[:, 1:].flatten(0, 1), ids[:, :-1].flatten())
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    assert loss < 1.0 < np.log(11)
