"""The syntax tree of a `.nf` file: frozen dataclasses, each with its span.

Values and topologies share one expression grammar (their operators do not clash); `nfc.sema`
tells them apart. What could not be parsed stays in the tree as a `Bad…` node, so that later
phases report what else is wrong without inventing errors about what is missing.
"""

from __future__ import annotations

from dataclasses import dataclass

from nfc.source import Source, Span

# --- expressions -----------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    span: Span


@dataclass(frozen=True, slots=True, kw_only=True)
class Number(Node):
    """An integer or a float; `5%`, `1k` and `1e-3` are already values."""

    value: int | float


@dataclass(frozen=True, slots=True, kw_only=True)
class String(Node):
    value: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Boolean(Node):
    value: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Name(Node):
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Path(Node):
    """`head.density`, `sum1.1.linear1.fan_in.max`: names and numbers joined by dots, two or more parts."""

    parts: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class List(Node):
    items: tuple[Expression, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Range(Node):
    """`low..high` (inclusive) or `low..<high`."""

    low: Expression
    high: Expression
    inclusive: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Unary(Node):
    """`-`, `not` or `~`."""

    operator: str
    operand: Expression


@dataclass(frozen=True, slots=True, kw_only=True)
class Binary(Node):
    """`or and xor + - * / // % ** >> | &`; operator_span is the operator's own place."""

    operator: str
    left: Expression
    right: Expression
    operator_span: Span


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison(Node):
    """`first op second op third …`; operators are `== != < <= > >= in`, and `in` only comes last."""

    operands: tuple[Expression, ...]
    operators: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Argument(Node):
    """A call's argument: positional when `name` is None."""

    name: str | None
    name_span: Span | None
    value: Expression


@dataclass(frozen=True, slots=True, kw_only=True)
class Each(Node):
    """`s in 0..<k: t`, an argument of `cascade`."""

    name: str
    name_span: Span
    range: Expression
    body: Expression


@dataclass(frozen=True, slots=True, kw_only=True)
class Call(Node):
    """`function(arguments)`."""

    function: str
    function_span: Span
    arguments: tuple[Argument | Each, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class For(Node):
    name: str
    name_span: Span
    range: Expression


@dataclass(frozen=True, slots=True, kw_only=True)
class If(Node):
    condition: Expression


@dataclass(frozen=True, slots=True, kw_only=True)
class Set(Node):
    """`{ a, b }` (no clauses) or `{ element for … if … }` (one element)."""

    elements: tuple[Expression, ...]
    clauses: tuple[For | If, ...]


Expression = Number | String | Boolean | Name | Path | List | Range | Unary | Binary | Comparison | Call | Set

# --- networks --------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Keyword(Node):
    """`key=value` of an operation."""

    name: str
    name_span: Span
    value: Expression


@dataclass(frozen=True, slots=True, kw_only=True)
class Block(Node):
    """`{ … }`."""

    statements: tuple[Statement, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation(Node):
    """`label: name positionals… key=value… { blocks } via topology`.

    `repeat` and `residual` carry one block, `sum` and `concat` one for each branch.
    """

    label: str | None
    label_span: Span | None
    name: str
    name_span: Span
    positionals: tuple[Expression, ...]
    keywords: tuple[Keyword, ...]
    blocks: tuple[Block, ...]
    via: Expression | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Init(Node):
    """`init SCHEME` as a statement."""

    scheme: str
    scheme_span: Span


@dataclass(frozen=True, slots=True, kw_only=True)
class BadStatement(Node):
    """A statement that could not be parsed; it has been reported."""


Statement = Operation | Init | BadStatement

# --- checks ----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Assertion(Node):
    """`condition as "reason"`; `text` is the condition as written."""

    condition: Expression
    reason: str | None

    @property
    def text(self) -> str:
        return self.condition.span.text


@dataclass(frozen=True, slots=True, kw_only=True)
class EachLayer(Node):
    """`each KIND { … }`."""

    kind: str
    kind_span: Span
    statements: tuple[CheckStatement, ...]


CheckStatement = Assertion | EachLayer | BadStatement

# --- definitions -----------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameter(Node):
    """A parameter of a mask or a topology, perhaps with a default."""

    name: str
    name_span: Span
    default: Expression | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Use(Node):
    path: str
    path_span: Span


@dataclass(frozen=True, slots=True, kw_only=True)
class Constant(Node):
    """`let name = value`, or `param name = value` where `overridable`."""

    name: str
    name_span: Span
    value: Expression
    overridable: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Mask(Node):
    """`mask name(parameters)[output, input] allow_empty = body`.

    The predicate form has `input`; the neighbour form has none and a body of sets joined by `+`.
    """

    name: str
    name_span: Span
    parameters: tuple[Parameter, ...]
    output: str
    output_span: Span
    input: str | None
    input_span: Span | None
    allow_empty: bool
    body: Expression


@dataclass(frozen=True, slots=True, kw_only=True)
class Topology(Node):
    name: str
    name_span: Span
    parameters: tuple[Parameter, ...]
    body: Expression


@dataclass(frozen=True, slots=True, kw_only=True)
class Network(Node):
    name: str
    name_span: Span
    body: Block


@dataclass(frozen=True, slots=True, kw_only=True)
class Check(Node):
    network: str
    network_span: Span
    statements: tuple[CheckStatement, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class BadDefinition(Node):
    """A definition that could not be parsed; `name` is known where its head was readable."""

    kind: str | None
    name: str | None


Definition = Use | Constant | Mask | Topology | Network | Check | BadDefinition


@dataclass(frozen=True, slots=True, kw_only=True)
class Comment(Node):
    """`# …` to the end of its line; `own_line` when nothing stands before it."""

    text: str
    own_line: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class File(Node):
    source: Source
    definitions: tuple[Definition, ...]
    comments: tuple[Comment, ...]
