# mypy: ignore-errors
# PyTorch is not type-checked here, and what is emitted carries no comments for the type checker.
"""Products by edges with few and plain numbers in emitted modules: one step, on matrices that are kept.

`nfc.backends.torch_library` reads this file as text; of nfc it may use other helpers alone, and
lines stay under 100 characters, which is how emitted files are formatted.
"""

from __future__ import annotations

import torch
from torch import Tensor

from nfc.backends.torch_helpers_products import turned
from nfc.backends.torch_helpers_sparse_products import (
    csr_matrix,
    multiplied,
    sampled,
    sampled_product,
    sparse_product,
)


class EdgeMatrix:
    """A weight's sparse matrix, made once: its values are the weight's own memory.

    To make one takes longer than a product with a vector.
    """

    def __init__(self):
        self.made = None

    def of(self, weight: Tensor, tables: tuple[Tensor, ...], columns: int):
        """The weights [edges], and the matrix if products with it are to be had."""
        made = self.made
        # Memory that has been given back has no address.
        if made and made[0].data_ptr() == weight.data_ptr() and weight.is_contiguous():
            return made
        made = self.make(weight, tables, columns)
        self.made = made if weight.is_contiguous() else None
        return made

    @torch.inference_mode(False)
    def make(self, weight: Tensor, tables: tuple[Tensor, ...], columns: int):
        indptr, indices, *_ = tables
        values = weight.detach().flatten()
        if not torch.backends.mkl.is_available():
            return values, None
        return values, csr_matrix(indptr, indices, values, (len(indptr) - 1, columns))

    def __reduce__(self):
        return EdgeMatrix, ()


def edge_product(weight: Tensor, x: Tensor, matrix, tables: tuple[Tensor, ...]) -> Tensor:
    """`sparse_product` for x [batch, columns], to [batch, rows], and a weight of any shape.

    Both are plain numbers in float32 on a CPU, and there is an edge; `matrix` is `EdgeMatrix.of`.
    """
    if torch.is_grad_enabled():
        return EdgeProduct.apply(weight, x, matrix, tables).t()
    return edge_values(x, matrix, tables).t()


def edge_values(x: Tensor, matrix, tables: tuple[Tensor, ...]) -> Tensor:
    """The product [rows, batch] with x [batch, columns]."""
    _, csr = matrix
    if by_rows(x, csr):
        return bag_product(turned(x), matrix, tables)
    if len(x) > 1:
        return torch.mm(csr, x.t())
    y = torch.mv(csr, x.flatten())
    return y.resize_(len(y), 1)  # no one could change a view in place


def by_rows(x: Tensor, csr: Tensor | None) -> bool:
    """Whether x [batch, columns] is multiplied as rows of features."""
    return len(x) > 8 or csr is None


def bag_product(x: Tensor, matrix, tables: tuple[Tensor, ...]) -> Tensor:
    """The product [rows, batch] with x [columns, batch], which is contiguous."""
    values, _ = matrix
    indptr, indices, *_ = tables
    return torch.embedding_bag(x, indices, indptr, False, 0, False, values, True)[0]


class EdgeProduct(torch.autograd.Function):
    """See `edge_product`: all in one step, as each step of autograd outlasts a small product."""

    @staticmethod
    def forward(ctx, weight, x, matrix, tables):
        ctx.tables = tables
        if not by_rows(x, matrix[1]):
            ctx.save_for_backward(weight, x, None)
            return edge_values(x.detach(), matrix, tables)
        features = turned(x.detach())
        ctx.save_for_backward(weight, x, features)
        return bag_product(features, matrix, tables)

    @staticmethod
    def backward(ctx, gradient):
        (weight, x, features), tables = ctx.saved_tensors, ctx.tables
        of_weight = of_x = None
        if torch.is_grad_enabled():
            of_weight = sampled_product(gradient, x.t(), *tables).view(weight.shape)
            of_x = sparse_product(weight.flatten(), gradient, True, *tables).t()
            return of_weight, of_x, None, None
        gradient = turned(gradient.t())
        if ctx.needs_input_grad[1]:
            weights = weight.flatten().index_select(0, tables[4])
            of_x = multiplied(weights, gradient, *tables[2:4]).t()
        if ctx.needs_input_grad[0] and len(x) == 1 and weight.dim() == 2:
            of_weight = gradient * x.flatten().index_select(0, tables[1]).view(weight.shape)
        elif ctx.needs_input_grad[0]:
            features = turned(x) if features is None else features
            of_weight = sampled(gradient, features, *tables[:2]).view(weight.shape)
        return of_weight, of_x, None, None
