"""A topology in its place, as the processes that measure it get it."""

from __future__ import annotations

from dataclasses import dataclass

from nfc.diagnostics import Sink
from nfc.ir.fabric import Fabric
from nfc.search.definitions import UNNAMED, Definitions
from nfc.sema.resizing import resized


@dataclass(frozen=True, eq=False)
class Subject:
    """A topology expression for cols inputs → rows outputs.

    Attributes:
        name: what diagnostics call the expression's text.
    """

    topology: str
    rows: int
    cols: int
    definitions: Definitions
    name: str = UNNAMED

    def fabric(self, sink: Sink | None = None) -> Fabric:
        """Raises NfcError: the expression is wrong, or does not take these sizes."""
        return self.definitions.fabric(self.topology, self.rows, self.cols, sink, name=self.name)

    def smaller(self, rows: int, cols: int) -> Fabric:
        """The same family at another size; raises NfcError where it does not take that."""
        topology = resized(self.topology, cols / self.cols, self.definitions.limits)
        return self.definitions.fabric(topology, rows, cols, name=self.name)
