# mypy: ignore-errors
# PyTorch is not type-checked here, and what is emitted carries no comments for the type checker.
"""Fused cascades in emitted modules: neighbouring stages multiplied out on the fly.

`nfc.backends.torch_library` reads this file as text; of nfc it may use other helpers alone, and
lines stay under 100 characters, which is how emitted files are formatted.
"""

from __future__ import annotations

import math
from itertools import chain

import torch
from torch import Tensor, nn

from nfc.backends.torch_helpers_cascade import Cascade, Run, blocks_alone
from nfc.backends.torch_helpers_functions import applied
from nfc.backends.torch_helpers_inputs import traced, transformed
from nfc.backends.torch_helpers_stages import MultiplyStages, stage_product


def bits(x: Tensor) -> Tensor:
    """Numbers as integers: equal bit by bit, so that a NaN equals itself and -0 is not 0."""
    return x.view(getattr(torch, f"int{min(64, 8 * x.itemsize)}"))


class FusedCascade(Cascade):
    """A cascade in which neighbours are multiplied out before x is multiplied by them.

    `fuse` holds the numbers of parts that belong together, 1 for a part on its own. Of a slice of
    the cascade, none do. In evaluation without gradients, on a CPU, products are kept for as long
    as the weights have the values that they were made of, unless they have more than `largest`
    numbers.
    """

    largest = 2**24

    def __init__(self, *parts: nn.Module, fuse: tuple[int, ...] = ()):
        nn.Sequential.__init__(self, *parts)
        self.fuse = fuse
        self.products = {}
        self.remembered = {}
        self.joined = {}
        numbers = iter(range(len(self)))
        self.make_plan([tuple(next(numbers) for _ in range(size)) for size in fuse or (1,) * len(self)])

    def make_plan(self, groups) -> None:
        super().make_plan(groups)
        for run in self.plan:
            if isinstance(run, Run):
                self.joined[tuple(run.groups)] = tuple(self.join(run.groups))

    def stage(self, group):
        if len(group) == 1:
            return super().stage(group)
        self.products[group] = stage_product(self.stages(group))
        return self.products[group].stage

    def stages(self, group):
        return tuple(self[number].stage for number in group)

    def join(self, groups):
        """Groups of several parts that are multiplied out together, with their product."""
        alike = {}
        for group in groups:
            if len(group) > 1:
                product = self.products[group]
                # Large ones, which would be larger still together, are alike to themselves alone.
                small = product.kept and len(groups) * math.prod(product.shape) <= 2**20
                alike.setdefault(product.form if small else group, []).append(group)
        for each in alike.values():
            yield each, stage_product(*map(self.stages, each))

    def blocks(self, groups):
        parts = list(self)
        found = self.multiplied(groups, [part.weight for part in parts])
        return [found[group] if group in found else parts[group[0]].blocks() for group in groups]

    def run_alone(self, groups, x):
        found = self.multiplied(groups, [part.weight for part in self])
        for group in groups:
            if group in found:
                x = blocks_alone(found[group], self.products[group].stage, x)
            else:
                x = super().run_alone((group,), x)
        return x

    def multiplied(self, groups, weights):
        """The blocks of groups of several parts, from all weights."""
        joined = self.joined[tuple(groups)]
        if not joined:
            return {}
        if traced(weights[0]):
            return {group: self.plain(group, weights) for each, _ in joined for group in each}
        products = tuple(product for _, product in joined)
        weights = [weights[number] for each, _ in joined for group in each for number in group]
        if self.training or torch.is_grad_enabled() or transformed():
            found = applied(MultiplyStages, products, *weights)
        else:
            found = self.recalled(products, weights)
        blocks = chain(*(x.split(p.lanes) for x, p in zip(found, products, strict=False)))
        return dict(zip(chain(*(each for each, _ in joined)), blocks, strict=True))

    def plain(self, group, weights):
        """The blocks of one group, by an operator for compilers, else as operations for a trace."""
        product, weights = self.products[group], tuple(weights[number] for number in group)
        if torch.compiler.is_compiling() and not torch.compiler.is_exporting():
            return product.operator(list(weights), product.numbers)
        return product.multiply(weights)

    def recalled(self, products, weights):
        """The blocks of products, those kept where their weights have not changed by a bit."""
        size = sum(math.prod(product.shape) for product in products)
        if weights[0].device.type != "cpu" or size > self.largest:
            return MultiplyStages.forward(products, *weights)[: len(products)]
        dtypes = [weight.dtype for weight in weights]
        values = torch.cat([weight.flatten() for weight in weights])
        known = self.remembered.get(products)
        if known and known[0] == dtypes and torch.equal(bits(known[1]), bits(values)):
            return known[2]
        # Of the copies, so that no other thread's change comes between them and the product.
        own = zip(values.split([weight.numel() for weight in weights]), weights, strict=True)
        copies = [copy.view(weight.shape).to(weight.dtype) for copy, weight in own]
        found = MultiplyStages.forward(products, *copies)[: len(products)]
        self.remembered[products] = dtypes, values, found
        return found

    def train(self, mode: bool = True):
        self.remembered = {}
        return super().train(mode)

    def _apply(self, fn, recurse=True):
        self.remembered = {}
        return super()._apply(fn, recurse)

    def __getstate__(self):
        return {**self.__dict__, "remembered": {}}

    def extra_repr(self) -> str:
        return f"fuse={self.fuse}"
