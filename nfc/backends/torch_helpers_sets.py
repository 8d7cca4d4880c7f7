# mypy: ignore-errors
# PyTorch is not type-checked here, and what is emitted carries no comments for the type checker.
"""Blocks between index sets in emitted modules: features are gathered before a product and after it.

`nfc.backends.torch_library` reads this file as text; of nfc it may use other helpers alone, and
lines stay under 100 characters, which is how emitted files are formatted.
"""

from __future__ import annotations

import torch
from torch import Tensor

from nfc.backends.torch_helpers import TableFactor, batch_first
from nfc.backends.torch_helpers_functions import applied, prepared
from nfc.backends.torch_helpers_inputs import traced, transformed
from nfc.backends.torch_helpers_transposes import contiguous


def taken(x: Tensor, order: Tensor) -> Tensor:
    """The rows x[order] of x [features, batch], which is no trace's."""
    if x.is_contiguous() and x.shape[1] > 1:
        return x.index_select(0, order)
    return x.t().index_select(1, order).t()  # to transpose it first would take longer


def selected(x: Tensor, order: Tensor) -> Tensor:
    """The rows x[order], as traces show it."""
    return x.index_select(0, order)


def taken_once(x: Tensor, order: Tensor, places: Tensor) -> Tensor:
    """`reordered` without a gradient."""
    return taken(x, order)


def reordered(x: Tensor, order: Tensor, places: Tensor) -> Tensor:
    """The rows x[order], along the first axis; row r of x is the row `places[r]` of the result."""
    return applied(Reordered, x, order, places)


@prepared
class Reordered(torch.autograd.Function):
    """See `reordered`. PyTorch would add up gradients row by row; here they are reordered too."""

    generate_vmap_rule = True

    @staticmethod
    def forward(x: Tensor, order: Tensor, places: Tensor) -> Tensor:
        return selected(x, order) if traced(x) or x.dim() != 2 else taken(x, order)

    @staticmethod
    def setup_context(ctx, inputs, output) -> None:
        _, order, places = inputs
        ctx.save_for_backward(order, places)

    @staticmethod
    def backward(ctx, gradient: Tensor) -> tuple[Tensor | None, ...]:
        order, places = ctx.saved_tensors
        return reordered(gradient, places, order), None, None


def block_set_product(weight, x: Tensor, bias, shapes, tables, leaves: bool) -> Tensor:
    """Blocks between sets of rows and columns times x [columns, batch], and the bias if there is one.

    The shapes are those of the sets; the tables say where rows and columns lie block by block:
    the rows and their places, the columns and theirs. With `leaves` the rows of the result stay
    block by block.
    """
    arguments = (weight, x, bias, shapes, tables, leaves)
    if traced(x):
        return block_set_values(*arguments)[0]
    if transformed():
        return MappedBlockSetProduct.apply(*arguments)[0]
    if torch.is_grad_enabled():
        return BlockSetProduct.apply(*arguments)
    return block_set_values(*arguments)[0]


def block_set_values(weight, x: Tensor, bias, shapes, tables, leaves: bool) -> tuple[Tensor, ...]:
    """The product, and what was gathered for it: the blocks and their inputs."""
    rows, row_places, columns, _ = tables
    (groups, outputs), (_, inputs) = shapes
    taking = selected if traced(x) else taken
    blocks = weight.index_select(0, rows).view(groups, outputs, inputs)
    x = taking(x, columns).view(groups, inputs, x.shape[1])
    if bias is None:
        y = torch.bmm(blocks, x)
    else:  # in the product, which saves a pass over its result
        y = torch.baddbmm(bias.index_select(0, rows).view(groups, outputs, 1), blocks, x)
    y = y.view(groups * outputs, x.shape[2])
    return y if leaves else taking(y, row_places), blocks, x


