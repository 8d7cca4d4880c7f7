"""Controllability: how near a fabric's matrices come to any matrix (LANGUAGE, section 5).

c(F) = 1 − E[min over w of ‖F(w) − T‖² / ‖T‖²] with T Haar-distributed with orthonormal rows or
columns. Measured by the first of these that applies (docs/controllability.md has the arguments):

1. "closed form": dense factors, single factors (their density), low rank, and what reduces to them.
2. "singular values": two factors whose sub-blocks do not overlap, and sums of such on the same ones.
3. "optimised": L-BFGS on sampled targets.
4. "proxy": the same family at smaller widths, where the optimiser would take too long.
"""

from __future__ import annotations

from collections.abc import Callable

from nfc.analysis.controllability.estimate import Estimate
from nfc.analysis.controllability.optimised import optimised, work
from nfc.analysis.controllability.patches import patches
from nfc.analysis.controllability.proxy import by_proxy
from nfc.analysis.controllability.reduction import reduced
from nfc.analysis.controllability.shapes import Shapes, block_shapes
from nfc.analysis.controllability.singular_values import of_shapes
from nfc.analysis.errors import PropertyError
from nfc.analysis.memo import once_a_fabric
from nfc.ir.fabric import Fabric
from nfc.ir.factors import Factor

__all__ = ["Estimate", "controllability", "mean_controllability"]

AFFORDABLE = 6 * 10**6
"""Multiplications that form the matrix, up to which the optimiser runs although there is a proxy: some seconds."""
PROXY = 2**21
"""Likewise for each of the proxy's widths."""
LARGEST = 2**25
"""Likewise up to which the optimiser runs at all: about a minute."""


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
    if isinstance(small, Factor):
        return Estimate(small.edges / (small.rows * small.cols), 0.0, "closed form")
    shapes = _shapes(small)
    if shapes is not None:
        return of_shapes(shapes, fabric.rows, fabric.cols, targets, seed)
    if smaller is not None and work(small) > AFFORDABLE:
        found = by_proxy(
            fabric,
            smaller,
            lambda each: controllability(each, targets=targets, seed=seed),
            lambda each: work(each) <= PROXY,
        )
        if found is not None:
            return found
    if work(small) > LARGEST:
        raise _too_costly(work(small))
    return optimised(small, targets, seed)


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


def _too_costly(cost: int) -> PropertyError:
    message = (
        f"`controllability` would take minutes: each step takes {cost:.1e} multiplications, more than 2^25"
    )
    hint = "assert it of the same topology at a smaller width; `nfc score` foretells large widths from such"
    return PropertyError("NF506", message, hints=(hint,))
