"""One wiring by itself: its properties and its score."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from operator import index
from typing import TYPE_CHECKING

from nfc.analysis.errors import PropertyError
from nfc.analysis.properties import EDGES, FABRIC_PROPERTIES, INSTANT, Measurement, fabric_properties
from nfc.diagnostics import Diagnostic, NfcError, Sink
from nfc.ir import fabric as ir_fabric
from nfc.ir.factors import Factor
from nfc.limits import Limits
from nfc.measured import Measured, measure, members_of

if TYPE_CHECKING:
    from nfc.score import Score


def topology(
    text: str, rows: int, cols: int, *, limits: Limits | None = None, allow_outside: bool = False
) -> Fabric:
    """The fabric of a topology expression such as `butterfly(radix=4)`, cols inputs → rows outputs.

    Args:
        limits: bounds on sizes, edges, time; the language's by default.
        allow_outside: whether `file` may reach files outside of the working directory, where paths start.

    Raises:
        NfcError: the expression is wrong, or does not take these sizes.
        TypeError: a size is no whole number.
        ValueError: a size is not positive.
    """
    from nfc.files import text_source
    from nfc.opening import DataFiles, Folder
    from nfc.sema.program import topology_fabric
    from nfc.sema.resizing import resized

    rows, cols = index(rows), index(cols)
    if rows < 1 or cols < 1:
        raise ValueError(f"sizes are positive, found {cols} → {rows}")
    sink = Sink()
    expression = text_source(text, "<topology>").text
    data = DataFiles(Folder.of("<topology>", allow_outside=allow_outside))
    bounds = limits or Limits()
    fabric = topology_fabric(expression, rows, cols, sink, bounds, data=data)
    if fabric is None or sink.failed:
        raise NfcError(sink.diagnostics)

    def smaller(other_rows: int, other_cols: int) -> ir_fabric.Fabric:
        found = Sink()
        other = resized(expression, other_cols / cols, bounds)
        built = topology_fabric(other, other_rows, other_cols, found, bounds, data=data)
        if built is None or found.failed:
            raise NfcError(found.diagnostics)
        return built

    return Fabric(fabric, smaller)


class Fabric(Measured):
    """A wiring: a tree of cascades and sums over factors.

    Attributes:
        rows, cols: outputs and inputs; `shape` is both.
        factors: in written order, each with `shape`, `edges` and `csr()`.
        properties of LANGUAGE's section 5 for wirings: `edges`, `density`, `connected`, `digest` …
    """

    def __init__(
        self, ir: ir_fabric.Fabric, smaller: Callable[[int, int], ir_fabric.Fabric] | None = None
    ) -> None:
        self.ir = ir
        self._smaller = smaller
        self.rows, self.cols = self.shape = (ir.rows, ir.cols)
        self.factors: tuple[Factor, ...] = tuple(ir_fabric.factors(ir))
        self._properties = fabric_properties(ir)

    def properties(self, *names: str) -> dict[str, Measurement | dict[str, Measurement]]:
        """The properties named, a group such as `paths` as a dictionary.

        Without names: all whose time is at most linear in the edges, and `connected` and `reach`
        unless those would cost too much.

        Raises:
            NfcError: a name is unknown, or would cost too much.
        """
        return {name: self._property(name) for name in names or self._affordable()}

    def score(self, *, targets: int = 3, seed: int = 0) -> Score:
        """How well a layer of this wiring will train, without data; the same for the same seed.

        Args:
            targets: random matrices that controllability is measured on.
            seed: of all that is drawn.

        Raises:
            NfcError: it would cost too much (NF506).
            ValueError: there is no target, or the seed is not in 0..<2^64.
        """
        from nfc.score import score

        try:
            return score(self.ir, targets=targets, seed=seed, smaller=self._smaller)
        except PropertyError as error:
            raise NfcError([Diagnostic(error.code, error.message, None, hints=error.hints)]) from None

    def _property(self, name: str) -> Measurement | dict[str, Measurement]:
        members = members_of(self._properties, name)
        if members:
            return {member.partition(".")[2]: measure(self._properties, member) for member in members}
        return measure(self._properties, name)

    def _affordable(self) -> Iterator[str]:
        for name in self._properties:
            if FABRIC_PROPERTIES[name].cost in (INSTANT, EDGES):
                yield name
        try:
            measure(self._properties, "connected")
        except NfcError:
            return
        yield from ("connected", "reach")

    def __repr__(self) -> str:
        return f"<nfc.Fabric {self.cols} → {self.rows}, {len(self.factors)} factors>"
