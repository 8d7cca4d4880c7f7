"""Cascades of blocks: every layout that stages meet, alone and multiplied out, against dense matrices."""

from __future__ import annotations

import copy
import pickle
from dataclasses import replace
from hashlib import sha256

import numpy as np
import pytest
import torch
from torch import nn
from torch._subclasses.fake_tensor import FakeTensorMode

from nfc.backends import torch_helpers, torch_helpers_cascade
from nfc.backends import torch_helpers_products as products
from nfc.backends.torch_helpers import (
    BlockLinear,
    DiagonalLinear,
    Factor,
    StridedBlockLinear,
    WideningLinear,
)
from nfc.backends.torch_helpers_cascade import Cascade
from nfc.backends.torch_helpers_fuse import FusedCascade
from nfc.backends.torch_helpers_stages import StageProduct, stage_product
from nfc.backends.torch_library import helpers
from nfc.backends.torch_module import build_module
from nfc.backends.torch_source import emit_torch
from nfc.ir.factors import Kron
from nfc.ir.initial_weights import initial_weights
from nfc.lowering import lower
from nfc.lowering.fuse import fused
from nfc.lowering.plan import Chain, Plan
from tests.build import butterfly, linear, network, random_values
from tests.torch.networks import one_layer, with_draws

Stage = tuple[int, int, int, int]


@pytest.fixture(params=["small", "large", "few"])
def _sizes(request, monkeypatch):
    """Small products take plain operations, large ones and those of few samples functions with gradients of their own."""
    if request.param == "few":
        for module in (products, torch_helpers, torch_helpers_cascade):
            monkeypatch.setattr(module, "few", lambda x, axis, count: not products.traced(x))
    if request.param == "large":
        monkeypatch.setattr(products, "small", lambda x: False)
        monkeypatch.setattr(products, "large", lambda x: True)
        monkeypatch.setattr(StageProduct, "tabled", lambda self, x: False)


def radix_2(width: int) -> list[Stage]:
    return [(part.a, part.b, part.c, part.d) for part in butterfly(width).parts]


def stage(groups: int, outputs: int, inputs: int, stride: int) -> Factor:
    """The layer of I ⊗ W ⊗ I with weights drawn at random, float64."""
    if outputs == inputs == 1:
        layer = DiagonalLinear((groups, 1, stride, 1))
    elif stride == 1:
        layer = BlockLinear(groups, outputs, inputs)
    else:
        layer = StridedBlockLinear(groups, outputs, inputs, stride)
    nn.init.normal_(layer.weight)
    return layer.double()


def cascade(stages: list[Stage], fuse: tuple[int, ...] = ()) -> Cascade:
    torch.manual_seed(0)
    layers = [stage(*each) for each in stages]
    return FusedCascade(*layers, fuse=fuse) if fuse else Cascade(*layers)


def matrix(layer: Factor) -> torch.Tensor:
    """The dense matrix of a layer: the sum of its weights, each at its row and column."""
    if isinstance(layer, DiagonalLinear):
        return layer.weight.flatten().diag()
    groups, outputs, inputs, stride = layer.stage
    weight = layer.weight.reshape(groups, outputs, stride, inputs)
    dense = torch.zeros(groups, outputs, stride, groups, inputs, stride, dtype=weight.dtype)
    for group in range(groups):
        for place in range(stride):
            dense[group, :, place, group, :, place] = weight[group, :, place]
    return dense.reshape(layer.out_features, layer.in_features)


def dense(layers: Cascade) -> torch.Tensor:
    product = matrix(layers[0])
    for layer in list(layers)[1:]:
        product = matrix(layer) @ product
    return product


