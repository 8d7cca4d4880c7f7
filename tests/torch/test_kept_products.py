"""Products of stages that are kept in evaluation: always those of the weights as they are."""

from __future__ import annotations

import copy
import io
import math
import pickle
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
import torch
from torch import nn
from torch.fx.experimental.proxy_tensor import make_fx

from nfc.backends.torch_helpers_fuse import FusedCascade
from nfc.backends.torch_helpers_stages import StageProduct
from tests.torch.test_cascade import cascade, dense, radix_2

Change = Callable[[FusedCascade], object]


def layers() -> FusedCascade:
    return cascade(radix_2(16), (2, 2)).eval()


def inputs() -> torch.Tensor:
    return torch.randn(3, 16, dtype=torch.float64, generator=torch.Generator().manual_seed(1))


@pytest.fixture
def multiplied(monkeypatch) -> list[StageProduct]:
    """The products that have been multiplied out so far."""
    made: list[StageProduct] = []
    values = StageProduct.values

    def counted(self, weights):
        made.append(self)
        return values(self, weights)

    monkeypatch.setattr(StageProduct, "values", counted)
    return made


@torch.no_grad()
def in_place(module: FusedCascade) -> None:
    module[1].weight[0, 0, 0, 0] += 1


def through_data(module: FusedCascade) -> None:
    module[3].weight.data.mul_(3)


def through_numpy(module: FusedCascade) -> None:
    module[0].weight.detach().numpy()[0, 0, 0] = 7


def by_an_optimizer(module: FusedCascade) -> None:
    module(inputs()).square().sum().backward()
    torch.optim.SGD(module.parameters(), lr=0.1).step()


def by_a_state_dict(module: FusedCascade) -> None:
    module.load_state_dict({name: 2 * value for name, value in module.state_dict().items()})


def by_assigning_a_state_dict(module: FusedCascade) -> None:
    module.load_state_dict(cascade(radix_2(16)[::-1][::-1], (2, 2)).state_dict(), assign=True)
    through_data(module)


@torch.inference_mode()
def in_inference_mode(module: FusedCascade) -> None:
    module[2].weight.copy_(torch.ones_like(module[2].weight))


def by_another_parameter(module: FusedCascade) -> None:
    module[1].weight = nn.Parameter(torch.ones_like(module[1].weight))


@torch.no_grad()
def from_nothing_to_minus_nothing(module: FusedCascade) -> None:
    module[0].weight.zero_()
    module(inputs())
    module[0].weight.neg_()


CHANGES: tuple[Change, ...] = (
    in_place,
    through_data,
    through_numpy,
    by_an_optimizer,
    by_a_state_dict,
    by_assigning_a_state_dict,
    in_inference_mode,
    by_another_parameter,
    from_nothing_to_minus_nothing,
)


@pytest.mark.parametrize("mode", [torch.no_grad, torch.inference_mode])
@pytest.mark.parametrize("change", CHANGES)
def test_every_change_of_a_weight_shows_at_the_next_call(change, mode):
    module, x = layers(), inputs()
    with mode():
        module(x)
    change(module)
    with mode():
        y = module(x)
    torch.testing.assert_close(y, x @ dense(module).T)
    fresh = module.blocks(module.plan[0].groups)
    with mode():
        for kept, expected in zip(module.blocks(module.plan[0].groups), fresh, strict=True):
            assert torch.equal(kept.signbit(), expected.signbit())
            assert torch.equal(kept, expected)


@pytest.mark.parametrize("value", [math.nan, math.inf])
@torch.no_grad()
def test_numbers_that_are_none_come_and_go(value, multiplied):
    module, x = layers(), inputs()
    expected = module(x)
    before = module[1].weight.clone()
    module[1].weight.fill_(value)
    assert not module(x).isfinite().any()
    count = len(multiplied)
    module(x)
    assert len(multiplied) == count
    module[1].weight.copy_(before)
    assert torch.equal(module(x), expected)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32])
