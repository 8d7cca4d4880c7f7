"""FabricLinear against masked dense layers, and as the stand-in of nn.Linear that it is."""

from __future__ import annotations

import copy
import io
import logging
import pickle
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F  # noqa: N812
from torch import nn

import nfc
from nfc.torch import FabricLinear
from tests.dropin.masked import SINGLE, TREES, edges, masked_twin, matrix

RECTANGULAR = ((24, 40, "random(fan_in=3)"), (40, 24, "block(size=8)"), (30, 50, "monarch"), (7, 1, "dense"))


def close(found: object, expected: object) -> None:
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("via", [*SINGLE, *TREES, "dense"])
@pytest.mark.parametrize("leading", [(6,), (2, 3), ()])
def test_outputs_and_gradients_are_those_of_the_dense_matrix(via: str, leading: tuple[int, ...]) -> None:
    layer = FabricLinear(64, 64, via=via, seed=1)
    with torch.no_grad():
        layer.bias.normal_()
    x, mirror = (torch.randn(*leading, 64).requires_grad_() for _ in range(2))
    mirror.data.copy_(x.data)
    weights = list(layer.fabric.parameters())
    given = torch.randn(*leading, 64)
    y = layer(x)
    expected = F.linear(mirror, matrix(layer), layer.bias)
    close(y.detach(), expected.detach())
    found = torch.autograd.grad(y, [x, layer.bias, *weights], given)
    wanted = torch.autograd.grad(expected, [mirror, layer.bias, *weights], given)
    for one, other in zip(found, wanted, strict=True):
        close(one, other)


@pytest.mark.parametrize(("cols", "rows", "via"), RECTANGULAR)
def test_sizes_differ(cols: int, rows: int, via: str) -> None:
    layer = FabricLinear(cols, rows, bias=False, via=via)
    x = torch.randn(5, cols)
    assert layer.bias is None
    close(layer(x).detach(), (x @ matrix(layer).T).detach())


@pytest.mark.parametrize("via", SINGLE)
@pytest.mark.parametrize("optimizer", ["adamw", "momentum"])
def test_training_follows_the_masked_layer(via: str, optimizer: str) -> None:
    layer = FabricLinear(64, 64, via=via, seed=2)
    twin = masked_twin(layer)
    x, target = torch.randn(32, 64), torch.randn(32, 64)
    for module in (layer, twin):
        steps = {
            "adamw": lambda parameters: torch.optim.AdamW(parameters, lr=0.01, weight_decay=0.1),
            "momentum": lambda parameters: torch.optim.SGD(parameters, lr=0.5, momentum=0.9),
        }[optimizer](module.parameters())
        for _ in range(8):
            steps.zero_grad()
            F.mse_loss(module(x), target).backward()
            steps.step()
    close(layer.fabric.weight.detach().flatten(), edges(twin, twin.weight))
    close(layer.bias.detach(), twin.bias.detach())


def test_parameters_are_the_edges_named_as_in_an_emitted_network() -> None:
    layer = FabricLinear(64, 64, via="butterfly(radix=4)")
    source = nfc.Source(
        "one.nf", "nf 1\nnetwork one {\n    input 64\n    linear 64 via butterfly(radix=4)\n}\n"
    )
    emitted = nfc.load(source).network.torch()
    prefix = "linear1."
    expected = {name.removeprefix(prefix): value.shape for name, value in emitted.named_parameters()}
    assert {name: value.shape for name, value in layer.named_parameters()} == expected
    assert torch.equal(layer.get_extra_state(), emitted.get_extra_state())
    assert sum(weight.numel() for weight in layer.fabric.parameters()) == 3 * 4 * 64


def test_initial_weights_are_those_of_an_emitted_network() -> None:
    source = nfc.Source(
        "one.nf", "nf 1\nnetwork one {\n    input 64\n    linear 64 via monarch\n    relu\n}\n"
    )
    emitted = nfc.load(source).network.torch(seed=5)
    layer = FabricLinear(64, 64, via="monarch", activation="relu", seed=5)
    layer.load_state_dict({**emitted.linear1.state_dict(), "_extra_state": emitted.get_extra_state()})
    again = FabricLinear(64, 64, via="monarch", activation="relu", seed=5)
    assert all(
        torch.equal(one, other) for one, other in zip(layer.parameters(), again.parameters(), strict=True)
    )


@pytest.mark.parametrize("init", ["balanced", "xavier", "kaiming", "orthogonal", "dense_xavier"])
def test_gain_scales_the_outputs(init: str) -> None:
    for via in ("monarch", "parallel(2, monarch)", "dense"):
        one, four = (FabricLinear(64, 64, via=via, init=init, gain=gain, seed=3) for gain in (1.0, 4.0))
        close(four.weight.dense().detach(), 2 * one.weight.dense().detach())


