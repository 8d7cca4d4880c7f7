"""The network IR: a series-parallel tree of operations, each with its shapes and its path.

Shapes leave the batch axis out. A block is a sequence: the output of one operation is the input
of the next; `Residual`, `Sum`, `Concat`, `Repeat` and `Inline` hold blocks. Paths are concrete:
copies of a repeat and branches of a sum or concat are numbered from 0 in them (`repeat1.0.linear1`).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from math import prod
from typing import Literal

from nfc.ir.deviations import Deviations
from nfc.ir.fabric import Fabric
from nfc.source import Span

Shape = tuple[int, ...]

SCHEMES = ("balanced", "xavier", "kaiming", "orthogonal", "dense_xavier")
ACTIVATIONS = (
    "relu", "gelu", "silu", "tanh", "sigmoid", "leaky_relu", "softmax", "log_softmax",
)  # fmt: skip
NORMS = ("batch", "layer", "rms", "group")
NORM_EPSILON = 1e-5
DEFAULT_SLOPE = 0.01
AUTO_SLOPE: Literal["auto"] = "auto"
"""A slope that `nfc.passes.tailor` has yet to choose."""
DISTRIBUTIONS = ("uniform", "sign", "orthogonal")


@dataclass(frozen=True, eq=False)
class Draw:
    """How the weights of one factor are drawn at initialisation; set by the initialisation pass.

    Attributes:
        distribution: one of DISTRIBUTIONS, all of mean 0. `sign` is ±std; `orthogonal` makes each
            dense block of a Kron, Blocks or Restricted factor orthonormal in its rows or columns.
        std: standard deviation of every weight, or what gives one for each edge. For `orthogonal`
            what an orthonormal block is multiplied by: a number, or `ByRow` one for each row.
        stream: the Philox stream of the draw, the factor's number in the network.
    """

    distribution: str
    std: float | Deviations
    stream: int


@dataclass(frozen=True, kw_only=True)
class Op:
    """An operation at `path` that maps values of shape `input` to values of shape `output`."""

    path: str
    input: Shape
    output: Shape
    span: Span | None = field(default=None, compare=False, repr=False)

    @property
    def blocks(self) -> tuple[Block, ...]:
        """The blocks that the operation holds, in order; none for a leaf."""
        return ()


@dataclass(frozen=True, kw_only=True)
class WeightedLayer(Op):
    """A linear map wired by `fabric`, then perhaps a bias.

    Attributes:
        bias: one number an output of the fabric.
        topology: the wiring as written, for people.
        scheme: one of SCHEMES.
        draws: one a factor in written order, once the initialisation pass has run.
        fitted: the greatest width at which a part of the topology was built before it was cut to
            its place; None where all parts take their sizes. For people: it changes nothing.
    """

    fabric: Fabric
    bias: bool
    scheme: str
    topology: str
    draws: tuple[Draw, ...] | None = field(default=None, compare=False)
    fitted: int | None = field(default=None, compare=False)

    @property
    def window(self) -> Shape:
        """The trailing axes of the weights of factors that read the layer's input: a kernel's sizes, or none."""
        return ()

    @property
    def positions(self) -> int:
        """How many places of the output each weight works for."""
        return prod(self.output[:-1])


@dataclass(frozen=True, kw_only=True)
class Linear(WeightedLayer):
    """A linear map of the last axis."""


@dataclass(frozen=True, kw_only=True)
class Activation(Op):
    """One of ACTIVATIONS.

    Attributes:
        slope: leaky_relu's; AUTO_SLOPE until the pass `tailor` has chosen it.
        axis: that of the softmaxes, negative.
    """

    function: str
    slope: float | Literal["auto"] | None = None
    axis: int | None = None

    @property
    def negative_slope(self) -> float:
        """What a relu or leaky relu multiplies negative numbers by; a leaky relu's DEFAULT_SLOPE if none is given.

        Raises:
            ValueError: the slope is not chosen yet.
        """
        if self.function == "relu":
            return 0.0
        if self.slope == AUTO_SLOPE:
            raise ValueError(f"{self.path}: no slope is set; the pass `tailor` has to run before")
        return DEFAULT_SLOPE if self.slope is None else self.slope


@dataclass(frozen=True, kw_only=True)
class Pad(Op):
    """Zeros at the end of the last axis."""


@dataclass(frozen=True, kw_only=True)
class Crop(Op):
    """The first entries of the last axis."""


@dataclass(frozen=True, kw_only=True)
class Reshape(Op):
    """The same numbers in another shape; also what `flatten` becomes."""


@dataclass(frozen=True, kw_only=True)
class Norm(Op):
    """One of NORMS over the features (`feature_axis`), with a scale, and a shift unless `rms`.

    `layer` and `rms` take their averages over the features of each position, `batch` over samples and
    positions; at inference it uses its running mean and variance. `group` takes them over equal runs of
    features, and on [C, H, W] over all positions.

    Attributes:
        groups: the runs of `group`, None for all others.
    """

    norm: str
    groups: int | None = None


@dataclass(frozen=True, kw_only=True)
class Dropout(Op):
    """Zeroes with probability `probability` in training and scales the rest; nothing at inference."""

    probability: float


@dataclass(frozen=True, kw_only=True)
class Repeat(Op):
    copies: tuple[Block, ...]

    @property
    def blocks(self) -> tuple[Block, ...]:
        return self.copies


@dataclass(frozen=True, kw_only=True)
class Residual(Op):
    """input + body(input), or project(input) + body(input); the projection's path is `PATH.project`."""

    body: Block
    project: WeightedLayer | None = None

    @property
    def blocks(self) -> tuple[Block, ...]:
        return (self.body,) if self.project is None else ((self.project,), self.body)


