"""Rebuilding a network's or a plan's tree with some of its operations replaced."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from nfc.ir.network import Block, Concat, Inline, Op, Repeat, Residual, Sum, WeightedLayer
from nfc.ir.sequences import FABRICS, Attention


def rewrite(block: Block, change: Callable[[Op], Op]) -> Block:
    """The block with every operation that holds no others changed, in order of execution, projections first."""
    return tuple(_rewrite(op, change) for op in block)


def rewrite_layers(block: Block, change: Callable[[WeightedLayer], WeightedLayer]) -> Block:
    """The block with every weighted layer changed, in the same order."""
    return rewrite(block, lambda op: change(op) if isinstance(op, WeightedLayer) else op)


def rewrite_blocks(block: Block, change: Callable[[Block], Block]) -> Block:
    """The block changed as a whole, after each of those inside it."""
    return change(tuple(_with_blocks(op, lambda inner: rewrite_blocks(inner, change)) for op in block))


def _rewrite(op: Op, change: Callable[[Op], Op]) -> Op:
    match op:
        case Residual(project=project, body=body):
            # A plan holds a Product where a network holds a Linear.
            changed: Any = None if project is None else change(project)
            return replace(op, project=changed, body=rewrite(body, change))
        case Repeat() | Sum() | Concat() | Inline():
            return _with_blocks(op, lambda inner: rewrite(inner, change))
        case Attention():
            layers: dict[str, Any] = {label: change(getattr(op, label)) for label in FABRICS}
            return replace(op, **layers)
        case _:
            return change(op)


def _with_blocks(op: Op, change: Callable[[Block], Block]) -> Op:
    """An operation with the blocks that it holds changed; one that holds none as it is."""
    match op:
        case Repeat(copies=copies):
            return replace(op, copies=tuple(map(change, copies)))
        case Sum(branches=branches) | Concat(branches=branches):
            return replace(op, branches=tuple(map(change, branches)))
        case Residual(body=body) | Inline(body=body):
            return replace(op, body=change(body))
        case _:
            return op
