"""Topology expressions and what they may name, in a form that can be sent to other processes."""

from __future__ import annotations

from dataclasses import dataclass

from nfc.diagnostics import NfcError, Sink
from nfc.files import text_source
from nfc.ir.fabric import Fabric
from nfc.limits import Limits
from nfc.opening import DataFiles as FolderFiles
from nfc.opening import Folder
from nfc.sema.matrix_files import DataFiles
from nfc.sema.program import Program, topology_fabric
from nfc.syntax import ast

UNNAMED = "<topology>"
"""What diagnostics call the text of an expression."""


@dataclass(frozen=True, eq=False)
class Definitions:
    """What expressions may name.

    Attributes:
        program: whose masks, topologies and constants they may name; None for the standard ones alone.
        data: the files that their `file(…)` may read.
        limits: bounds on sizes, edges, time.
    """

    program: Program | None
    data: DataFiles
    limits: Limits

    @classmethod
    def of(
        cls, program: Program | None = None, limits: Limits | None = None, *, allow_outside: bool = False
    ) -> Definitions:
        """The definitions of a program; without one, files lie in the working directory or below."""
        data = program.data if program else FolderFiles(Folder.of(UNNAMED, allow_outside=allow_outside))
        return cls(program, data, limits or Limits())

    def names(self) -> frozenset[str]:
        """All names that are taken in the program."""
        return frozenset(self.program.scope.names) if self.program else frozenset()

    def own_topologies(self) -> tuple[str, ...]:
        """The program's masks and topologies that stand as expressions by their names alone."""
        entries = self.program.scope.own.values() if self.program else ()
        return tuple(
            entry.name
            for entry in entries
            if isinstance(entry.definition, ast.Mask | ast.Topology)
            and all(parameter.default is not None for parameter in entry.definition.parameters)
        )

    def fabric(
        self, expression: str, rows: int, cols: int, sink: Sink | None = None, *, name: str = UNNAMED
    ) -> Fabric:
        """The fabric of an expression, cols inputs → rows outputs.

        Args:
            sink: gets warnings.
            name: what diagnostics call the expression's text.

        Raises:
            NfcError: the expression is wrong, or does not take these sizes.
        """
        found = Sink()
        text = text_source(expression, name).text
        fabric = topology_fabric(
            text, rows, cols, found, self.limits, self.program, data=self.data, name=name
        )
        if fabric is None or found.failed:
            raise NfcError(found.diagnostics)
        if sink is not None:
            for warning in found.diagnostics:
                sink.add(warning)
        return fabric
