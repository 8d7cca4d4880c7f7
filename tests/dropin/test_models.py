"""Whole models, unmodified: plain torch.nn, and transformers' GPT-2, ViT and ResNet from configuration."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator

import pytest
import torch
from torch import nn

from nfc.torch import FabricConv2d, FabricLinear, sparsify
from tests.dropin.masked import matrix
from tests.dropin.test_convolution import kernel_of

Loss = Callable[[nn.Module], torch.Tensor]


def perceptron() -> tuple[nn.Module, Loss]:
    model = nn.Sequential(nn.Linear(64, 128), nn.GELU(), nn.LayerNorm(128), nn.Linear(128, 10))
    x, target = torch.randn(32, 64), torch.randint(0, 10, (32,))
    return model, lambda model: nn.functional.cross_entropy(model(x), target)


def encoder() -> tuple[nn.Module, Loss]:
    layer = nn.TransformerEncoderLayer(32, 4, dim_feedforward=64, dropout=0.0, batch_first=True)
    model = nn.TransformerEncoder(layer, 2)
    x, target = torch.randn(4, 6, 32), torch.randn(4, 6, 32)
    return model, lambda model: nn.functional.mse_loss(model(x), target)


def gpt2() -> tuple[nn.Module, Loss]:
    from transformers import GPT2Config, GPT2LMHeadModel

    config = GPT2Config(
        n_layer=2,
        n_embd=32,
        n_head=2,
        vocab_size=64,
        n_positions=16,
        bos_token_id=0,
        eos_token_id=0,
        resid_pdrop=0.0,
        embd_pdrop=0.0,
        attn_pdrop=0.0,
        loss_type="ForCausalLM",
    )
    tokens = torch.randint(0, 64, (4, 12))
    return GPT2LMHeadModel(config), lambda model: model(input_ids=tokens, labels=tokens).loss


def vit() -> tuple[nn.Module, Loss]:
    from transformers import ViTConfig, ViTForImageClassification

    config = ViTConfig(
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=64,
        image_size=16,
        patch_size=8,
        num_labels=4,
    )
    images, labels = torch.randn(8, 3, 16, 16), torch.randint(0, 4, (8,))
    return ViTForImageClassification(config), lambda model: model(pixel_values=images, labels=labels).loss


def resnet() -> tuple[nn.Module, Loss]:
    from transformers import ResNetConfig, ResNetForImageClassification

    config = ResNetConfig(
        embedding_size=16, hidden_sizes=[16, 32], depths=[1, 2], layer_type="basic", num_labels=4
    )
    images, labels = torch.randn(8, 3, 32, 32), torch.randint(0, 4, (8,))
    return ResNetForImageClassification(config), lambda model: model(pixel_values=images, labels=labels).loss


MODELS = {"perceptron": perceptron, "encoder": encoder, "gpt2": gpt2, "vit": vit, "resnet": resnet}
RULES = {
    "perceptron": {"0": "monarch", "3": "random(fan_in=16)"},
    "encoder": {"*.linear?": "monarch", "*.out_proj": "butterfly"},
    "gpt2": {"*.mlp.*": "monarch", "*.attn.*": "random(fan_in=8)", "lm_head": "monarch"},
    "vit": {"*.mlp.*": "monarch", "*.attention.*": "random(fan_in=8)"},
    "resnet": {"*.shortcut.*": "random(fan_in=8)", "*.encoder.*": "monarch"},
}
REPLACED = {"perceptron": 2, "encoder": 4, "gpt2": 8, "vit": 12, "resnet": 7}
LEFT = {"perceptron": 0, "encoder": 2, "gpt2": 1, "vit": 0, "resnet": 0}
OPTIMIZERS = {
    "adamw": lambda parameters: torch.optim.AdamW(parameters, lr=0.003),
    "momentum": lambda parameters: torch.optim.SGD(parameters, lr=0.02, momentum=0.9),
}


@pytest.fixture(params=MODELS)
def case(request: pytest.FixtureRequest) -> tuple[str, nn.Module, Loss]:
    model, loss = MODELS[request.param]()
    return request.param, sparsify(model, RULES[request.param]), loss


def fabrics(model: nn.Module) -> Iterator[tuple[str, FabricLinear | FabricConv2d]]:
    kinds = FabricLinear, FabricConv2d
    return ((name, module) for name, module in model.named_modules() if isinstance(module, kinds))


def weight_of(layer: FabricLinear | FabricConv2d) -> torch.Tensor:
    """The dense weight, differentiable in the edges."""
    return matrix(layer) if isinstance(layer, FabricLinear) else kernel_of(layer)


def is_transposed(dense: nn.Module) -> bool:
    return not isinstance(dense, nn.Linear | nn.Conv2d)


def dense_twin(name: str, model: nn.Module) -> nn.Module:
    """The model as it was before, with the matrices of the fabrics as its weights."""
    twin, _ = MODELS[name]()
    twin.load_state_dict(
        {key: value for key, value in model.state_dict().items() if "fabric" not in key}, strict=False
    )
    for path, layer in fabrics(model):
        dense = twin.get_submodule(path)
        weight = weight_of(layer).detach()
        dense.weight.data = weight.T.contiguous() if is_transposed(dense) else weight
    return twin


def test_layers_are_replaced_and_the_report_says_so(case: tuple[str, nn.Module, Loss]) -> None:
    name, model, _ = case
    report = model.sparsity_report
    assert len(list(fabrics(model))) == len(report.replaced) == REPLACED[name]
    assert len(report.left) == LEFT[name]
    assert report.after < report.before


def test_outputs_and_gradients_are_those_of_the_dense_model(case: tuple[str, nn.Module, Loss]) -> None:
    name, model, loss = case
    twin = dense_twin(name, model)
    found, expected = loss(model), loss(twin)
    torch.testing.assert_close(found, expected, rtol=1e-5, atol=1e-5)
    found.backward()
    expected.backward()
    gradients = {key: value.grad for key, value in twin.named_parameters()}
    for key, value in model.named_parameters():
        if "fabric" not in key:
            torch.testing.assert_close(value.grad, gradients[key], rtol=1e-4, atol=1e-5)
    for path, layer in fabrics(model):
        dense = gradients[f"{path}.weight"]
        dense = dense.T if is_transposed(twin.get_submodule(path)) else dense
        weights = list(layer.fabric.parameters())
        wanted = torch.autograd.grad(weight_of(layer), weights, dense)
        for weight, gradient in zip(weights, wanted, strict=True):
            torch.testing.assert_close(weight.grad, gradient, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_training_lowers_the_loss(case: tuple[str, nn.Module, Loss], optimizer: str) -> None:
    _, model, loss = case
    model.train()
    steps = OPTIMIZERS[optimizer](model.parameters())
    losses = []
    for _ in range(8):
        steps.zero_grad()
        losses.append(loss(model))
        losses[-1].backward()
        steps.step()
    assert losses[-1] < 0.98 * losses[0]
    assert all(parameter.grad is not None for parameter in model.parameters())


def test_copies_and_state_dicts(case: tuple[str, nn.Module, Loss]) -> None:
    name, model, loss = case
    model.eval()
    expected = loss(model)
    assert torch.equal(loss(copy.deepcopy(model)), expected)
    other = sparsify(MODELS[name]()[0], RULES[name]).eval()
    assert not torch.equal(loss(other), expected)
    other.load_state_dict(model.state_dict())
    torch.testing.assert_close(loss(other), expected)


def test_inference_without_gradients(case: tuple[str, nn.Module, Loss]) -> None:
    """The encoder's own fast path reads weights of feed-forward layers instead of calling them."""
    _, model, loss = case
    model.eval()
    expected = loss(model).detach()
    with torch.no_grad():
        torch.testing.assert_close(loss(model), expected)


def test_half(case: tuple[str, nn.Module, Loss]) -> None:
    _, model, _ = case
    model.half()
    for _, layer in fabrics(model):
        shape = (layer.in_features,) if isinstance(layer, FabricLinear) else (layer.in_channels, 8, 8)
        y = layer(torch.randn(3, *shape, dtype=torch.float16))
        assert y.dtype == torch.float16
        assert y.isfinite().all()


# Dynamo itself makes an instance of each autograd.Function that it traces.
@pytest.mark.filterwarnings("ignore:.*should not be instantiated:DeprecationWarning")
def test_a_compiled_vit() -> None:
    model, _ = vit()
    sparsify(model, RULES["vit"])
    images = torch.randn(2, 3, 16, 16)
    compiled = torch.compile(model, backend="aot_eager")
    weights = list(model.parameters())
    wanted = torch.autograd.grad(model(images).logits.square().sum(), weights)
    found = torch.autograd.grad(compiled(images).logits.square().sum(), weights)
    for one, other in zip(found, wanted, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-4, atol=1e-5)