CASES: dict[str, tuple[list[Stage], tuple[int, ...]]] = {
    "blocks": ([(4, 3, 2, 1)], ()),
    "strided": ([(2, 2, 3, 2)], ()),
    "monarch": ([(3, 2, 4, 1), (1, 5, 3, 2)], ()),
    "descending pair": ([(1, 2, 4, 3), (2, 5, 3, 1)], ()),
    "ascending": (radix_2(16), ()),
    "descending": (radix_2(16)[::-1], ()),
    "there and back": (radix_2(8) + radix_2(8)[::-1] + radix_2(8), ()),
    "digits that do not fit": ([(3, 4, 4, 1), (2, 6, 6, 1), (3, 2, 4, 1)], ()),
    "a diagonal between": ([(4, 2, 2, 1), (8, 1, 1, 1), (1, 2, 2, 4)], ()),
    "blocks to one": ([(4, 1, 2, 1), (1, 3, 4, 1), (1, 4, 1, 3)], ()),
    "ascending fused": (radix_2(16), (2, 2)),
    "descending fused": (radix_2(16)[::-1], (3, 1)),
    "all fused": (radix_2(16), (4,)),
    "three fused pairs": (radix_2(64), (2, 2, 2)),
    "there and back fused": (radix_2(8) + radix_2(8)[::-1], (3, 3)),
    "two alike of three": (radix_2(128), (2, 2, 3)),
    "rectangular fused": ([(6, 3, 2, 1), (2, 2, 3, 3), (1, 5, 2, 6)], (3,)),
    "in the middle, above, below": ([(4, 3, 2, 2), (2, 5, 2, 6), (30, 4, 2, 1)], (3,)),
    "in the middle, below, above": ([(4, 3, 2, 2), (12, 4, 2, 1), (2, 5, 2, 12)], (3,)),
}


@pytest.mark.usefixtures("_sizes")
@pytest.mark.parametrize("batch", [1, 3])
@pytest.mark.parametrize("case", CASES)
def test_outputs_and_gradients_are_those_of_the_dense_matrix(case, batch):
    layers = cascade(*CASES[case])
    expected = dense(layers)
    x = torch.randn(batch, expected.shape[1], dtype=torch.float64, requires_grad=True)
    gradient = torch.randn(batch, expected.shape[0], dtype=torch.float64)
    y = layers(x)
    y.backward(gradient)
    torch.testing.assert_close(y, x @ expected.T)
    torch.testing.assert_close(x.grad, gradient @ expected)


@pytest.mark.usefixtures("_sizes")
@pytest.mark.parametrize("case", CASES)
def test_first_and_second_derivatives(case):
    layers = cascade(*CASES[case])
    names = [name for name, _ in layers.named_parameters()]

    def run(x: torch.Tensor, *weights: torch.Tensor) -> torch.Tensor:
        return torch.func.functional_call(layers, dict(zip(names, weights, strict=True)), (x,))

    x = torch.randn(2, dense(layers).shape[1], dtype=torch.float64, requires_grad=True)
    torch.autograd.gradcheck(run, (x, *layers.parameters()), fast_mode=True)
    torch.autograd.gradgradcheck(run, (x, *layers.parameters()), fast_mode=True)


@pytest.mark.usefixtures("_sizes")
@pytest.mark.parametrize("case", CASES)
def test_inputs_of_every_kind(case):
    layers = cascade(*CASES[case])
    expected = dense(layers)
    width = expected.shape[1]
    wide = torch.randn(6, 2 * width, dtype=torch.float64)
    inputs = {
        "a vector": wide[0, :width],
        "leading axes": wide.reshape(3, 4, width),
        "every other feature": wide[:, ::2],
        "feature-first": torch.randn(width, 5, dtype=torch.float64).t(),
        "one row for all": wide[:1, :width].expand(4, -1),
        "an empty batch": wide[:0, :width],
        "empty leading axes": torch.zeros(2, 0, width, dtype=torch.float64),
    }
    for name, x in inputs.items():
        torch.testing.assert_close(layers(x), x @ expected.T, msg=lambda text, name=name: f"{name}: {text}")


