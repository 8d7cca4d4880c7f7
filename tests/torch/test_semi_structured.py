"""2:4 layers by the semi-structured kernels of GPUs, which stand-ins on the CPU take the place of.

A stand-in multiplies by the dense matrix that PyTorch unpacks from numbers and metadata, so that what is
put together here is read by other code than makes it. Only a machine with a GPU runs the kernels.
"""

from __future__ import annotations

import copy
import pickle

import pytest
import torch
from torch.sparse._semi_structured_conversions import (
    sparse_semi_structured_from_dense_cutlass,
    sparse_semi_structured_to_dense_cutlass,
)

from nfc.backends import torch_helpers_semi_structured as kernels
from nfc.torch import FabricLinear

ROWS, COLS, BATCH = 64, 128, 24
CUTLASS = torch.sparse.SparseSemiStructuredTensorCUTLASS
CUSPARSELT = torch.sparse.SparseSemiStructuredTensorCUSPARSELT
HALVES = (torch.float16, torch.bfloat16)


class Device:
    """A GPU's place: it counts its products, and numbers may be packed in another order."""

    def __init__(self):
        self.products = 0
        self.failing: tuple[type, ...] = ()
        self.mixed = False

    def compress(self, dense):
        numbers, metadata = sparse_semi_structured_from_dense_cutlass(dense)
        numbers = numbers.flip(0) if self.mixed else numbers
        return torch.cat([numbers.flatten(), metadata.flatten().view(dense.dtype)])

    def unpack(self, matrix):
        packed, metadata = matrix.packed, matrix.meta
        rows, cols = matrix.shape
        if metadata is None:
            packed, metadata = packed[: rows * cols // 2], packed[rows * cols // 2 :]
            packed, metadata = packed.view(rows, -1), metadata.view(torch.int16).view(rows, -1)
            packed = packed.flip(0) if self.mixed else packed
        return sparse_semi_structured_to_dense_cutlass(packed, metadata)

    def multiply(self, matrix, other, *, should_transpose_dense=False):
        if isinstance(matrix, self.failing):
            raise RuntimeError("CUDA error: architecture mismatch when calling `cusparseLtInit(&handle)`")
        assert other.dtype == matrix.dtype
        assert other.is_contiguous()
        self.products += 1
        dense = self.unpack(matrix)
        return other @ dense.t() if should_transpose_dense else dense @ other


@pytest.fixture
def device(monkeypatch):
    made = Device()
    monkeypatch.setattr(torch, "_cslt_compress", made.compress)
    for kind in (CUTLASS, CUSPARSELT):
        monkeypatch.setattr(kind, "_validate_device_dim_dtype_shape", lambda dense: None)
        monkeypatch.setattr(
            kind, "_mm", lambda matrix, other, **options: made.multiply(matrix, other, **options)
        )
    monkeypatch.setattr(kernels, "on_gpu", lambda x: True)
    return made


@pytest.fixture
def layer():
    torch.manual_seed(0)
    table = torch.rand(ROWS, COLS // 4, 4).argsort(-1)[..., :2].sort(-1).values
    table = (table + torch.arange(0, COLS, 4)[:, None]).flatten(1)
    made = kernels.SemiStructuredLinear(COLS, table.int(), bias=True)
    torch.nn.init.normal_(made.weight)
    torch.nn.init.normal_(made.bias)
    return made


def matrix_of(layer):
    """The dense matrix, by another way than the layer's."""
    rows = torch.arange(ROWS).repeat_interleave(COLS // 2)
    matrix = torch.zeros(ROWS, COLS, dtype=layer.weight.dtype)
    return matrix.index_put((rows, layer.tables["places"] % COLS), layer.weight.flatten())


def dense_output(layer, x):
    return torch.nn.functional.linear(x, matrix_of(layer), layer.bias)


@pytest.mark.parametrize("failing", [(), (CUSPARSELT,)], ids=["cuSPARSELt", "CUTLASS"])
@pytest.mark.parametrize("dtype", HALVES)
def test_outputs_and_gradients_are_those_of_the_dense_layer(device, layer, dtype, failing):
    device.failing = failing
    layer.to(dtype)
    x = torch.randn(BATCH, COLS, dtype=dtype, requires_grad=True)
    y = layer(x)
    assert device.products == 2  # one of them to try the kernel
    reference = dense_output(layer, x)
    torch.testing.assert_close(y, reference, rtol=0.02, atol=0.05)
    upstream = torch.randn_like(y)
    parameters = (x, layer.weight, layer.bias)
    found = torch.autograd.grad(y, parameters, upstream)
    expected = torch.autograd.grad(reference, parameters, upstream)
    for own, other in zip(found, expected, strict=True):
        torch.testing.assert_close(own, other, rtol=0.02, atol=0.1)


def test_second_derivatives_are_those_of_the_dense_layer(device, layer):
    layer.to(torch.bfloat16)
    x = torch.randn(BATCH, COLS, dtype=torch.bfloat16, requires_grad=True)
    of_products = []
    for y in (layer(x), dense_output(layer, x)):
        (of_x,) = torch.autograd.grad(y.square().sum(), x, create_graph=True)
        of_products.append(torch.autograd.grad(of_x.sum(), layer.weight)[0])
    assert device.products == 2
    torch.testing.assert_close(*of_products, rtol=0.05, atol=2.0)


def test_new_weights_are_in_the_next_product(device, layer):
    layer.half()
    x = torch.randn(3, 8, COLS, dtype=torch.float16)
    layer(x)
    with torch.no_grad():
        layer.weight.data.mul_(-2)
    torch.testing.assert_close(layer(x), dense_output(layer, x), rtol=0.02, atol=0.05)
    assert device.products == 3


def test_strided_inputs_are_read_as_they_are(device, layer):
    layer.half()
    wide = torch.randn(BATCH, COLS + 8, dtype=torch.float16)
    for x in (wide[:, :COLS], wide[::2, 8:], torch.randn(COLS, BATCH, dtype=torch.float16).t()):
        torch.testing.assert_close(layer(x), dense_output(layer, x), rtol=0.02, atol=0.05)


@pytest.mark.parametrize(
    "break_it",
    [
        lambda device: setattr(device, "failing", (CUTLASS, CUSPARSELT)),
        lambda device: (setattr(device, "mixed", True), setattr(device, "failing", (CUTLASS,))),
    ],
    ids=["no kernel", "numbers in another order"],
)
def test_where_kernels_fail_or_are_wrong_the_dense_matrix_is_used(device, layer, break_it):
    break_it(device)
    layer.half()
    x = torch.randn(BATCH, COLS, dtype=torch.float16)
    first = layer(x)
    tried = device.products
    torch.testing.assert_close(first, dense_output(layer, x), rtol=0.02, atol=0.05)
    torch.testing.assert_close(layer(x), first)
    assert device.products == tried


@pytest.mark.parametrize("dtype", HALVES)
def test_autocast_multiplies_in_its_type(device, layer, dtype):
    x = torch.randn(BATCH, COLS, requires_grad=True)
    with torch.autocast("cpu", dtype):
        y = layer(x)
    assert device.products == 2
    assert y.dtype == dtype
    reference = dense_output(layer, x)
    torch.testing.assert_close(y.float(), reference, rtol=0.02, atol=0.1)
    found = torch.autograd.grad(y.float().sum(), (x, layer.weight, layer.bias))
    expected = torch.autograd.grad(reference.sum(), (x, layer.weight, layer.bias))
    for own, other in zip(found, expected, strict=True):
        assert own.dtype == torch.float32
        torch.testing.assert_close(own, other, rtol=0.02, atol=0.2)


def test_autocast_leaves_double_precision_alone(device, layer):
    layer.double()
    x = torch.randn(BATCH, COLS, dtype=torch.float64)
    with torch.autocast("cpu", torch.bfloat16):
        torch.testing.assert_close(layer(x), dense_output(layer, x))
    assert device.products == 0


def test_transforms_and_empty_batches_take_the_dense_matrix(device, layer):
    layer.half()
    x = torch.randn(BATCH, COLS, dtype=torch.float16)
    assert layer(x[:0]).shape == (0, ROWS)
    mapped = torch.vmap(layer)(x)
    assert device.products == 0
    torch.testing.assert_close(mapped, layer(x), rtol=0.02, atol=0.05)


def test_running_out_of_memory_is_not_taken_for_a_missing_kernel(device, layer, monkeypatch):
    def fails(dense):
        raise torch.OutOfMemoryError("CUDA out of memory")

    layer.half()
    x = torch.randn(BATCH, COLS, dtype=torch.float16)
    with monkeypatch.context() as patch:
        patch.setattr(torch, "_cslt_compress", fails)
        with pytest.raises(torch.OutOfMemoryError):
            layer(x)
    layer(x)
    assert device.products == 2


def test_single_precision_takes_the_dense_matrix(device, layer):
    x = torch.randn(BATCH, COLS)
    torch.testing.assert_close(layer(x), dense_output(layer, x))
    assert device.products == 0


def test_packings_are_in_no_copy_and_no_state(device, layer):
    layer.half()
    x = torch.randn(BATCH, COLS, dtype=torch.float16)
    y = layer(x)
    assert layer.state_dict().keys() == {"weight", "bias"}
    for twin in (copy.deepcopy(layer), pickle.loads(pickle.dumps(layer))):
        assert not twin.packings.made
        before = device.products
        assert torch.equal(twin(x), y)
        assert device.products == before + 2


def test_other_places_for_a_call_are_honoured(device, layer):
    layer.half()
    x = torch.randn(BATCH, COLS, dtype=torch.float16)
    layer(x)
    places = layer.places.view(ROWS, -1).flip(0).flatten() % COLS
    places += torch.arange(ROWS).repeat_interleave(COLS // 2) * COLS
    y = torch.func.functional_call(layer, {"places": places}, (x,))
    weight = layer.weight.float().flatten()
    matrix = torch.zeros(ROWS * COLS).index_put((places,), weight).view(ROWS, COLS)
    torch.testing.assert_close(y.float(), x.float() @ matrix.t() + layer.bias.float(), rtol=0.02, atol=0.05)


@pytest.mark.parametrize(
    ("sizes", "via", "kind"),
    [
        ((128, 64), "n_of_m(2, 4)", "SemiStructuredLinear"),
        ((128, 48), "n_of_m(2, 4)", "ScatteredNeighbourLinear"),
        ((96, 64), "n_of_m(2, 4)", "ScatteredNeighbourLinear"),
        ((128, 64), "n_of_m(4, 8)", "ScatteredNeighbourLinear"),
        ((128, 64), "random(fan_in=64)", "ScatteredNeighbourLinear"),
    ],
)
def test_the_layers_that_are_semi_structured(sizes, via, kind):
    assert type(FabricLinear(*sizes, via=via).fabric).__name__ == kind


@pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no GPU")
@pytest.mark.parametrize("dtype", HALVES)
def test_on_a_gpu(layer, dtype):
    layer.to("cuda", dtype)
    x = torch.randn(256, COLS, dtype=dtype, device="cuda", requires_grad=True)
    matrix = matrix_of(copy.deepcopy(layer).cpu()).cuda().requires_grad_()
    reference = torch.nn.functional.linear(x, matrix, layer.bias)
    y = layer(x)
    if torch.cuda.get_device_capability()[0] == 8:  # CUTLASS has kernels for these in every build
        assert layer.packings.made[dtype] is not None
    torch.testing.assert_close(y, reference, rtol=0.02, atol=0.05)
    (found,) = torch.autograd.grad(y.sum(), x)
    (expected,) = torch.autograd.grad(reference.sum(), x)
    torch.testing.assert_close(found, expected, rtol=0.02, atol=0.05)
