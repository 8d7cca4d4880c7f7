"""The calls that stand for no other topology: families, masks, files and permutations."""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

from nfc.ir.fabric import Fabric
from nfc.ir.factors import Factor
from nfc.sema.arguments import CallArguments
from nfc.sema.calls import Match
from nfc.sema.errors import SemanticError
from nfc.sema.finished import by_file, by_mask, by_standard
from nfc.sema.masks.factor import MaskFactors
from nfc.sema.matrix_files import FileCall, MatrixFiles
from nfc.sema.parts import Part, Permutation
from nfc.sema.predefined import COMBINATORS, FILE, STRICT
from nfc.sema.resolve import Masked, Standard
from nfc.sema.tally import Tally
from nfc.sema.values import Value
from nfc.sema.widths import sets_width
from nfc.source import Span
from nfc.topologies import build, combinators
from nfc.topologies.family import Family, TopologyError


@dataclass(frozen=True)
class Leaves:
    """Builds leaves and counts them in the tally.

    Attributes:
        arguments: how arguments of calls get their values, automatic seeds among them.
        masks: the factors of masks that are built already, of other layers too.
        matrices: likewise of files.
    """

    arguments: CallArguments
    masks: MaskFactors
    matrices: MatrixFiles
    tally: Tally

    def family(self, family: Family, match: Match, part: Part, rows: int, cols: int) -> Fabric:
        """A standard topology, fitted where it does not take its place's sizes."""
        arguments = self.arguments.of_family(family, match, part.environment, part.place)
        if sets_width(family.name) and arguments.get("width", rows) != rows:
            message = f"`width={arguments['width']}` does not fit: {rows} outputs are asked for here"
            raise SemanticError("NF301", message, match.given["width"].span)
        strict = self.arguments.value(STRICT, match, part.environment, part.place) is True
        limits, used = self.tally.budget.limits, self.tally.edges
        try:
            built = build(family, rows, cols, arguments, strict=strict, limits=limits, used=used)
        except TopologyError as error:
            raise topology_error(error, match, part.node.span) from None
        self.tally.note_fitted(built.fitted_width)
        finished = by_standard(family.name, part.node.span, (built.empty_output, built.empty_input))
        if finished.matters:
            self.tally.finished.append(finished)
        self.tally.count(built.fabric, part.node.span)
        return built.fabric

    def mask(self, meaning: Masked, part: Part) -> Factor:
        """A user's mask."""
        factor = self.masks.factor(meaning, self.tally.budget, self.tally.edges)
        self.tally.count(factor, part.node.span)
        self.tally.finished.append(by_mask(meaning.definition, part.node.span, factor))
        return factor

    def file(self, match: Match, part: Part, rows: int, cols: int) -> Factor:
        """A matrix that a file holds."""
        path, key = (
            cast(str, self.arguments.value(parameter, match, part.environment, part.place))
            for parameter in FILE
        )
        path_span = match.given["path"].span
        key_span = match.given["key"].span if "key" in match.given else path_span
        call = FileCall(path, key, rows, cols, path_span, key_span, part.node.span)
        factor = self.matrices.factor(call, self.tally.budget, self.tally.edges)
        self.tally.count(factor, call.span)
        self.tally.finished.append(by_file(call.span, factor))
        return factor

    def permutation(self, meaning: Standard, part: Part, rows: int, cols: int) -> Permutation:
        """`permute(…)`, still to be absorbed in a neighbouring factor."""
        if rows != cols:
            message = f"`permute` maps a width to itself; {cols} inputs and {rows} outputs are asked for"
            raise SemanticError("NF301", message, part.node.span)
        kind = cast(str, self.argument(meaning, "kind", part))
        radix = cast(int, self.argument(meaning, "radix", part))
        seed = cast(int, self.argument(meaning, "seed", part)) if kind == "random" else 0
        try:
            built = Permutation(combinators.permutation(kind, cols, radix, seed))
        except TopologyError as error:
            raise topology_error(error, meaning.match, part.node.span) from None
        self.tally.count(built, part.node.span)
        return built

    def argument(self, meaning: Standard, name: str, part: Part) -> Value | None:
        """The value of a combinator's argument."""
        parameter = next(p for p in COMBINATORS[meaning.name] if p.name == name)
        return self.arguments.value(parameter, meaning.match, part.environment, part.place)


def topology_error(error: TopologyError, match: Match, span: Span) -> SemanticError:
    """The diagnostic of a topology that cannot be built, at the argument at fault if there is one."""
    node = match.given.get(error.argument or "")
    hints = () if error.hint is None else (error.hint,)
    return SemanticError(error.code, error.message, span if node is None else node.span, hints=hints)
