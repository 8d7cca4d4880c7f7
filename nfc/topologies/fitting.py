"""Building a family's fabric in a place, fitted where the family does not take the place's sizes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from nfc.ir.fabric import Fabric
from nfc.ir.prune import first_empty, restrict
from nfc.limits import Limits
from nfc.topologies.arguments import complete
from nfc.topologies.family import Arguments, Extent, Family, TopologyError


@dataclass(frozen=True, eq=False)
class Built:
    """A family's fabric.

    Attributes:
        fitted_width: the width that it was built at and cut from; None where it was not fitted.
        empty_output: the first output without an edge, or None.
        empty_input: the first input without an edge, or None.
    """

    fabric: Fabric
    fitted_width: int | None
    empty_output: int | None
    empty_input: int | None


def build(
    family: Family,
    rows: int,
    cols: int,
    arguments: Mapping[str, object],
    *,
    strict: bool = False,
    limits: Limits,
    used: int = 0,
) -> Built:
    """The family's fabric from `cols` inputs to `rows` outputs.

    Where the family does not take these sizes, it is built at the next width that it accepts and is
    at least the larger of them, then restricted to the first inputs and outputs and pruned.

    Args:
        arguments: by name; those left out have their defaults. A `seed` has to be there.
        strict: do not fit.
        limits: held before memory is taken.
        used: edges that are there already and count with those of a family that is not fitted; what a
            fitted one loses when it is cut is not known before.

    Raises:
        TopologyError: NF301 sizes that do not fit, NF302 a strict family that would be fitted,
            NF401 an argument, NF712 too many factors, NF713 too wide, NF714 too many edges.
    """
    complete_arguments = complete(family, arguments)
    _check_width(family, max(rows, cols), limits)
    width = family.next_width and family.next_width(max(rows, cols), complete_arguments)
    if width is None or rows == cols == width:
        return _built(_build(family, rows, cols, complete_arguments, limits, used), None)
    if strict:
        raise _not_exact(family, rows, cols, width)
    _check_width(family, width, limits)
    square = _build(family, width, width, complete_arguments, limits)
    return _built(restrict(square, rows, cols), width)


def _built(fabric: Fabric, fitted_width: int | None) -> Built:
    return Built(fabric, fitted_width, *first_empty(fabric))


def _build(
    family: Family, rows: int, cols: int, arguments: Arguments, limits: Limits, used: int = 0
) -> Fabric:
    extent = family.extent(rows, cols, arguments)
    _check_width(family, extent.width, limits)
    _check_size(family, extent, limits, used)
    return family.build(rows, cols, arguments)


def _check_width(family: Family, width: int, limits: Limits) -> None:
    if width > limits.width:
        message = f"`{family.name}` is {_count(width)} neurons wide here; the limit is {limits.width}"
        raise TopologyError("NF713", message, hint="smaller sizes, or a higher limit on the width")


def _check_size(family: Family, extent: Extent, limits: Limits, used: int) -> None:
    if extent.factors > limits.operations:
        message = (
            f"`{family.name}` has {_count(extent.factors)} factors here; the limit is {limits.operations}"
        )
        raise TopologyError("NF712", message, argument="depth", hint="fewer factors in a row")
    if used + extent.edges > limits.edges:
        before = f" after {_count(used)} others" if used else ""
        message = (
            f"`{family.name}` has {_count(extent.edges)} edges here{before}; the limit is {limits.edges}"
        )
        raise TopologyError("NF714", message, hint="a sparser topology, or a higher limit on the edges")


def _count(number: int) -> str:
    return str(number) if number < 10**18 else f"about 2^{number.bit_length() - 1}"


def _not_exact(family: Family, rows: int, cols: int, width: int) -> TopologyError:
    message = f"`{family.name}` is strict, and the next width it takes is {width}, not {cols} → {rows}"
    hint = f"{width} inputs and {width} outputs, or leave `strict` out to have it fitted"
    return TopologyError("NF302", message, argument="strict", hint=hint)
