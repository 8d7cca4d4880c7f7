"""Blocks between sets of features, by gathers and by edges, against a dense matrix."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch.autograd import gradcheck, gradgradcheck

from nfc.backends.torch_helpers_sets import BlockSetLinear
from nfc.backends.torch_helpers_sparse import EdgewiseBlockSetLinear

KINDS = [BlockSetLinear, EdgewiseBlockSetLinear]


def sets(groups: int, size: int, seed: int) -> torch.Tensor:
    order = np.random.default_rng(seed).permutation(groups * size)
    return torch.tensor(np.sort(order.reshape(groups, size), axis=1), dtype=torch.int32)


def layer(kind: type, groups: int = 6, outputs: int = 3, inputs: int = 2):
    made = kind(sets(groups, outputs, 0), sets(groups, inputs, 1))
    torch.nn.init.normal_(made.weight, generator=torch.Generator().manual_seed(0))
    return made


def matrix(row_sets: torch.Tensor, col_sets: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
    """The dense matrix, filled block by block."""
    dense = weight.new_zeros(row_sets.numel(), col_sets.numel())
    for rows, columns in zip(row_sets.tolist(), col_sets.tolist(), strict=True):
        for row in rows:
            dense[row, columns] = weight[row]
    return dense


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("leading", [(), (1,), (5,), (0,), (2, 3)])
@pytest.mark.parametrize(("outputs", "inputs"), [(3, 2), (2, 5), (1, 4), (4, 1)])
def test_products_and_gradients_are_those_of_the_matrix(kind, leading, outputs, inputs):
    made = layer(kind, outputs=outputs, inputs=inputs)
    x = torch.randn(*leading, 6 * inputs, requires_grad=True)
    dense = matrix(sets(6, outputs, 0), sets(6, inputs, 1), made.weight)
    expected = x @ dense.T
    gradient = torch.randn_like(expected)
    torch.testing.assert_close(made(x), expected)
    found = torch.autograd.grad(made(x), [x, made.weight], gradient)
    torch.testing.assert_close(found, torch.autograd.grad(expected, [x, made.weight], gradient))


@pytest.mark.parametrize("kind", KINDS)
def test_derivatives_of_both_orders_are_right(kind):
    made = layer(kind).double()
    x = torch.randn(4, 12, dtype=torch.float64, requires_grad=True)

    def of(x, weight):
        return torch.func.functional_call(made, {"weight": weight}, x)

    weight = made.weight.detach().requires_grad_()
    assert gradcheck(of, (x, weight))
    assert gradgradcheck(of, (x, weight))


@pytest.mark.parametrize("kind", KINDS)
def test_gradients_of_each_sample(kind):
    made = layer(kind)
    x = torch.randn(4, 12)

    def loss(weight, sample):
        return torch.func.functional_call(made, {"weight": weight}, sample[None]).square().sum()

    weight = made.weight.detach()
    found = torch.func.vmap(torch.func.grad(loss), (None, 0))(weight, x)
    each = [torch.func.grad(loss)(weight, sample) for sample in x]
    torch.testing.assert_close(found, torch.stack(each))


@pytest.mark.parametrize("kind", KINDS)
def test_traces_and_bfloat16(kind):
    made = layer(kind)
    x = torch.randn(5, 12)
    batch = torch.export.Dim("batch")
    exported = torch.export.export(made, (x,), dynamic_shapes=({0: batch},)).module()
    torch.testing.assert_close(exported(x[:3]), made(x[:3]))
    with torch.autocast("cpu", torch.bfloat16):
        y = made(x)
    assert y.dtype is torch.bfloat16
    torch.testing.assert_close(y.float(), made(x), atol=0.1, rtol=0.05)
    y.sum().backward()
    assert made.weight.grad.dtype is torch.float32


def test_both_hold_the_same_parameters():
    first, second = map(layer, KINDS)
    second.load_state_dict(first.state_dict())
    x = torch.randn(3, 12)
    torch.testing.assert_close(first(x), second(x))
    assert torch.equal(first.row_sets, second.row_sets)
