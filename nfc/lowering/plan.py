"""The Plan: what a backend prints or runs. A network whose linear layers have become kernels.

A plan keeps the IR's tree and its weightless operations; `Product` takes the place of `Linear`,
`Convolution` that of `Conv`.
Values between operations are batch-first, [batch, *shape]. Inside a product they are
feature-first, [features, batch], which is several times faster on CPUs (leading axes of a value,
such as a sequence's, count as batch there).
"""

from __future__ import annotations

from dataclasses import dataclass
from math import prod

from nfc.ir.convolutions import Pair
from nfc.ir.factors import Indices
from nfc.ir.network import Draw, Op, Shape


@dataclass(frozen=True)
class Weight:
    """A factor's weights: their name, the shape they are stored in, and how they are drawn.

    `window` are the trailing axes of `shape` that hold an edge's kernel; a convolution's factors that
    read its input have two, all others none. The kernels below say their weights' shapes without them.
    """

    name: str
    shape: tuple[int, ...]
    draw: Draw
    window: tuple[int, ...] = ()

    @property
    def area(self) -> int:
        """Weights an edge."""
        return prod(self.window)


@dataclass(frozen=True)
class Dense:
    """y = W x, weight [rows, cols]."""

    weight: Weight
    rows: int
    cols: int


@dataclass(frozen=True, eq=False)
class Blocked:
    """(I_a ⊗ W ⊗ I_d) x, a·d blocks: x [a, c, d, batch] → y [a, b, d, batch].

    Weight [a, b, c] where d is 1, else [a, b, d, c]; a diagonal has b = c = d = 1. Where edges are
    missing, the weight is [edges], and `places` says where each lies among the flattened blocks
    [a, b, d, c], ascending, [edges]; the rest of the blocks is 0.
    """

    weight: Weight
    a: int
    b: int
    c: int
    d: int
    places: Indices | None = None


@dataclass(frozen=True, eq=False)
class BlockSets:
    """Dense blocks between index sets: y[row_sets[t]] = W[row_sets[t]] x[col_sets[t]]; weight [rows, width].

    With `leaves`, y stays in the order of `row_sets`, for the layer after. `follows` is the path of the
    layer before where that has left x so.
    """

    weight: Weight
    row_sets: Indices
    col_sets: Indices
    leaves: bool = False
    follows: str | None = None


@dataclass(frozen=True, eq=False)
class Neighbours:
    """y[o] = Σ_k W[o, k] x[table[o, k]]; weight and table [rows, k].

    `shifts` (dims, offsets) is the formula of the table where there is one, as in `nfc.ir.factors.Shifts`.
    """

    weight: Weight
    cols: int
    table: Indices
    shifts: tuple[tuple[int, ...], tuple[tuple[int, ...], ...]] | None = None


@dataclass(frozen=True, eq=False)
class Sparse:
    """A CSR matrix times x; weight [edges], in CSR order."""

    weight: Weight
    rows: int
    cols: int
    indptr: Indices
    indices: Indices


@dataclass(frozen=True, eq=False)
class Edgewise:
    """Block sets whose product runs edge by edge, so that no features have to be put in order."""

    kernel: BlockSets


Unstructured = Neighbours | Sparse
"""Kernels that are known by their edges alone."""


@dataclass(frozen=True, eq=False)
class Fused:
    """Neighbouring stages of a cascade, multiplied out into one: (I_a ⊗ W ⊗ I_d) x, as for `Blocked`.

    `parts`, in the order in which they act, keep their weights; none has missing edges. Strides
    nest (one stage's is its neighbour's times the neighbour's block), so that one path alone joins
    an input of a block to an output, and an entry of W is the product of one weight of each part.
    """

    parts: tuple[Blocked, ...]
    a: int
    b: int
    c: int
    d: int


@dataclass(frozen=True)
class Rows:
    """Rows of numbers that are looked up or added, and multiply nothing: an embedding's, or positions'."""

    weight: Weight


@dataclass(frozen=True, eq=False)
class Scattered:
    """A kernel without structure whose weights are put into a dense matrix, zero elsewhere, at each step."""

    kernel: Unstructured


@dataclass(frozen=True, eq=False)
class Clustered:
    """A kernel without structure whose rows are gathered in clusters that share most of their inputs.

    Cluster t computes the outputs `row_sets[t]` from the inputs `col_sets[t]` as one dense block,
    zero where there is no edge. row_sets [clusters, height] holds each row once, or the number of
    rows as padding; col_sets is [clusters, width], padded by repeating an input of weight 0.
    """

    kernel: Unstructured
    row_sets: Indices
    col_sets: Indices


@dataclass(frozen=True)
class PadFeatures:
    """Zeros after the last feature, up to `size` features."""

    size: int


@dataclass(frozen=True)
class CropFeatures:
    """The first `size` features."""

    size: int


@dataclass(frozen=True)
class Chain:
    """Kernels one after the other; the parts of a `Fused` count as parts of the chain that holds it."""

    parts: tuple[Kernel, ...]


@dataclass(frozen=True)
class Add:
    """Kernels on the same input whose outputs add."""

    parts: tuple[Kernel, ...]


Kernel = (
    Dense
    | Blocked
    | BlockSets
    | Neighbours
    | Sparse
    | Fused
    | Edgewise
    | Scattered
    | Clustered
    | PadFeatures
    | CropFeatures
    | Chain
    | Add
)


@dataclass(frozen=True, kw_only=True)
class Product(Op):
    """A linear layer on the last axis: kernel, then bias. `bias` is the bias's parameter name."""

    kernel: Kernel
    bias: str | None
    topology: str

    @property
    def inputs(self) -> int:
        """Features that the kernel reads."""
        return self.input[-1]

    @property
    def outputs(self) -> int:
        """Features that the kernel writes."""
        return self.output[-1]

    @property
    def positions(self) -> int:
        """How many times a sample goes through the kernel."""
        return prod(self.input[:-1])

    @property
    def weights_read(self) -> int:
        """Weights of the dense twin that an output reads."""
        return self.inputs


@dataclass(frozen=True, kw_only=True)
class Convolution(Product):
    """A convolution [C, H, W] → [C', H', W'], then a bias a channel.

    The kernel works on channels. Those of its parts whose weights have a window slide it over the
    zero-padded image (`nfc.ir.convolutions`); the others are pointwise.
    """

    window: Pair
    stride: Pair
    padding: Pair

    @property
    def inputs(self) -> int:
        return self.input[0]

    @property
    def outputs(self) -> int:
        return self.output[0]

    @property
    def positions(self) -> int:
        return self.output[1] * self.output[2]

    @property
    def weights_read(self) -> int:
        return self.inputs * prod(self.window)


@dataclass(frozen=True, kw_only=True)
class Plan:
    """A lowered network. Its body holds the IR's operations with `Product` for `Linear`."""

    name: str
    input: Shape
    output: Shape
    body: tuple[Op, ...]
    source_name: str
    source_digest: str
    topology_digest: str
