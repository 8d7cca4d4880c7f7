# mypy: ignore-errors
# PyTorch is not type-checked here, and what is emitted carries no comments for the type checker.
"""Fused cascades in emitted modules: neighbouring stages multiplied out on the fly.

`nfc.backends.torch_library` reads this file as text; of nfc it may use other helpers alone, and
lines stay under 100 characters, which is how emitted files are formatted.
"""

from __future__ import annotations

from functools import cache
from itertools import accumulate

import torch
from torch import Tensor, nn

from nfc.backends.torch_helpers_cascade import Cascade
from nfc.backends.torch_helpers_products import Layout, applied, contiguous, traced, with_signature


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


@with_operators("nfc_fuse_58c2cdd7")
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
        sizes = {"group": groups, "stride": stride}
        sizes |= {f"out{i}": stage[1] for i, stage in enumerate(stages)}
        sizes |= {f"in{i}": stage[2] for i, stage in enumerate(stages)}
        # Groups and strides lie innermost while weights are multiplied: they are in every weight.
        digits = [f"{kind}{i}" for kind in ("out", "in") for i in high_to_low]
        axes = [*digits, "group", "stride"]
        self.full = [sizes[axis] for axis in axes]
        self.turns = []  # for each weight in turn: its number, how it is laid out, what it is new to
        known = set()
        for i in reversed(high_to_low):
            others = [f"out{j}" if j <= i else f"in{j}" for j in high_to_low]
            stored = ["group", *others, "stride", f"in{i}"]
            lacks = [axis for axis in axes if axis not in stored]
            lengths = [sizes[axis] for axis in stored] + [1] * len(lacks)
            layout = Layout(tuple(lengths), tuple(map((stored + lacks).index, axes)))
            new = [n for n, axis in enumerate(axes) if axis in stored and axis not in known]
            self.turns.append((i, layout, [axes.index(axis) for axis in lacks if axis in known], new))
            known |= set(stored)

    def factors(self, weights: tuple[Tensor, ...]) -> list[Tensor]:
        """The weights in turn, their axes in order, in float32 at least: products lose digits."""
        wide = widened(weights)
        return [layout.of(wide[i]).contiguous() for i, layout, _, _ in self.turns]

    def multiply(self, weights: tuple[Tensor, ...]) -> Tensor:
        """The product's blocks, [groups · stride, outputs, inputs]."""
        product, *factors = self.factors(weights)
        for factor in factors:
            product = product * factor
        blocks = contiguous(product.reshape(-1, self.shape[0]).t()).reshape(self.shape)
        return blocks.to(weights[0].dtype)

    def gradients(self, gradient: Tensor, weights: tuple[Tensor, ...]) -> list[Tensor]:
        """The weights' gradients for the blocks': one multiplication and one sum a side and stage."""
        factors = self.factors(weights)
        products = list(accumulate(factors, torch.mul))
        (gradient,) = widened([gradient])
        gradient = contiguous(gradient.flatten(1).t()).reshape(self.full)
        found = [gradient] * len(weights)
        for turn in range(len(weights) - 1, -1, -1):
            i, layout, lacks, new = self.turns[turn]
            of_factor = gradient
            if turn:
                of_factor = summed(gradient * products[turn - 1], lacks)
                gradient = summed(gradient * factors[turn], new)
            of_weight = layout.back(of_factor).reshape(weights[i].shape)
            found[i] = of_weight.contiguous().to(weights[i].dtype)
        return found


def summed(x: Tensor, axes: list[int]) -> Tensor:
    """The sum over some axes, which keep the size 1."""
    return x.sum(axes, keepdim=True) if axes else x


def widened(tensors) -> list[Tensor]:
    """Tensors in float32 at least: products of many lose digits."""
    dtype = torch.promote_types(tensors[0].dtype, torch.float32)
    return [x if isinstance(x, Tensor) and x.dtype == dtype else x.to(dtype) for x in tensors]


@with_signature
class MultiplyStages(torch.autograd.Function):
    """The blocks of a `StageProduct`, from its stages' weights."""

    generate_vmap_rule = True

    @staticmethod
    def forward(product: StageProduct, *weights: Tensor) -> Tensor:
        return product.multiply(weights)

    @staticmethod
    def setup_context(ctx, inputs, output) -> None:
        ctx.product, *weights = inputs
        ctx.save_for_backward(*weights)

    @staticmethod
    def backward(ctx, gradient: Tensor):
        return None, *ctx.product.gradients(gradient, ctx.saved_tensors)


class FusedCascade(Cascade):
    """A cascade in which neighbours are multiplied out before x is multiplied by them.

    `fuse` holds the numbers of parts that belong together, 1 for a part on its own. Of a slice of
    the cascade, none do.
    """

    def __init__(self, *parts: nn.Module, fuse: tuple[int, ...] = ()):
        nn.Sequential.__init__(self, *parts)
        self.fuse = fuse
        self.products = {}
        numbers = iter(range(len(self)))
        self.make_plan([tuple(next(numbers) for _ in range(size)) for size in fuse or (1,) * len(self)])

    def stage(self, group):
        if len(group) == 1:
            return super().stage(group)
        self.products[group] = StageProduct(tuple(self[number].stage for number in group))
        return self.products[group].stage

    def blocks(self, group):
        if len(group) == 1:
            return super().blocks(group)
        product, parts = self.products[group], list(self)
        weights = tuple(parts[number].weight for number in group)
        if torch.compiler.is_compiling() and not torch.compiler.is_exporting():
            return product.operator(list(weights), product.numbers)
        if traced(weights[0]):
            return product.multiply(weights)  # plain operations stand for themselves
        return applied(MultiplyStages, product, *weights)

    def extra_repr(self) -> str:
        return f"fuse={self.fuse}"
