"""Where the statements of a block stand while a network is elaborated."""

from __future__ import annotations

from dataclasses import dataclass

from nfc.ir.network import Op, Shape
from nfc.sema.scope import Scope

Result = tuple[Op | None, Shape | None]
"""An operation, None where it has errors, and the shape behind it, None where nothing is known of it."""


@dataclass(frozen=True)
class Frame:
    """The surroundings of a block.

    Attributes:
        scope: the names of the file in which it is written.
        prefix: the path of what holds the block, with a `.` behind it; empty for the network itself.
        scheme: the initialisation scheme of layers that name none.
    """

    scope: Scope
    prefix: str
    scheme: str

    def inside(self, path: str) -> Frame:
        return Frame(self.scope, f"{path}.", self.scheme)
