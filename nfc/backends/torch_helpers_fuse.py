# mypy: ignore-errors
# PyTorch is not type-checked here, and what is emitted carries no comments for the type checker.
"""Fused cascades in emitted modules: neighbouring stages multiplied out on the fly.

`nfc.backends.torch_library` reads this file as text; of nfc it may use other helpers alone, and
lines stay under 100 characters, which is how emitted files are formatted.
"""

from __future__ import annotations

import math
from functools import cache
from itertools import accumulate, chain, pairwise

import torch
from torch import Tensor, nn

from nfc.backends.torch_helpers_cascade import Cascade, merged
from nfc.backends.torch_helpers_products import applied, contiguous, traced, with_signature


def with_operators(namespace: str):
    """Gives `StageProduct` operators that compilers do not look into, which would take minutes.

    The namespace stands for the content of the class: operators of one name are one operator,
    whatever file they come from.
    """

    def decorate(kind):
        operators = getattr(torch.ops, namespace)
        if not hasattr(operators, "multiply"):
            register_operators(namespace, cache(lambda *stages: kind(stages)))
        kind.operator = operators.multiply.default
        return kind

    return decorate


def register_operators(namespace: str, product_of) -> None:
    """Registers `multiply` and `gradients`; stages are given as one list of their four numbers."""

    def product(numbers: list[int]):
        return product_of(*zip(*[iter(numbers)] * 4, strict=True))

    def backward(ctx, gradient: Tensor):
        return gradients(gradient, list(ctx.saved_tensors), ctx.numbers), None

    def setup_context(ctx, inputs, output) -> None:
        weights, ctx.numbers = inputs
        ctx.save_for_backward(*weights)

    multiply = torch.library.custom_op(
        f"{namespace}::multiply",
        lambda weights, stages: product(stages).multiply(tuple(weights)),
        mutates_args=(),
        schema="(Tensor[] weights, int[] stages) -> Tensor",
    )
    multiply.register_fake(lambda weights, stages: weights[0].new_empty(product(stages).shape))
    multiply.register_autograd(backward, setup_context=setup_context)
    gradients = torch.library.custom_op(
        f"{namespace}::gradients",
        lambda gradient, weights, stages: product(stages).gradients(gradient, tuple(weights)),
        mutates_args=(),
        schema="(Tensor gradient, Tensor[] weights, int[] stages) -> Tensor[]",
    )
    gradients.register_fake(lambda _, weights, stages: [w.new_empty(w.shape) for w in weights])


@with_operators("nfc_fuse_2f930e95")
class StageProduct:
    """How the weights of nested stages I ⊗ W ⊗ I multiply out to one stage's: an outer product.

    Stages are (groups, outputs, inputs, stride), in the order in which they act. One path alone
    joins an input to an output, so an entry of the product is one weight of each stage. Of the
    digits of input and output a weight reads its own two and, of every other stage, the digit that
    is there when it acts: the output's where that stage has acted before, else the input's.
    """

    def __init__(self, stages: tuple[tuple[int, int, int, int], ...]):
        self.numbers = [number for stage in stages for number in stage]
        high_to_low = [0]
        groups, outputs, inputs, stride = stages[0]
        for i, (a, b, c, d) in enumerate(stages[1:], 1):
            # A stage reads the digit above those of all stages before it, or the one below.
            above = groups == a * c and d == stride * outputs
            high_to_low = [i, *high_to_low] if above else [*high_to_low, i]
            groups, stride = (a, stride) if above else (groups, d)
            outputs, inputs = outputs * b, inputs * c
        self.stage = (groups, outputs, inputs, stride)
        self.shape = (groups * stride, outputs, inputs)
        # Values that are kept for gradients: none of a large product, whose parts are large too.
        self.kept = 2 * len(stages) - 2 if math.prod(self.shape) <= 2**20 else 0
        self.parts = len(stages)
        sizes = {"group": groups, "stride": stride}
        sizes |= {f"out{i}": stage[1] for i, stage in enumerate(stages)}
        sizes |= {f"in{i}": stage[2] for i, stage in enumerate(stages)}
        # Groups and strides lie innermost while weights are multiplied: they are in every weight.
        digits = [f"{kind}{i}" for kind in ("out", "in") for i in high_to_low]
        axes = [*digits, "group", "stride"]
        self.full = [sizes[axis] for axis in axes]
        self.factors = []  # the number of each weight, its layout, and its shape among all axes
        reads = []
        for i in reversed(high_to_low):
            others = [f"out{j}" if j <= i else f"in{j}" for j in high_to_low]
            stored = ["group", *others, "stride", f"in{i}"]
            order = [stored.index(axis) for axis in axes if axis in stored]
            layout = merged([sizes[axis] for axis in stored], order)
            shape = [sizes[axis] if axis in stored else 1 for axis in axes]
            self.factors.append((i, layout, shape))
            reads.append({n for n, axis in enumerate(axes) if axis in stored})
        self.pairs = []  # two values to multiply, and the axes of the product that each lacks
        self.halve(reads, 0, self.parts)

    def halve(self, reads: list[set[int]], first: int, last: int) -> int:
        """The number of the value that is the product of the factors from `first` to `last`.

        Halves are smaller than what is multiplied factor by factor.
        """
        if last - first == 1:
            return first
        middle = (first + last) // 2
        left, right = self.halve(reads, first, middle), self.halve(reads, middle, last)
        lacks = sorted(reads[right] - reads[left]), sorted(reads[left] - reads[right])
        self.pairs.append((left, right, *lacks))
        reads.append(reads[left] | reads[right])
        return len(reads) - 1

    def multiply(self, weights: tuple[Tensor, ...]) -> Tensor:
        """The product's blocks, [groups · stride, outputs, inputs]."""
        return self.blocks(self.values(weights)[-1], weights[0].dtype)

    def values(self, weights: tuple[Tensor, ...]) -> list[Tensor]:
        """The factors and their products, the last that of all, in float32 at least."""
        wide = widened(weights)
        values = [layout.of(wide[i]).contiguous().view(shape) for i, layout, shape in self.factors]
        for left, right, _, _ in self.pairs:
            values.append(values[left] * values[right])
        return values

    def blocks(self, product: Tensor, dtype: torch.dtype) -> Tensor:
        """The last of the values as blocks."""
        return contiguous(product.reshape(-1, self.shape[0]).t()).reshape(self.shape).to(dtype)

    def gradients(self, gradient: Tensor, weights: tuple[Tensor, ...], values=()) -> list[Tensor]:
        """The weights' gradients for the blocks'; the values but for the last if they are known."""
        values = values or self.values(weights)
        (gradient,) = widened([gradient])
        found = [gradient] * (self.parts + len(self.pairs))
        found[-1] = contiguous(gradient.flatten(1).t()).reshape(self.full)
        for left, right, left_lacks, right_lacks in reversed(self.pairs):
            gradient = found.pop()
            found[left] = summed(gradient * values[right], left_lacks)
            found[right] = summed(gradient * values[left], right_lacks)
        of_weights = list(weights)
        for (i, layout, _), gradient in zip(self.factors, found, strict=True):
            of_weight = layout.back(gradient).reshape(weights[i].shape)
            of_weights[i] = of_weight.contiguous().to(weights[i].dtype)
        return of_weights


