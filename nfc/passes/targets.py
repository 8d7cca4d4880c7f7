"""Which output variance each layer aims at, for inputs with second moment 1.

Read backwards from the network's end, a layer meets what follows it: an activation asks for its
gain, a norm for nothing, the end of a residual's body or of a sum's branch for a share. Reshapes,
padding, dropout and the ends of other blocks are looked through.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from nfc.analysis.activations import gain
from nfc.ir.network import (
    Activation,
    Block,
    Concat,
    Inline,
    Network,
    Norm,
    Op,
    Repeat,
    Residual,
    Sum,
    WeightedLayer,
)
from nfc.ir.sequences import Attention
from nfc.passes.shares import endings, share


@dataclass(frozen=True)
class _Demand:
    """What the operations after a place ask of the layer before it: variance gain · share."""

    gain: float = 1.0
    share: float = 1.0

    def shared(self, addends: int, block: Block) -> _Demand:
        """What is asked of the end of a block that is one of so many addends."""
        return _Demand(self.gain, self.share * share(addends, endings(block)))


_NOTHING = _Demand()


def layer_targets(network: Network) -> dict[str, float]:
    """The output variance that each weighted layer aims at, by path."""
    targets: dict[str, float] = {}
    _block(network.body, _NOTHING, residuals_in_a_row(network.body), targets)
    return targets


def residuals_in_a_row(block: Block) -> int:
    """What the bodies in a block share among them: its longest chain of residual blocks, 1 at least."""
    return max(1, _residuals(block))


def _residuals(block: Block) -> int:
    """Residual blocks in a row on the longest chain through a block, not counting those inside bodies."""
    return sum(_residuals_of(op) for op in block)


def _residuals_of(op: Op) -> int:
    match op:
        case Residual():
            return 1
        case Repeat():
            return sum(_residuals(copy) for copy in op.copies)
        case Inline():
            return _residuals(op.body)
        case Sum() | Concat():
            return max((_residuals(branch) for branch in op.branches), default=0)
        case _:
            return 0


def _block(block: Block, after: _Demand, residuals: int, targets: dict[str, float]) -> _Demand:
    """The demand on what stands before a block, given the demand on its end; fills in `targets`."""
    for op in reversed(block):
        after = _operation(op, after, residuals, targets)
    return after


def _operation(op: Op, after: _Demand, residuals: int, targets: dict[str, float]) -> _Demand:
    match op:
        case WeightedLayer():
            targets[op.path] = after.gain * after.share
            return _NOTHING
        case Attention():
            targets |= {layer.path: 1.0 for layer in (op.q, op.k, op.v)}
            targets[op.o.path] = after.gain * after.share
            return _NOTHING
        case Activation():
            return _Demand(gain(op), after.share)
        case Norm():
            return _NOTHING
        case Repeat():
            for copy in reversed(op.copies):
                after = _block(copy, after, residuals, targets)
            return after
        case Inline():
            return _block(op.body, after, residuals, targets)
        case Residual():
            return _residual(op, after, residuals, targets)
        case Sum():
            demands = [after.shared(len(op.branches), branch) for branch in op.branches]
            return _branches(op.branches, demands, residuals, targets)
        case Concat():
            return _branches(op.branches, [after] * len(op.branches), residuals, targets)
        case _:
            return after


def _residual(op: Residual, after: _Demand, residuals: int, targets: dict[str, float]) -> _Demand:
    """A body is one of all in a row, and aims at its share of the skip.

    An identity skip cannot answer an activation's gain, so the search for one ends at the sum; what
    is before it has the sum's share. A projected one answers both.
    """
    before = _Demand(1.0, after.share)
    if op.project is not None:
        targets[op.project.path] = after.gain * after.share
        inside, before = after.shared(residuals, op.body), _NOTHING
    else:
        inside = _NOTHING.shared(residuals, op.body)
    _block(op.body, inside, residuals_in_a_row(op.body), targets)
    return before


def _branches(
    branches: tuple[Block, ...], demands: Sequence[_Demand], residuals: int, targets: dict[str, float]
) -> _Demand:
    """The demand before branches is the one that they agree on, if they do."""
    before = {
        _block(branch, demand, residuals, targets) for branch, demand in zip(branches, demands, strict=True)
    }
    return before.pop() if len(before) == 1 else _NOTHING
