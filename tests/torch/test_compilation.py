"""`torch.compile`, `torch.export`, `torch.func`: one graph, a dynamic batch, the same numbers."""

from __future__ import annotations

import copy

import pytest
import torch

from nfc.backends.torch_module import build_module
from nfc.lowering import lower
from tests.build import FABRICS, random_values
from tests.torch.networks import NETWORKS, one_layer

CLOSE = {"rtol": 1e-5, "atol": 1e-5}
BAGS = ("torus", "hypercube", "fan_in", "edges")
"""Kinds that PyTorch multiplies by `embedding_bag`, which `vmap` runs sample by sample, with a warning."""


@pytest.fixture(autouse=True)
def _fresh_compiler():
    torch._dynamo.reset()


@pytest.mark.parametrize("name", ["every_fabric", "branches", "repeats"])
def test_compiled_as_one_graph(name):
    net = NETWORKS[name]
    module = build_module(lower(net), seed=1)
    compiled = torch.compile(copy.deepcopy(module), fullgraph=True, backend="aot_eager")
    x = torch.tensor(random_values((6, *net.input)))
    expected, found = module(x), compiled(x)
    torch.testing.assert_close(found, expected, **CLOSE)
    expected.square().sum().backward()
    found.square().sum().backward()
    gradients = {name: parameter.grad for name, parameter in module.named_parameters()}
    for key, parameter in compiled.named_parameters():
        torch.testing.assert_close(parameter.grad, gradients[key.removeprefix("_orig_mod.")], **CLOSE)


@pytest.mark.parametrize("name", NETWORKS)
def test_exported_with_a_dynamic_batch(name):
    net = NETWORKS[name]
    module = build_module(lower(net), seed=1).eval()
    example = torch.tensor(random_values((4, *net.input)))
    exported = torch.export.export(module, (example,), dynamic_shapes=({0: torch.export.Dim("batch")},))
    for batch in (2, 9):
        x = torch.tensor(random_values((batch, *net.input), seed=batch))
        torch.testing.assert_close(exported.module()(x), module(x), **CLOSE)


@pytest.mark.parametrize("kind", [kind for kind in FABRICS if kind not in BAGS])
def test_vmap_over_the_batch(kind):
    module = build_module(lower(one_layer(FABRICS[kind])), seed=1)
    x = torch.tensor(random_values((5, FABRICS[kind].cols)))
    mapped = torch.vmap(lambda sample: module(sample[None])[0])(x)
    torch.testing.assert_close(mapped, module(x), **CLOSE)


@pytest.mark.parametrize("kind", BAGS)
@pytest.mark.filterwarnings("ignore:There is a performance drop:UserWarning")
def test_vmap_over_the_batch_by_its_fallback(kind):
    module = build_module(lower(one_layer(FABRICS[kind])), seed=1)
    x = torch.tensor(random_values((5, FABRICS[kind].cols)))
    mapped = torch.vmap(lambda sample: module(sample[None])[0])(x)
    torch.testing.assert_close(mapped, module(x), **CLOSE)


def test_gradients_of_each_sample():
    module = build_module(lower(one_layer(FABRICS["nested"])), seed=1)
    x = torch.tensor(random_values((5, FABRICS["nested"].cols)))
    parameters = {name: value.detach() for name, value in module.named_parameters()}

    def loss(values: dict[str, torch.Tensor], sample: torch.Tensor) -> torch.Tensor:
        return torch.func.functional_call(module, values, (sample[None],)).square().sum()

    gradients = torch.vmap(torch.func.grad(loss), (None, 0))(parameters, x)
    module(x[2:3]).square().sum().backward()
    for name, parameter in module.named_parameters():
        torch.testing.assert_close(gradients[name][2], parameter.grad, **CLOSE)
