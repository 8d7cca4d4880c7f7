"""Data sets as images of 16 × 16 numbers, MNIST of other sizes too, and the tasks made of them.

Each task is posed on inputs in three forms: as they are, in another order (neighbours no longer
stand side by side), and rotated (no single input means anything). Permutations, rotations and
teachers come from frozen random numbers, so that a task is the same for all topologies and seeds.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from nfc import philox

Array = NDArray[np.float64]
Targets = NDArray[np.float32] | NDArray[np.int64]
SIDE = 16
PIXELS = SIDE * SIDE
CLASSES = 10
SUBSET = Path(__file__).parents[1] / "data" / "mnist_subset.npz"
FULL = Path(__file__).parents[3] / "shared" / "data" / "mnist.npz"
TEST_IMAGES = 5000
FLOOR = 1e-3
"""Least variance of a direction over the greatest, when directions are weighted anew."""
SLOPE = 0.01
"""Of the teacher's leaky ReLU."""

FORMS = ("natural", "permuted", "rotated")
TASKS = ("classify", "reconstruct", "teacher")
DATA_SETS = ("mnist", "digits")


@dataclass(frozen=True)
class Condition:
    """What networks are trained on: one of DATA_SETS, of TASKS and of FORMS, on images of side × side."""

    data_set: str
    task: str
    form: str
    side: int = SIDE

    def __str__(self) -> str:
        return f"{self.data_set} {self.task} {self.form}"

    @property
    def pixels(self) -> int:
        return self.side**2

    @property
    def needs_full_width(self) -> bool:
        return self.task != "classify"


@dataclass(frozen=True)
class Images:
    """Images [images, pixels], each pixel's mean taken off, of second moment 1; and their labels."""

    train: Array
    train_labels: NDArray[np.int64]
    test: Array
    test_labels: NDArray[np.int64]


@dataclass(frozen=True)
class Problem:
    """What a network is trained on: inputs [samples, pixels], and labels [samples] or values [samples, pixels]."""

    train_inputs: NDArray[np.float32]
    train_targets: Targets
    test_inputs: NDArray[np.float32]
    test_targets: Targets

    @property
    def classifies(self) -> bool:
        return self.train_targets.ndim == 1


@cache
def problem(condition: Condition) -> Problem:
    """A task on inputs of one form.

    classify: digits from centred images. reconstruct: the half-whitened image under another
    rotation from the half-whitened image, so that all directions count. teacher: what a random
    orthogonal network of two layers makes of the half-whitened image.
    """
    images = loaded(condition.data_set, condition.side)
    change = form_change(condition.form, condition.pixels)
    if condition.task == "classify":
        train, test = images.train, images.test
        targets: tuple[Targets, ...] = (images.train_labels, images.test_labels)
    else:
        whiten = half_whitening(images.train)
        train, test = images.train @ whiten, images.test @ whiten
        answer = {"reconstruct": rotated, "teacher": taught}[condition.task]
        targets = tuple(answer(values).astype(np.float32) for values in (train, test))
    inputs = (change(values).astype(np.float32) for values in (train, test))
    return Problem(next(inputs), targets[0], next(inputs), targets[1])


def form_change(form: str, pixels: int) -> Callable[[Array], Array]:
    match form:
        case "natural":
            return lambda values: values
        case "permuted":
            order = philox.permutation(0, 0, pixels)
            return lambda values: values[:, order]
        case "rotated":
            rotation = random_orthogonal(1, pixels)
            return lambda values: values @ rotation
        case other:
            raise ValueError(f"no form of inputs is called {other}; there are {', '.join(FORMS)}")


def rotated(values: Array) -> Array:
    return values @ random_orthogonal(2, values.shape[1])


def taught(values: Array) -> Array:
    """A random orthogonal network with a leaky ReLU between two layers, its outputs of second moment 1."""
    hidden = values @ random_orthogonal(3, values.shape[1])
    outputs = np.where(hidden > 0.0, hidden, SLOPE * hidden) @ random_orthogonal(4, values.shape[1])
    return np.asarray(outputs * np.sqrt(2.0))