@pytest.mark.usefixtures("_sizes")
@pytest.mark.parametrize("case", CASES)
def test_transforms(case):
    layers = cascade(*CASES[case])
    x = torch.randn(4, dense(layers).shape[1], dtype=torch.float64)
    torch.testing.assert_close(torch.vmap(layers)(x), layers(x))
    weights = dict(layers.named_parameters())

    def loss(values: dict[str, torch.Tensor], sample: torch.Tensor) -> torch.Tensor:
        return torch.func.functional_call(layers, values, (sample,)).square().sum()

    each = torch.vmap(torch.func.grad(loss), (None, 0))({k: v.detach() for k, v in weights.items()}, x)
    layers(x).square().sum().backward()
    for name, weight in weights.items():
        torch.testing.assert_close(each[name].sum(0), weight.grad)
    torch.testing.assert_close(torch.fx.symbolic_trace(layers)(x), layers(x))


@pytest.mark.parametrize("case", CASES)
def test_exported_with_a_dynamic_batch_as_plain_operations(case):
    layers = cascade(*CASES[case])
    x = torch.randn(4, dense(layers).shape[1], dtype=torch.float64)
    program = torch.export.export(layers, (x,), dynamic_shapes=({0: torch.export.Dim("batch", min=0)},))
    for batch in (0, 1, 7):
        x = torch.randn(batch, x.shape[1], dtype=torch.float64)
        torch.testing.assert_close(program.module()(x), layers(x))
    assert not any("nfc" in str(node.target) for node in program.graph.nodes)


@pytest.mark.parametrize("case", ["monarch", "there and back", "ascending fused", "descending fused"])
def test_compiled_as_one_graph(case):
    torch._dynamo.reset()
    layers = cascade(*CASES[case])
    compiled = torch.compile(copy.deepcopy(layers), fullgraph=True, backend="aot_eager")
    x = torch.randn(4, dense(layers).shape[1], dtype=torch.float64)
    torch.testing.assert_close(compiled(x), layers(x))
    compiled(x).square().sum().backward()
    layers(x).square().sum().backward()
    for found, expected in zip(compiled.parameters(), layers.parameters(), strict=True):
        torch.testing.assert_close(found.grad, expected.grad)


@pytest.mark.parametrize("case", [case for case, (_, fuse) in CASES.items() if max(fuse, default=1) > 1])
def test_the_operators_keep_the_rules_of_operators(case):
    layers = cascade(*CASES[case])
    for group, product in layers.products.items():
        weights = [layers[number].weight for number in group]
        torch.library.opcheck(product.operator, (weights, product.numbers))
        gradient = torch.randn(product.shape, dtype=torch.float64)
        gradients = product.gradients(gradient, tuple(weights))
        assert all(
            found.stride() == weight.stride() for found, weight in zip(gradients, weights, strict=True)
        )


@pytest.mark.parametrize("shape", [(2, 2**15), (8, 2**12), (300, 300)])
def test_large_transposes_are_copied_as_they_are(shape):
    x = torch.randn(*shape, dtype=torch.float64).t().requires_grad_()
    gradient = torch.randn(*x.shape, dtype=torch.float64)
    y = products.contiguous(x)
    assert y.is_contiguous()
    assert torch.equal(y, x)
    assert torch.equal(torch.autograd.grad(y, x, gradient)[0], gradient)
    assert torch.equal(torch.vmap(products.contiguous)(torch.stack([x, 2 * x]))[1], 2 * x)


@pytest.mark.usefixtures("_sizes")
def test_gradients_arrive_feature_first_and_outputs_take_changes_in_place():
    layers = cascade(*CASES["monarch"])
    y = nn.ReLU(inplace=True)(layers(torch.randn(3, 12, dtype=torch.float64)))
    y.sum().backward()
    assert all(layer.weight.grad is not None for layer in layers)


@pytest.mark.usefixtures("_sizes")
@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
@pytest.mark.parametrize("case", CASES)
def test_half_precision(case, dtype):
    layers = cascade(*CASES[case])
    x = torch.randn(8, dense(layers).shape[1], dtype=torch.float64)
    expected = layers(x)
    low = copy.deepcopy(layers).to(dtype)
    y = low(x.to(dtype))
    y.sum().backward()
    assert y.dtype == low[0].weight.grad.dtype == dtype
    assert (y.double() - expected).abs().max() < 0.06 * expected.abs().max()


