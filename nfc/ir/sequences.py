"""Operations on sequences [T, D], T tokens of D features each: embeddings, positions, attention, transposes."""

from __future__ import annotations

from dataclasses import dataclass, field

from nfc.ir.network import Block, Draw, Inline, Linear, Network, Op, walk

FABRICS = ("q", "k", "v", "o")
"""An attention's weighted layers, in order of execution: queries, keys, values and what puts heads together."""


@dataclass(frozen=True, kw_only=True)
class Table(Op):
    """An operation whose parameter is a table, one row of features a token id or a position.

    Attributes:
        draw: once the initialisation pass has run; uniform, of one standard deviation.
    """

    draw: Draw | None = field(default=None, compare=False)

    @property
    def rows(self) -> int:
        """Rows of the table."""
        return self.output[0]

    @property
    def features(self) -> int:
        """Columns of the table."""
        return self.output[1]


@dataclass(frozen=True, kw_only=True)
class Embed(Table):
    """Token ids [T] → the rows of a table [vocabulary, D] that they name, [T, D]."""

    vocabulary: int

    @property
    def rows(self) -> int:
        return self.vocabulary


@dataclass(frozen=True, kw_only=True)
class Position(Table):
    """Adds a table [T, D] to the value: what each position is told of itself."""


@dataclass(frozen=True, kw_only=True)
class Transpose(Op):
    """The last two axes in each other's place."""


@dataclass(frozen=True, kw_only=True)
class Attention(Op):
    """Multi-head self-attention on [T, D] (Vaswani et al., "Attention is all you need", NeurIPS 2017).

    The features of q(x), k(x) and v(x) are cut into `heads` equal runs. In each, token t takes the
    mean of the values of all tokens s, or with `causal` of those s ≤ t, by the weights
    softmax_s(q_t · k_s / √(D / heads)); o maps the heads' results, side by side, to the output.
    The four layers' paths are `PATH.q`, `PATH.k`, `PATH.v` and `PATH.o`.
    """

    heads: int
    causal: bool
    q: Linear
    k: Linear
    v: Linear
    o: Linear

    @property
    def blocks(self) -> tuple[Block, ...]:
        return ((self.q,), (self.k,), (self.v,), (self.o,))

    @property
    def head_features(self) -> int:
        """Features of a head."""
        return self.input[-1] // self.heads


def first_embedding(block: Block) -> Embed | None:
    """The embedding that reads a block's input; None where the input is numbers."""
    for op in block:
        match op:
            case Embed():
                return op
            case Inline(body=()):
                continue
            case Inline(body=body):
                return first_embedding(body)
            case _:
                return None
    return None


def vocabulary(block: Block) -> int | None:
    """How many token ids there are that a block's input may hold; None where it is numbers."""
    embedding = first_embedding(block)
    return None if embedding is None else embedding.vocabulary


def attention_layers(network: Network) -> frozenset[str]:
    """The paths of the layers that attentions hold."""
    held = (
        layer for op in walk(network.body) if isinstance(op, Attention) for layer in (op.q, op.k, op.v, op.o)
    )
    return frozenset(layer.path for layer in held)
