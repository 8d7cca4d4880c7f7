"""What is known of a topology at once, before any optimiser runs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256
from itertools import repeat
from typing import TypeVar

from nfc.analysis.controllability import needs_no_proxy
from nfc.analysis.controllability.proxy import LEAST
from nfc.analysis.degrees import fan_in
from nfc.analysis.errors import PropertyError
from nfc.analysis.paths import reach
from nfc.diagnostics import NfcError
from nfc.ir.digest import fabric_digest
from nfc.ir.fabric import Fabric, depth, edge_count
from nfc.ir.network import Draw
from nfc.lowering.cost import estimate
from nfc.lowering.kernels import fabric_kernel
from nfc.lowering.optimise import optimised
from nfc.lowering.plan import Product
from nfc.lowering.target import Target
from nfc.score.score import WIDEST
from nfc.search.subject import Subject

Value = TypeVar("Value")

_PATH = "linear1"


@dataclass(frozen=True)
class Facts:
    """The cheap properties of a topology.

    Attributes:
        digest: of its normal form.
        family: see `family_digest`.
        params: its weights.
        depth: factors on the longest path.
        fan_in: most edges into a neuron.
        connected: None where it would take too long to say.
        seconds: predicted time of a training step, see `predicted_seconds`.
    """

    topology: str
    digest: str
    family: str
    params: int
    density: float
    depth: int
    fan_in: int
    connected: bool | None
    seconds: float


def facts(subject: Subject) -> Facts | None:
    """The facts of a topology; None where it does not take its place."""
    try:
        fabric = subject.fabric()
    except NfcError:
        return None
    return Facts(
        topology=subject.topology,
        digest=fabric_digest(fabric),
        family=family_digest(subject, fabric),
        params=edge_count(fabric),
        density=edge_count(fabric) / (subject.rows * subject.cols),
        depth=depth(fabric),
        fan_in=fan_in(fabric).maximum,
        connected=affordable(lambda: reach(fabric).connected),
        seconds=predicted_seconds(fabric),
    )


def family_digest(subject: Subject, fabric: Fabric) -> str:
    """Of the widths, by halving, that a wide fabric may be scored by; empty where its edges settle the score."""
    rows, cols = fabric.rows, fabric.cols
    if max(rows, cols) <= WIDEST and needs_no_proxy(fabric):
        return ""
    digests = []
    while max(rows, cols) > LEAST:
        rows, cols = max(1, rows // 2), max(1, cols // 2)
        try:
            digests.append(fabric_digest(subject.smaller(rows, cols)))
        except NfcError:
            digests.append("")
    return sha256("\n".join(digests).encode()).hexdigest()


def predicted_seconds(fabric: Fabric) -> float:
    """The time of a training step in PyTorch, forward and backward, as the cost model predicts it.

    That of one batch of `nfc.defaults.BATCH` samples on one thread of the calibrated machine.
    """
    target = Target(runtime="torch")
    kernel = fabric_kernel(
        fabric, _PATH, repeat((Draw("uniform", 0.0, 0), ()))
    )  # no time depends on the draws
    product = Product(
        path=_PATH,
        input=(fabric.cols,),
        output=(fabric.rows,),
        kernel=optimised(kernel, target),
        bias=None,
        topology="",
    )
    found = estimate(product, target)
    return found.forward if found.training is None else found.training


def affordable(measure: Callable[[], Value]) -> Value | None:
    """A property, or None where it would cost too much."""
    try:
        return measure()
    except PropertyError:
        return None
