"""The specs of `benchmarks.masks`: masks, topologies and files of up to 2^20 outputs and inputs."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np

CUBE = "mask cube[o] = { o } + { o xor 2**b for b in 0..<log2(cols) }"
RING = "mask ring[o] = { o + d for d in -3..3 }"
NEAR = "mask near[o, i] = popcount(o xor i) <= 2"
FILE_FAN_IN = 10

ASSERTIONS = (
    "edges > 0",
    "fan_in.min >= 1",
    "fan_out.max >= 1",
    "connected or not connected",
    "paths.max >= 1",
    'digest != ""',
)
"""They hold wherever they can be measured."""


@dataclass(frozen=True)
class Case:
    """A square layer without bias.

    Attributes:
        topology: as it stands after `via`.
        masks: the definitions that it needs.
        file: the name of the mask file that it reads, if any.
        shrink: the binary logarithm of how much narrower than asked it is.
    """

    name: str
    topology: str
    masks: tuple[str, ...] = ()
    file: str | None = None
    shrink: int = 0

    def source(self, width: int) -> str:
        """The case in the language."""
        size = width >> self.shrink
        asserted = "\n".join(f"        {assertion}" for assertion in ASSERTIONS)
        return "\n".join(
            (
                "nf 1",
                *self.masks,
                f"network wide {{\n    input {size}\n    linear {size} bias=false via {self.topology}\n}}",
                f"check wide {{\n    each linear {{\n{asserted}\n    }}\n}}\n",
            )
        )


CASES = (
    Case("butterfly, radix 2", "butterfly(radix=2)"),
    Case("butterfly, radix 32", "butterfly(radix=32)"),
    Case("hypercube as a mask", "cube", (CUBE,)),
    Case("random, fan-in 16", "random(fan_in=16)"),
    Case("hypercube or ring", "cube | ring", (CUBE, RING)),
    Case("file, .npz", 'file("mask.npz")', file="mask.npz"),
    Case("file, .mtx", 'file("mask.mtx")', file="mask.mtx"),
    Case("predicate", "near", (NEAR,), shrink=6),
)


def write_mask(path: Path, width: int) -> None:
    """A 0/1 matrix with FILE_FAN_IN random inputs an output, one from each of as many strips."""
    from scipy.io import mmwrite
    from scipy.sparse import csr_array, save_npz

    random = np.random.default_rng(0)
    bounds = np.linspace(0, width, FILE_FAN_IN + 1).astype(np.int32)
    strips = [start + random.permutation(width) % (stop - start) for start, stop in pairwise(bounds)]
    columns = np.stack(strips, axis=1).astype(np.int32)
    ends = np.arange(width + 1) * FILE_FAN_IN
    pattern = csr_array((np.ones(columns.size, np.int8), columns.reshape(-1), ends), shape=(width, width))
    if path.suffix == ".npz":
        save_npz(path, pattern)
    else:
        mmwrite(path, pattern, field="pattern")