def test_seeds_follow_the_generator() -> None:
    def weights(**options: int) -> list[torch.Tensor]:
        torch.manual_seed(7)
        layers = [FabricLinear(16, 16, via="monarch", **options) for _ in range(2)]
        return [layer.fabric[0].weight.detach() for layer in layers]

    first, second = weights()
    assert not torch.equal(first, second)
    assert torch.equal(first, weights()[0])
    assert torch.equal(second, weights()[1])
    same, again = weights(seed=3)
    assert torch.equal(same, again)


def test_reset_draws_the_layer_s_seed_or_a_new_one() -> None:
    fixed, free = FabricLinear(16, 16, via="dense", seed=1), FabricLinear(16, 16, via="dense")
    before = [layer.fabric.weight.clone() for layer in (fixed, free)]
    fixed.bias.data.fill_(3.0)
    fixed.reset_parameters()
    free.reset_parameters()
    assert torch.equal(fixed.fabric.weight, before[0])
    assert not fixed.bias.any()
    assert not torch.equal(free.fabric.weight, before[1])
    free.reset_parameters(seed=1)
    assert torch.equal(free.fabric.weight, before[0])


def test_labels_give_random_topologies_other_edges() -> None:
    digests = {
        FabricLinear(32, 32, via="random(fan_in=3)", label=label).topology_digest for label in ("", "a", "b")
    }
    assert len(digests) == 3
    unlabelled = FabricLinear(32, 32, via="random(fan_in=3)").topology
    assert unlabelled.digest == nfc.topology("random(fan_in=3)", rows=32, cols=32).digest


def test_state_dict_round_trip() -> None:
    layer, other = (FabricLinear(64, 64, via="monarch", seed=seed) for seed in (1, 2))
    other.load_state_dict(layer.state_dict())
    x = torch.randn(3, 64)
    assert torch.equal(layer(x), other(x))


def test_another_topology_s_weights_are_refused() -> None:
    layer = FabricLinear(64, 64, via="random(fan_in=3, seed=1)")
    other = FabricLinear(64, 64, via="random(fan_in=3, seed=2)")
    with pytest.raises(RuntimeError, match="another topology"):
        other.load_state_dict(layer.state_dict())
    with pytest.raises(RuntimeError, match="another topology"):
        copy.deepcopy(other).load_state_dict(layer.state_dict())
    with pytest.raises(RuntimeError, match="does not say its topology"):
        pickle.loads(pickle.dumps(other)).load_state_dict(nn.Linear(64, 64).state_dict(), strict=False)
    with pytest.raises(RuntimeError, match="does not say its topology"):
        other.load_state_dict(nn.Linear(64, 64).state_dict(), strict=False)


@pytest.mark.parametrize("via", ["monarch", "random(fan_in=3)", "hypercube"])
def test_copies_are_whole(via: str) -> None:
    layer = FabricLinear(64, 64, via=via)
    x = torch.randn(3, 64)
    y = layer(x)
    stream = io.BytesIO()
    torch.save(layer, stream)
    stream.seek(0)
    copies = [copy.deepcopy(layer), pickle.loads(pickle.dumps(layer)), torch.load(stream, weights_only=False)]
    for each in copies:
        assert torch.equal(each(x), y)
        each.reset_parameters(seed=0)
        assert not torch.equal(each(x), y)
    assert torch.equal(layer(x), y)


def test_a_saved_layer_works_in_another_process(tmp_path: Path) -> None:
    layer = nn.Sequential(FabricLinear(64, 64, via="monarch"), FabricLinear(64, 32, via="random(fan_in=3)"))
    x = torch.randn(3, 64)
    torch.save((layer, x, layer(x).detach()), tmp_path / "layer.pt")
    code = (
        "import sys, torch\n"
        "layer, x, y = torch.load(sys.argv[1], weights_only=False)\n"
        "torch.testing.assert_close(layer(x), y)\n"
        "layer(x).sum().backward()\n"
    )
    subprocess.run([sys.executable, "-c", code, tmp_path / "layer.pt"], check=True)


@pytest.mark.parametrize("via", ["monarch", "random(fan_in=3)", "torus", "dense"])
@pytest.mark.parametrize(("dtype", "tolerance"), [("half", 0.02), ("bfloat16", 0.1)])
def test_half_precision(via: str, dtype: str, tolerance: float) -> None:
    layer = FabricLinear(64, 64, via=via, seed=1)
    x = torch.randn(5, 64)
    y = layer(x).detach()
    small = getattr(layer, dtype)()
    found = small(x.to(small.weight.dtype))
    assert found.dtype == small.weight.dtype
    np.testing.assert_allclose(found.detach().float(), y, atol=tolerance, rtol=tolerance)


