"""Emitted convolutions compute what a dense masked `conv2d` computes, forward and back, in any form."""

from __future__ import annotations

import numpy as np
import pytest
import torch
import torch.nn.functional as F  # noqa: N812

import nfc
from nfc.backends.torch_module import build_module
from nfc.backends.torch_source import emit_torch
from nfc.ir.convolutions import Conv
from nfc.ir.fabric import Cascade, Fabric, Sum
from nfc.ir.network import Network
from nfc.lowering import lower
from nfc.lowering.optimise import optimise
from nfc.lowering.target import Target
from nfc.source import Source
from tests.agreement.forms import everything_fused
from tests.build import random_values

CLOSE = {"rtol": 1e-4, "atol": 1e-4}
TOPOLOGIES = {
    "dense": "dense",
    "block": "block(size=4)",
    "diagonal": "diagonal",
    "lanes": "transpose(butterfly)",
    "cut lanes": "butterfly(radix=4)",
    "butterfly": "butterfly",
    "benes": "benes",
    "monarch": "monarch",
    "clos": "clos",
    "permuted": 'permute("reverse") >> block(size=3)',
    "random": "random(fan_in=3)",
    "irregular": "bernoulli(density=40%, seed=2)",
    "torus": "torus",
    "sum": "random(fan_in=2) + lowrank(rank=2)",
    "nested": "(block(size=2) + random(fan_in=2)) >> (dense(width=6) + lowrank(rank=2)) >> dense",
    "shuffled": "parallel(2, monarch, shuffle=4)",
}
FORMS = ("plain", "chosen", "fused", "dense")


def conv_network(topology: str, channels: int = 12, options: str = "") -> Network:
    text = f"nf 1\nnetwork n {{ input [12, 7, 6]; conv {channels} {options} via {topology} }}"
    return nfc.load(Source("n.nf", text)).network.ir


def in_form(net: Network, form: str):
    plan = lower(net)
    match form:
        case "plain":
            return plan
        case "chosen":
            return optimise(plan, Target(runtime="torch"))
        case _:
            return everything_fused(plan, "torch", "edges" if form == "fused" else "dense")


def dense_convolution(op: Conv, weights: dict[str, torch.Tensor], x: torch.Tensor) -> torch.Tensor:
    """The layer out of `conv2d` with masked dense weights alone; only the first factors have windows."""
    lone = not isinstance(op.fabric, Cascade | Sum)
    y = _fabric(op.fabric, op, weights, op.path if lone else f"{op.path}.fabric", x, True)
    return y + weights[f"{op.path}.bias"][:, None, None] if op.bias else y


def _fabric(fabric: Fabric, op: Conv, weights, name: str, x: torch.Tensor, first: bool) -> torch.Tensor:
    if isinstance(fabric, Sum):
        parts = enumerate(fabric.parts)
        return sum(_fabric(part, op, weights, f"{name}.{n}", x, first) for n, part in parts)
    if isinstance(fabric, Cascade):
        for number, part in enumerate(fabric.parts):
            x = _fabric(part, op, weights, f"{name}.{number}", x, first and number == 0)
        return x
    window = op.kernel if first else (1, 1)
    indptr, indices = fabric.arrays()
    rows = torch.tensor(np.repeat(np.arange(fabric.rows), np.diff(indptr)))
    values = weights[f"{name}.weight"].reshape(-1, *window)
    dense = torch.zeros(fabric.rows, fabric.cols, *window, dtype=values.dtype)
    dense = dense.index_put((rows, torch.tensor(indices)), values)
    return F.conv2d(x, dense, stride=op.stride, padding=op.padding) if first else F.conv2d(x, dense)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("name", TOPOLOGIES)
def test_forward_and_gradients_are_those_of_the_dense_masked_convolution(name: str, form: str) -> None:
    net = conv_network(TOPOLOGIES[name], options="kernel=[3, 2] stride=[2, 1]")
    (op,) = net.body
    assert isinstance(op, Conv)
    module = build_module(in_form(net, form), seed=3)
    with torch.no_grad():
        module.get_parameter("conv1.bias").uniform_(generator=torch.Generator().manual_seed(0))
    for batch in (1, 3, 32):
        x = torch.tensor(random_values((batch, *net.input)), requires_grad=True)
        twin = {key: p.detach().clone().requires_grad_() for key, p in module.named_parameters()}
        dense_x = x.detach().clone().requires_grad_()
        found, expected = module(x), dense_convolution(op, twin, dense_x)
        torch.testing.assert_close(found, expected, **CLOSE)
        gradient = torch.tensor(random_values(tuple(found.shape), seed=1))
        module.zero_grad()
        found.backward(gradient)
        expected.backward(gradient)
        torch.testing.assert_close(x.grad, dense_x.grad, **CLOSE)
        for key, parameter in module.named_parameters():
            torch.testing.assert_close(parameter.grad, twin[key].grad, **CLOSE, msg=f"{key}, {batch}")


@pytest.mark.parametrize("name", TOPOLOGIES)
def test_parameters_are_the_kernels_of_edges_and_the_biases_alone(name: str) -> None:
    net = conv_network(TOPOLOGIES[name])
    for form in ("plain", "dense"):
        module = build_module(in_form(net, form))
        assert sum(p.numel() for p in module.parameters()) == nfc.Network(net).params


