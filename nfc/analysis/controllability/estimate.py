"""What a measurement of controllability says."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Estimate:
    """A controllability with its error.

    Attributes:
        mean: 0 to 1.
        stderr: its standard error; 0 where the mean is exact.
        method: "closed form", "singular values", "optimised" or "proxy".
    """

    mean: float
    stderr: float
    method: str
