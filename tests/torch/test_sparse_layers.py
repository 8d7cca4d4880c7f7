"""Layers without structure, by their edges and by a dense matrix made of them at each step."""

from __future__ import annotations

import copy
import pickle
import warnings

import numpy as np
import pytest
import torch

from nfc.backends.torch_module import build_module
from nfc.ir.factors import FanIn, Shifts
from nfc.ir.network import Network
from nfc.lowering import lower
from nfc.lowering.plan import Plan, Product, Scattered
from tests.build import edges_of, random_values
from tests.torch.networks import one_layer

CLOSE = {"rtol": 1e-5, "atol": 1e-5}
COLUMNS = 9
PATTERN = (np.random.default_rng(1).random((7, COLUMNS)) < 0.4).astype(int)
PATTERN[2] = PATTERN[:, 3] = 0
FABRICS = {
    "edges": edges_of(PATTERN),
    "fan_in": FanIn(COLUMNS, np.array([[0, 3], [1, 6], [2, 8], [0, 5], [2, 3]])),
    "shifts": Shifts((3, 3), ((0, 0), (1, 0), (2, 0), (0, 1), (0, 2))),
}
CLASSES = {"edges": "CsrLinear", "fan_in": "NeighbourLinear", "shifts": "ShiftLinear"}


def scattered(net: Network) -> Plan:
    """The plan with its lone layer run by way of a dense matrix."""
    plan = lower(net)
    (layer,) = plan.body
    assert isinstance(layer, Product)
    kernel = Scattered(layer.kernel)  # type: ignore[arg-type]
    return Plan(**{**vars(plan), "body": (Product(**{**vars(layer), "kernel": kernel}),)})


FORMS = {"by edges": lower, "scattered": scattered}


@pytest.fixture(params=FABRICS)
def kind(request):
    return request.param


@pytest.fixture(params=FORMS)
def module(request, kind):
    built = build_module(FORMS[request.param](one_layer(FABRICS[kind])), seed=1)
    with torch.no_grad():
        built.linear1.bias.copy_(torch.tensor(random_values(built.linear1.bias.shape)))
    return built


@pytest.fixture
def dense(module, kind):
    """The same layer as a dense one with zeros."""
    indptr, indices = FABRICS[kind].arrays()
    rows = np.repeat(np.arange(FABRICS[kind].rows), np.diff(indptr))
    layer = torch.nn.Linear(COLUMNS, FABRICS[kind].rows)
    with torch.no_grad():
        layer.bias.copy_(module.linear1.bias)
        layer.weight.zero_()[rows, indices] = module.linear1.weight.flatten()
    layer.places = (rows, indices)
    return layer


def inputs(*shape: int, dtype=torch.float32) -> torch.Tensor:
    return torch.tensor(random_values((*shape, COLUMNS))).to(dtype)


def test_forms_have_the_same_state_and_say_what_they_are(kind):
    modules = {form: build_module(make(one_layer(FABRICS[kind])), seed=3) for form, make in FORMS.items()}
    state = modules["by edges"].state_dict()
    modules["scattered"].load_state_dict(state)
    for name, value in modules["scattered"].state_dict().items():
        assert torch.equal(value, state[name])
    assert f"(linear1): {CLASSES[kind]}(" in str(modules["by edges"])
    assert f"(linear1): Scattered{CLASSES[kind]}(" in str(modules["scattered"])


@pytest.mark.parametrize("shape", [(), (1,), (3,), (4,), (2, 3), (0,), (130,)])
def test_outputs_and_gradients_are_those_of_a_dense_layer(module, dense, shape):
    x, also = (inputs(*shape).requires_grad_() for _ in range(2))
    found, expected = module(x) if shape else module(x[None])[0], dense(also)
    torch.testing.assert_close(found, expected, **CLOSE)
    upstream = torch.tensor(random_values(tuple(found.shape), seed=5))
    found.backward(upstream)
    expected.backward(upstream)
    torch.testing.assert_close(x.grad, also.grad, **CLOSE)
    weights = dense.weight.grad[dense.places].reshape(module.linear1.weight.shape)
    torch.testing.assert_close(module.linear1.weight.grad, weights, rtol=1e-5, atol=1e-4)
    torch.testing.assert_close(module.linear1.bias.grad, dense.bias.grad, rtol=1e-5, atol=1e-4)