@pytest.mark.usefixtures("_sizes")
def test_products_of_stages_keep_their_digits_under_autocast():
    """Ten factors rounded to eight bits each would be off by per cents."""
    layers = cascade(radix_2(16), (4,)).float()
    (blocks,) = layers.blocks(layers.plan[0].groups)
    with torch.autocast("cpu", torch.bfloat16):
        (same,) = layers.blocks(layers.plan[0].groups)
        y = layers(torch.randn(3, 16))
    torch.testing.assert_close(same, blocks, rtol=0, atol=0)
    assert y.dtype == torch.bfloat16
    y.float().sum().backward()
    assert all(layer.weight.grad.dtype == torch.float32 for layer in layers)


def test_copies_pickles_and_the_meta_device():
    layers = cascade(*CASES["ascending fused"])
    x = torch.randn(3, 16, dtype=torch.float64)
    for twin in (copy.deepcopy(layers), pickle.loads(pickle.dumps(layers))):
        torch.testing.assert_close(twin(x), layers(x), rtol=0, atol=0)
    assert copy.deepcopy(layers).to("meta")(x.to("meta")).shape == (3, 16)


@pytest.mark.parametrize("mode", [FakeTensorMode, torch.inference_mode])
def test_a_cascade_made_in_another_mode_leaves_those_of_its_form_alone(mode):
    stages, fuse = CASES["ascending fused"]
    stage_product.cache_clear()
    with mode():
        FusedCascade(*(StridedBlockLinear(*each) for each in stages), fuse=fuse)
    test_first_and_second_derivatives("ascending fused")


def test_layers_of_one_form_share_their_tables():
    first, second = cascade(*CASES["ascending fused"]), cascade(*CASES["ascending fused"])
    assert first.products == second.products == copy.deepcopy(first).products


def test_a_slice_is_a_cascade_of_its_parts():
    layers = cascade(*CASES["ascending fused"])
    x = torch.randn(3, 16, dtype=torch.float64)
    torch.testing.assert_close(layers[2:](layers[:2](x)), layers(x))


def test_a_wrong_width_names_the_first_layer():
    with pytest.raises(ValueError, match=r"BlockLinear expects \[\.\.\., 16\], found \[2, 15\]"):
        cascade(radix_2(16), (2, 2))(torch.zeros(2, 15, dtype=torch.float64))


def test_the_operators_name_stands_for_their_text():
    text = "\n".join(helper.text for helper in helpers("StageProduct"))
    name = StageProduct.operator._schema.name.partition("::")[0]
    digest = sha256(text.replace(name, "").encode()).hexdigest()[:8]
    assert name == f"nfc_fuse_{digest}", (
        f"the text has changed: put nfc_fuse_{digest} in torch_helpers_stages.py"
    )


def fused_plan(plan: Plan, sizes: tuple[int, ...]) -> Plan:
    """The plan of one layer whose stages are fused in groups of these sizes."""
    (layer,) = plan.body
    parts = iter(layer.kernel.parts)
    groups = [tuple(next(parts) for _ in range(size)) for size in sizes]
    kernel = Chain(tuple(fused(group) if len(group) > 1 else group[0] for group in groups))
    return replace(plan, body=(replace(layer, kernel=kernel),))


@pytest.mark.parametrize("sizes", [(2, 2), (1, 3), (4,)])
def test_fused_plans_compute_what_their_neutral_plans_do(sizes):
    net = one_layer(butterfly(16))
    plan = fused_plan(lower(net), sizes)
    module, neutral = build_module(plan, seed=3), build_module(lower(net), seed=3)
    assert f"fuse={sizes}" in emit_torch(plan).text
    x = torch.tensor(random_values((5, 16)))
    torch.testing.assert_close(module(x), neutral(x), rtol=1e-5, atol=1e-5)
    for name, value in initial_weights(net, 3).items():
        np.testing.assert_array_equal(module.get_parameter(name).detach().numpy(), value)
    neutral.load_state_dict(module.state_dict())


