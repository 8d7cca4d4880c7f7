"""Elaboration of topologies: an expression at a place of rows × cols becomes a fabric."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import InitVar, dataclass, field
from itertools import accumulate
from typing import cast

from nfc.diagnostics import Diagnostic, Severity
from nfc.ir.fabric import Fabric, total
from nfc.ir.factors import Factor
from nfc.ir.permute import inverse
from nfc.sema.arguments import CallArguments
from nfc.sema.budget import Budget
from nfc.sema.environment import Environment
from nfc.sema.errors import SemanticError
from nfc.sema.finished import of_operands, of_sum
from nfc.sema.leaves import Leaves, topology_error
from nfc.sema.loops import loop_values
from nfc.sema.masks.factor import MaskFactors
from nfc.sema.matrix_files import MatrixFiles
from nfc.sema.parts import Part, Permutation, Shared, Wired, joined, shares, unabsorbed
from nfc.sema.resolve import Copies, Masked, Standard, Written, resolve
from nfc.sema.seeds import inner
from nfc.sema.single import SingleFactors, is_algebra
from nfc.sema.tally import Tally
from nfc.sema.tree import chain
from nfc.sema.widths import is_weightless, own_width
from nfc.source import Span
from nfc.syntax import ast
from nfc.topologies import FAMILIES, combinators
from nfc.topologies.family import TopologyError


@dataclass
class Wiring:
    """The elaboration of one layer's topology.

    Attributes:
        arguments: how arguments of calls get their values, automatic seeds among them.
        edges: those of the network's earlier layers.
        masks: the factors of masks that are built already, of other layers too.
        matrices: likewise of files.
        tally: what is counted; at the end, what the layer has.
    """

    arguments: CallArguments
    budget: Budget
    edges: InitVar[int] = 0
    masks: MaskFactors = field(default_factory=MaskFactors)
    matrices: MatrixFiles = field(default_factory=MatrixFiles)
    tally: Tally = field(init=False)
    _leaves: Leaves = field(init=False)
    _definitions: Shared = field(default_factory=dict)

    def __post_init__(self, edges: int) -> None:
        self.tally = Tally(self.budget, edges)
        self._leaves = Leaves(self.arguments, self.masks, self.matrices, self.tally)

    def fabric(self, node: ast.Expression, environment: Environment, rows: int, cols: int) -> Fabric:
        """The fabric of a layer's topology, cols inputs → rows outputs, in normal form.

        Raises:
            SemanticError: it cannot be built; the diagnostic's place may be in another definition.
            AlreadyReported: it depends on what is broken.
            LimitError: it takes too long, is too wide, or has too many factors or edges.
        """
        self.budget.check_width(max(rows, cols), node.span)
        try:
            wired = self._wire(Part(node, environment, ""), rows, cols)
        except RecursionError:
            raise SemanticError("NF701", "this topology nests too deep", node.span) from None
        if isinstance(wired, Permutation):
            raise unabsorbed(node.span)
        for diagnostic in self.tally.empties():
            if diagnostic.severity is Severity.ERROR:
                raise SemanticError.of(diagnostic)
        return wired

    @property
    def empty(self) -> Diagnostic | None:
        """A warning, where a standard topology leaves outputs or inputs without an edge: the first one."""
        return next(self.tally.empties(), None)

    # --- expressions ---

    def _wire(self, part: Part, rows: int, cols: int) -> Wired:
        node = part.node
        match node:
            case ast.Binary(operator=">>"):
                return self._cascade(self._chain(part, ">>"), rows, cols)
            case ast.Binary(operator="+"):
                return self._sum(self._chain(part, "+"), rows, cols, node.span)
            case ast.Binary() | ast.Unary() if is_algebra(node):
                single = SingleFactors(self._wire, self.budget)
                return self._of_operands(part, lambda: single.algebra(part, rows, cols))
            case ast.Name() | ast.Call():
                return self._call(node, part, rows, cols)
            case _:
                raise SemanticError("NF205", "a topology is expected here; found a value", node.span)

    def _chain(self, part: Part, operator: str) -> list[Part]:
        nodes = chain(part.node, operator)
        return [Part(node, part.environment, inner(part.place, k)) for k, node in enumerate(nodes)]

    def _call(self, node: ast.Name | ast.Call, part: Part, rows: int, cols: int) -> Wired:
        self.budget.check_time(node.span)
        meaning = resolve(node, part.environment, (rows, cols))
        match meaning:
            case Written():
                return self._written(meaning, part, rows, cols)
            case Copies():
                return self._cascade(self._each(meaning.each, part), rows, cols)
            case Masked():
                return self._leaves.mask(meaning, part)
            case Standard():
                return self._standard(meaning, part, rows, cols)

    def _written(self, meaning: Written, part: Part, rows: int, cols: int) -> Wired:
        """A definition's body; without parameters and automatic seeds it is built once for equal sizes."""
        written = Part(meaning.expression, meaning.environment, part.place)
        if meaning.environment.bindings:
            return self._wire(written, rows, cols)
        key = id(meaning.expression), rows, cols, *meaning.environment.sizes
        return self._once(key, self._definitions, written, rows, cols)

    def _standard(self, meaning: Standard, part: Part, rows: int, cols: int) -> Wired:
        given = meaning.match.given
        match meaning.name:
            case "cascade":
                copies = self._copies(part, given["t"], cast(int, self._leaves.argument(meaning, "n", part)))
                return self._cascade(copies, rows, cols)
            case "parallel":
                return self._parallel(meaning, part, rows, cols)
            case "transpose":
                return self._transpose(Part(given["t"], part.environment, part.place), rows, cols)
            case "direct_sum":
                return self._direct_sum(meaning, part, rows, cols)
            case "permute":
                return self._leaves.permutation(meaning, part, rows, cols)
            case "kron":
                size = cast(int, self._leaves.argument(meaning, "size", part))
                single = SingleFactors(self._wire, self.budget)
                return self._of_operands(part, lambda: single.kron(given, part, rows, cols, size))
            case "file":
                return self._leaves.file(meaning.match, part, rows, cols)
            case _:
                return self._leaves.family(FAMILIES[meaning.name], meaning.match, part, rows, cols)

    # --- cascades and sums ---

    def _cascade(self, parts: Sequence[Part], rows: int, cols: int) -> Wired:
        last = len(parts) - 1
        while last and is_weightless(parts[last].node, parts[last].environment, rows):
            last -= 1  # permutations behind the last part with weights permute its outputs
        wired: list[Wired] = []
        shared: Shared = {}
        width = cols
        for index, part in enumerate(parts):
            target = rows if index >= last else own_width(part.node, part.environment, width) or width
            wired.append(self._wire_shared(part, target, width, shared))
            width = target
        return joined(wired)

    def _sum(
        self, parts: Sequence[Part], rows: int, cols: int, span: Span, seed: int | None = None
    ) -> Fabric:
        """The parts' sum; where there is a seed, all parts but the first are shuffled by it."""
        shared: Shared = {}
        before = len(self.tally.finished)
        fabrics = [self._weighted(part, rows, cols, shared) for part in parts]
        fabric = total(*fabrics) if seed is None else combinators.shuffled_sum(fabrics, seed)
        self.tally.finished[before:] = of_sum(span, fabric, self.tally.finished[before:])
        return fabric

    def _weighted(self, part: Part, rows: int, cols: int, shared: Shared) -> Fabric:
        wired = self._wire_shared(part, rows, cols, shared)
        if isinstance(wired, Permutation):
            raise unabsorbed(part.node.span)
        return wired

    def _wire_shared(self, part: Part, rows: int, cols: int, shared: Shared) -> Wired:
        """A part's fabric; copies of one expression without automatic seeds are one object."""
        key = id(part.node), id(part.environment), rows, cols
        return self._once(key, shared, part, rows, cols)

    def _once(self, key: tuple[int, ...], shared: Shared, part: Part, rows: int, cols: int) -> Wired:
        if key in shared:
            wired, finished = shared[key]
            self.tally.count(wired, part.node.span)
            self.tally.finished += finished
            return wired
        automatic, before = self.arguments.automatic, len(self.tally.finished)
        wired = self._wire(part, rows, cols)
        if self.arguments.automatic == automatic:
            shared[key] = wired, tuple(self.tally.finished[before:])
        return wired

    def _copies(self, part: Part, node: ast.Expression, count: int) -> list[Part]:
        self.budget.check_operations(count, part.node.span, "copies")
        return [Part(node, part.environment, inner(part.place, k)) for k in range(count)]

    def _each(self, each: ast.Each, part: Part) -> list[Part]:
        values = loop_values(each, part.environment)
        return [
            Part(each.body, part.environment.bind(each.name, value), inner(part.place, k))
            for k, value in enumerate(values)
        ]

    def _parallel(self, meaning: Standard, part: Part, rows: int, cols: int) -> Fabric:
        parts = self._copies(
            part, meaning.match.given["t"], cast(int, self._leaves.argument(meaning, "p", part))
        )
        seed = cast("int | None", self._leaves.argument(meaning, "shuffle", part))
        return self._sum(parts, rows, cols, part.node.span, seed)

    # --- single factors ---

    def _of_operands(self, part: Part, build: Callable[[], Factor]) -> Factor:
        """A factor made of others, whose edges, number and empty neurons count no longer."""
        before, edges, count = len(self.tally.finished), self.tally.edges, self.tally.factors
        factor = build()
        finished = of_operands(part.node.span, factor, self.tally.finished[before:])
        self.tally.finished[before:] = [finished] if finished.matters else []
        self.tally.edges, self.tally.factors = edges, count
        self.tally.count(factor, part.node.span)
        return factor

    # --- other combinators ---

    def _transpose(self, part: Part, rows: int, cols: int) -> Wired:
        before = len(self.tally.finished)
        wired = self._wire(part, cols, rows)
        if isinstance(wired, Permutation):
            return Permutation(inverse(wired.order))
        self.tally.finished[before:] = [finished.transposed() for finished in self.tally.finished[before:]]
        return combinators.transpose(wired)

    def _direct_sum(self, meaning: Standard, part: Part, rows: int, cols: int) -> Fabric:
        match = meaning.match
        given = cast("tuple[int, ...] | None", self._leaves.argument(meaning, "sizes", part))
        sizes = given or (1,) * len(match.rest)
        if len(sizes) != len(match.rest):
            message = f"`sizes` has {len(sizes)} numbers for {len(match.rest)} parts"
            raise SemanticError("NF206", message, part.node.span)
        heights, breadths = shares(rows, sizes), shares(cols, sizes)
        blocks: list[Fabric] = []
        above, left = [0, *accumulate(heights)], [0, *accumulate(breadths)]
        for index, node in enumerate(match.rest):
            if not (heights[index] and breadths[index]):
                message = f"this part of `direct_sum` gets no share of {rows} outputs and {cols} inputs"
                raise SemanticError("NF301", message, node.span)
            block = Part(node, part.environment, inner(part.place, index))
            before = len(self.tally.finished)
            blocks.append(self._weighted(block, heights[index], breadths[index], {}))
            self.tally.finished[before:] = [
                f.moved(above[index], left[index]) for f in self.tally.finished[before:]
            ]
        try:
            return combinators.direct_sum(blocks)
        except TopologyError as error:
            raise topology_error(error, match, part.node.span) from None