class BlockSetProduct(torch.autograd.Function):
    """See `block_set_product`. What was gathered for the product is kept for its gradient.

    With a context in `forward`, calls take half of the time that `setup_context` takes.
    """

    @staticmethod
    def forward(ctx, weight, x: Tensor, bias, shapes, tables, leaves: bool) -> Tensor:
        y, *gathered = block_set_values(weight, x, bias, shapes, tables, leaves)
        # What it is a view of, in its shape: no one could change a view in place.
        y = y if y._base is None else y._base.resize_(y.shape)
        ctx.save_for_backward(weight, x, *gathered)
        ctx.tables, ctx.leaves = tables, leaves
        return y

    @staticmethod
    def backward(ctx, gradient: Tensor | None, *_: None) -> tuple[Tensor | None, ...]:
        if gradient is None:
            return (None,) * 6
        (weight, x, blocks, inputs), wanted = ctx.saved_tensors, ctx.needs_input_grad
        rows, row_places, columns, column_places = ctx.tables
        taking = reordered if torch.is_grad_enabled() else taken_once
        if taking is reordered:  # second derivatives need the function's own inputs
            blocks = reordered(weight, rows, row_places).view(blocks.shape)
            inputs = reordered(x, columns, column_places).reshape(inputs.shape)
        of_weight = of_x = of_bias = None
        if wanted[2]:
            of_bias = gradient.sum(1)
            of_bias = of_bias.index_select(0, row_places) if ctx.leaves else of_bias
        gradient = contiguous(gradient) if ctx.leaves else taking(gradient, rows, row_places)
        gradient = gradient.view(*blocks.shape[:2], inputs.shape[2])
        if blocks.dtype != gradient.dtype:  # autocast
            blocks, inputs = blocks.to(gradient.dtype), inputs.to(gradient.dtype)
        if wanted[0]:
            of_blocks = torch.bmm(gradient, inputs.mH).view(weight.shape)
            of_weight = taking(of_blocks, row_places, rows)
        if wanted[1]:
            of_inputs = torch.bmm(blocks.mH, gradient).view(x.shape)
            of_x = taking(of_inputs, column_places, columns)
        return of_weight, of_x, of_bias, None, None, None


@prepared
class MappedBlockSetProduct(torch.autograd.Function):
    """`BlockSetProduct` for `torch.func`, which wants what is kept among the outputs."""

    generate_vmap_rule = True
    backward = staticmethod(BlockSetProduct.backward)

    @staticmethod
    def forward(weight, x: Tensor, bias, shapes, tables, leaves: bool) -> tuple[Tensor, ...]:
        return block_set_values(weight, x, bias, shapes, tables, leaves)

    @staticmethod
    def setup_context(ctx, inputs, output) -> None:
        weight, x, _, _, ctx.tables, ctx.leaves = inputs
        ctx.mark_non_differentiable(*output[1:])
        ctx.set_materialize_grads(False)
        ctx.save_for_backward(weight, x, *output[1:])


class BlockSetLinear(TableFactor):
    """Dense blocks between sets of features: rows `row_sets[t]` read columns `col_sets[t]`.

    Features are gathered block by block; `places` are where each then is. From one such layer to
    the next a single gather is enough: with `leaves` the outputs stay block by block, and with
    `follows` x lies as the layer with the rows `after` has left it.
    """

    def __init__(
        self,
        row_sets: Tensor,
        col_sets: Tensor,
        bias: bool = False,
        after: Tensor | None = None,
    ):
        shape = (row_sets.numel(), col_sets.shape[1])
        super().__init__(col_sets.numel(), row_sets.numel(), shape, bias)
        self.shapes = (row_sets.shape, col_sets.shape)
        rows, columns = row_sets.flatten(), col_sets.flatten()
        tables = {"rows": rows, "row_places": rows.argsort().int()}
        tables |= {"columns": columns, "column_places": columns.argsort().int()}
        if after is not None:
            followed = after.flatten().argsort().int()[columns]
            tables |= {"followed": followed, "followed_places": followed.argsort().int()}
        self.set_tables(row_sets=row_sets, **tables)

    def forward(self, x: Tensor, follows: bool = False, leaves: bool = False) -> Tensor:
        arguments = self.shapes, self.orders(follows), leaves
        y = block_set_product(self.weight, self.feature_first(x), self.bias, *arguments)
        return batch_first(y, x)

    def product(self, x: Tensor) -> Tensor:
        return block_set_product(self.weight, x, None, self.shapes, self.orders(), False)

    def orders(self, follows: bool = False) -> tuple[Tensor, ...]:
        """The rows block by block and their places, the columns and theirs."""
        found: dict = self._buffers  # several times faster than attributes of a module
        if follows:
            columns, places = found["followed"], found["followed_places"]
        else:
            columns, places = found["columns"], found["column_places"]
        return found["rows"], found["row_places"], columns, places

    def extra_repr(self) -> str:
        return f"{super().extra_repr()}, groups={self.shapes[0][0]}"
