"""The cost model's word on a comparison, to be held against what is measured."""

from __future__ import annotations

from nfc.bench.runtimes import FORWARD
from nfc.ir.network import walk
from nfc.lowering.cost import Estimate, estimate
from nfc.lowering.plan import Plan, Product
from nfc.lowering.target import Target


def predicted_ratio(plan: Plan, twin: Plan, runtime: str, mode: str, batch: int) -> float | None:
    """The time of a plan's products over that of its dense twin's, on one thread of the calibrated machine.

    What lies between products is left out; None where there are none.
    """
    dense = _products_seconds(twin, runtime, mode, batch)
    return _products_seconds(plan, runtime, mode, batch) / dense if dense else None


def _products_seconds(plan: Plan, runtime: str, mode: str, batch: int) -> float:
    target = Target(runtime=runtime, batch=batch, backward=mode != FORWARD)
    products = (op for op in walk(plan.body) if isinstance(op, Product))
    return sum(_seconds(estimate(product, target), mode) for product in products)


def _seconds(estimate: Estimate, mode: str) -> float:
    """The time of a step in a mode; that of forward where the runtime does not train."""
    if mode == FORWARD or estimate.training is None:
        return estimate.forward
    return estimate.training
