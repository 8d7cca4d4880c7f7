"""Plan to Plan: kernels chosen for a target by the cost model.

Values and parameters stay as they are: what changes is how the products are computed.
"""

from __future__ import annotations

from dataclasses import replace
from itertools import groupby

from nfc.ir.network import Op
from nfc.lowering.cost import kernel_seconds
from nfc.lowering.fuse import fusable_from, is_stage
from nfc.lowering.handing import handed_over
from nfc.lowering.plan import (
    Add,
    Blocked,
    BlockSets,
    Chain,
    Edgewise,
    Fused,
    Kernel,
    Neighbours,
    Plan,
    Product,
    Sparse,
)
from nfc.lowering.target import Target
from nfc.lowering.unstructured import chosen_form
from nfc.passes.rewrite import rewrite


def optimise(plan: Plan, target: Target) -> Plan:
    """The plan with neighbouring stages fused, other kernels in the form that is fastest, and fewer gathers between.

    Parameters keep their names, shapes, order and draws.
    """

    def chosen(op: Op) -> Op:
        return (
            replace(op, kernel=optimised(op.kernel, target.on(op.positions)))
            if isinstance(op, Product)
            else op
        )

    if not (target.fuse and target.runtime == "torch"):
        return replace(plan, body=rewrite(plan.body, chosen))
    # Handed over first, as gathers that are not needed cost nothing, and then what has stayed as it was.
    linked = handed_over(plan)
    return handed_over(replace(linked, body=rewrite(linked.body, chosen)))


def optimised(kernel: Kernel, target: Target) -> Kernel:
    """A product's kernel as it runs fastest on the target, by the cost model."""
    match kernel:
        case Chain(parts=parts):
            chosen = tuple(optimised(part, target) for part in parts)
            return Chain(_grouped(chosen, target) if target.fuse else chosen)
        case Add(parts=parts):
            return Add(tuple(optimised(part, target) for part in parts))
        case BlockSets() if target.runtime == "torch":
            return _by_edges_if_faster(kernel, target)
        case Neighbours() | Sparse():
            return chosen_form(kernel, target)
        case _:
            return kernel


def _by_edges_if_faster(kernel: BlockSets, target: Target) -> BlockSets | Edgewise:
    """Block sets by their edges where these are faster in training and in the forward pass too: the first is often near a tie.

    For one sample at a time the forward pass decides alone: networks are trained on more.
    """
    linked = kernel.leaves or kernel.follows is not None
    edges = Edgewise(replace(kernel, leaves=False, follows=None) if linked else kernel)
    inference = replace(target, backward=False)
    targets = (inference,) if target.batch == 1 else (target, inference)
    faster = all(kernel_seconds(edges, each) < kernel_seconds(kernel, each) for each in targets)
    return edges if faster else kernel


def _grouped(parts: tuple[Kernel, ...], target: Target) -> tuple[Kernel, ...]:
    """The parts of a chain with each run of stages cut into the groups that take the least time."""
    grouped: list[Kernel] = []
    for stages, run in groupby(parts, is_stage):
        if stages:
            grouped.extend(_fastest_groups([part for part in run if is_stage(part)], target))
        else:
            grouped.extend(run)
    return tuple(grouped)


def _fastest_groups(stages: list[Blocked], target: Target) -> list[Blocked | Fused]:
    """The cheapest cut of a run into groups that nest, by dynamic programming from its end.

    Among cuts that take the same time, the one with the smaller groups.
    """
    best: list[tuple[float, list[Blocked | Fused]]] = [(0.0, [])]
    for start in reversed(range(len(stages))):
        options = []
        for size, group in enumerate(fusable_from(stages, start), start=1):
            seconds, rest = best[size - 1]
            options.append((kernel_seconds(group, target) + seconds, [group, *rest]))
        best.insert(0, min(options, key=lambda option: option[0]))
    return best[0][1]
