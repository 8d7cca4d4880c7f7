# mypy: ignore-errors
# PyTorch is not type-checked here, and what is emitted carries no comments for the type checker.
"""Products with sparse matrices in emitted modules, and their gradients.

`nfc.backends.torch_library` reads this file as text; of nfc it may use other helpers alone, and
lines stay under 100 characters, which is how emitted files are formatted.

The products have their gradients in each other, so that derivatives of any order are right. The
name of an operator holds a digest of the text behind it, which tests/torch/test_sparse_products.py checks.
"""

from __future__ import annotations

import warnings

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor

from nfc.backends.torch_helpers_functions import applied, prepared
from nfc.backends.torch_helpers_inputs import traced
from nfc.backends.torch_helpers_transposes import contiguous


def operator(name: str):
    """Register an autograd.Function as an operator too, which traces show as one call.

    Modules with the same text share it: the digits in its name are a digest of the text.
    """
    with warnings.catch_warnings():  # PyTorch says once a process that sparse tensors are new
        warnings.simplefilter("ignore")
        torch.zeros(1, 1, device="cpu").to_sparse_csr()
    namespace, _, short = name.partition("::")

    def register(function):
        forward = function.forward
        if not hasattr(getattr(torch.ops, namespace), short):
            made = torch.library.custom_op(name, forward, mutates_args=(), schema=function.schema)
            made.register_fake(function.fake)
            made.register_autograd(function.backward, setup_context=function.setup_context)
            made.register_vmap(function.vmap)
        return prepared(function)

    return register


def sparse_product(values: Tensor, x: Tensor, transposed: bool, *tables: Tensor) -> Tensor:
    """W x for the edges' weights [edges] and x [columns, batch]; or Wᵀ x, for x [rows, batch].

    The tables are those of `EdgeFactor`.
    """
    if traced(x):
        return torch.ops.nfc_sparse_192323b4.sparse_product(values, x, transposed, *tables)
    return applied(SparseProduct, values, x, transposed, *tables)


def sampled_product(left: Tensor, right: Tensor, *tables: Tensor) -> Tensor:
    """The entries of left rightᵀ that are edges, for [rows, batch] and [columns, batch]."""
    if traced(left):
        return torch.ops.nfc_sparse_192323b4.sampled_product(left, right, *tables)
    return applied(SampledProduct, left, right, *tables)


@operator("nfc_sparse_192323b4::sparse_product")
class SparseProduct(torch.autograd.Function):
    """See `sparse_product`."""

    schema = (
        "(Tensor values, Tensor x, bool transposed, Tensor indptr, Tensor indices, "
        "Tensor transposed_indptr, Tensor transposed_indices, Tensor permutation) -> Tensor"
    )

    @staticmethod
    def forward(values, x, transposed, *tables):
        indptr, indices = tables[2:4] if transposed else tables[:2]
        if not (x.numel() and len(indices)):
            return x.new_zeros(len(indptr) - 1, x.shape[1])
        # What wants no gradient takes half the time.
        weights, columns = single(values.detach()), single(x.detach()).contiguous()
        if weights.dtype != columns.dtype:
            weights = weights.to(columns.dtype)
        if transposed:
            weights = weights.index_select(0, tables[4])
        y = multiplied(weights, columns, indptr, indices)
        return y if y.dtype == x.dtype else y.to(x.dtype)

    @staticmethod
    def fake(values, x, transposed, *tables):
        return x.new_empty(len(tables[2 if transposed else 0]) - 1, x.shape[1])

    @staticmethod
    def setup_context(ctx, inputs, output):
        values, x, ctx.transposed, *tables = inputs
        ctx.save_for_backward(values, x, *tables)

    @staticmethod
    def backward(ctx, gradient):
        values, x, *tables = ctx.saved_tensors
        values, x, gradient = conjugated(values), conjugated(x), contiguous(gradient)
        for_values = for_x = None
        if ctx.needs_input_grad[0]:
            left, right = (x, gradient) if ctx.transposed else (gradient, x)
            for_values = sampled_product(left, right, *tables).to(values.dtype)
        if ctx.needs_input_grad[1]:
            for_x = sparse_product(values, gradient, not ctx.transposed, *tables)
        return for_values, for_x, None, *[None] * len(tables)

    @staticmethod
    def vmap(info, in_dims, values, x, transposed, *tables):
        if in_dims[0] is None:
            x = x.movedim(in_dims[1], 1)
            y = sparse_product(values, x.flatten(1), transposed, *tables)
            return y.unflatten(1, x.shape[1:]), 1
        each = zip(unstack(info, in_dims[0], values), unstack(info, in_dims[1], x), strict=True)
        return torch.stack([sparse_product(v, x, transposed, *tables) for v, x in each]), 0


