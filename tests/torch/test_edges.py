"""Products by edges of small inputs, on matrices that are kept: they follow the weights wherever they go."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

from nfc.backends.torch_helpers_edges import KeptEdges
from nfc.backends.torch_helpers_sparse import CsrLinear, NeighbourLinear

BATCHES = (1, 4, 32)


@pytest.fixture(params=["neighbours", "csr"])
def layer(request: pytest.FixtureRequest) -> nn.Module:
    generator = torch.Generator().manual_seed(0)
    table = torch.stack([torch.randperm(12, generator=generator)[:3].sort().values for _ in range(9)]).int()
    if request.param == "neighbours":
        made: nn.Module = NeighbourLinear(12, table, bias=True)
    else:
        indptr = torch.tensor([0, 3, 3, 4, 6, 9, 12, 12, 13, 14]).int()
        made = CsrLinear(12, indptr, table.flatten()[:14], bias=True)
    with torch.no_grad():
        for parameter in made.parameters():
            parameter.normal_(generator=generator)
    return made


def expected(layer: nn.Module, x: Tensor) -> Tensor:
    """By the dense matrix of the weights as they are now."""
    rows = torch.arange(layer.out_features).repeat_interleave(layer.indptr.diff())
    dense = torch.zeros(layer.out_features, layer.in_features)
    dense[rows, layer.indices.long()] = layer.weight.detach().flatten()
    return nn.functional.linear(x, dense, layer.bias.detach())


def agrees(layer: nn.Module, batch: int) -> None:
    x = torch.randn(batch, layer.in_features)
    with torch.no_grad():
        torch.testing.assert_close(layer(x), expected(layer, x))
    with torch.inference_mode():
        torch.testing.assert_close(layer(x), expected(layer, x))
    torch.testing.assert_close(layer(x).detach(), expected(layer, x))


def in_place(layer: nn.Module) -> None:
    with torch.no_grad():
        layer.weight.mul_(-2)


def behind_its_back(layer: nn.Module) -> None:
    layer.weight.data.add_(1)


def other_memory(layer: nn.Module) -> None:
    layer.weight.data = torch.randn_like(layer.weight)


def other_strides(layer: nn.Module) -> None:
    """The same memory, read in another order."""
    *rows, last = layer.weight.shape
    layer.weight.data = layer.weight.data.view(last, *rows).movedim(0, -1)


def other_parameter(layer: nn.Module) -> None:
    layer.weight = nn.Parameter(torch.randn_like(layer.weight))


def loaded(layer: nn.Module) -> None:
    weights = {name: torch.randn_like(value) for name, value in layer.state_dict().items()}
    layer.load_state_dict(weights, assign=True)


def stepped(layer: nn.Module) -> None:
    optimizer = torch.optim.SGD(layer.parameters(), lr=0.5, momentum=0.9)
    layer(torch.randn(4, layer.in_features)).square().sum().backward()
    optimizer.step()


def resized(layer: nn.Module) -> None:
    """As sharded training frees memory and takes it again."""
    values, storage = layer.weight.detach().clone(), layer.weight.untyped_storage()
    size = storage.nbytes()
    storage.resize_(0)
    storage.resize_(size)
    with torch.no_grad():
        layer.weight.copy_(values * 3)


def shared(layer: nn.Module) -> None:
    layer.share_memory()
    in_place(layer)


CHANGES = (
    in_place, behind_its_back, other_memory, other_strides, other_parameter, loaded, stepped, resized, shared,
)  # fmt: skip


@pytest.mark.parametrize("batch", BATCHES)
@pytest.mark.parametrize("change", CHANGES)
def test_changes_of_weights_are_seen(
    layer: nn.Module, change: Callable[[nn.Module], None], batch: int
) -> None:
    agrees(layer, batch)
    change(layer)
    agrees(layer, batch)


@pytest.mark.parametrize("copied", [copy.deepcopy, lambda layer: pickle.loads(pickle.dumps(layer))])
def test_copies_have_matrices_of_their_own(
    layer: nn.Module, copied: Callable[[nn.Module], nn.Module]
) -> None:
    agrees(layer, 1)
    other = copied(layer)
    in_place(other)
    agrees(layer, 1)
    agrees(other, 1)


@pytest.mark.parametrize("batch", BATCHES)
def test_other_weights_are_taken_for_one_call(layer: nn.Module, batch: int) -> None:
    agrees(layer, batch)
    x, weights = torch.randn(batch, 12), {name: torch.randn_like(p) for name, p in layer.named_parameters()}
    changed = copy.deepcopy(layer)
    changed.load_state_dict(weights)
    with torch.no_grad():
        found = torch.func.functional_call(layer, weights, (x,))
    torch.testing.assert_close(found, expected(changed, x))
    agrees(layer, batch)


def test_tables_are_taken_for_one_call_too(layer: nn.Module) -> None:
    """As the module that stands for an ensemble is made: on the meta device, from a copy."""
    agrees(layer, 1)
    state = dict(layer.named_parameters()) | dict(layer.named_buffers())
    empty = copy.deepcopy(layer).to("meta")
    for batch in BATCHES:
        x = torch.randn(batch, layer.in_features)
        found = torch.func.functional_call(empty, state, (x,))
        torch.testing.assert_close(found.detach(), expected(layer, x))


@pytest.mark.parametrize("batch", BATCHES)
def test_negated_views_of_the_weight_are_not_the_weight(layer: nn.Module, batch: int) -> None:
    """They are the same memory, as the imaginary part of a conjugate is, and the sign is not in it."""
    agrees(layer, batch)
    x, negated = torch.randn(batch, layer.in_features), torch._neg_view(layer.weight.detach())
    found = torch.func.functional_call(layer, {"weight": negated}, (x,))
    torch.testing.assert_close(found.detach() - layer.bias, layer.bias - expected(layer, x))
    agrees(layer, batch)


@pytest.mark.parametrize("batch", BATCHES)
def test_the_default_device_is_not_where_matrices_are_made(layer: nn.Module, batch: int) -> None:
    x = torch.randn(batch, layer.in_features, requires_grad=True)
    with torch.device("meta"):
        y = layer(x)
        y.sum().backward()
    torch.testing.assert_close(y.detach(), expected(layer, x.detach()))
    agrees(layer, batch)


def test_weights_that_are_computed_are_seen(layer: nn.Module) -> None:
    class Doubled(nn.Module):
        def forward(self, weight: Tensor) -> Tensor:
            return 2 * weight

    agrees(layer, 1)
    torch.nn.utils.parametrize.register_parametrization(layer, "weight", Doubled())
    agrees(layer, 1)
    torch.nn.utils.parametrize.register_parametrization(layer, "bias", Doubled())
    agrees(layer, 1)


def test_outputs_may_be_changed_in_place(layer: nn.Module) -> None:
    for batch in BATCHES:
        layer(torch.randn(batch, 12)).mul_(2).sum().backward()


def test_a_matrix_without_memory_is_not_used(layer: nn.Module) -> None:
    agrees(layer, 1)
    moved = layer.to("meta").to_empty(device="cpu")
    loaded(moved)
    agrees(moved, 1)


def test_a_matrix_is_made_once(layer: nn.Module, monkeypatch: pytest.MonkeyPatch) -> None:
    made = []
    make = KeptEdges.make
    monkeypatch.setattr(KeptEdges, "make", lambda *arguments: made.append(1) or make(*arguments))
    for batch in BATCHES:
        agrees(layer, batch)
    in_place(layer)
    agrees(layer, 1)
    assert len(made) == 1
