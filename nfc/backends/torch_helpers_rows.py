# mypy: ignore-errors
# PyTorch is not type-checked here, and what is emitted carries no comments for the type checker.
"""Products of blocks with few samples in emitted modules, which are their rows.

`nfc.backends.torch_library` reads this file as text; of nfc it may use other helpers alone, and
lines stay under 100 characters, which is how emitted files are formatted.
"""

from __future__ import annotations

from functools import cache

import torch
from torch import Tensor

from nfc.backends.torch_helpers_functions import applied, prepared
from nfc.backends.torch_helpers_layouts import descending, divided, move, moved, written


class RowStages:
    """How block stages in a row read and write few samples.

    Matrix products have better loops for few rows than for few columns. So a stage reads
    [blocks, batch, inputs] and writes [blocks, batch, outputs], and one copy puts the digits of
    features from there to where the next stage reads them; see `Run`, which has samples as columns.
    """

    def __init__(self, stages):
        groups, _, inputs, stride = stages[0]
        samples = (0, -1)  # like a digit, the lowest of all
        memory = [samples, (1, groups * inputs * stride)]
        self.steps = []
        for stage in stages:
            groups, outputs, inputs, stride = stage
            memory, read, rest = divided(memory, stage)
            layout, shape = move(memory, rest + read), (groups * stride, -1, inputs)
            self.steps.append((layout, None if layout and layout.ordered == shape else shape))
            memory = written(rest, stage)
        self.leave = move(memory, [samples, *descending(memory)[:-1]])
        self.features = groups * outputs * stride

    def read(self, number: int, x: Tensor) -> Tensor:
        """What a stage reads, of the input or of what the stage before has written."""
        layout, shape = self.steps[number]
        x = x if layout is None else layout.of(x)
        return readable(x if shape is None else x.reshape(shape))

    def read_all(self, x: Tensor, blocks) -> list[Tensor]:
        """What each stage reads."""
        rows = [self.read(0, x)]
        for number, block in enumerate(blocks[:-1], 1):
            rows.append(self.read(number, torch.bmm(rows[-1], block.mT)))
        return rows


@cache
def row_stages(*stages: tuple[int, int, int, int]) -> RowStages:
    """The `RowStages` that all layers with these stages share."""
    return RowStages(stages)


def readable(rows: Tensor) -> Tensor:
    """Rows that batched products read as they are; others they would copy one by one."""
    return rows if rows.stride(-1) == 1 else rows.contiguous()


def few_product(stages: RowStages, x: Tensor, *blocks: Tensor) -> Tensor:
    """The last stage's output [batch, features] for x [batch, features] and the stages' blocks."""
    return applied(FewProduct, stages, x, *blocks)[0]


@prepared
class FewProduct(torch.autograd.Function):
    """See `few_product`; what all stages but the first have read is kept for the gradients."""

    generate_vmap_rule = True

    @staticmethod
    def forward(stages: RowStages, x: Tensor, *blocks: Tensor) -> tuple[Tensor, ...]:
        rows = stages.read_all(x, blocks)
        y = torch.bmm(rows[-1], blocks[-1].mT)
        y = moved(y, stages.leave, (len(x), stages.features), ())
        # Of a view no one could change the elements in place.
        return y.clone() if y._is_view() else y, *rows[1:]

    @staticmethod
    def setup_context(ctx, inputs, output) -> None:
        ctx.stages, x, *blocks = inputs
        ctx.mark_non_differentiable(*output[1:])
        ctx.set_materialize_grads(False)
        ctx.save_for_backward(x, *blocks, *output[1:])

    @staticmethod
    def backward(ctx, gradient, *others):
        stages, count = ctx.stages, len(ctx.stages.steps)
        if gradient is None:
            return (None,) * (2 + count)
        x, *saved = (each.to(gradient.dtype) for each in ctx.saved_tensors)  # autocast mixes types
        blocks, kept = saved[:count], saved[count:]
        if torch.is_grad_enabled():  # second derivatives need the function's own inputs
            kept = stages.read_all(x, blocks)[1:]
        found = [None] * count
        outer = torch.mul if len(x) == 1 else torch.bmm
        layout = stages.leave
        for number in reversed(range(count)):
            block = blocks[number]
            gradient = gradient if layout is None else layout.back(gradient)
            gradient = readable(gradient.reshape(len(block), -1, block.shape[1]))
            if ctx.needs_input_grad[2 + number]:
                rows = kept[number - 1] if number else stages.read(0, x)
                found[number] = outer(gradient.mT, rows)
            if not any(ctx.needs_input_grad[1 : 2 + number]):
                return None, None, *found
            gradient = torch.bmm(gradient, block)
            layout = stages.steps[number][0]
        gradient = gradient if layout is None else layout.back(gradient)
        return None, gradient.reshape(x.shape), *found
