"""Trainability: what a student in place has learned after a fixed number of steps of Adam."""

from __future__ import annotations

from itertools import islice
from math import cos, isfinite, pi

import numpy as np
from numpy.typing import NDArray

from nfc.ir.fabric import Fabric
from nfc.score.lesson import Lesson, batch_size, lesson
from nfc.score.student import Student

Real = NDArray[np.float32]

STEPS = 400
WARM_UP = 20
RATE = 1.6e-2
"""Before the multipliers of sparse factors; the dense network's best in the study's reconstruction."""
_MEAN_DECAY, _SQUARE_DECAY, _EPSILON = np.float32(0.9), np.float32(0.999), np.float32(1e-8)


def trainability(fabric: Fabric, *, seed: int = 0, steps: int = STEPS, batch: int | None = None) -> float:
    """R² on fresh inputs of the student in place after so many steps: 1 all learned, 0 nothing.

    Time and memory are in the edges and in cols², no rows × cols weight matrix is built.

    Args:
        seed: of the map, the inputs and the initial weights.
        batch: samples of a step; those that suit the width where None.
    """
    taught = lesson(fabric.cols, seed)
    student = Student(fabric, seed)
    with np.errstate(over="ignore", invalid="ignore"):
        learn(student, taught, steps, batch or batch_size(fabric.cols))
        return r_squared(student.answers(taught.fresh_inputs), taught.fresh_answers)


def learn(student: Student, taught: Lesson, steps: int, batch: int) -> None:
    """Adam (Kingma and Ba 2015) with a warm-up and a cosine to 0."""
    mean, square = np.zeros_like(student.gradient), np.zeros_like(student.gradient)
    for step, (inputs, answers) in enumerate(islice(taught.batches(batch), steps), start=1):
        student.study(inputs, answers)
        gradient = student.gradient
        mean += (1 - _MEAN_DECAY) * (gradient - mean)
        square += (1 - _SQUARE_DECAY) * (gradient * gradient - square)
        size = np.float32(RATE * share_of_rate(step, steps) / (1 - _MEAN_DECAY**step))
        root = np.sqrt(square / (1 - _SQUARE_DECAY**step)) + _EPSILON
        student.parameters -= size * student.rates * mean / root


def share_of_rate(step: int, steps: int) -> float:
    """Of the learning rate, for steps counted from 1."""
    return min(1.0, step / WARM_UP) * 0.5 * (1.0 + cos(pi * (step - 1) / steps))


def r_squared(values: Real, answers: Real) -> float:
    """1 − the squared error over that of answering 0; 0 for values that are not finite."""
    result = 1.0 - float(np.sum((values - answers) ** 2) / np.sum(answers**2))
    return result if isfinite(result) else 0.0