def summed(x: Tensor, axes: list[int]) -> Tensor:
    """The sum over some axes, which keep the size 1."""
    return x.sum(axes, keepdim=True) if axes else x


def widened(tensors) -> list[Tensor]:
    """Tensors in float32 at least: products of many lose digits."""
    dtype = torch.promote_types(tensors[0].dtype, torch.float32)
    return [x if isinstance(x, Tensor) and x.dtype == dtype else x.to(dtype) for x in tensors]


@with_signature
class MultiplyStages(torch.autograd.Function):
    """The blocks of some `StageProduct`s, from the weights of the stages of all of them.

    Small values on the way to the products are kept for the gradients.
    """

    generate_vmap_rule = True

    @staticmethod
    def forward(products: tuple[StageProduct, ...], *weights: Tensor) -> tuple[Tensor, ...]:
        blocks, kept = [], []
        for product, own in zip(products, split(weights, products, "parts"), strict=True):
            *values, last = product.values(own)
            blocks.append(product.blocks(last, own[0].dtype))
            kept += values[: product.kept]
        return *blocks, *kept

    @staticmethod
    def setup_context(ctx, inputs, output) -> None:
        ctx.products, *weights = inputs
        kept = output[len(ctx.products) :]
        ctx.mark_non_differentiable(*kept)
        ctx.set_materialize_grads(False)
        ctx.save_for_backward(*weights, *kept)

    @staticmethod
    def backward(ctx, *gradients: Tensor | None):
        saved, found = ctx.saved_tensors, [None]
        weights = split(saved, ctx.products, "parts")
        values = split(saved[sum(map(len, weights)) :], ctx.products, "kept")
        each = zip(ctx.products, gradients, weights, values, strict=False)
        for product, gradient, own, kept in each:
            if torch.is_grad_enabled():
                kept = ()  # second derivatives need the function's own inputs
            none = gradient is None
            found += [None] * len(own) if none else product.gradients(gradient, own, kept)
        return tuple(found)


def split(tensors, products: tuple[StageProduct, ...], count: str) -> list[tuple[Tensor, ...]]:
    """Tensors one after the other as those of each product, which says their count."""
    ends = list(accumulate((getattr(product, count) for product in products), initial=0))
    return [tuple(tensors[start:end]) for start, end in pairwise(ends)]


def transformed() -> bool:
    """Whether calls do more than compute, as in `torch.vmap` or a trace."""
    active = torch._C._are_functorch_transforms_active() or torch._C._len_torch_dispatch_stack()
    return bool(active) or torch.jit.is_tracing()


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
        numbers = iter(range(len(self)))
        self.make_plan([tuple(next(numbers) for _ in range(size)) for size in fuse or (1,) * len(self)])

    def stage(self, group):
        if len(group) == 1:
            return super().stage(group)
        self.products[group] = StageProduct(tuple(self[number].stage for number in group))
        return self.products[group].stage

    def blocks(self, groups):
        parts = list(self)
        fused = [group for group in groups if len(group) > 1]
        weights = [tuple(parts[number].weight for number in group) for group in fused]
        found = dict(zip(fused, self.multiplied(fused, weights), strict=True))
        return [found[group] if group in found else parts[group[0]].blocks() for group in groups]

    def multiplied(self, groups, weights):
        """The blocks of groups of several parts, from their weights."""
        products = tuple(self.products[group] for group in groups)
        if not products:
            return ()
        each = list(zip(products, weights, strict=True))
        if torch.compiler.is_compiling() and not torch.compiler.is_exporting():
            return [product.operator(list(own), product.numbers) for product, own in each]
        if traced(weights[0][0]):
            # Plain operations stand for themselves.
            return [product.multiply(own) for product, own in each]
        weights = list(chain(*weights))
        if self.training or torch.is_grad_enabled() or transformed():
            return applied(MultiplyStages, products, *weights)[: len(groups)]
        return self.recalled(products, weights)

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
