"""Large widths by the same family at smaller ones, with the error of foretelling one of them.

At a fixed rule the controllability falls with the width n: as a power of it where it is small, less
where it is near 1. h(c) = ½ log(−log(1 − c²)), which is log c for small c, is close to a line in
log n; the line through the two greatest widths that can be afforded is read off at the width asked for.
The same rule foretells the greatest of three widths from the two others: its relative error there, at
least what it is over families, times the doublings to the width asked for, is the error.
"""

from __future__ import annotations

from collections.abc import Callable
from math import exp, expm1, hypot, log, log1p, log2, sqrt

from nfc.analysis.controllability.estimate import Estimate
from nfc.diagnostics import NfcError
from nfc.ir.fabric import Fabric, factors

WIDTHS = 3
LEAST = 16
"""The least number of inputs or outputs of a proxy."""
TYPICAL = 0.05
"""Root mean square of the relative error of foretelling the next doubling, over ten families at widths 256 and 512."""
NEARLY_ALL, NEARLY_NOTHING = 1.0 - 1e-6, 1e-9

Point = tuple[float, float]
"""log₂ of a width, and the controllability there."""


def by_proxy(
    fabric: Fabric,
    smaller: Callable[[int, int], Fabric],
    measure: Callable[[Fabric], Estimate],
    affordable: Callable[[Fabric], bool],
) -> Estimate | None:
    """The estimate from smaller widths; None where fewer than three can be built and afforded."""
    chosen = _chosen(fabric, smaller, affordable)
    if len(chosen) < WIDTHS:
        return None
    estimates = [measure(each) for each in chosen]
    points = [(log2(each.cols), found.mean) for each, found in zip(chosen, estimates, strict=True)]
    first, second, third = points
    size = log2(fabric.cols)
    mean = foretold(first, second, size)
    doublings = size - first[0]
    held_out = abs(log(_bounded(first[1]) / foretold(second, third, first[0])))
    relative = max(held_out, TYPICAL) * max(1.0, doublings / (first[0] - second[0]))
    errors = [found.stderr / _bounded(found.mean) for found in estimates]
    measured = hypot((1.0 + doublings) * errors[0], doublings * errors[1])
    return Estimate(mean, mean * hypot(relative, measured), "proxy")


def foretold(near: Point, far: Point, size: float) -> float:
    """The controllability at log₂ of a width from those at two others."""
    slope = (_straightened(near[1]) - _straightened(far[1])) / (near[0] - far[0])
    height = _straightened(near[1]) + slope * (size - near[0])
    return sqrt(-expm1(-exp(2.0 * height)))


def _straightened(value: float) -> float:
    """h(c)."""
    return 0.5 * log(-log1p(-(_bounded(value) ** 2)))


def _bounded(value: float) -> float:
    return min(max(value, NEARLY_NOTHING), NEARLY_ALL)


def _chosen(
    fabric: Fabric, smaller: Callable[[int, int], Fabric], affordable: Callable[[Fabric], bool]
) -> list[Fabric]:
    """The greatest widths, by halving, that can be measured; those of the fabric's own kinds first."""
    alike: list[Fabric] = []
    others: list[Fabric] = []
    rows, cols = fabric.rows // 2, fabric.cols // 2
    while min(rows, cols) >= LEAST and len(alike) < WIDTHS:
        built = _built(smaller, rows, cols)
        if built is not None and affordable(built):
            (alike if _kinds(built) == _kinds(fabric) else others).append(built)
        rows, cols = rows // 2, cols // 2
    kept = alike + others[: WIDTHS - len(alike)]
    return sorted(kept, key=lambda each: -each.cols)


def _built(smaller: Callable[[int, int], Fabric], rows: int, cols: int) -> Fabric | None:
    """The family at a width; None where it does not take it."""
    try:
        return smaller(rows, cols)
    except (NfcError, ValueError):
        return None


def _kinds(fabric: Fabric) -> set[str]:
    """Other kinds of factors at a width say that the family was cut to it, or is dense there."""
    return {factor.kind for factor in factors(fabric)}
