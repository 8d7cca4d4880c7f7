"""The optimiser: how near a fabric's matrices come to sampled targets.

Minimises ‖F(w) − T‖² by L-BFGS (Liu and Nocedal, 1989) from random signs. The gradient by factor l
is Lᵀ(F − T)Rᵀ at its edges, L and R the products of the factors after and before it; forward and
backward run in the structure, on all unit vectors at once, in float32. A fabric with fewer outputs than
inputs is transposed, which keeps its controllability.
"""

from __future__ import annotations

from math import hypot, sqrt
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nfc import philox
from nfc.analysis.controllability.estimate import Estimate
from nfc.analysis.controllability.targets import target
from nfc.analysis.products import FabricProduct
from nfc.ir.fabric import Fabric, depth, edge_count, factors
from nfc.topologies.transposing import transpose

STEPS = 300
MEMORY = 10
"""Pairs that L-BFGS keeps."""
TOLERANCE = 1e-6
"""The loss's relative change in a step at which it has converged."""
STARTING_ENERGY = 0.1
"""Of F at the start, over T's: small F leaves more of the way to the gradient than F as large as T."""
STREAM = 2**40
"""Streams from here on, away from those of sampled blocks."""


def work(fabric: Fabric) -> int:
    """Multiplications that it takes to form the fabric's matrix."""
    return edge_count(fabric) * min(fabric.rows, fabric.cols)


def optimised(fabric: Fabric, targets: int, seed: int) -> Estimate:
    """The mean over targets, each from a start of its own.

    The standard error joins the spread, which is of targets and of starts, with what the second
    half of the steps still gained: a limit not reached is above the mean by about so much. One target has no spread.
    """
    fabric = transpose(fabric) if fabric.rows < fabric.cols else fabric
    found = [_one(fabric, seed, STREAM + number) for number in range(targets)]
    reached = np.array([value for value, _ in found])
    gains = np.array([gain for _, gain in found])
    spread = float(reached.std(ddof=1)) / sqrt(targets) if targets > 1 else 0.0
    return Estimate(float(reached.mean()), hypot(spread, float(gains.mean())), "optimised")


def _one(fabric: Fabric, seed: int, stream: int) -> tuple[float, float]:
    """(what was reached for one target, what the second half of the steps gained)."""
    from scipy.optimize import OptimizeResult, minimize

    objective = _Objective(fabric, target(fabric.rows, fabric.cols, seed, 2 * stream))
    losses: list[float] = []

    def record(intermediate_result: OptimizeResult) -> None:
        losses.append(float(intermediate_result.fun))

    result = minimize(
        objective,
        starting_weights(fabric, seed, 2 * stream + 1),
        jac=True,
        method="L-BFGS-B",
        options={"maxiter": STEPS, "maxfun": 2 * STEPS, "maxcor": MEMORY, "ftol": TOLERANCE, "gtol": 0.0},
        callback=record,
    )
    final = float(result.fun)
    halfway = losses[len(losses) // 2] if losses else final
    return 1.0 - final, halfway - final


def starting_weights(fabric: Fabric, seed: int, stream: int) -> NDArray[np.float64]:
    """Random signs over √fan_in, scaled so that the whole has `STARTING_ENERGY`, [edges]."""
    magnitudes = [
        np.repeat(1.0 / np.sqrt(np.maximum(fan_in, 1)), fan_in)
        for fan_in in (factor.fan_in() for factor in factors(fabric))
    ]
    weights = np.concatenate(magnitudes) * STARTING_ENERGY ** (0.5 / depth(fabric))
    return np.asarray(np.where(philox.uniform(seed, stream, len(weights)) < 0.5, -weights, weights))


class _Objective:
    """‖F(w) − T‖² / ‖T‖² and its gradient by w, [edges]."""

    def __init__(self, fabric: Fabric, matrix: NDArray[np.float64]) -> None:
        self._product = FabricProduct(fabric)
        self._target = matrix.astype(np.float32)
        self._scale = 1.0 / float(np.vdot(matrix, matrix))
        self._gradient = np.empty(self._product.edges, np.float32)

    def __call__(self, weights: NDArray[np.float64]) -> tuple[float, NDArray[Any]]:
        parts = self._product.split(weights.astype(np.float32))
        residual, tape = self._product.matrix(parts)
        residual -= self._target
        gradients = self._product.split(self._gradient)
        self._product.backward(parts, tape, residual, out=gradients, input_gradient=False)
        loss = float(np.vdot(residual, residual)) * self._scale
        return loss, self._gradient.astype(np.float64) * (2.0 * self._scale)
