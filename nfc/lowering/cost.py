"""How long a product takes, predicted: the work of its kernels at prices measured on one machine.

The prices, seconds a unit of work on one thread, are data: `benchmarks/calibrate.py` fits them and
writes `nfc/lowering/costs/RUNTIME.json`. Other machines differ, but ratios between kernels less so.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from importlib import resources

from nfc.lowering.kernels import input_features
from nfc.lowering.plan import Kernel, Product
from nfc.lowering.target import Target
from nfc.lowering.work import Work, dense_work, kernel_work, product_work

Prices = dict[str, float]
"""Seconds by unit of work."""


@dataclass(frozen=True)
class Estimate:
    """Seconds of one step on the calibrated machine; `training`, forward and backward, where the runtime trains."""

    forward: float
    training: float | None

    def speedup(self, dense: Estimate) -> Speedup:
        """How many times faster than `dense` this is."""
        if self.training is None or dense.training is None:
            return Speedup(dense.forward / self.forward, None)
        return Speedup(dense.forward / self.forward, dense.training / self.training)


@dataclass(frozen=True)
class Speedup:
    """Time of a dense layer over that of another, forward and in training."""

    forward: float
    training: float | None


def estimate(product: Product, target: Target) -> Estimate:
    """The time of a linear layer whose kernels are chosen, batch-first in and out."""
    return _estimate(product_work(product, target), target)


def dense_estimate(rows: int, cols: int, target: Target) -> Estimate:
    """The time of a dense layer, cols inputs → rows outputs, on values [batch, cols]."""
    return _estimate(dense_work(rows, cols, target.batch), target)


def speedup(product: Product, target: Target) -> Speedup:
    """How many times faster than its dense twin a linear layer is, forward and in training."""
    dense = dense_estimate(product.outputs, product.weights_read, target.on(product.positions))
    return estimate(product, target).speedup(dense)


def kernel_seconds(kernel: Kernel, target: Target) -> float:
    """The time of a kernel on features that lie as it needs them, in the mode that decides for the target."""
    return seconds(kernel_work(kernel, input_features(kernel), target), prices(target.runtime)[target.mode])


def seconds(work: Work, price: Prices) -> float:
    return sum(count * price.get(unit, 0.0) for unit, count in work.items())


@cache
def prices(runtime: str) -> dict[str, Prices]:
    """Prices by mode, `forward` and, for torch, `training`."""
    text = resources.files("nfc.lowering").joinpath("costs", f"{runtime}.json").read_text("utf-8")
    found: dict[str, Prices] = json.loads(text)["prices"]
    return found


def _estimate(work: Work, target: Target) -> Estimate:
    found = prices(target.runtime)
    training = seconds(work, found["training"]) if "training" in found else None
    return Estimate(seconds(work, found["forward"]), training)
