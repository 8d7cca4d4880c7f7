# mypy: ignore-errors
# PyTorch is not type-checked here, and what is emitted carries no comments for the type checker.
"""Cascades in emitted modules: strided reads between batched products.

`nfc.backends.torch_library` reads this file as text; of nfc it may use other helpers alone, and
lines stay under 100 characters, which is how emitted files are formatted.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from nfc.backends.torch_helpers import batch_first
from nfc.backends.torch_helpers_inputs import alone, few, simple, weight_of
from nfc.backends.torch_helpers_layouts import descending, divided, move, moved, written
from nfc.backends.torch_helpers_products import last_product, weights_alone
from nfc.backends.torch_helpers_rows import few_product, row_stages
from nfc.backends.torch_helpers_transposes import contiguous


class Run:
    """Block stages in a row, each of which reads in place what the one before has written.

    The features lie in memory digit by digit; a digit is (its stride as the features are numbered,
    its size), the slowest comes first. A stage replaces the digits that it reads by one, which it
    writes as the fastest, and leaves the others as they lie.
    """

    def __init__(self):
        self.groups = []
        self.stages = ()
        self.steps = []
        self.memory = []
        self.leave = None
        self.largest = 0
        self.count = 0

    def add(self, stage: tuple[int, int, int, int]) -> bool:
        """Appends (groups, outputs, inputs, stride), unless its digits do not fit those in memory."""
        groups, outputs, inputs, stride = stage
        found = divided(self.memory or [(1, groups * inputs * stride)], stage)
        if found is None:
            return False
        memory, read, numbered = found
        self.stages = (*self.stages, stage)
        self.largest = max(self.largest, math.prod(stage))
        self.count += math.prod(stage)
        if not self.steps:
            # A batch-first x is read in place if what a block reads lies side by side.
            self.copies = stride > 1
        left = [digit for digit in memory if digit not in read]
        # Where no matrix product reads what is left in place, a copy sorts it.
        rest = left if memory in (read + left, left + read) else numbered
        rows, size = (groups * stride, inputs), (outputs, inputs)
        self.steps.append((move(memory, rest + read), rows, move(numbered, rest), size))
        self.memory = written(rest, stage)
        self.leave = move(self.memory, descending(self.memory))
        return True

    def product(self, x: Tensor, blocks: list[Tensor]) -> Tensor:
        """The last stage's output [features, batch], from x [features, batch] and all blocks."""
        if few(x, -1, self.count):
            return few_product(row_stages(*self.stages), x.t(), *blocks).t()
        return last_product(*self.last(x, blocks), self.leave)

    def small_product(self, x: Tensor, blocks: list[Tensor]) -> Tensor:
        """`product` from and to batch-first features, of few and plain numbers, by operators alone."""
        # Flattened, its gradient comes back in one piece, which batched products read faster.
        y = torch.bmm(*self.last(x.t(), blocks)).flatten(0, 1)
        return moved(y, self.leave, (-1,), (len(x),)).t()

    def last(self, x: Tensor, blocks: list[Tensor]) -> tuple[Tensor, Tensor]:
        """The last stage's blocks and what they read, [blocks, inputs, batch]."""
        if self.copies:
            x = contiguous(x)
        tail, last = (x.shape[-1],), len(self.steps) - 1
        for number, (read, shape, order, sizes) in enumerate(self.steps):
            block = blocks[number]
            if order is not None:
                block = moved(block, order, shape[:1], sizes)
            x = moved(x, read, shape, tail)
            if number < last:
                x = torch.bmm(block, x)
        return block, x


class Cascade(nn.Sequential):
    """Factors one after the other: y = W_n ... W_1 x, the first part acting first.

    Blocks follow each other feature-first. The parts' own hooks do not run.
    """

    plan: list

    def __init__(self, *parts: nn.Module):
        super().__init__(*parts)
        self.make_plan([(number,) for number in range(len(self))])

    def make_plan(self, groups) -> None:
        """Plans runs of groups of blocks, and between them the parts that are no blocks."""
        self.plan = []
        for group in groups:
            stage = self.stage(group)
            if stage is None:
                self.plan += group
                continue
            if not (self.plan and isinstance(self.plan[-1], Run) and self.plan[-1].add(stage)):
                self.plan.append(Run())
                self.plan[-1].add(stage)
            self.plan[-1].groups.append(group)

    def stage(self, group):
        """A group's (groups, outputs, inputs, stride); None for a part that is no blocks."""
        part = self[group[0]]
        return part.stage if hasattr(part, "blocks") else None

    def blocks(self, groups):
        """The blocks of some groups, each [groups · stride, outputs, inputs]."""
        parts = list(self)
        return [parts[number].blocks() for (number,) in groups]

    def forward(self, x: Tensor) -> Tensor:
        for step in self.plan:
            x = self.run(step, x) if isinstance(step, Run) else self[step](x)
        return x

    def run(self, run, x):
        """Blocks one after the other, feature-first."""
        first = list(self)[run.groups[0][0]]
        if simple(x, weight_of(first), first.in_features):
            if alone(x, run.largest):
                return self.run_alone(run.groups, x)
            if few(x, 0, run.count):
                return few_product(row_stages(*run.stages), x, *self.blocks(run.groups))
            if x.numel() < 2**15:
                return run.small_product(x, self.blocks(run.groups))
        return batch_first(run.product(first.feature_first(x), self.blocks(run.groups)), x)

    def run_alone(self, groups, x):
        """Blocks one after the other for one sample, whose features stay in their order."""
        parts = list(self)
        for (number,) in groups:
            x = weights_alone(parts[number].weight, parts[number].stage, x)
        return x


def blocks_alone(blocks: Tensor, stage, x: Tensor) -> Tensor:
    """A stage's blocks [groups · stride, outputs, inputs] times one sample x [1, features]."""
    groups, outputs, inputs, stride = stage
    x = x.reshape(groups, inputs, stride).transpose(1, 2).reshape(groups * stride, inputs, 1)
    return torch.bmm(blocks, x).view(groups, stride, outputs).transpose(1, 2).reshape(1, -1)
