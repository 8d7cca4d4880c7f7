"""The method `parameter_groups` of an emitted network: which weights learn and decay how fast."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from fractions import Fraction

from nfc.backends.torch_statements import weight_statements
from nfc.backends.torch_writer import INDENT, Call, Expression, Named
from nfc.ir.network import Block, walk
from nfc.lowering.kernels import Weighted
from nfc.lowering.learning_rates import Rate, alike, learning_rates
from nfc.lowering.plan import Product, Rows

DEFAULT = Rate(1.0, Fraction(1))
"""What a matrix has that is not mentioned."""
DOCUMENT = '"""Groups for AdamW and its like; `lr` and `weight_decay` are those that suit dense layers."""'


@dataclass(frozen=True)
class Leaf:
    """A weight's multiple of the learning rate, and its share of the layer's decay."""

    rate: Rate

    def expression(self, name: str) -> Expression:
        rate = Named("rate", repr(self.rate.multiplier))
        return Call("rates.set", (name, rate, Named("decay", _quotient(self.rate.share))))


def group_lines(block: Block) -> list[str]:
    """The method, in a class; the weights of dense layers, which have the defaults, are not in it."""
    rates = block_rates(block)

    def leaf_of(kernel: Weighted) -> Leaf | None:
        if isinstance(kernel, Rows):
            return None  # as in the dense twin
        rate = rates[kernel.weight.name]
        is_default = rate == DEFAULT and len(kernel.weight.shape) > 1
        return None if is_default else Leaf(rate)

    lines = weight_statements(block, leaf_of, 2)
    body = INDENT * 2
    start = f"{INDENT}def parameter_groups(self, lr: float, weight_decay: float = 0.0) -> list[dict]:"
    if not lines:
        return [start, f"{body}{DOCUMENT}", f"{body}return LearningRates(self).groups(lr, weight_decay)"]
    made, groups = f"{body}rates = LearningRates(self)", f"{body}return rates.groups(lr, weight_decay)"
    return [start, f"{body}{DOCUMENT}", made, *lines, groups]


def block_rates(block: Block) -> dict[str, Rate]:
    """The rate of each factor by its weights' name.

    Layers of the same topology whose rates are alike have those of the first: the copies of a random
    one differ in their last digit, and would each need lines of their own.
    """
    rates: dict[str, Rate] = {}
    known: defaultdict[str, list[tuple[Rate, ...]]] = defaultdict(list)
    for op in walk(block):
        if isinstance(op, Product):
            found = learning_rates(op)
            own = tuple(found.values())
            chosen = next((each for each in known[op.topology] if alike(each, own)), own)
            if chosen is own:
                known[op.topology].append(own)
            rates |= dict(zip(found, chosen, strict=True))
    return rates


def _quotient(value: Fraction) -> str:
    """A fraction as Python's division, an integer as itself."""
    return str(value.numerator) if value.denominator == 1 else f"{value.numerator} / {value.denominator}"
