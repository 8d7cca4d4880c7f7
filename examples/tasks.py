"""What `train.py` trains on: digits for networks that read images, a text for networks that read tokens."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import prod
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import cross_entropy, pad

DATA = Path(__file__).parent / "data"
SIDE = 28
HELD_OUT = 0.1
"""The share at the end of a text that is for testing."""


@dataclass(frozen=True)
class Task:
    """Samples by number, with targets and a loss.

    Attributes:
        train, test: how many samples there are.
        batch: (numbers [n], is it a test?) → inputs [n, …] and targets [n] or [n, T].
        classes: how many outputs a network needs, for each position of a text.
    """

    train: int
    test: int
    batch: Callable[[Tensor, bool], tuple[Tensor, Tensor]]
    classes: int

    def loss(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """Mean cross-entropy over samples and positions, in float32."""
        return cross_entropy(outputs.float().flatten(0, -2), targets.flatten())


def task_for(shape: tuple[int, ...], *, tokens: bool) -> Task:
    """The task for a network's input: `shape` without the batch, `tokens` where it holds numbers of tokens."""
    return text(DATA / "shakespeare.txt", *shape) if tokens else digits(DATA / "mnist_subset.npz", shape)


def digits(path: Path, shape: tuple[int, ...]) -> Task:
    """MNIST's digits, as [28, 28], [784], or [channels, height, width] with zeros around and the channels equal."""
    with np.load(path, allow_pickle=False) as data:
        arrays = {name: torch.from_numpy(data[name]) for name in data.files}

    def batch(numbers: Tensor, is_test: bool) -> tuple[Tensor, Tensor]:
        part = "test" if is_test else "train"
        images = arrays[f"{part}_images"][numbers].float() / 255
        return _shaped(images, shape), arrays[f"{part}_labels"][numbers].long()

    return Task(len(arrays["train_labels"]), len(arrays["test_labels"]), batch, classes=10)


def _shaped(images: Tensor, shape: tuple[int, ...]) -> Tensor:
    if prod(shape) == SIDE * SIDE:
        return images.reshape(-1, *shape)
    if len(shape) == 3 and min(shape[1:]) >= SIDE:
        left, top = (shape[2] - SIDE) // 2, (shape[1] - SIDE) // 2
        around = (left, shape[2] - SIDE - left, top, shape[1] - SIDE - top)
        return pad(images, around)[:, None].expand(-1, *shape).contiguous()
    raise SystemExit(f"no task has inputs of shape {list(shape)}: [28, 28], [784] or at least [1, 28, 28]")


def text(path: Path, length: int) -> Task:
    """Next characters of a text, in windows of `length`; the alphabet is the text's own, in order."""
    codes = np.frombuffer(path.read_bytes(), np.uint8)
    alphabet, tokens = np.unique(codes, return_inverse=True)
    split = int(len(tokens) * (1 - HELD_OUT))
    parts = {False: torch.from_numpy(tokens[:split]), True: torch.from_numpy(tokens[split:])}
    windows = {is_test: (len(part) - 1) // length for is_test, part in parts.items()}
    if not windows[True]:
        held_out = len(parts[True])
        raise SystemExit(f"{held_out} characters are for testing, too few for a network that reads {length}")

    def batch(numbers: Tensor, is_test: bool) -> tuple[Tensor, Tensor]:
        places = numbers[:, None] * length + torch.arange(length + 1)
        window = parts[is_test][places]
        return window[:, :-1], window[:, 1:]

    return Task(windows[False], windows[True], batch, classes=len(alphabet))