def test_structured_channels_run_as_grouped_convolutions() -> None:
    for topology in (
        "block(size=4)",
        "diagonal",
        "transpose(butterfly(radix=4))",
        'permute("reverse") >> block(size=3)',
    ):
        text = emit_torch(lower(conv_network(topology))).text
        assert "F.conv2d(x, weight, None, self.stride, self.padding, 1, groups)" in text
        assert "F.unfold" not in text


@pytest.mark.parametrize("name", ["irregular", "cut lanes", "shuffled", "sum"])
def test_autocast_computes_in_bfloat16_and_keeps_float32_weights(name: str) -> None:
    net = conv_network(TOPOLOGIES[name])
    for form in FORMS:
        module = build_module(in_form(net, form), seed=1)
        x = torch.tensor(random_values((4, *net.input)))
        with torch.autocast("cpu", torch.bfloat16):
            y = module(x)
        assert y.dtype is torch.bfloat16
        torch.testing.assert_close(y.float(), module(x), rtol=0.05, atol=0.1)
        y.float().square().sum().backward()
        assert all(p.grad is not None and p.grad.dtype is torch.float32 for p in module.parameters())


@pytest.mark.parametrize(
    ("name", "form"), [("butterfly", "fused"), ("irregular", "fused"), ("irregular", "dense")]
)
def test_compiled_and_exported_with_a_dynamic_batch(name: str, form: str) -> None:
    torch._dynamo.reset()
    net = conv_network(TOPOLOGIES[name])
    module = build_module(in_form(net, form), seed=1)
    x = torch.tensor(random_values((6, *net.input)))
    compiled = torch.compile(module, fullgraph=True, backend="aot_eager")
    torch.testing.assert_close(compiled(x), module(x), **CLOSE)
    exported = torch.export.export(module, (x,), dynamic_shapes=({0: torch.export.Dim("batch")},)).module()
    torch.testing.assert_close(exported(x[:3]), module(x[:3]), **CLOSE)


def test_batch_norm_normalises_channels_over_samples_and_positions_in_training() -> None:
    text = "nf 1\nnetwork n { input [3, 4, 5]; norm batch }"
    module = nfc.load(Source("n.nf", text)).network.torch().train()
    y = module(torch.tensor(random_values((6, 3, 4, 5))) * 3 + 1)
    torch.testing.assert_close(y.mean((0, 2, 3)), torch.zeros(3), rtol=0, atol=1e-5)
    torch.testing.assert_close(y.var((0, 2, 3), unbiased=False), torch.ones(3), rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize("kind", ["batch", "layer", "rms", "group groups=2"])
@pytest.mark.parametrize("shape", ["4", "[3, 4]", "[4, 3, 5]"])
def test_norms_take_what_autocast_brings(shape: str, kind: str) -> None:
    """The suite makes an error of PyTorch's warning that inputs and weights have different types."""
    network = nfc.load(Source("n.nf", f"nf 1\nnetwork n {{ input {shape}; norm {kind} }}")).network
    module = network.torch().train()
    x = torch.tensor(random_values((6, *network.input)))
    with torch.autocast("cpu", torch.bfloat16):
        y = module(x.bfloat16())
    torch.testing.assert_close(y.float(), module(x), rtol=0.02, atol=0.02)
    y.float().square().sum().backward()
    assert module.norm1.weight.grad.dtype is torch.float32
    x = x.bfloat16()
    assert module.bfloat16()(x).dtype is torch.bfloat16


@pytest.mark.parametrize("shape", ["4", "[3, 4]", "[4, 1, 1]"])
@pytest.mark.parametrize("batch", [1, 3])
def test_a_group_of_one_number_is_its_shift(shape: str, batch: int) -> None:
    network = nfc.load(Source("n.nf", f"nf 1\nnetwork n {{ input {shape}; norm group groups=4 }}")).network
    x = random_values((batch, *network.input))
    for module in (network.torch().train(), network.torch().eval()):
        torch.testing.assert_close(module(torch.tensor(x)), torch.zeros(x.shape), rtol=0, atol=0)


def test_a_kernel_counts_as_fan_in_for_learning_rates() -> None:
    """A 3 × 3 convolution of 4 channels learns as the linear layer on its patches, of 36 features."""
    lines = ("conv 8 kernel=3 via {}", "linear 8 via {}")
    shapes = ("[4, 5, 5]", "36")
    for channels, patches in (
        ("block(size=1)", "block(count=4)"),
        ("random(fan_in=2, seed=1)", "random(fan_in=18, seed=1)"),
    ):
        rates = []
        for shape, line, via in zip(shapes, lines, (channels, patches), strict=True):
            net = nfc.load(Source("n.nf", f"nf 1\nnetwork n {{ input {shape}; {line.format(via)} }}")).network
            (group, *_) = [
                g for g in net.torch().parameter_groups(1.0, 0.1) if any(p.ndim > 1 for p in g["params"])
            ]
            rates.append((group["lr"], group["weight_decay"]))
        assert rates[0] == rates[1]
