"""Which output variance each layer aims at, for inputs with second moment 1.

Read backwards from the network's end, a layer meets what follows it: an activation asks for its
gain, a norm for nothing, the end of a residual's body or of a sum's branch for a share. Reshapes,
padding, dropout and the ends of other blocks are looked through.
"""

from __future__ import annotations

from dataclasses import dataclass

from nfc.analysis.activations import gain
from nfc.ir.network import (
    Activation,
    Block,
    Concat,
    Inline,
    Linear,
    Network,
    Norm,
    Op,
    Repeat,
    Residual,
    Sum,
)


@dataclass(frozen=True)
class _Demand:
    """What the operations after a place ask of the layer before it: variance gain · share."""

    gain: float = 1.0
    share: float = 1.0


_NOTHING = _Demand()


def layer_targets(network: Network) -> dict[str, float]:
    """The output variance that each weighted layer aims at, by path."""
    targets: dict[str, float] = {}
    _block(network.body, _NOTHING, max(1, _residuals(network.body)), targets)
    return targets


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
        case Linear():
            targets[op.path] = after.gain * after.share
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
            _residual(op, after, residuals, targets)
            return _NOTHING
        case Sum():
            share = after.share / max(1, len(op.branches))
            return _branches(op.branches, _Demand(after.gain, share), residuals, targets)
        case Concat():
            return _branches(op.branches, after, residuals, targets)
        case _:
            return after


def _residual(op: Residual, after: _Demand, residuals: int, targets: dict[str, float]) -> None:
    """A body of R in a row aims at 1/R of the skip.

    An identity skip cannot answer an activation's gain, so the search for one ends at the sum; a
    projected one can.
    """
    wanted = _NOTHING
    if op.project is not None:
        wanted = after
        targets[op.project.path] = after.gain * after.share
    inside = _Demand(wanted.gain, wanted.share / residuals)
    _block(op.body, inside, max(1, _residuals(op.body)), targets)


def _branches(
    branches: tuple[Block, ...], after: _Demand, residuals: int, targets: dict[str, float]
) -> _Demand:
    """The demand before branches is the one that they agree on, if they do."""
    demands = {_block(branch, after, residuals, targets) for branch in branches}
    return demands.pop() if len(demands) == 1 else _NOTHING
