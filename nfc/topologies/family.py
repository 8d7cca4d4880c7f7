"""What a topology family is: a name, its parameters, the widths it accepts, and its generator."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from nfc.ir.fabric import Fabric

Value = int | float | bool | str | tuple["Value", ...]
"""An argument's value after constant evaluation; a list is a tuple."""
Arguments = Mapping[str, Value]
"""Arguments by name, complete: defaults filled in, `seed=auto` replaced by a 64-bit integer."""

REQUIRED = object()
AUTO = "auto"


@dataclass(frozen=True)
class Parameter:
    """A parameter of a family.

    Attributes:
        kind: `integer`, `number`, `boolean`, `string`, `integers` (a list), `systems` (a list of
            lists), or `seed` (an integer, or `auto`).
        default: REQUIRED, None for "absent", or a value; `auto` where the family works it out.
        minimum: the least value of an integer or number.
        maximum: the greatest value of an integer or number, if bounded.
    """

    name: str
    kind: str
    default: object = REQUIRED
    minimum: float | None = None
    maximum: float | None = None


@dataclass(frozen=True)
class Extent:
    """How large a fabric is, by formula, so that limits hold before memory is taken.

    Attributes:
        width: neurons of its widest layer, inputs and outputs among them.
        edges: its edges before pruning; where they are drawn, a number that they hardly exceed.
        factors: how many it has, all branches counted.
    """

    width: int
    edges: int
    factors: int = 1


def largest_extent(rows: int, cols: int, arguments: Arguments) -> Extent:
    """The extent of any single factor: at most rows · cols edges."""
    return Extent(max(rows, cols), rows * cols)


@dataclass(frozen=True)
class Family:
    """A standard topology.

    Attributes:
        name: as written in `.nf`.
        parameters: in positional order.
        build: (rows, cols, arguments) → fabric. A fitted family is only asked for square shapes
            of a width it accepts. Raises TopologyError.
        next_width: (n, arguments) → the least width ≥ n that the family accepts; None for a
            family that takes any rows × cols, and so is the answer where the arguments alone
            make it so. Raises TopologyError where there is no such width.
        definition: which edges it has, in a sentence.
        source: the paper or book it is from.
        extent: (rows, cols, arguments) → size of what `build` would make of them.
    """

    name: str
    parameters: tuple[Parameter, ...]
    build: Callable[[int, int, Arguments], Fabric]
    next_width: Callable[[int, Arguments], int | None] | None
    definition: str
    source: str
    extent: Callable[[int, int, Arguments], Extent] = largest_extent


class TopologyError(Exception):
    """A topology cannot be built as asked.

    Attributes:
        code: NF3xx for sizes, NF4xx for arguments, NF7xx for limits.
        argument: the name of the argument at fault, if one is.
    """

    def __init__(
        self, code: str, message: str, *, argument: str | None = None, hint: str | None = None
    ) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.argument = argument
        self.hint = hint