@pytest.mark.parametrize("batch", [1, 2, 8, 9, 64, 1100])
@pytest.mark.parametrize("regular", [True, False])
def test_every_size_of_batch_is_multiplied_right(batch, regular):
    """Vectors, few and many columns each have a product of their own, and transposes too."""
    table = np.random.default_rng(3).integers(0, 120, (90, 7))
    pattern = np.zeros((90, 120), int)
    np.put_along_axis(pattern, table, 1, axis=1)
    fabric = FanIn(120, np.stack([np.nonzero(np.roll(np.arange(120) < 7, 11 * row))[0] for row in range(90)]))
    fabric = fabric if regular else edges_of(pattern)
    layer = build_module(lower(one_layer(fabric)), seed=1).linear1
    indptr, indices = fabric.arrays()
    places = np.repeat(np.arange(90), np.diff(indptr)), indices
    weight = torch.zeros(90, 120).index_put(tuple(map(torch.tensor, places)), layer.weight.detach().flatten())
    weight.requires_grad_()
    x, also = (torch.tensor(random_values((batch, 120))).float().requires_grad_() for _ in range(2))
    found, expected = layer(x), also @ weight.T + layer.bias.detach()
    torch.testing.assert_close(found, expected, **CLOSE)
    with torch.inference_mode():
        torch.testing.assert_close(layer(x), expected, **CLOSE)
    (found.square().sum() / batch).backward()
    (expected.square().sum() / batch).backward()
    torch.testing.assert_close(x.grad, also.grad, **CLOSE)
    torch.testing.assert_close(layer.weight.grad.flatten(), weight.grad[places], **CLOSE)