def half_whitening(values: Array) -> Array:
    """C^(−1/4) for the covariance C, [pixels, pixels], scaled so that results have second moment 1."""
    spectrum, directions = np.linalg.eigh(values.T @ values / len(values))
    weighed = np.maximum(spectrum, FLOOR * spectrum[-1]) ** -0.25
    matrix = (directions * weighed) @ directions.T
    return np.asarray(matrix / np.sqrt(np.mean((values @ matrix) ** 2)))


@cache
def random_orthogonal(stream: int, size: int) -> Array:
    """A Haar-distributed orthogonal matrix (Mezzadri 2007), by frozen random numbers."""
    uniform = philox.uniform(0, stream, 2 * size * size)
    radius = np.sqrt(-2.0 * np.log(uniform[: size * size]))
    normal = (radius * np.cos(2.0 * np.pi * uniform[size * size :])).reshape(size, size)
    q, r = np.linalg.qr(normal)
    return np.asarray(q * np.sign(np.diag(r)))


@cache
def loaded(data_set: str, side: int) -> Images:
    """A data set; MNIST in full where it is at hand, else the repository's part of it.

    Raises:
        ValueError: there is none of that name and side.
    """
    match data_set:
        case "mnist":
            return centred(*mnist(FULL if FULL.exists() else SUBSET, side))
        case "digits" if side == SIDE:
            return centred(*digits())
        case other:
            names = ", ".join(DATA_SETS)
            raise ValueError(f"no data set is called {other} at {side} × {side}; there are {names}")


Raw = tuple[NDArray[np.generic], NDArray[np.generic], NDArray[np.generic], NDArray[np.generic]]


def mnist(path: Path, side: int) -> Raw:
    """Images of 28 × 28 averaged to side × side: training images and labels, test images and labels."""
    archive = np.load(path)
    names = ("xtr", "ytr", "xte", "yte")
    if path == SUBSET:
        names = ("train_images", "train_labels", "test_images", "test_labels")
    train, train_labels, test, test_labels = (archive[name] for name in names)
    shrink = overlaps(train.shape[1], side)
    smaller = [shrink @ images.astype(np.float32) @ shrink.T for images in (train, test[:TEST_IMAGES])]
    return smaller[0], train_labels, smaller[1], test_labels[:TEST_IMAGES]


def overlaps(size: int, parts: int) -> NDArray[np.float32]:
    """The share of each of `size` pixels in each of `parts` equal parts of their line, [parts, size]; rows sum to 1."""
    ends = np.arange(parts + 1) * size / parts
    pixels = np.arange(size)
    upper = np.minimum(ends[1:, None], pixels + 1)
    lower = np.maximum(ends[:-1, None], pixels)
    return np.asarray(np.maximum(0.0, upper - lower) * parts / size, np.float32)


def digits() -> Raw:
    """scikit-learn's 1797 digits of 8 × 8, each pixel twice in both directions; a third of them for tests."""
    from sklearn.datasets import load_digits

    bunch = load_digits()
    order = philox.permutation(0, 5, len(bunch.target))
    images = np.kron(bunch.images, np.ones((1, 2, 2)))[order]
    labels = bunch.target[order]
    third = len(labels) // 3
    return images[third:], labels[third:], images[:third], labels[:third]


def centred(
    train: NDArray[np.generic],
    train_labels: NDArray[np.generic],
    test: NDArray[np.generic],
    test_labels: NDArray[np.generic],
) -> Images:
    """Images as rows, each pixel's mean over the training images taken off, of second moment 1 there."""
    rows = [images.reshape(len(images), -1).astype(np.float64) for images in (train, test)]
    mean = rows[0].mean(axis=0)
    scale = np.sqrt(np.mean((rows[0] - mean) ** 2))
    train_rows, test_rows = ((each - mean) / scale for each in rows)
    return Images(train_rows, train_labels.astype(np.int64), test_rows, test_labels.astype(np.int64))
