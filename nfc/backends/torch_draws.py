"""The body of `reset_parameters`: which weights are drawn how, with loops where neighbours are alike.

Draws count their streams on, so the statements follow the order in which the plan numbers its
factors.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import count

from nfc.backends.torch_statements import weight_statements
from nfc.backends.torch_writer import Call, Expression, Named, tuple_of
from nfc.ir.network import Block
from nfc.lowering.kernels import Weighted, block_kernels
from nfc.lowering.plan import Blocked, BlockSets, Dense, Neighbours


@dataclass(frozen=True)
class Leaf:
    """One draw of a module's weight.

    Attributes:
        method: of `Draws`.
        std: a standard deviation, or the method of `Draws` that gives each edge's.
        inputs: what gives the input of each edge, where the method asks for it: a method of `Draws` or an expression.
    """

    method: str
    std: float | str
    inputs: str | Call | None = None

    def expression(self, name: str) -> Expression:
        std = repr(self.std) if isinstance(self.std, float) else Call(f"draw.{self.std}", (name,))
        inputs = Call(f"draw.{self.inputs}", (name,)) if isinstance(self.inputs, str) else self.inputs
        more = () if inputs is None else (Named("inputs", inputs),)
        return Call(f"draw.{self.method}", (name, Named("std", std), *more))


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
    std = draw.std if isinstance(draw.std, float) else draw.std.kind
    match draw.distribution:
        case "orthogonal":
            return Leaf(_orthogonal(kernel), std)
        case "sign":
            inputs = _inputs(kernel)
            return Leaf("sign" if inputs is None else "sign_edges", std, inputs)
        case other:
            return Leaf(other, std)


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


def _inputs(kernel: Weighted) -> str | Call | None:
    """What gives the inputs of a kernel's edges; None where the shape of its weight says them."""
    match kernel:
        case BlockSets():
            return "set_inputs"
        case Neighbours(shifts=(dims, offsets)):
            return Call("shift_table", (tuple_of(dims), tuple_of(offsets)))
        case Blocked(places=None) | Dense():
            return None
        case _:
            return "edge_inputs"
