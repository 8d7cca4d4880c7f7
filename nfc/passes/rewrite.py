"""Rebuilding a network with some of its operations replaced."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from nfc.ir.network import Block, Concat, Inline, Linear, Op, Repeat, Residual, Sum


def rewrite_linears(block: Block, change: Callable[[Linear], Linear]) -> Block:
    """The block with every weighted layer in it changed, in order of execution, projections first."""
    return tuple(_rewrite(op, change) for op in block)


def _rewrite(op: Op, change: Callable[[Linear], Linear]) -> Op:
    match op:
        case Linear():
            return change(op)
        case Repeat():
            return replace(op, copies=tuple(rewrite_linears(copy, change) for copy in op.copies))
        case Sum() | Concat():
            return replace(op, branches=tuple(rewrite_linears(branch, change) for branch in op.branches))
        case Residual():
            project = None if op.project is None else change(op.project)
            return replace(op, project=project, body=rewrite_linears(op.body, change))
        case Inline():
            return replace(op, body=rewrite_linears(op.body, change))
        case _:
            return op
