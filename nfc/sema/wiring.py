"""Elaboration of topologies: an expression at a place of rows × cols becomes a fabric."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import cast

from nfc.diagnostics import Diagnostic, Severity
from nfc.ir.fabric import Fabric, factors, total
from nfc.ir.permute import inverse
from nfc.ir.prune import first_empty
from nfc.sema.arguments import CallArguments
from nfc.sema.budget import Budget
from nfc.sema.calls import Match
from nfc.sema.environment import Environment
from nfc.sema.errors import SemanticError
from nfc.sema.loops import loop_values
from nfc.sema.parts import Part, Permutation, Shared, Wired, joined, shares, unabsorbed
from nfc.sema.predefined import COMBINATORS, STRICT
from nfc.sema.resolve import Copies, Standard, Written, resolve
from nfc.sema.seeds import inner
from nfc.sema.tree import chain
from nfc.sema.values import Value
from nfc.sema.widths import is_weightless, own_width, sets_width
from nfc.source import Span
from nfc.syntax import ast
from nfc.topologies import FAMILIES, build, combinators
from nfc.topologies.family import Family, TopologyError


@dataclass
class Wiring:
    """The elaboration of one layer's topology.

    Attributes:
        arguments: how arguments of calls get their values, automatic seeds among them.
        empty: a warning, where a standard topology leaves outputs or inputs without an edge.
        fitted: the greatest width that a standard topology was built at and cut from.
        edges: those so far, of the network's earlier layers too.
    """

    arguments: CallArguments
    budget: Budget
    empty: Diagnostic | None = None
    fitted: int | None = None
    edges: int = 0
    _factors: int = 0
    _definitions: Shared = field(default_factory=dict)

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
        return wired

    # --- expressions ---

    def _wire(self, part: Part, rows: int, cols: int) -> Wired:
        node = part.node
        match node:
            case ast.Binary(operator=">>"):
                return self._cascade(self._chain(part, ">>"), rows, cols)
            case ast.Binary(operator="+"):
                return self._sum(self._chain(part, "+"), rows, cols, node.span)
            case ast.Binary(operator="-" | "|" | "&") | ast.Unary(operator="~"):
                operator = node.operator
                span = node.operator_span if isinstance(node, ast.Binary) else node.span
                raise SemanticError("NF602", f"`{operator}` of topologies is not supported yet", span)
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
                copies = self._copies(part, given["t"], cast(int, self._argument(meaning, "n", part)))
                return self._cascade(copies, rows, cols)
            case "parallel":
                return self._parallel(meaning, part, rows, cols)
            case "transpose":
                return self._transpose(Part(given["t"], part.environment, part.place), rows, cols)
            case "direct_sum":
                return self._direct_sum(meaning, part, rows, cols)
            case "permute":
                return self._permute(meaning, part, rows, cols)
            case "kron" | "file":
                message = f"`{meaning.name}` is not supported yet"
                raise SemanticError("NF602", message, part.node.span)
            case _:
                return self._family(FAMILIES[meaning.name], meaning.match, part, rows, cols)

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
        noted = self.empty
        fabrics = [self._weighted(part, rows, cols, shared) for part in parts]
        fabric = total(*fabrics) if seed is None else combinators.shuffled_sum(fabrics, seed)
        if self.empty is not noted:  # what one part leaves without an edge, another may reach
            self.empty = noted
            self._note_empty("the sum", first_empty(fabric), span)
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
            self._count(shared[key], part.node.span)
            return shared[key]
        before = self.arguments.automatic
        wired = self._wire(part, rows, cols)
        if self.arguments.automatic == before:
            shared[key] = wired
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
        parts = self._copies(part, meaning.match.given["t"], cast(int, self._argument(meaning, "p", part)))
        seed = cast("int | None", self._argument(meaning, "shuffle", part))
        return self._sum(parts, rows, cols, part.node.span, seed)

    # --- other combinators ---

    def _transpose(self, part: Part, rows: int, cols: int) -> Wired:
        wired = self._wire(part, cols, rows)
        if isinstance(wired, Permutation):
            return Permutation(inverse(wired.order))
        return combinators.transpose(wired)

    def _direct_sum(self, meaning: Standard, part: Part, rows: int, cols: int) -> Fabric:
        match = meaning.match
        given = cast("tuple[int, ...] | None", self._argument(meaning, "sizes", part))
        sizes = given or (1,) * len(match.rest)
        if len(sizes) != len(match.rest):
            message = f"`sizes` has {len(sizes)} numbers for {len(match.rest)} parts"
            raise SemanticError("NF206", message, part.node.span)
        heights, breadths = shares(rows, sizes), shares(cols, sizes)
        blocks: list[Fabric] = []
        for index, node in enumerate(match.rest):
            if not (heights[index] and breadths[index]):
                message = f"this part of `direct_sum` gets no share of {rows} outputs and {cols} inputs"
                raise SemanticError("NF301", message, node.span)
            block = Part(node, part.environment, inner(part.place, index))
            blocks.append(self._weighted(block, heights[index], breadths[index], {}))
        try:
            return combinators.direct_sum(blocks)
        except TopologyError as error:
            raise _topology_error(error, match, part.node.span) from None

    def _permute(self, meaning: Standard, part: Part, rows: int, cols: int) -> Permutation:
        if rows != cols:
            message = f"`permute` maps a width to itself; {cols} inputs and {rows} outputs are asked for"
            raise SemanticError("NF301", message, part.node.span)
        kind = cast(str, self._argument(meaning, "kind", part))
        radix = cast(int, self._argument(meaning, "radix", part))
        seed = cast(int, self._argument(meaning, "seed", part)) if kind == "random" else 0
        self._factors += 1
        self.budget.check_operations(self._factors, part.node.span, "factors in one topology")
        try:
            return Permutation(combinators.permutation(kind, cols, radix, seed))
        except TopologyError as error:
            raise _topology_error(error, meaning.match, part.node.span) from None

    # --- standard topologies ---

    def _family(self, family: Family, match: Match, part: Part, rows: int, cols: int) -> Fabric:
        arguments = self.arguments.of_family(family, match, part.environment, part.place)
        if sets_width(family.name) and arguments.get("width", rows) != rows:
            message = f"`width={arguments['width']}` does not fit: {rows} outputs are asked for here"
            raise SemanticError("NF301", message, match.given["width"].span)
        strict = self.arguments.value(STRICT, match, part.environment, part.place) is True
        try:
            built = build(
                family, rows, cols, arguments, strict=strict, limits=self.budget.limits, used=self.edges
            )
        except TopologyError as error:
            raise _topology_error(error, match, part.node.span) from None
        if built.fitted_width is not None:
            self.fitted = max(self.fitted or 0, built.fitted_width)
        self._note_empty(f"`{family.name}`", (built.empty_output, built.empty_input), part.node.span)
        self._count(built.fabric, part.node.span)
        return built.fabric

    def _note_empty(self, what: str, empty: tuple[int | None, int | None], span: Span) -> None:
        """Keep a warning for the first output or input of the layer's topology that ends without an edge."""
        output, input_ = empty
        if self.empty is None and (output is not None or input_ is not None):
            neuron = f"output {output}" if output is not None else f"input {input_}"
            message = f"{what} leaves neurons without an edge, {neuron} first"
            self.empty = Diagnostic("NF412", message, span, Severity.WARNING)

    def _count(self, wired: Wired, span: Span) -> None:
        """Count the factors and edges of a part that is there now, a shared one each time it occurs."""
        edges = [] if isinstance(wired, Permutation) else [factor.edges for factor in factors(wired)]
        self._factors += 1 if isinstance(wired, Permutation) else len(edges)
        self.edges += sum(edges)
        self.budget.check_operations(self._factors, span, "factors in one topology")
        self.budget.check_edges(self.edges, span, "there are")
        self.budget.check_time(span)

    def _argument(self, meaning: Standard, name: str, part: Part) -> Value | None:
        """The value of a combinator's argument."""
        parameter = next(p for p in COMBINATORS[meaning.name] if p.name == name)
        return self.arguments.value(parameter, meaning.match, part.environment, part.place)


def _topology_error(error: TopologyError, match: Match, span: Span) -> SemanticError:
    node = match.given.get(error.argument or "")
    hints = () if error.hint is None else (error.hint,)
    return SemanticError(error.code, error.message, span if node is None else node.span, hints=hints)
