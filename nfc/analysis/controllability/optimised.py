"""The optimiser: how near a fabric's matrices come to sampled targets.

Minimises ‖F(w) − T‖² by L-BFGS (Liu and Nocedal, 1989) from random signs. The gradient by factor l
is Lᵀ(F − T)Rᵀ at its edges, L and R the products of the factors after and before it; forward and
backward run in the structure, on all unit vectors at once, in float32. A fabric with fewer outputs than
inputs is transposed, which keeps its controllability.

A large fabric gets fewer targets, then fewer steps, down to `FEWEST`, and what the steps left out would
still have gained is foretold: gains fall by about the same factor with each doubling of the steps.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import hypot, log2, sqrt
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
FEWEST = 80
"""Steps from which the others' gain is foretold within a few per cent of the whole."""
MEMORY = 10
"""Pairs that L-BFGS keeps."""
TOLERANCE = 1e-6
"""The loss's relative change in a step at which it has converged."""
STARTING_ENERGY = 0.1
"""Of F at the start, over T's: small F leaves more of the way to the gradient than F as large as T."""
STREAM = 2**40
"""Streams from here on, away from those of sampled blocks."""
OVERHEAD = 4
"""Multiplications that take as long as reading and writing a number between two factors."""
BUDGET = 10**10
"""Of three targets, in multiplications of steps: some seconds."""
UNCERTAIN = 0.5
"""The error of what is foretold, as a part of it."""
MOST_STARTS = 4
STARTS_WORK = 2**17
"""Multiplications of a step of all starts for one target: small fabrics have local minima, and time for more."""
TARGETS = 2**20
"""Streams between those of one target's starts."""


def work(fabric: Fabric) -> int:
    """What a step takes, in multiplications that form the fabric's matrix."""
    neurons = sum(factor.rows for factor in factors(fabric))
    return (edge_count(fabric) + OVERHEAD * neurons) * min(fabric.rows, fabric.cols)


def is_affordable(fabric: Fabric, budget: int = BUDGET) -> bool:
    """Whether the budget, overdrawn by a quarter, pays the fewest steps with one target.

    With that quarter it reaches all cascades and sums of 64k weights at width 1024 and fan-in 4.
    """
    return 4 * work(fabric) * FEWEST <= 5 * budget


def plan(fabric: Fabric, targets: int, budget: int = BUDGET) -> tuple[int, int]:
    """How many targets, up to those asked for, get how many steps."""
    steps = budget * max(targets, 3) // (3 * max(1, work(fabric)))
    paid = min(max(1, steps // STEPS), targets)
    return paid, min(max(FEWEST, steps // paid), STEPS)


def optimised(fabric: Fabric, targets: int, seed: int, budget: int = BUDGET) -> Estimate:
    """The mean over targets, each from starts of its own, after `STEPS` steps or as foretold for these.

    A target counts with its best start. The standard error joins four: the spread over targets, or with
    one target that by `spread_of_targets`; what the best start is ahead of the next; half of what is
    foretold; and, of runs that all `STEPS` did not bring to an end, what the second half of them still
    gained: a limit not reached is above the mean by about so much.
    """
    fabric = transpose(fabric) if fabric.rows < fabric.cols else fabric
    paid, steps = plan(fabric, targets, budget)
    runs = [_best_of_starts(fabric, seed, number, steps) for number in range(paid)]
    reached = np.array([run.reached + run.foretold for run, _ in runs])
    late, foretold, ahead = np.mean([(run.late, run.foretold, gap) for run, gap in runs], axis=0).tolist()
    mean = float(reached.mean())
    spread = float(reached.std(ddof=1)) / sqrt(paid) if paid > 1 else spread_of_targets(mean, fabric)
    error = hypot(spread, ahead, late if steps == STEPS else UNCERTAIN * foretold)
    return Estimate(min(mean, 1.0), error, "optimised")


def spread_of_targets(mean: float, fabric: Fabric) -> float:
    """The standard deviation over targets of the energy in a subspace, of all matrices, that takes `mean` of it.

    With D of N dimensions the share is beta distributed, D/2 and (N − D)/2 (uniform directions).
    """
    return sqrt(2.0 * mean * max(0.0, 1.0 - mean) / (fabric.rows * fabric.cols + 2))


@dataclass(frozen=True)
class _Run:
    """One run for one target.

    Attributes:
        reached: 1 − the loss.
        late: what its second half gained, where it ended by the number of its steps.
        foretold: what `STEPS` steps would have gained on top of fewer.
    """

    reached: float
    late: float
    foretold: float


def _best_of_starts(fabric: Fabric, seed: int, number: int, steps: int) -> tuple[_Run, float]:
    """The best run for a target, and what it is ahead of the next."""
    starts = max(1, min(STARTS_WORK // work(fabric), MOST_STARTS))
    runs = [_run(fabric, seed, STREAM + number, STREAM + number + k * TARGETS, steps) for k in range(starts)]
    runs.sort(key=lambda run: -run.reached)
    return runs[0], runs[0].reached - runs[min(1, starts - 1)].reached


def _run(fabric: Fabric, seed: int, target_stream: int, start_stream: int, steps: int) -> _Run:
    from scipy.optimize import OptimizeResult, minimize

    objective = _Objective(fabric, target(fabric.rows, fabric.cols, seed, 2 * target_stream))
    losses: list[float] = []

    def record(intermediate_result: OptimizeResult) -> None:
        losses.append(float(intermediate_result.fun))

    result = minimize(
        objective,
        starting_weights(fabric, seed, 2 * start_stream + 1),
        jac=True,
        method="L-BFGS-B",
        options={"maxiter": steps, "maxfun": 2 * steps, "maxcor": MEMORY, "ftol": TOLERANCE, "gtol": 0.0},
        callback=record,
    )
    final = float(result.fun)
    if len(losses) < steps:
        return _Run(1.0 - final, 0.0, 0.0)
    return _Run(1.0 - final, losses[len(losses) // 2] - final, gain_to_come(losses))


def gain_to_come(losses: list[float]) -> float:
    """What a run of fewer than `STEPS` steps would gain up to them.

    With g and h the gains of its second quarter and second half, each doubling is taken to gain h/g
    of the one before, and part of a doubling its part.
    """
    count = len(losses)
    quarter, half, final = (losses[place - 1] for place in (count // 4, count // 2, count))
    doublings = log2(STEPS / count) if count else 0.0
    ratio = min((half - final) / (quarter - half), 1.0) if quarter > half else 0.0
    gain, total = half - final, 0.0
    while doublings > 0.0:
        gain *= ratio
        total += gain * min(doublings, 1.0)
        doublings -= 1.0
    return total


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
