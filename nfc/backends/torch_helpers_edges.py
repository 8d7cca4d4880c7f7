# mypy: ignore-errors
# PyTorch is not type-checked here, and what is emitted carries no comments for the type checker.
"""Products by edges with few and plain numbers in emitted modules, on matrices that are kept.

`nfc.backends.torch_library` reads this file as text; of nfc it may use other helpers alone, and
lines stay under 100 characters, which is how emitted files are formatted.
"""

from __future__ import annotations

import torch
from torch import Tensor

from nfc.backends.torch_helpers_sparse_products import (
    csr_matrix,
    multiplied,
    row_product,
    sampled,
    sampled_product,
    sparse_product,
)
from nfc.backends.torch_helpers_transposes import turned


class KeptEdges:
    """Edges, their weight's sparse matrix among them, whose values are the weight's own memory.

    It is made once: to make it takes longer than a product with a vector.
    """

    def __init__(self, tables: tuple[Tensor, ...], columns: int):
        self.tables = tables
        self.columns = columns
        self.kept = None

    def of(self, weight: Tensor, batch: int):
        """The weights [edges], and their matrix if that multiplies so many columns fast."""
        values, matrix = self.current(weight)
        return values, matrix if batch <= 8 else None

    def current(self, weight: Tensor):
        """The weights and their matrix, None without MKL: those that are kept, or made anew."""
        kept, as_it_lies = self.kept, weight.is_contiguous() and not weight.is_neg()
        # What is kept holds its memory: no other weight has the address, nor has freed memory one.
        if kept and as_it_lies and kept[0].data_ptr() == weight.data_ptr():
            return kept
        kept = self.make(weight)
        self.kept = kept if as_it_lies else None
        return kept

    @torch.inference_mode(False)
    def make(self, weight: Tensor):
        indptr, indices, *_ = self.tables
        values = weight.detach().flatten()
        if not torch.backends.mkl.is_available():
            return values, None
        return values, csr_matrix(indptr, indices, values, (len(indptr) - 1, self.columns))

    def __getstate__(self):
        return {**self.__dict__, "kept": None}


def edge_product(weight: Tensor, x: Tensor, edges: KeptEdges) -> Tensor:
    """`sparse_product` for x [batch, columns], to [batch, rows], and a weight of any shape.

    Both are plain numbers in float32 on a CPU, and there is an edge.
    """
    if torch.is_grad_enabled():
        return EdgeProduct.apply(weight, x, edges).t()
    values, matrix = edges.of(weight, len(x))
    if matrix is None:
        return row_product(values, turned(x), *edges.tables[:2]).t()
    if len(x) > 1:
        return torch.mm(matrix, x.t()).t()
    return torch.mv(matrix, x.view(-1)).view(1, -1)


class EdgeProduct(torch.autograd.Function):
    """See `edge_product`: all in one step, as each step of autograd outlasts a small product."""

    @staticmethod
    def forward(ctx, weight, x, edges):
        ctx.tables = edges.tables
        values, matrix = edges.of(weight, len(x))
        features = turned(x.detach()) if matrix is None or len(x) > 1 else None
        ctx.save_for_backward(weight, x, features)
        if matrix is None:
            return row_product(values, features, *edges.tables[:2])
        if features is not None:
            return torch.mm(matrix, features)
        y = torch.mv(matrix, x.detach().view(-1))
        return y.resize_(len(y), 1)  # no one could change a view in place

    @staticmethod
    def backward(ctx, gradient):
        (weight, x, features), tables = ctx.saved_tensors, ctx.tables
        of_weight = of_x = None
        if torch.is_grad_enabled():
            of_weight = sampled_product(gradient, x.t(), *tables).view(weight.shape)
            of_x = sparse_product(weight.flatten(), gradient, True, *tables).t()
            return of_weight, of_x, None
        gradient = turned(gradient.t())
        if ctx.needs_input_grad[1]:
            weights = weight.flatten().index_select(0, tables[4])
            of_x = multiplied(weights, gradient, *tables[2:4]).t()
        if ctx.needs_input_grad[0] and len(x) == 1 and weight.dim() == 2:
            of_weight = gradient * x.flatten().index_select(0, tables[1]).view(weight.shape)
        elif ctx.needs_input_grad[0]:
            features = turned(x) if features is None else features
            of_weight = sampled(gradient, features, *tables[:2]).view(weight.shape)
        return of_weight, of_x, None
