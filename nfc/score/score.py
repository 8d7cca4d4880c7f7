"""The score of a topology: how much it learns in its place in a fixed budget, and how much it could express.

Two thirds of the first and one third of the second: what counts after few steps and after many.
docs/score.md has the measured rank correlations with trained networks, of both and of other mixtures.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass

from nfc.analysis.controllability import controllability
from nfc.analysis.errors import PropertyError
from nfc.diagnostics import NfcError
from nfc.ir.fabric import Fabric, edge_count
from nfc.philox import check_seed
from nfc.score.trainability import trainability

EXPRESSED = 1.0 / 3.0
"""The share of the controllability in the score; the rest is the trainability's."""
WIDEST = 2048
"""Up to so many inputs and outputs a student has the fabric itself: some seconds at 1024, several times that here."""
LARGEST = 4096
"""Up to so many it has it for want of the same family at a smaller width; up to a minute or two."""
MOST_EDGES = 2**22
"""More are too many for a student."""


@dataclass(frozen=True)
class Score:
    """A fabric's score, and what stands beside it.

    Attributes:
        score: the number that ranks, at most 1.
        controllability: how near the fabric's matrices come to any matrix (LANGUAGE, section 5).
        stderr: of the controllability.
        trainability: R² of the student in place.
    """

    score: float
    controllability: float
    stderr: float
    trainability: float


def score(
    fabric: Fabric, *, targets: int = 3, seed: int = 0, smaller: Callable[[int, int], Fabric] | None = None
) -> Score:
    """The score of a fabric: no data, no torch, the same for the same seed.

    Args:
        targets: sampled matrices of which the controllability is a mean.
        seed: of targets, maps, inputs and initial weights.
        smaller: the same family at (rows, cols), for fabrics too wide to be measured; it raises
            ValueError or NfcError where the family does not take a size.

    Raises:
        PropertyError: it would take minutes, and there is no smaller width (NF506).
        ValueError: there is no target, or the seed is not in 0..<2^64.
    """
    if targets < 1:
        raise ValueError(f"one target at least, found {targets}")
    check_seed(seed)
    student = affordable(fabric, smaller)
    with ThreadPoolExecutor(1) as beside:  # both are products of NumPy, which run at once
        expressed = beside.submit(controllability, fabric, targets=targets, seed=seed, smaller=smaller)
        learned = trainability(student, seed=seed)
        estimate = expressed.result()
    return Score(combined(learned, estimate.mean), estimate.mean, estimate.stderr, learned)


def combined(learned: float, expressed: float) -> float:
    """The score from the trainability and the controllability."""
    return (1.0 - EXPRESSED) * learned + EXPRESSED * expressed


def affordable(fabric: Fabric, smaller: Callable[[int, int], Fabric] | None) -> Fabric:
    """The fabric, or where it is too wide its family at the first of half its size, a quarter, … that is not.

    The width follows from the shape alone, so that the scores of families that take it compare.

    Raises:
        PropertyError: there is none (NF506).
    """
    rows, cols = fabric.rows, fabric.cols
    if smaller is not None and max(rows, cols) > WIDEST:
        while max(rows, cols) > WIDEST:
            rows, cols = max(1, rows // 2), max(1, cols // 2)
        # A family of few widths is measured as it is, if that can be afforded.
        with suppress(NfcError, ValueError):
            fabric = smaller(rows, cols)
    if max(fabric.rows, fabric.cols) > LARGEST or edge_count(fabric) > MOST_EDGES:
        raise _too_costly(fabric)
    return fabric


def _too_costly(fabric: Fabric) -> PropertyError:
    message = (
        f"the score of {fabric.cols} → {fabric.rows} with {edge_count(fabric)} weights would take minutes: "
        f"it is measured up to {LARGEST} wide and 2^22 weights"
    )
    return PropertyError("NF506", message, hints=("score the same topology at a smaller width",))
