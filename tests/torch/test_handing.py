"""Block sets in a row, which hand their features over block by block, against dense matrices and against the same apart."""

from __future__ import annotations

import copy
from unittest.mock import patch

import numpy as np
import pytest
import torch
import torch.nn.functional as F  # noqa: N812

from nfc.backends.torch_module import build_module
from nfc.backends.torch_source import emit_torch
from nfc.ir.factors import Blocks
from nfc.ir.network import Dropout, Repeat, Residual
from nfc.lowering import Target, lower, optimise
from nfc.lowering.handing import handed_over
from nfc.lowering.kernels import block_kernels
from nfc.lowering.plan import Edgewise
from tests.build import linear, network
from tests.torch.networks import activation, norm, with_draws

SIZES = ((4, 8), (4, 4), (8, 4), (2, 8))
"""Outputs and inputs of the blocks of each layer; there are six blocks in each."""


def blocks(outputs: int, inputs: int, seed: int) -> Blocks:
    """Six blocks between random sets, as they are recovered: ascending inside, by their first rows."""
    random = np.random.default_rng(seed)
    row_sets, col_sets = (
        np.sort(random.permutation(6 * size).reshape(6, size), axis=1) for size in (outputs, inputs)
    )
    return Blocks(row_sets[row_sets[:, 0].argsort()], col_sets)


FACTORS = [blocks(*sizes, seed) for seed, sizes in enumerate(SIZES)]


def layers(*between):
    """Four layers of block sets; between each two the operation that a function makes of the shape."""
    ops = [linear("linear1", FACTORS[0])]
    for number, factor in enumerate(FACTORS[1:], start=2):
        ops += [make(f"op{number}", (factor.cols,)) for make in between]
        ops.append(linear(f"linear{number}", factor))
    return with_draws(network("n", tuple(ops)))


def relu(path: str, shape: tuple[int, ...]):
    return activation(path, shape, "relu")


def gelu(path: str, shape: tuple[int, ...]):
    return activation(f"{path}_gelu", shape, "gelu")


def softmax(path: str, shape: tuple[int, ...]):
    return activation(path, shape, "softmax", axis=-1)


def dropout(path: str, shape: tuple[int, ...]):
    return Dropout(path=f"{path}_dropout", input=shape, output=shape, probability=0.25)


def layer_norm(path: str, shape: tuple[int, ...]):
    return norm(path, shape, "layer")


def handed(net):
    """Whatever is the fastest: by edges, blocks as small as these may be."""
    return handed_over(lower(net))


def flags(plan) -> list[tuple[bool, str | None]]:
    return [(kernel.leaves, kernel.follows) for kernel in block_kernels(plan.body)]


FIRST_TO_LAST = [(True, None), (True, "linear1"), (True, "linear2"), (False, "linear3")]
APART = [(False, None)] * 4


@pytest.mark.parametrize(
    ("between", "expected"),
    [
        ((relu,), FIRST_TO_LAST),
        ((), FIRST_TO_LAST),
        ((relu, gelu, dropout), FIRST_TO_LAST),
        ((softmax,), APART),
        ((layer_norm,), APART),
    ],
)
def test_features_are_handed_over_through_elementwise_operations_alone(between, expected):
    assert flags(handed(layers(*between))) == expected


def test_they_are_put_back_where_it_is_asked_for_and_for_other_runtimes():
    plan = lower(layers(relu))
    for target in (Target(runtime="torch", fuse=False), Target(runtime="onnxruntime")):
        assert flags(optimise(plan, target)) == APART


def test_they_are_put_back_before_a_layer_by_edges():
    def by_edges(kernel, target):
        return Edgewise(kernel) if kernel.weight.name.startswith("linear3") else kernel

    with patch("nfc.lowering.optimise._by_edges_if_faster", by_edges):
        plan = optimise(lower(layers(relu)), Target(runtime="torch", batch=64))
        found = [op.kernel for op in plan.body if op.path.startswith("linear")]
    assert isinstance(found[2], Edgewise)
    assert [(each.leaves, each.follows) for each in (found[0], found[1], found[3])] == [
        (True, None), (False, "linear1"), (False, None),
    ]  # fmt: skip


def test_nothing_is_handed_over_into_a_block_or_out_of_it():
    square = [blocks(4, 4, seed) for seed in range(4)]
    shape = (24,)
    body = tuple(linear(f"residual1.linear{number}", square[number]) for number in (1, 2))
    copies = tuple((linear(f"repeat1.{copy}.linear1", square[3]),) for copy in range(2))
    net = with_draws(
        network(
            "n",
            (
                linear("linear1", square[0]),
                Residual(path="residual1", input=shape, output=shape, body=body),
                Repeat(path="repeat1", input=shape, output=shape, copies=copies),
            ),
        )
    )
    inside = [(True, None), (False, "residual1.linear1")]
    assert flags(handed(net)) == [(False, None), *inside, (False, None), (False, None)]
    x = torch.randn(5, 24)
    torch.testing.assert_close(build_module(handed(net))(x), build_module(lower(net))(x))


def dense(module, x):
    """The network by dense matrices, filled from the weights in the order of the edges."""
    for number, factor in enumerate(FACTORS, start=1):
        layer = module.get_submodule(f"linear{number}")
        indptr, indices = factor.arrays()
        rows = torch.arange(factor.rows).repeat_interleave(torch.tensor(np.diff(indptr)))
        matrix = torch.zeros(factor.shape, dtype=x.dtype)
        matrix = matrix.index_put((rows, torch.tensor(indices)), layer.weight.flatten())
        x = F.linear(x if number == 1 else x.relu(), matrix, layer.bias)
    return x