@operator("nfc_sparse_192323b4::sampled_product")
class SampledProduct(torch.autograd.Function):
    """See `sampled_product`."""

    schema = (
        "(Tensor left, Tensor right, Tensor indptr, Tensor indices, "
        "Tensor transposed_indptr, Tensor transposed_indices, Tensor permutation) -> Tensor"
    )

    @staticmethod
    def forward(left, right, *tables):
        indptr, indices = tables[:2]
        if not (left.numel() and len(indices)):
            return left.new_zeros(len(indices))
        values = sampled(single(left.detach()), single(right.detach()), indptr, indices)
        return values if values.dtype == left.dtype else values.to(left.dtype)

    @staticmethod
    def fake(left, right, *tables):
        return left.new_empty(len(tables[1]))

    @staticmethod
    def setup_context(ctx, inputs, output):
        ctx.save_for_backward(*inputs)

    @staticmethod
    def backward(ctx, gradient):
        left, right, *tables = ctx.saved_tensors
        left, right = conjugated(left), conjugated(right)
        for_left = for_right = None
        if ctx.needs_input_grad[0]:
            for_left = sparse_product(gradient, right, False, *tables).to(left.dtype)
        if ctx.needs_input_grad[1]:
            for_right = sparse_product(gradient, left, True, *tables).to(right.dtype)
        return for_left, for_right, *[None] * len(tables)

    @staticmethod
    def vmap(info, in_dims, left, right, *tables):
        each = zip(unstack(info, in_dims[0], left), unstack(info, in_dims[1], right), strict=True)
        return torch.stack([sampled_product(a, b, *tables) for a, b in each]), 0


def multiplied(weights: Tensor, x: Tensor, indptr: Tensor, indices: Tensor) -> Tensor:
    """The product of a sparse matrix with such edges and x [columns, batch], which is contiguous."""
    batch = x.shape[1]
    wide = batch > 8 and x.dtype == torch.float32
    if x.is_cpu and (wide or not torch.backends.mkl.is_available()):
        return row_product(weights, x, indptr, indices)
    rows = len(indptr) - 1
    matrix = csr_matrix(indptr, indices, weights, (rows, len(x)))
    # With `out`, autocast leaves products alone; a vector's takes half of a matrix's time.
    y = x.new_empty(rows, batch)
    if batch == 1:
        torch.mv(matrix, x.flatten(), out=y.view(rows))
    else:
        torch.mm(matrix, x, out=y)
    return y


def row_product(weights: Tensor, x: Tensor, indptr: Tensor, indices: Tensor) -> Tensor:
    """`multiplied` by sums of weighted rows of x."""
    return torch.embedding_bag(x, indices, indptr, False, 0, False, weights, True)[0]


def sampled(left: Tensor, right: Tensor, indptr: Tensor, indices: Tensor) -> Tensor:
    """The entries of left rightᵀ at these edges."""
    batch = left.shape[1]
    if 1 < batch < 64 and batch % 8:
        # The kernel takes eight columns at a time, and a rest of columns one by one.
        left, right = F.pad(left, (0, -batch % 8)), F.pad(right, (0, -batch % 8))
    # What it is added to must be finite: PyTorch multiplies it by beta all the same.
    zeros = left.new_zeros(len(indices))
    pattern = csr_matrix(indptr, indices, zeros, (len(left), len(right)))
    left, right = left.contiguous(), right.contiguous().t()
    torch.sparse.sampled_addmm(pattern, left, right, beta=0.0, out=pattern)
    return pattern.values()


def conjugated(x: Tensor) -> Tensor:
    """The conjugates of complex numbers, of which gradients are made; real ones as they are."""
    return x.conj_physical() if x.is_complex() else x


def unstack(info, axis: int | None, x: Tensor) -> tuple[Tensor, ...]:
    """What `torch.vmap` maps over, one by one; without an axis, x itself each time."""
    return (x,) * info.batch_size if axis is None else x.unbind(axis)


def single(x: Tensor) -> Tensor:
    """Numbers in float32 at least."""
    wide = x.dtype == torch.float32 or x.dtype == torch.float64
    return x if wide else x.to(torch.promote_types(x.dtype, torch.float32))


def csr_matrix(indptr: Tensor, indices: Tensor, values: Tensor, shape: tuple[int, int]) -> Tensor:
    """A sparse matrix of these tensors, which are not checked, on their device."""
    return torch.sparse_csr_tensor(
        indptr,
        indices,
        values,
        shape,
        device=values.device,  # else it were the default device
        check_invariants=False,
    )