@dataclass(frozen=True, kw_only=True)
class Sum(Op):
    branches: tuple[Block, ...]

    @property
    def blocks(self) -> tuple[Block, ...]:
        return self.branches


@dataclass(frozen=True, kw_only=True)
class Concat(Op):
    """Branches side by side on the features (`feature_axis`)."""

    branches: tuple[Block, ...]

    @property
    def blocks(self) -> tuple[Block, ...]:
        return self.branches


@dataclass(frozen=True, kw_only=True)
class Inline(Op):
    """The body of another network in place."""

    network: str
    body: Block

    @property
    def blocks(self) -> tuple[Block, ...]:
        return (self.body,)


Block = tuple[Op, ...]


@dataclass(frozen=True, kw_only=True)
class Network:
    """A network; `source_name` and `source_digest` name the file it came from (no folder)."""

    name: str
    input: Shape
    output: Shape
    body: Block
    source_name: str
    source_digest: str
    span: Span | None = field(default=None, compare=False, repr=False)


def walk(block: Block) -> Iterator[Op]:
    """Every operation of a block and of the blocks in it, parents first, in order."""
    for op in block:
        yield op
        for inner in op.blocks:
            yield from walk(inner)


def weighted_layers(network: Network) -> Iterator[WeightedLayer]:
    """The weighted layers in order."""
    return (op for op in walk(network.body) if isinstance(op, WeightedLayer))


def is_image(shape: Shape) -> bool:
    """Whether a shape is [C, H, W]: channels, height and width."""
    return len(shape) == 3


def feature_axis(shape: Shape) -> int:
    """The axis that norms, concatenations and shuffles work on: the channels of [C, H, W], else the last."""
    return 0 if is_image(shape) else len(shape) - 1


def check_path(path: str, network: Network) -> str:
    """A concrete path as checks write it: the numbers of repeat copies left out."""
    repeats = {op.path for op in walk(network.body) if isinstance(op, Repeat)}
    kept: list[str] = []
    parts = path.split(".")
    for index, part in enumerate(parts):
        if not (part.isdigit() and ".".join(parts[:index]) in repeats):
            kept.append(part)
    return ".".join(kept)