@torch.no_grad()
def test_other_types_have_products_of_their_own(dtype):
    module = layers()
    module(inputs())
    expected = cascade(radix_2(16), (2, 2)).to(dtype).blocks(module.plan[0].groups)
    module.to(dtype)
    for found, fresh in zip(module.blocks(module.plan[0].groups), expected, strict=True):
        assert found.dtype == dtype
        assert torch.equal(found, fresh)


@torch.no_grad()
def test_a_type_changed_without_the_module_knowing():
    module = layers().float()
    for part in module:
        part.weight.data = part.weight.data.half().float()
    module(inputs().float())
    for part in module:
        part.weight.data = part.weight.data.half()
    assert {blocks.dtype for blocks in module.blocks(module.plan[0].groups)} == {torch.float16}


def test_products_are_multiplied_out_once_in_evaluation_alone(multiplied):
    module, x = layers(), inputs()
    with torch.no_grad():
        for _ in range(3):
            module(x)
    assert len(multiplied) == 1
    module(x)
    assert len(multiplied) == 2
    with torch.inference_mode():
        module(x)
        assert len(multiplied) == 2
        module.train()(x)
        module(x)
    assert len(multiplied) == 4


@torch.no_grad()
def test_products_are_part_of_no_copy_and_freed_by_training_and_moving():
    module, x = layers(), inputs()
    module(x)
    assert module.remembered
    assert len(module.state_dict()) == 4
    file = io.BytesIO()
    torch.save(module, file)
    file.seek(0)
    copies = copy.deepcopy(module), pickle.loads(pickle.dumps(module)), torch.load(file, weights_only=False)
    for twin in copies:
        assert not twin.remembered
        assert torch.equal(twin(x), module(x))
    assert not module.to(torch.float64).remembered
    module(x)
    assert not module.train().remembered


@torch.no_grad()
def test_products_larger_than_the_limit_are_not_kept(monkeypatch):
    module, x = layers(), inputs()
    monkeypatch.setattr(FusedCascade, "largest", 127)
    y = module(x)
    assert not module.remembered
    monkeypatch.setattr(FusedCascade, "largest", 128)
    assert torch.equal(module(x), y)
    assert module.remembered


@pytest.mark.filterwarnings("ignore:.torch.jit:DeprecationWarning", "ignore::torch.jit.TracerWarning")
@torch.no_grad()
def test_transforms_and_traces_see_the_weights_and_not_the_product():
    module, x = layers(), inputs()
    weights = {name: weight.clone() for name, weight in module.named_parameters()}
    doubled = {name: 2 * weight for name, weight in weights.items()}
    expected = 16 * module(x)

    def call(values: dict[str, torch.Tensor]) -> torch.Tensor:
        return torch.func.functional_call(module, values, (x,))

    pairs = {name: torch.stack([weight, 2 * weight]) for name, weight in weights.items()}
    torch.testing.assert_close(torch.vmap(call)(pairs)[1], expected)
    torch.testing.assert_close(make_fx(call)(weights)(doubled), expected)
    traced = torch.jit.trace(module, (x,))
    exported = torch.export.export(module, (x,)).module()
    module.load_state_dict(doubled)
    exported.load_state_dict(doubled)
    torch.testing.assert_close(traced(x), expected)
    torch.testing.assert_close(exported(x), expected)


@torch.no_grad()
def test_threads_that_call_while_weights_alternate_see_one_or_the_other():
    module, x = layers(), inputs()
    first = module[0].weight.clone()
    outputs = module(x), 2 * module(x)

    def call(_) -> bool:
        with torch.no_grad():
            y = module(x)
        return any(torch.allclose(y, each) for each in outputs)

    with ThreadPoolExecutor(4) as pool:
        for scale in (2.0, 1.0) * 20:
            assert all(pool.map(call, range(8)))
            module[0].weight.copy_(scale * first)
    assert torch.equal(module(x), outputs[0])
