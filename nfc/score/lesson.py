"""What a student is taught: a random orthogonal map, on inputs with the spectrum of natural data.

Inputs are x = R₁ D z and answers y = R₂ D z, with R₁ and R₂ random orthogonal, z normal and D² falling
as a power. So y = T x for the random orthogonal T = R₂ R₁ᵀ, all directions have an answer, and no
input means more than another. But some directions vary more than others, as in data: on inputs
that vary alike in all directions a deep cascade of few edges stays on the first plateau of its loss
for longer than it does on any real data.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from nfc.ir.factors import Kron
from nfc.ir.network import Draw
from nfc.ir.orthogonal_weights import normal, orthogonal_weights

Real = NDArray[np.float32]

DECAY = 0.75
"""The variance of the k-th direction is proportional to k^(−DECAY)."""
SAMPLES = 6400
"""That a student sees again and again; at 256 wide as good as fresh ones, at 1024 R² falls by .01 alike for all."""
LEAST_BATCH = 64
"""Of a step, at any width."""
FRESH = 1024
"""That it is examined on."""
_STREAMS = 1 << 40
"""Above those of weights: a factor of a network has its number for a stream."""


@dataclass(frozen=True, eq=False)
class Lesson:
    """Inputs and answers, [width, samples] each, answers of mean square 1; and those of the examination."""

    inputs: Real
    answers: Real
    fresh_inputs: Real
    fresh_answers: Real

    def batches(self, size: int) -> Iterator[tuple[Real, Real]]:
        """Inputs and answers, [width, size] each, without end."""
        while True:
            for start in range(0, SAMPLES - size + 1, size):
                some = slice(start, start + size)
                yield self.inputs[:, some], self.answers[:, some]


@lru_cache(maxsize=1)
def lesson(width: int, seed: int) -> Lesson:
    """The same for the same width and seed; the last one is kept, for the next topology of a search.

    Time in width² · SAMPLES, by two matrix products.
    """
    deviations = np.sqrt(variances(width))
    count = SAMPLES + FRESH
    values = normal(seed, _STREAMS, width * count).astype(np.float32).reshape(width, count)
    values *= deviations.astype(np.float32)[:, None]
    inputs, answers = (rotation(width, seed, _STREAMS + stream) @ values for stream in (1, 2))
    return Lesson(
        *(np.ascontiguousarray(each[:, :SAMPLES]) for each in (inputs, answers)),
        *(np.ascontiguousarray(each[:, SAMPLES:]) for each in (inputs, answers)),
    )


def variances(width: int) -> NDArray[np.float64]:
    """Of the inputs along each direction, [width], falling, of mean 1."""
    falling = np.arange(1, width + 1) ** -DECAY
    return np.asarray(falling / falling.mean())


def batch_size(width: int) -> int:
    """The samples of a step, such that their covariance is as far from the inputs' at every width.

    For b normal samples of covariance C, E‖Ĉ − C‖² / ‖C‖² = (1 + (tr C)² / tr C²) / b. That is 1
    from 256 wide on, where it takes LEAST_BATCH and more: 145 at 1024. With LEAST_BATCH there, the
    noise of the gradients hides what deep cascades and sums learn.
    """
    spectrum = variances(width)
    return max(LEAST_BATCH, round(1.0 + float(spectrum.sum() ** 2 / (spectrum**2).sum())))


def rotation(width: int, seed: int, stream: int) -> Real:
    """A Haar-distributed orthogonal matrix, [width, width]."""
    dense = Kron(1, width, width, 1)
    return orthogonal_weights(dense, Draw("orthogonal", 1.0, stream), seed)
