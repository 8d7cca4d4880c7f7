"""The sparse and the sampled product against dense matrices: values, derivatives, traces, mapped axes."""

from __future__ import annotations

import copy
import re
from hashlib import sha256

import numpy as np
import pytest
import torch

from nfc.backends import torch_helpers_sparse_products as sparse
from nfc.backends.torch_helpers_sparse import CsrLinear
from nfc.backends.torch_library import helpers
from nfc.backends.torch_module import build_module
from nfc.lowering import lower
from tests.torch.networks import one_layer, random_edges, random_fan_in

ROWS, COLUMNS = 7, 5
PATTERNS = {
    "random": (np.random.default_rng(0).random((ROWS, COLUMNS)) < 0.5),
    "full": np.ones((ROWS, COLUMNS), bool),
    "a lone edge": np.arange(ROWS * COLUMNS).reshape(ROWS, COLUMNS) == 18,
    "no edges": np.zeros((ROWS, COLUMNS), bool),
    "one column": np.ones((ROWS, 1), bool),
}
PATTERNS["empty rows and columns"] = PATTERNS["full"] & (np.arange(ROWS) % 3 > 0)[:, None]
PATTERNS["empty rows and columns"][:, [0, 4]] = False
BATCHES = (0, 1, 2, 3, 4, 9, 16, 70)


def tables_of(pattern: np.ndarray) -> list[torch.Tensor]:
    indptr = torch.tensor(np.append(0, pattern.sum(1).cumsum())).int()
    layer = CsrLinear(pattern.shape[1], indptr, torch.tensor(np.nonzero(pattern)[1]).int())
    return [layer.get_buffer(name) for name in layer.tables]


def dense_of(pattern: np.ndarray, values: torch.Tensor) -> torch.Tensor:
    return torch.zeros(pattern.shape, dtype=values.dtype).masked_scatter(torch.tensor(pattern), values)


def operators():
    """The operators that traces show."""
    (namespace,) = set(re.findall(r"nfc_sparse_\w+", text_of_operators()))
    return getattr(torch.ops, namespace)


def text_of_operators() -> str:
    return "\n".join(helper.text for helper in helpers("sparse_product"))


def random(*shape: int, dtype=torch.float32, seed: int = 0) -> torch.Tensor:
    numbers = np.random.default_rng((seed, *shape)).standard_normal(shape)
    return torch.tensor(numbers).to(dtype)


@pytest.fixture(params=["with MKL", "without MKL"])
def library(request, monkeypatch):
    """Without MKL, PyTorch has no product of a sparse matrix on the CPU."""
    if request.param == "without MKL":
        monkeypatch.setattr(torch.backends.mkl, "is_available", lambda: False)
    elif not torch.backends.mkl.is_available():
        pytest.skip("PyTorch has no MKL on this machine")


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16, torch.float16])
@pytest.mark.parametrize("batch", BATCHES)
@pytest.mark.parametrize("name", PATTERNS)
@pytest.mark.usefixtures("library")
def test_products_are_those_of_the_dense_matrix(name, batch, dtype):
    pattern = PATTERNS[name]
    tables = tables_of(pattern)
    values = random(int(pattern.sum()), dtype=dtype)
    left, right = (random(size, batch, dtype=dtype) for size in pattern.shape)
    exact = dense_of(pattern, values.double())
    found = {
        "product": sparse.sparse_product(values, right, False, *tables),
        "transposed": sparse.sparse_product(values, left, True, *tables),
        "sampled": sparse.sampled_product(left, right, *tables),
    }
    expected = {
        "product": exact @ right.double(),
        "transposed": exact.T @ left.double(),
        "sampled": (left.double() @ right.double().T)[torch.tensor(pattern)],
    }
    precision = max(torch.finfo(dtype).eps, 1e-7)
    for key, value in found.items():
        assert value.dtype == dtype, key
        torch.testing.assert_close(
            value.double(), expected[key], rtol=precision, atol=64 * precision, msg=key
        )


@pytest.mark.parametrize("batch", [1, 5])
@pytest.mark.parametrize("name", PATTERNS)
@pytest.mark.usefixtures("library")
def test_first_and_second_derivatives(name, batch):
    pattern = PATTERNS[name]
    tables = tables_of(pattern)
    values = random(int(pattern.sum()), dtype=torch.float64).requires_grad_()
    left, right = (random(size, batch, dtype=torch.float64).requires_grad_() for size in pattern.shape)
    cases = [
        (lambda v, x: sparse.sparse_product(v, x, False, *tables), (values, right)),
        (lambda v, x: sparse.sparse_product(v, x, True, *tables), (values, left)),
        (lambda a, b: sparse.sampled_product(a, b, *tables), (left, right)),
    ]
    for function, inputs in cases:
        if values.numel():
            assert torch.autograd.gradcheck(function, inputs)
            assert torch.autograd.gradgradcheck(function, inputs)
        else:
            first, second = torch.autograd.grad(function(*inputs).sum(), inputs)
            assert not first.any()
            assert not second.any()