@pytest.mark.parametrize("via", ["monarch", "random(fan_in=3)", "torus", "dense"])
def test_autocast(via: str) -> None:
    layer = FabricLinear(64, 64, via=via, seed=1)
    x = torch.randn(5, 64)
    y = layer(x).detach()
    with torch.autocast("cpu", torch.bfloat16):
        found = layer(x)
    np.testing.assert_allclose(found.detach().float(), y, atol=0.1, rtol=0.1)
    found.float().sum().backward()
    assert all(weight.grad.dtype == torch.float32 for weight in layer.parameters())


def test_device_and_type_are_taken() -> None:
    layer = FabricLinear(64, 64, True, "cpu", torch.float64, via="monarch", seed=1)
    assert {parameter.dtype for parameter in layer.parameters()} == {torch.float64}
    assert layer(torch.randn(2, 64, dtype=torch.float64)).dtype == torch.float64


@pytest.mark.parametrize("via", ["monarch", "random(fan_in=3)"])
def test_from_the_meta_device(via: str) -> None:
    layer = FabricLinear(64, 64, via=via, seed=1, device="meta")
    assert all(parameter.is_meta for parameter in layer.parameters())
    layer.to_empty(device="cpu")
    layer.reset_parameters()
    x = torch.randn(2, 64)
    assert torch.equal(layer(x), FabricLinear(64, 64, via=via, seed=1)(x))


# Dynamo itself makes an instance of each autograd.Function that it traces.
@pytest.mark.filterwarnings("ignore:.*should not be instantiated:DeprecationWarning")
def test_compiled() -> None:
    model = nn.Sequential(
        FabricLinear(64, 64, via="monarch"), nn.ReLU(), FabricLinear(64, 8, via="random(fan_in=3)")
    )
    compiled = torch.compile(model, fullgraph=True, backend="aot_eager")
    x = torch.randn(4, 64)
    expected = torch.autograd.grad(model(x).square().sum(), list(model.parameters()))
    found = torch.autograd.grad(compiled(x).square().sum(), list(model.parameters()))
    for one, other in zip(found, expected, strict=True):
        close(one, other)


def test_repr_says_the_topology() -> None:
    assert "in_features=8, out_features=4, bias=False, via='monarch'" in repr(
        FabricLinear(8, 4, bias=False, via="monarch")
    )


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"via": "monarhc"}, nfc.NfcError, "did you mean `monarch`"),
        ({"via": "random(fan_in=99)"}, nfc.NfcError, "99"),
        ({"via": "monarch", "in_features": 0}, ValueError, "sizes are positive, found 0 → 8"),
        ({"via": "monarch", "init": "ballanced"}, ValueError, "did you mean `balanced`"),
        ({"via": "monarch", "activation": "rellu"}, ValueError, "did you mean `relu`"),
        ({"via": "monarch", "seed": -1}, ValueError, "a seed is a whole number, at least 0"),
        ({"via": "monarch", "seed": 1.5}, ValueError, "found 1.5"),
        ({"via": "monarch", "activation": torch.relu}, TypeError, "an activation by its name"),
        ({"via": "monarch", "in_features": 8.0}, TypeError, "in_features as a whole number, found 8.0"),
        ({"via": None}, TypeError, "via as text, found None"),
        ({"via": "monarch", "gain": -1.0}, ValueError, "a gain is at least 0"),
        ({"via": "monarch", "batch": 0}, ValueError, "batch of at least 1"),
    ],
)
def test_mistakes_are_named(options: dict[str, object], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        FabricLinear(**{"in_features": 8, "out_features": 8, **options})


def test_sizes_may_be_numpy_s() -> None:
    layer = FabricLinear(np.int64(8), np.int32(6), via="monarch", batch=np.int64(4), seed=np.int64(2))
    torch.testing.assert_close(layer(torch.ones(8)), FabricLinear(8, 6, via="monarch", seed=2)(torch.ones(8)))


def test_warnings_are_logged(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING, logger="nfc.torch"):
        FabricLinear(32, 32, via="random(fan_in=3)", init="orthogonal", label="head")
    (message,) = caplog.messages
    assert message.startswith("head: warning[NF450]: `init=orthogonal` needs dense blocks")


def test_without_pytorch_the_import_says_what_is_missing() -> None:
    code = "import sys; sys.modules['torch'] = None; import nfc.torch"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert "ImportError: nfc.torch needs PyTorch; `pip install neurofabric[torch]` installs it" in done.stderr
