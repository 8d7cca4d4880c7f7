# mypy: ignore-errors
# PyTorch is not type-checked here, and what is emitted carries no comments for the type checker.
"""The product of neighbouring stages in emitted modules, and its gradients.

`nfc.backends.torch_library` reads this file as text; of nfc it may use other helpers alone, and
lines stay under 100 characters, which is how emitted files are formatted.
"""

from __future__ import annotations

import math
from functools import cache
from itertools import accumulate, pairwise

import torch
from torch import Tensor

from nfc.backends.torch_helpers_functions import prepared
from nfc.backends.torch_helpers_inputs import traced
from nfc.backends.torch_helpers_layouts import Layout
from nfc.backends.torch_helpers_transposes import contiguous


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

    def all_gradients(gradient: Tensor, weights: list[Tensor], stages: list[int]) -> list[Tensor]:
        # What an operator returns may not share memory.
        return [x.clone() for x in product(stages).gradients(gradient, tuple(weights))]

    gradients = torch.library.custom_op(
        f"{namespace}::gradients",
        all_gradients,
        mutates_args=(),
        schema="(Tensor gradient, Tensor[] weights, int[] stages) -> Tensor[]",
    )
    gradients.register_fake(lambda _, weights, stages: [w.new_empty(w.shape) for w in weights])


@with_operators("nfc_fuse_98fccd05")
class StageProduct:
    """How the weights of nested stages I ⊗ W ⊗ I multiply out to one stage's: an outer product.

    Stages are (groups, outputs, inputs, stride), in the order in which they act. One path alone
    joins an input to an output, so an entry of the product is one weight of each stage. Of the
    digits of input and output a weight reads its own two and, of every other stage, the digit that
    is there when it acts: the output's where that stage has acted before, else the input's.

    Cascades of one form are multiplied out together, side by side on the last axis of all values.
    """

    def __init__(self, *cascades: tuple[tuple[int, int, int, int], ...]):
        self.cascades = cascades
        nests = [nested(stages) for stages in cascades]
        self.form, (_, outputs, inputs, _) = nests[0]
        self.numbers = [number for stage in cascades[0] for number in stage]
        self.stage = nests[0][1]
        self.lanes = [groups * stride for _, (groups, _, _, stride) in nests]
        self.shape = (sum(self.lanes), outputs, inputs)
        self.parts = sum(map(len, cascades))
        self.factors = []  # for each: the weights' numbers, how they are laid out, and its shape
        reads, high_to_low = [], self.form[0]
        digits = [f"{kind}{i}" for kind in ("out", "in") for i in high_to_low]
        sizes = {f"out{i}": size for i, size in enumerate(self.form[1])}
        sizes |= {f"in{i}": size for i, size in enumerate(self.form[2])}
        self.full = [*(sizes[digit] for digit in digits), sum(self.lanes)]
        for i in reversed(high_to_low):
            others = [f"out{j}" if j <= i else f"in{j}" for j in high_to_low]
            stored = ["group", *others, "stride", f"in{i}"]
            # Groups and strides lie innermost while weights are multiplied: all weights have them.
            own = [digit for digit in digits if digit in stored]
            order = tuple(stored.index(axis) for axis in [*own, "group", "stride"])
            laid = []
            for number, (_, (groups, _, _, stride)) in enumerate(nests):
                lengths = sizes | {"group": groups, "stride": stride}
                layout = Layout(tuple(lengths[axis] for axis in stored), order)
                laid.append((number * len(high_to_low) + i, layout))
            shape = [sizes[digit] if digit in stored else 1 for digit in digits]
            self.factors.append((laid, [*shape, sum(self.lanes)]))
            reads.append({axis for axis, digit in enumerate(digits) if digit in stored})
        self.pairs = []  # two values to multiply, and the axes of the product that each lacks
        self.halve(reads, 0, len(reads))
        # Values that are kept for gradients: none of a large product, whose parts are large too.
        small = math.prod(self.shape) <= 2**20
        self.kept = len(self.factors) + len(self.pairs) - 1 if small else 0
        self.order = self.places = None
        if small:
            self.set_tables([stage for stages in cascades for stage in stages])

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

    def __reduce__(self):
        return stage_product, self.cascades

    @torch.inference_mode(False)
    def set_tables(self, stages: list[tuple[int, int, int, int]]) -> None:
        """Set where the factors' numbers lie among the weights, and back.

        One call for all of them is faster than a copy of each.
        """
        sizes = [math.prod(stage) for stage in stages]
        places = torch.arange(sum(sizes), device="cpu").split(sizes)
        if not traced(places[0]):
            order = torch.cat([factor.flatten() for factor in self.laid_out(places)])
            self.order, self.places = order.int(), order.argsort().int()

    def multiply(self, weights: tuple[Tensor, ...]) -> Tensor:
        """The blocks, [groups · stride, outputs, inputs], those of all cascades in a row."""
        return self.blocks(self.values(weights)[-1], weights[0].dtype)

    def values(self, weights: tuple[Tensor, ...]) -> list[Tensor]:
        """The factors and their products, the last that of all, in float32 at least."""
        wide = widened(weights)
        values = self.gathered(wide) if self.tabled(wide[0]) else self.laid_out(wide)
        for left, right, _, _ in self.pairs:
            values.append(values[left] * values[right])
        return values

    def tabled(self, x: Tensor) -> bool:
        """Whether x is gathered by the tables, which lie on the CPU and stand in no trace."""
        return self.order is not None and not traced(x) and x.device.type == "cpu"

    def gathered(self, weights: list[Tensor]) -> list[Tensor]:
        """The factors, by the table."""
        joined = torch.cat([weight.flatten() for weight in weights]).index_select(0, self.order)
        pieces = joined.split([math.prod(shape) for _, shape in self.factors])
        return [piece.view(shape) for piece, (_, shape) in zip(pieces, self.factors, strict=True)]

    def laid_out(self, weights: list[Tensor]) -> list[Tensor]:
        """The factors, by copies of the weights in another order of axes."""
        factors = []
        for laid, shape in self.factors:
            pieces = [layout.of(weights[i]).flatten(-2) for i, layout in laid]
            factors.append(torch.cat(pieces, dim=-1).contiguous().view(shape))
        return factors

    def blocks(self, product: Tensor, dtype: torch.dtype) -> Tensor:
        """The last of the values as blocks."""
        return contiguous(product.reshape(-1, self.shape[0]).t()).reshape(self.shape).to(dtype)

    def gradients(self, gradient: Tensor, weights: tuple[Tensor, ...], values=()) -> list[Tensor]:
        """The weights' gradients for the blocks'; the values but for the last if they are known."""
        values = values or self.values(weights)
        (gradient,) = widened([gradient])
        found = [gradient] * (len(self.factors) + len(self.pairs))
        found[-1] = contiguous(gradient.flatten(1).t()).reshape(self.full)
        for left, right, left_lacks, right_lacks in reversed(self.pairs):
            gradient = found.pop()
            found[left] = summed(gradient * values[right].conj(), left_lacks)
            found[right] = summed(gradient * values[left].conj(), right_lacks)
        if self.tabled(gradient):
            joined = torch.cat([each.flatten() for each in found]).index_select(0, self.places)
            found = joined.split([weight.numel() for weight in weights])
        else:
            found = self.laid_back(found)
        each = zip(found, weights, strict=True)
        return [of_weight.reshape(weight.shape).to(weight.dtype) for of_weight, weight in each]

    def laid_back(self, gradients: list[Tensor]) -> list[Tensor]:
        """The factors' gradients as the weights', by copies in another order of axes."""
        found = {}
        for (laid, _), gradient in zip(self.factors, gradients, strict=True):
            pieces = gradient.split(self.lanes, dim=-1)
            for (i, layout), piece in zip(laid, pieces, strict=True):
                found[i] = layout.back(piece).contiguous()
        return [found[i] for i in range(self.parts)]