@pytest.mark.parametrize("leading", [(1,), (7,), (0,), (2, 3), (700,)])
def test_values_and_gradients_are_those_of_dense_matrices(leading):
    module = build_module(handed(layers(relu)), seed=3).double()
    for parameter in module.parameters():
        torch.nn.init.normal_(parameter, generator=torch.Generator().manual_seed(parameter.numel()))
    x = torch.randn(*leading, 48, dtype=torch.float64, requires_grad=True)
    wanted = [x, *module.parameters()]
    expected = dense(module, x)
    gradient = torch.randn_like(expected)
    torch.testing.assert_close(module(x), expected)
    found = torch.autograd.grad(module(x), wanted, gradient)
    torch.testing.assert_close(found, torch.autograd.grad(expected, wanted, gradient))
    with torch.inference_mode():
        torch.testing.assert_close(module(x), expected)


def test_second_derivatives_are_those_of_dense_matrices():
    module = build_module(handed(layers(gelu)), seed=3).double()
    apart = build_module(lower(layers(gelu)), seed=3).double()
    x = torch.randn(3, 48, dtype=torch.float64, requires_grad=True)

    def penalty(of):
        (gradient,) = torch.autograd.grad(of(x).square().sum(), x, create_graph=True)
        return torch.autograd.grad(gradient.square().sum(), [x, *of.parameters()], allow_unused=True)

    for found, expected in zip(penalty(module), penalty(apart), strict=True):
        torch.testing.assert_close(found, expected)


def test_gradients_of_each_sample():
    module = build_module(handed(layers(relu)), seed=3)
    x = torch.randn(4, 48)
    weights = {name: weight.detach() for name, weight in module.named_parameters()}

    def loss(weights, sample):
        return torch.func.functional_call(module, weights, sample[None]).square().sum()

    found = torch.func.vmap(torch.func.grad(loss), (None, 0))(weights, x)
    for number, sample in enumerate(x):
        each = torch.func.grad(loss)(weights, sample)
        torch.testing.assert_close({name: values[number] for name, values in found.items()}, each)


def test_a_layer_called_by_itself_has_features_in_their_own_order():
    module = build_module(handed(layers(relu)), seed=3)
    apart = build_module(lower(layers(relu)), seed=3)
    x = torch.randn(5, 48)
    for number in (1, 2, 3, 4):
        found, expected = (each.get_submodule(f"linear{number}") for each in (module, apart))
        value = torch.randn(5, found.in_features)
        torch.testing.assert_close(found(value), expected(value))
    seen = []
    module.linear1.register_forward_hook(lambda layer, inputs, output: seen.append(output))
    module(x)
    block_by_block = apart.linear1(x)[:, module.linear1.row_sets.flatten().long()]
    torch.testing.assert_close(seen[0], block_by_block)


def test_state_dicts_copies_and_traces():
    module = build_module(handed(layers(relu)), seed=3)
    apart = build_module(lower(layers(relu)), seed=4)
    x = torch.randn(6, 48)
    assert module.state_dict().keys() == apart.state_dict().keys()
    apart.load_state_dict(module.state_dict())
    expected = apart(x)
    torch.testing.assert_close(module(x), expected)
    torch.testing.assert_close(copy.deepcopy(module)(x), expected)
    torch._dynamo.reset()
    compiled = torch.compile(module, fullgraph=True, backend="aot_eager")
    torch.testing.assert_close(compiled(x), expected)
    batch = torch.export.Dim("batch")
    exported = torch.export.export(module, (x,), dynamic_shapes=({0: batch},)).module()
    torch.testing.assert_close(exported(x[:3]), expected[:3])
    on_meta = copy.deepcopy(module).to("meta").to_empty(device="cpu")
    on_meta.load_state_dict(module.state_dict())
    torch.testing.assert_close(on_meta(x), expected)


@pytest.mark.parametrize("batch", [0, 1, 5])
@pytest.mark.parametrize("leaves", [False, True])
def test_outputs_take_changes_in_place(batch, leaves):
    layer = build_module(handed(layers(relu)), seed=3).linear1
    x = torch.randn(batch, 48, requires_grad=True)
    expected = torch.autograd.grad(layer(x, leaves=leaves).relu().sum(), [x, layer.weight])
    found = layer(x, leaves=leaves)
    torch.testing.assert_close(torch.autograd.grad(found.relu_().sum(), [x, layer.weight]), expected)


def test_emitted_lines_say_where_features_stay():
    lines = [line.strip() for line in emit_torch(handed(layers(relu))).text.splitlines()]
    forward = lines[len(lines) - 1 - lines[::-1].index("def forward(self, x: Tensor) -> Tensor:") :]
    assert forward[1:8] == [
        "x = self.linear1(x, leaves=True)",
        "x = F.relu(x)",
        "x = self.linear2(x, follows=True, leaves=True)",
        "x = F.relu(x)",
        "x = self.linear3(x, follows=True, leaves=True)",
        "x = F.relu(x)",
        "return self.linear4(x, follows=True)",
    ]
    assert lines.count('after=tables["linear1.row_sets"],') == 1


def test_autocast_computes_the_bias_in_its_type():
    module = build_module(handed(layers(relu)), seed=3)
    x = torch.randn(6, 48)
    with torch.autocast("cpu", torch.bfloat16):
        y = module(x)
    assert y.dtype is torch.bfloat16
    torch.testing.assert_close(y.float(), module(x), atol=0.1, rtol=0.1)
    y.float().sum().backward()
    assert {parameter.grad.dtype for parameter in module.parameters()} == {torch.float32}
