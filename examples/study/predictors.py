"""What is said of a topology before any is trained: the score, and what is to be compared with it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from math import log, sqrt
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from examples.study.topologies import Contender, fabric
from nfc.analysis.products import FabricProduct
from nfc.analysis.products.factors import Real
from nfc.ir.fabric import Fabric
from nfc.ir.factors import Factor
from nfc.score import score
from nfc.score.student import Student

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Prediction:
    """What is known of one topology.

    Attributes:
        ramanujan: of the factors the mean of √(d₁ − 1) + √(d₂ − 1) − σ₂, d₁ and d₂ a factor's mean
            degrees, σ₂ the second singular value of its 0/1 matrix: the gap of Hoang et al. (2023),
            below 0 where the graph expands less than a Ramanujan graph.
        path_norm: log of Σ over paths through two copies of the product of squared weights, as drawn.
        synflow: log of the same with absolute weights (Tanaka et al. 2020).
    """

    name: str
    weights: int
    depth: int
    density: float
    score: float
    controllability: float
    trainability: float
    spectral_gap: float
    ramanujan: float
    path_norm: float
    synflow: float


def measure(path: Path, wanted: Sequence[Contender]) -> list[Prediction]:
    """The predictions of the contenders that are topologies; those that the file lacks are added to it."""
    found = {each.name: each for each in read(path)}
    with path.open("a") as file:
        for contender in wanted:
            if contender.is_topology and contender.name not in found:
                found[contender.name] = prediction(contender)
                file.write(json.dumps(to_record(found[contender.name])) + "\n")
                file.flush()
    return [found[each.name] for each in wanted if each.is_topology]


def read(path: Path) -> list[Prediction]:
    """The predictions so far; none where there is no file."""
    if not path.exists():
        return []
    return [Prediction(**json.loads(text)) for text in path.read_text().splitlines()]


def to_record(of: Prediction) -> dict[str, str | float]:
    """A prediction as its line holds it."""
    return {name: round(value, 5) if isinstance(value, float) else value for name, value in vars(of).items()}


def prediction(contender: Contender) -> Prediction:
    wiring = fabric(contender.via)
    scored = score(wiring.ir)
    path_norm, synflow = path_sums(wiring.ir)
    return Prediction(
        name=contender.name,
        weights=contender.weights,
        depth=int(wiring.depth),
        density=float(wiring.density),
        score=scored.score,
        controllability=scored.controllability,
        trainability=scored.trainability,
        spectral_gap=float(wiring.spectral_gap),
        ramanujan=float(np.mean([ramanujan_gap(factor) for factor in wiring.factors])),
        path_norm=path_norm,
        synflow=synflow,
    )


def ramanujan_gap(factor: Factor) -> float:
    values = np.linalg.svd(factor.csr().toarray().astype(np.float64), compute_uv=False)
    degrees = (factor.edges / factor.rows, factor.edges / factor.cols)
    return float(sum(sqrt(max(0.0, degree - 1.0)) for degree in degrees) - values[1])


def path_sums(wiring: Fabric) -> tuple[float, float]:
    """Logs of the path norm and of SynFlow's sum through two copies, by their weights at initialisation."""
    product = FabricProduct(wiring)
    both = Student(wiring, seed=0).parameters[: 2 * product.edges].astype(np.float64)
    sums = []
    for change in (np.square, np.abs):
        values: Real = np.ones((wiring.cols, 1))
        for weights in np.split(change(both), 2):
            values = product.apply(product.split(weights), values)
        sums.append(log(float(values.sum())))
    return sums[0], sums[1]