@cache
def stage_product(*cascades: tuple[tuple[int, int, int, int], ...]) -> StageProduct:
    """The `StageProduct` that all layers with these stages share."""
    return StageProduct(*cascades)


def nested(stages: tuple[tuple[int, int, int, int], ...]):
    """The form of nested stages, and their product's (groups, outputs, inputs, stride).

    The form is their numbers from the highest digit to the lowest, their outputs and their inputs.
    """
    high_to_low = (0,)
    groups, outputs, inputs, stride = stages[0]
    for i, (a, b, c, d) in enumerate(stages[1:], 1):
        # A stage reads the digit above those of all stages before it, or the one below.
        above = groups == a * c and d == stride * outputs
        high_to_low = (i, *high_to_low) if above else (*high_to_low, i)
        groups, stride = (a, stride) if above else (groups, d)
        outputs, inputs = outputs * b, inputs * c
    _, of_outputs, of_inputs, _ = zip(*stages, strict=True)
    return (high_to_low, of_outputs, of_inputs), (groups, outputs, inputs, stride)


def summed(x: Tensor, axes: list[int]) -> Tensor:
    """The sum over some axes, which keep the size 1."""
    return x.sum(axes, keepdim=True) if axes else x


def widened(tensors) -> list[Tensor]:
    """Tensors in float32 at least: products of many lose digits."""
    dtype = torch.promote_types(tensors[0].dtype, torch.float32)
    return [x if isinstance(x, Tensor) and x.dtype == dtype else x.to(dtype) for x in tensors]


@prepared
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
