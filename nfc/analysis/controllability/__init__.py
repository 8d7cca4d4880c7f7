"""Controllability: how near a fabric's matrices come to any matrix (LANGUAGE, section 5).

c(F) = 1 − E[min over w of ‖F(w) − T‖² / ‖T‖²] with T Haar-distributed with orthonormal rows or
columns. Measured by the first of these that applies (docs/controllability.md has the arguments):

1. "closed form": dense factors, single factors (their density), low rank, and what reduces to them.
2. "singular values": two factors whose sub-blocks do not overlap, and sums of such on the same ones.
3. "optimised": L-BFGS on sampled targets.
4. "proxy": the same family at smaller widths, where the optimiser would take too long.

The last two keep to bounds that hold for any fabric.
"""

from __future__ import annotations

from collections.abc import Callable

from nfc.analysis.controllability.bounds import bounded
from nfc.analysis.controllability.estimate import Estimate
from nfc.analysis.controllability.optimised import BUDGET, is_affordable, optimised, work
from nfc.analysis.controllability.patches import patches
from nfc.analysis.controllability.proxy import by_proxy
from nfc.analysis.controllability.reduction import reduced
from nfc.analysis.controllability.shapes import Shapes, block_shapes
from nfc.analysis.controllability.singular_values import of_shapes
from nfc.analysis.errors import PropertyError
from nfc.analysis.memo import once_a_fabric
from nfc.ir.fabric import Fabric
from nfc.ir.factors import Factor

__all__ = ["Estimate", "controllability", "mean_controllability", "needs_no_proxy"]

PROXY = BUDGET // 2
"""Multiplications for each of the widths of a proxy."""


def controllability(
    fabric: Fabric,
    *,
    targets: int = 3,
    seed: int = 0,
    smaller: Callable[[int, int], Fabric] | None = None,
) -> Estimate:
    """How near the fabric's matrices come to any matrix, 0 to 1; the same for the same seed.

    Args:
        targets: sampled matrices.
        seed: of the targets and of the optimiser's starts.
        smaller: the same family at (rows, cols), for fabrics that are too large to optimise; it
            raises NfcError or ValueError where the family does not take a size.

    Raises:
        PropertyError: it would take minutes and there is no proxy (NF506).
    """
    small = reduced(fabric)
    known = _without_optimiser(small, fabric, targets, seed)
    if known is not None:
        return known
    if is_affordable(small):
        return bounded(optimised(small, targets, seed), small)
    if smaller is not None:
        found = by_proxy(fabric, smaller, lambda each: _of_width(each, targets, seed), _is_cheap)
        if found is not None:
            return bounded(found, small)
    raise _too_costly(small)


def needs_no_proxy(fabric: Fabric) -> bool:
    """Whether the fabric alone settles its controllability, whatever its family is at other widths."""
    return is_affordable(reduced(fabric))


def _of_width(fabric: Fabric, targets: int, seed: int) -> Estimate:
    """A width of a proxy: in closed form, or by the optimiser with a share of its budget."""
    small = reduced(fabric)
    known = _without_optimiser(small, fabric, targets, seed)
    return bounded(optimised(small, targets, seed, PROXY), small) if known is None else known


def _without_optimiser(small: Fabric, fabric: Fabric, targets: int, seed: int) -> Estimate | None:
    """In closed form or by singular values, from what a fabric reduces to; None where neither applies."""
    if isinstance(small, Factor):
        return Estimate(small.edges / (small.rows * small.cols), 0.0, "closed form")
    shapes = _shapes(small)
    return None if shapes is None else of_shapes(shapes, fabric.rows, fabric.cols, targets, seed)


def _is_cheap(fabric: Fabric) -> bool:
    return is_affordable(reduced(fabric), PROXY)


def _shapes(fabric: Fabric) -> Shapes | None:
    """The patches' sizes, where a fabric's matrices are made of patches."""
    shapes = block_shapes(fabric)
    if shapes is None:
        found = patches(fabric)
        return None if found is None else found.shapes
    return shapes


@once_a_fabric
def mean_controllability(fabric: Fabric) -> float:
    """The mean for the default targets and seed.

    Raises:
        PropertyError: it would take minutes (NF506).
    """
    return controllability(fabric).mean


def _too_costly(fabric: Fabric) -> PropertyError:
    message = f"`controllability` would take minutes: each step takes {work(fabric):.1e} multiplications"
    hint = "assert it of the same topology at a smaller width; `nfc score` foretells large widths from such"
    return PropertyError("NF506", message, hints=(hint,))
