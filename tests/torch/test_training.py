"""Emitted modules are ordinary PyTorch modules: optimisers, copies, pickles, half precision, autocast."""

from __future__ import annotations

import copy
import pickle

import pytest
import torch

from nfc.backends.torch_module import build_module
from nfc.lowering import lower
from tests.build import FABRICS, random_values
from tests.torch.networks import NETWORKS, one_layer

FLOATING = [torch.bfloat16, torch.float16]


@pytest.fixture
def module() -> torch.nn.Module:
    return build_module(lower(NETWORKS["every_fabric"]), seed=1)


@pytest.fixture
def x() -> torch.Tensor:
    return torch.tensor(random_values((16, 4)))


@pytest.mark.parametrize(
    "optimiser",
    [
        lambda parameters: torch.optim.SGD(parameters, lr=0.02, momentum=0.9),
        lambda parameters: torch.optim.AdamW(parameters, lr=0.02),
        lambda parameters: torch.optim.RMSprop(parameters, lr=0.002),
        lambda parameters: torch.optim.Adagrad(parameters, lr=0.05),
    ],
    ids=["sgd", "adamw", "rmsprop", "adagrad"],
)
def test_optimisers_lower_the_loss(module, x, optimiser):
    target = torch.tensor(random_values((16, 4), seed=1))
    stepper = optimiser(module.parameters())
    losses = []
    for _ in range(20):
        stepper.zero_grad()
        loss = torch.nn.functional.mse_loss(module(x), target)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(module.parameters(), 1.0)
        stepper.step()
        losses.append(loss.item())
    assert losses[-1] < losses[0]
    assert all(parameter.grad is not None for parameter in module.parameters())


def test_no_parameter_is_zero_dimensional_or_sparse(module):
    for name, parameter in module.named_parameters():
        assert parameter.dim() > 0, name
        assert parameter.layout is torch.strided, name
        assert parameter.is_contiguous(), name


def test_a_deep_copy_computes_the_same_and_is_independent(module, x):
    twin = copy.deepcopy(module)
    expected = module(x)
    torch.testing.assert_close(twin(x), expected, rtol=0, atol=0)
    with torch.no_grad():
        for parameter in twin.parameters():
            parameter.zero_()
    torch.testing.assert_close(module(x), expected, rtol=0, atol=0)
    with pytest.raises(RuntimeError, match="does not say its topology"):
        twin.load_state_dict({})


def test_a_pickle_comes_back_in_this_process(module, x):
    twin = pickle.loads(pickle.dumps(module))
    torch.testing.assert_close(twin(x), module(x), rtol=0, atol=0)
    with pytest.raises(RuntimeError, match="does not say its topology"):
        twin.load_state_dict({})


@pytest.mark.parametrize("dtype", FLOATING)
def test_half_precision_trains_and_stays_close(module, x, dtype):
    expected = module(x)
    module.to(dtype)
    y = module(x.to(dtype))
    y.sum().backward()
    assert y.dtype == dtype
    scale = expected.abs().max()
    assert ((y.float() - expected).abs().max() / scale) < 0.05
    assert {buffer.dtype for buffer in module.buffers()} <= {torch.int32, torch.int64, torch.bool}


@pytest.mark.parametrize("kind", FABRICS)
def test_autocast_runs_forward_and_backward(kind):
    module = build_module(lower(one_layer(FABRICS[kind])), seed=1)
    x = torch.tensor(random_values((8, FABRICS[kind].cols)))
    expected = module(x)
    with torch.autocast("cpu", torch.bfloat16):
        y = module(x)
        also = module(x.bfloat16())
    (y.float().sum() + also.float().sum()).backward()
    for result in (y, also):
        assert (result.float() - expected).abs().max() < 0.05 * (1 + expected.abs().max())
    assert all(parameter.grad.dtype == torch.float32 for parameter in module.parameters())


def test_tables_move_with_the_module(module):
    meta = copy.deepcopy(module).to("meta")
    assert {buffer.device.type for buffer in meta.buffers()} == {"meta"}


def test_a_module_made_on_the_meta_device_takes_weights_by_assignment(module, x):
    with torch.device("meta"):
        empty = build_module(lower(NETWORKS["every_fabric"]))
    empty.load_state_dict(module.state_dict(), assign=True)
    torch.testing.assert_close(empty(x), module(x), rtol=0, atol=0)


def test_double_precision(module, x):
    expected = module(x)
    torch.testing.assert_close(module.double()(x.double()).float(), expected, rtol=1e-5, atol=1e-5)


def test_dropout_and_batch_norm_follow_the_mode():
    module = build_module(lower(NETWORKS["activations"]))
    x = torch.tensor(random_values((64, 8)))
    torch.manual_seed(0)
    assert not torch.equal(module.train()(x), module(x))
    assert torch.equal(module.eval()(x), module(x))
