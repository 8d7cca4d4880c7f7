"""One network trained: two copies of a topology with a leaky ReLU between, one recipe for all.

Adam with the rates of `parameter_groups`, a warm-up and a cosine to 0. A classifier has another leaky
ReLU and a dense head behind the second copy; a regression reads the second copy's outputs.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from math import cos, pi
from time import perf_counter

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

import nfc
from examples.study.data import CLASSES, Condition, Problem, problem
from examples.study.topologies import Contender

BATCH = 128
STEPS, FEWER_STEPS = 400, 250
"""The second is for classifiers and for the small digits, which need no more."""
WARM_UP = 20
RATES = {"classify": 8e-3, "reconstruct": 1.6e-2, "teacher": 1.6e-2}
"""Those that suit the dense network best, of .001, .002 … .032, on MNIST rotated, one seed."""


@dataclass(frozen=True)
class Configuration:
    """What is trained: a contender under a condition, and the seed of weights and batches."""

    condition: Condition
    contender: Contender
    seed: int
    steps: int


def usual_steps(condition: Condition) -> int:
    return FEWER_STEPS if condition.task == "classify" or condition.data_set == "digits" else STEPS


@dataclass(frozen=True)
class Outcome:
    """What came of it.

    Attributes:
        quality: on test images the accuracy, or R² of all outputs together.
        loss: of the last tenth of the steps, on training images.
        seconds: of training and testing.
    """

    configuration: Configuration
    quality: float
    loss: float
    seconds: float


def outcome_of(configuration: Configuration) -> Outcome:
    """One network trained and tested, on one thread."""
    torch.set_num_threads(1)
    started = perf_counter()
    posed = problem(configuration.condition)
    model = built(configuration.contender, configuration.condition.pixels, posed.classifies)
    model.reset_parameters(configuration.seed)
    losses = train(model, posed, configuration)
    last = losses[-max(1, len(losses) // 10) :]
    return Outcome(configuration, quality(model, posed), float(np.mean(last)), perf_counter() - started)


@lru_cache(maxsize=2)
def built(contender: Contender, pixels: int, classifies: bool) -> nn.Module:
    """The network of a contender, whose weights are drawn anew for every seed."""
    body = [
        f"input {pixels}",
        f"linear {contender.hidden} via {contender.via}",
        "leaky_relu",
        f"linear {pixels} via {contender.via}",
        *(("leaky_relu", f"head: linear {CLASSES}") if classifies else ()),
    ]
    text = "nf 1\nnetwork student {\n" + "\n".join(body) + "\n}\n"
    return nfc.load(nfc.Source("student.nf", text)).network.torch(batch=BATCH)


def train(model: nn.Module, posed: Problem, configuration: Configuration) -> list[float]:
    """The loss of each step."""
    groups = model.parameter_groups(lr=RATES[configuration.condition.task])
    optimizer = torch.optim.Adam(groups, fused=True)
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimizer, lambda step: share_of_rate(step, configuration.steps)
    )
    loss_of = nn.functional.cross_entropy if posed.classifies else nn.functional.mse_loss
    chooser = np.random.default_rng(configuration.seed)
    losses = []
    for _ in range(configuration.steps):
        chosen = chooser.integers(len(posed.train_inputs), size=BATCH)
        inputs, targets = (
            torch.from_numpy(each[chosen]) for each in (posed.train_inputs, posed.train_targets)
        )
        optimizer.zero_grad()
        loss = loss_of(model(inputs), targets)
        loss.backward()
        optimizer.step()
        schedule.step()
        losses.append(loss.item())
    return losses


def share_of_rate(step: int, steps: int) -> float:
    """Of the learning rate: up over WARM_UP steps, then a cosine to 0."""
    return min(1.0, (step + 1) / WARM_UP) * 0.5 * (1.0 + cos(pi * step / steps))


def quality(model: nn.Module, posed: Problem) -> float:
    """On the test images: the share of right answers, or R² of all outputs together."""
    outputs = answers(model, torch.from_numpy(posed.test_inputs))
    if posed.classifies:
        return float((outputs.argmax(1).numpy() == posed.test_targets).mean())
    return r_squared(outputs.numpy(), posed.test_targets)


def answers(model: nn.Module, inputs: Tensor) -> Tensor:
    with torch.no_grad():
        return torch.cat([model(part) for part in inputs.split(8 * BATCH)])


def r_squared(outputs: NDArray[np.floating], targets: NDArray[np.generic]) -> float:
    """1 − the squared error over the variance, both summed over outputs."""
    values = targets.astype(np.float64)
    return float(1.0 - np.sum((outputs - values) ** 2) / np.sum((values - values.mean(axis=0)) ** 2))
