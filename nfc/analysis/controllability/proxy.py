"""Large widths by the same family at smaller ones, with the error of foretelling one of them.

At a fixed rule the controllability falls with the width n: as a power of it where it is small, less
where it is near 1. h(c) = ½ log(−log(1 − c²)), which is log c for small c, is close to a line in
log n; the line through the two greatest widths that can be afforded is read off at the width asked for.
The same rule foretells the greatest of three widths from the two others: its relative error there, at
least what it is over families, times the doublings to the width asked for, is the error.

A width stands in only where the family is itself: with the same kinds of factors (others say that it is cut
or fitted to the place), no more of them dense, and far from dense as a whole.
"""

from __future__ import annotations

from collections.abc import Callable
from math import exp, expm1, hypot, log, log1p, log2, sqrt

from nfc.analysis.controllability.estimate import Estimate
from nfc.diagnostics import NfcError
from nfc.ir.fabric import Fabric, edge_count, factors

WIDTHS, FEWEST = 3, 2
"""Of a family that takes only two widths the error cannot be measured, see `UNTRIED`."""
LEAST = 16
"""The least number of inputs or outputs of a proxy."""
TYPICAL = 0.05
"""Root mean square of the relative error of foretelling the next doubling, over families at widths 256 and 512."""
UNTRIED = 0.1
"""The same where no third width is there to try the rule on."""
NEARLY_DENSE = 0.5
"""The density of a factor, or of a fabric, from which more weights add little."""
UNSTRUCTURED, IRREGULAR = ("edges", "fan_in"), "irregular"
"""Two forms of storing edges without a pattern; which one depends on the width."""
NEARLY_ALL, NEARLY_NOTHING = 1.0 - 1e-6, 1e-9

Point = tuple[float, float]
"""log₂ of a width, and the controllability there."""


def by_proxy(
    fabric: Fabric,
    smaller: Callable[[int, int], Fabric],
    measure: Callable[[Fabric], Estimate],
    affordable: Callable[[Fabric], bool],
) -> Estimate | None:
    """The estimate from smaller widths; None where fewer than two can be built and afforded."""
    chosen = _chosen(fabric, smaller, affordable)
    if len(chosen) < FEWEST:
        return None
    estimates = [measure(each) for each in chosen]
    points = [(log2(each.cols), found.mean) for each, found in zip(chosen, estimates, strict=True)]
    first, second = points[:2]
    size = log2(fabric.cols)
    mean = foretold(first, second, size)
    doublings = size - first[0]
    relative = _error_of_a_doubling(points) * max(1.0, doublings / (first[0] - second[0]))
    errors = [found.stderr / _bounded(found.mean) for found in estimates]
    measured = hypot((1.0 + doublings) * errors[0], doublings * errors[1])
    return Estimate(mean, mean * hypot(relative, measured), "proxy")


def _error_of_a_doubling(points: list[Point]) -> float:
    """Relative; by foretelling the first point from the two others."""
    if len(points) < WIDTHS:
        return UNTRIED
    first, second, third = points
    return max(abs(log(_bounded(first[1]) / foretold(second, third, first[0]))), TYPICAL)


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
    """The greatest widths, by halving, at which the family is itself and can be measured."""
    chosen: list[Fabric] = []
    rows, cols = fabric.rows // 2, fabric.cols // 2
    while min(rows, cols) >= LEAST and len(chosen) < WIDTHS:
        built = _built(smaller, rows, cols)
        if built is not None and _is_alike(built, fabric) and affordable(built):
            chosen.append(built)
        rows, cols = rows // 2, cols // 2
    return chosen


def _built(smaller: Callable[[int, int], Fabric], rows: int, cols: int) -> Fabric | None:
    """The family at a width; None where it does not take it."""
    try:
        return smaller(rows, cols)
    except (NfcError, ValueError):
        return None


def _is_alike(built: Fabric, fabric: Fabric) -> bool:
    """Whether a family is at a smaller width what it is at the greater."""
    return (
        _kinds(built) == _kinds(fabric)
        and _dense_factors(built) <= _dense_factors(fabric)
        and edge_count(built) < NEARLY_DENSE * built.rows * built.cols
    )


def _kinds(fabric: Fabric) -> set[str]:
    """Those of factors, irregular ones alike."""
    return {IRREGULAR if factor.kind in UNSTRUCTURED else factor.kind for factor in factors(fabric)}


def _dense_factors(fabric: Fabric) -> int:
    return sum(factor.edges > NEARLY_DENSE * factor.rows * factor.cols for factor in factors(fabric))
