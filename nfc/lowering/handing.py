"""Plan to Plan: block sets in a row hand their features over as they lie.

A layer of blocks between index sets gathers its inputs block by block, and puts its outputs back in
their own order. Where nothing but elementwise operations lies between two of them, which take
features in any order, the first leaves its outputs block by block and the second gathers them from
there: one gather in place of two. Values and parameters stay as they are.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise

from nfc.ir.network import Activation, Block, Dropout, Op
from nfc.lowering.plan import BlockSets, Convolution, Plan, Product
from nfc.passes.rewrite import rewrite_blocks


def handed_over(plan: Plan) -> Plan:
    """The plan with `leaves` and `follows` set where one gather is enough, and nowhere else."""
    return replace(plan, body=rewrite_blocks(plan.body, _handing))


def _handing(block: Block) -> Block:
    pairs = [pair for run in _runs(block) for pair in pairwise(run)]
    leaving = {first for first, _ in pairs}
    before = {second: block[first].path for first, second in pairs}
    return tuple(_placed(op, place in leaving, before.get(place)) for place, op in enumerate(block))


def _runs(block: Block) -> Iterator[list[int]]:
    """Places of block sets with elementwise operations alone between them."""
    run: list[int] = []
    for place, op in enumerate(block):
        if _is_block_sets(op):
            run.append(place)
        elif not _takes_any_order(op):
            yield run
            run = []
    yield run


def _placed(op: Op, leaves: bool, follows: str | None) -> Op:
    match op:
        case Product(kernel=BlockSets() as sets) if _is_block_sets(op):
            return replace(op, kernel=replace(sets, leaves=leaves, follows=follows))
        case _:
            return op


def _is_block_sets(op: Op) -> bool:
    return isinstance(op, Product) and isinstance(op.kernel, BlockSets) and not isinstance(op, Convolution)


def _takes_any_order(op: Op) -> bool:
    """Whether an operation does the same to each feature."""
    match op:
        case Activation(axis=axis):
            return axis is None
        case Dropout():
            return True
        case _:
            return False