def test_gradients_that_nobody_asks_for_are_not_computed():
    tables, x = tables_of(PATTERNS["full"]), random(COLUMNS, 4)
    values = random(ROWS * COLUMNS).requires_grad_()
    y = sparse.sparse_product(values, x, False, *tables)
    with torch.profiler.profile() as profile:
        y.sum().backward()
    called = [event.name for event in profile.events()]
    assert called.count("aten::sparse_sampled_addmm") == 1
    assert called.count("aten::embedding_bag") + called.count("aten::mm") == 0


@pytest.mark.parametrize("wrong", [float("inf"), float("nan")])
def test_gradients_of_the_values_do_not_depend_on_the_values(wrong):
    pattern = PATTERNS["random"]
    values = torch.full((int(pattern.sum()),), wrong, requires_grad=True)
    sparse.sparse_product(values, torch.ones(COLUMNS, 9), False, *tables_of(pattern)).sum().backward()
    torch.testing.assert_close(values.grad, torch.full_like(values, 9.0))


@pytest.mark.filterwarnings("ignore::UserWarning:torch.testing._internal.optests")
@pytest.mark.parametrize("batch", [1, 6])
def test_the_operators_keep_the_rules_of_operators(batch):
    tables = tables_of(PATTERNS["random"])
    values = random(len(tables[1])).requires_grad_()
    left, right = random(ROWS, batch).requires_grad_(), random(COLUMNS, batch).requires_grad_()
    torch.library.opcheck(operators().sparse_product, (values, right, False, *tables))
    torch.library.opcheck(operators().sparse_product, (values, left, True, *tables))
    torch.library.opcheck(operators().sampled_product, (left, right, *tables))


@pytest.mark.parametrize("transposed", [False, True])
@pytest.mark.parametrize("axes", [(None, 0), (None, 1), (None, -1), (0, None), (0, 2)])
def test_sparse_products_over_a_mapped_axis(axes, transposed):
    tables = tables_of(PATTERNS["random"])
    features, samples = ROWS if transposed else COLUMNS, 3
    values = random(samples, len(tables[1]))
    x = random(samples, features, 4)
    mapped_values = values if axes[0] == 0 else values[0]
    mapped_x = x[0] if axes[1] is None else x.movedim(0, axes[1])

    def product(values, x):
        return sparse.sparse_product(values, x, transposed, *tables)

    found = torch.vmap(product, axes)(mapped_values, mapped_x)
    for i in range(samples):
        expected = product(values[i if axes[0] == 0 else 0], x[0 if axes[1] is None else i])
        torch.testing.assert_close(found[i], expected)


@pytest.mark.parametrize("axes", [(0, None), (None, 2), (1, 1)])
def test_sampled_products_over_a_mapped_axis(axes):
    tables = tables_of(PATTERNS["random"])
    sides = [random(3, size, 4) for size in (ROWS, COLUMNS)]
    mapped = [
        side[0] if axis is None else side.movedim(0, axis) for side, axis in zip(sides, axes, strict=True)
    ]
    found = torch.vmap(lambda left, right: sparse.sampled_product(left, right, *tables), axes)(*mapped)
    for i in range(3):
        left, right = (side[0 if axis is None else i] for side, axis in zip(sides, axes, strict=True))
        torch.testing.assert_close(found[i], sparse.sampled_product(left, right, *tables))


def test_hessians_by_nested_transforms():
    tables = tables_of(PATTERNS["random"])
    values, x = random(len(tables[1]), dtype=torch.float64), random(COLUMNS, 2, dtype=torch.float64)

    def loss(values):
        return sparse.sparse_product(values, x, False, *tables).pow(3).sum()

    def dense_loss(values):
        return (dense_of(PATTERNS["random"], values) @ x).pow(3).sum()

    expected = torch.autograd.functional.hessian(dense_loss, values)
    torch.testing.assert_close(torch.func.jacrev(torch.func.jacrev(loss))(values), expected)


def test_the_name_of_the_operators_is_the_digest_of_their_text():
    """So that files of different versions of nfc do not take each other's operators."""
    namespace = operators().name
    digest = sha256(text_of_operators().replace(namespace, "").encode()).hexdigest()[:8]
    assert namespace == f"nfc_sparse_{digest}"


def test_modules_of_one_process_share_the_operators():
    first = build_module(lower(one_layer(random_edges(8, 0))))
    second = build_module(lower(one_layer(random_fan_in(8, 3, 0))))
    x = random(6, 8)
    for module in (first, second):
        compiled = torch.compile(copy.deepcopy(module), fullgraph=True, backend="aot_eager")
        torch.testing.assert_close(compiled(x), module(x))