def test_two_emitted_files_share_their_operators():
    torch._dynamo.reset()
    nets = [with_draws(network(name, (linear("linear1", butterfly(16)),))) for name in ("first", "second")]
    modules = [build_module(fused_plan(lower(net), (2, 2))) for net in nets]
    x = torch.tensor(random_values((5, 16)))
    for module in modules:
        compiled = torch.compile(module, fullgraph=True, backend="aot_eager")
        torch.testing.assert_close(compiled(x), module(x))


def test_cascades_without_blocks_stay_plain_sequences():
    from nfc.ir.fabric import Cascade as Factors

    text = emit_torch(lower(one_layer(Factors((Kron(1, 2, 8, 1), Kron(1, 8, 2, 1)))))).text
    assert "nn.Sequential(" in text
    assert "class Cascade" not in text


@pytest.mark.parametrize("batch", [1, 2, 5, 15, 16])
@pytest.mark.parametrize("stages", [[(4, 96, 96, 1)], [(8, 64, 64, 1), (1, 8, 8, 64)], [(2, 128, 128, 2)]])
def test_few_columns_of_large_blocks_have_the_dense_product_and_its_gradients(stages, batch):
    layers = cascade(stages)
    expected = dense(layers)
    x = torch.randn(batch, expected.shape[1], dtype=torch.float64, requires_grad=True)
    gradient = torch.randn(batch, expected.shape[0], dtype=torch.float64)
    wanted = [x, *(layer.weight for layer in layers)]
    found, others = layers(x), x @ expected.T
    torch.testing.assert_close(found, others)
    with torch.inference_mode():
        torch.testing.assert_close(layers(x), others)
    of_dense = torch.autograd.grad(others, wanted, gradient)
    for own, other in zip(torch.autograd.grad(found, wanted, gradient), of_dense, strict=True):
        torch.testing.assert_close(own, other)


@pytest.mark.parametrize("batch", [0, 1, 15, 16, 17, 64])
@pytest.mark.parametrize("bias", [False, True])
@pytest.mark.parametrize("layout", ["batch first", "feature first"])
def test_widening_layers_have_the_dense_product_and_its_gradients(batch, bias, layout):
    layer, x = WideningLinear(3, 40, bias=bias), torch.randn(batch, 3)
    x = (x if layout == "batch first" else x.t().contiguous().t()).requires_grad_()
    wanted, gradient = [x, *layer.parameters()], torch.randn(batch, 40)
    doubled = [value.detach().double().requires_grad_() for value in wanted]

    def product(x, weight, *biases):
        return sum(biases, x @ weight.T)

    expected = product(*doubled)
    torch.testing.assert_close(layer(x).double(), expected, rtol=1e-5, atol=1e-5)
    with torch.inference_mode():
        torch.testing.assert_close(layer(x).double(), expected, rtol=1e-5, atol=1e-5)
    # Changed in place, and differentiated twice.
    found, expected = layer(x).mul_(2.0).pow(2), (2.0 * expected).pow(2)
    first = torch.autograd.grad(found, wanted, gradient, create_graph=True)
    others = torch.autograd.grad(expected, doubled, gradient.double(), create_graph=True)
    squares = (sum(value.square().sum() for value in values) for values in (first, others))
    second, also = (torch.autograd.grad(next(squares), values) for values in (wanted, doubled))
    for own, other in zip((*first, *second), (*others, *also), strict=True):
        torch.testing.assert_close(
            own.double(), other, rtol=1e-4, atol=1e-5 * (1.0 + float(other.detach().norm()))
        )


def test_widening_layers_write_feature_first_where_many_samples_go_through_alone():
    layer = WideningLinear(3, 40)
    assert [layer(torch.randn(batch, 3)).t().is_contiguous() for batch in (15, 16)] == [False, True]
    x = torch.randn(20, 3)
    torch.testing.assert_close(torch.func.vmap(layer)(x), layer(x))
    torch.testing.assert_close(copy.deepcopy(layer).double()(x.double()).float(), layer(x))
    with torch.autocast("cpu", torch.bfloat16):
        assert layer(x).dtype is torch.bfloat16
