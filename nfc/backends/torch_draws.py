"""The body of `reset_parameters`: which weights are drawn how, with loops where neighbours are alike.

Draws count their streams on, so the statements follow the order in which the plan numbers its
factors.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import count

from nfc.backends.torch_statements import weight_statements
from nfc.backends.torch_writer import Call, Expression, Named
from nfc.ir.network import Block
from nfc.lowering.kernels import Weighted, block_kernels
from nfc.lowering.plan import Blocked, BlockSets


@dataclass(frozen=True)
class Leaf:
    """One draw of a module's weight: a method of `Draws`, and a standard deviation or the method that gives each edge's."""

    method: str
    std: float | str

    def expression(self, name: str) -> Expression:
        std = repr(self.std) if isinstance(self.std, float) else Call(f"draw.{self.std}", (name,))
        return Call(f"draw.{self.method}", (name, Named("std", std)))


def draw_lines(block: Block, indent: int) -> list[str]:
    """The statements that draw every weight of the network."""
    check_streams(block)
    return weight_statements(block, _leaf, indent)


def check_streams(block: Block) -> None:
    """Every factor's stream has to be its number in the network."""
    for number, kernel in zip(count(), block_kernels(block), strict=False):
        if kernel.weight.draw.stream != number:
            raise ValueError(
                f"{kernel.weight.name}: its stream is {kernel.weight.draw.stream}, its number {number}"
            )


def _leaf(kernel: Weighted) -> Leaf:
    draw = kernel.weight.draw
    method = _orthogonal(kernel) if draw.distribution == "orthogonal" else draw.distribution
    return Leaf(method, draw.std if isinstance(draw.std, float) else draw.std.kind)


def _orthogonal(kernel: Weighted) -> str:
    match kernel:
        case BlockSets():
            return "orthogonal_sets"
        case Blocked(places=places) if places is not None:
            return "orthogonal_cut"
        case Blocked(d=d) if d > 1:
            return "orthogonal_strided"
        case _:
            return "orthogonal"