@pytest.mark.parametrize("batch", [1, 5])
def test_second_derivatives_in_single_precision(module, dense, batch):
    slopes = []
    for layer, weight in ((module, module.linear1.weight), (dense, dense.weight)):
        x = inputs(batch).requires_grad_()
        (slope,) = torch.autograd.grad(layer(x).pow(3).sum(), x, create_graph=True)
        slopes.append(torch.autograd.grad(slope.square().sum(), [x, weight]))
    (of_x, of_weight), (expected_x, expected_weight) = slopes
    torch.testing.assert_close(of_x, expected_x, rtol=1e-4, atol=1e-4)
    expected_weight = expected_weight[dense.places].reshape(of_weight.shape)
    torch.testing.assert_close(of_weight, expected_weight, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("batch", [1, 6])
def test_outputs_take_changes_in_place(module, dense, batch):
    x = inputs(batch).requires_grad_()
    y = torch.relu_(module(x))
    y.sum().backward()
    torch.testing.assert_close(y, torch.relu(dense(x)), **CLOSE)
    assert module.linear1.weight.grad is not None


def test_strides_of_inputs_do_not_matter(module, dense):
    for x in (inputs(6).t().contiguous().t(), inputs(12)[::2], inputs(6).flip(1), inputs(1).expand(6, -1)):
        torch.testing.assert_close(module(x), dense(x), **CLOSE)


def test_first_and_second_derivatives(module):
    layer = module.double().linear1
    x = inputs(3, dtype=torch.float64).requires_grad_()

    def run(x, weight, bias):
        return torch.func.functional_call(layer, {"weight": weight, "bias": bias}, (x,))

    parameters = [layer.weight.detach().requires_grad_(), layer.bias.detach().requires_grad_()]
    assert torch.autograd.gradcheck(run, (x, *parameters))
    assert torch.autograd.gradgradcheck(run, (x, *parameters))


def test_mapped_over_the_batch_without_a_warning(module):
    x = inputs(5)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        mapped = torch.vmap(lambda sample: module(sample[None])[0])(x)
    torch.testing.assert_close(mapped, module(x), **CLOSE)


def test_gradients_of_each_sample_and_of_stacked_weights(module):
    x = inputs(5)
    parameters = {name: value.detach() for name, value in module.named_parameters()}

    def loss(values, sample):
        return torch.func.functional_call(module, values, (sample[None],)).square().sum()

    gradients = torch.vmap(torch.func.grad(loss), (None, 0))(parameters, x)
    module(x[2:3]).square().sum().backward()
    torch.testing.assert_close(gradients["linear1.weight"][2], module.linear1.weight.grad, **CLOSE)
    stacked = {name: torch.stack([value, 2 * value]) for name, value in parameters.items()}
    both = torch.vmap(lambda values: torch.func.functional_call(module, values, (x,)))(stacked)
    torch.testing.assert_close(both[1], 2 * module(x), **CLOSE)


@pytest.mark.parametrize("batch", [1, 6])
def test_compiled_as_one_graph_it_trains(module, batch):
    torch._dynamo.reset()
    compiled = torch.compile(copy.deepcopy(module), fullgraph=True, backend="aot_eager")
    x, also = (inputs(batch).requires_grad_() for _ in range(2))
    expected, found = module(x), compiled(also)
    torch.testing.assert_close(found, expected, **CLOSE)
    expected.square().sum().backward()
    found.square().sum().backward()
    torch.testing.assert_close(also.grad, x.grad, **CLOSE)
    for parameter, other in zip(compiled.parameters(), module.parameters(), strict=True):
        torch.testing.assert_close(parameter.grad, other.grad, **CLOSE)


def test_exported_with_a_dynamic_batch(module):
    batch = ({0: torch.export.Dim("batch", min=0)},)
    exported = torch.export.export(module.eval(), (inputs(4),), dynamic_shapes=batch).module()
    for size in (0, 1, 2, 9):
        torch.testing.assert_close(exported(inputs(size)), module(inputs(size)), **CLOSE)


def test_traced_symbolically(module):
    torch.testing.assert_close(torch.fx.symbolic_trace(module)(inputs(3)), module(inputs(3)), rtol=0, atol=0)


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_low_precision(module, dense, dtype):
    x = inputs(6)
    expected = dense(x).detach()
    module.to(dtype)
    found = module(x.to(dtype))
    found.sum().backward()
    assert found.dtype == module.linear1.weight.grad.dtype == dtype
    torch.testing.assert_close(found.float(), expected, rtol=0.05, atol=0.05)


@pytest.mark.parametrize("batch", [1, 6])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_autocast_gives_low_precision_as_dense_layers_do(module, dense, dtype, batch):
    x = inputs(batch, dtype=dtype).requires_grad_()
    with torch.autocast("cpu", torch.bfloat16):
        found, expected = module(x), dense(x)
    assert found.dtype == expected.dtype == torch.bfloat16
    torch.testing.assert_close(found, expected, rtol=0.05, atol=0.05)
    found.float().sum().backward()
    assert x.grad.dtype == dtype
    assert module.linear1.weight.grad.dtype == torch.float32


def test_copies_pickles_and_moves(module):
    x = inputs(6)
    expected = module(x)
    for twin in (copy.deepcopy(module), pickle.loads(pickle.dumps(module))):
        torch.testing.assert_close(twin(x), expected, rtol=0, atol=0)
    state = copy.deepcopy(module.state_dict())
    empty = copy.deepcopy(module).to("meta")
    assert empty(x.to("meta")).shape == expected.shape
    assert {buffer.device.type for buffer in empty.buffers()} == {"meta"}
    moved = copy.deepcopy(empty).to_empty(device="cpu")
    moved.load_state_dict(state)
    empty.load_state_dict(state, assign=True)
    for twin in (moved, empty):
        torch.testing.assert_close(twin(x), expected, rtol=0, atol=0)


def test_layers_without_any_edge():
    module = build_module(lower(one_layer(edges_of(np.zeros((3, COLUMNS), int)))))
    x = inputs(4).requires_grad_()
    module(x).sum().backward()
    assert not module(x).any()
    assert x.grad.shape == x.shape
    assert not x.grad.any()
