"""Hypothesis strategies for the IR: small fabrics of every kind, and series-parallel networks of them."""

from __future__ import annotations

from dataclasses import fields, is_dataclass, replace
from math import gcd, prod
from typing import Any

import numpy as np
from hypothesis import strategies as st

from nfc.ir.convolutions import POOLS, Conv, Depthwise, Pool, Shuffle, swept
from nfc.ir.deviations import PER_COLUMN, ByDegrees, ByRow, Deviations, Floored, Separable
from nfc.ir.fabric import Fabric, cascade, factors, total
from nfc.ir.factors import Blocks, Edges, Factor, FanIn, Kron, Restricted, Shifts
from nfc.ir.network import (
    ACTIVATIONS,
    NORMS,
    SCHEMES,
    Activation,
    Block,
    Concat,
    Crop,
    Draw,
    Dropout,
    Inline,
    Linear,
    Network,
    Norm,
    Op,
    Pad,
    Repeat,
    Reshape,
    Residual,
    Shape,
    Sum,
    WeightedLayer,
    feature_axis,
    is_image,
)
from nfc.ir.orthogonal_weights import BLOCK_FACTORS
from nfc.ir.sequences import FABRICS, Attention, Embed, Position, Table, Transpose

WIDTHS = st.integers(1, 8)
SIDES = st.integers(1, 4)
SEEDS = st.integers(0, 2**32 - 1)

# --- fabrics -----------------------------------------------------------------------------------


def divisors(number: int) -> list[int]:
    return [d for d in range(1, number + 1) if number % d == 0]


@st.composite
def krons(draw: st.DrawFn, rows: int, cols: int) -> Kron:
    copies = draw(st.sampled_from(divisors(gcd(rows, cols))))
    lanes = draw(st.sampled_from(divisors(copies)))
    return Kron(copies // lanes, rows // copies, cols // copies, lanes)


@st.composite
def blocks(draw: st.DrawFn, rows: int, cols: int) -> Blocks:
    count = draw(st.sampled_from(divisors(gcd(rows, cols))))
    random = np.random.default_rng(draw(SEEDS))
    row_sets = np.sort(random.permutation(rows).reshape(count, -1), axis=1)
    col_sets = np.sort(random.permutation(cols).reshape(count, -1), axis=1)
    return Blocks(row_sets[np.argsort(row_sets[:, 0])], col_sets)


@st.composite
def shifts(draw: st.DrawFn, width: int) -> Shifts:
    dims, rest = [], width
    while rest > 1:
        dims.append(draw(st.sampled_from(divisors(rest)[1:])))
        rest //= dims[-1]
    offset = st.tuples(*(st.integers(0, size - 1) for size in dims or [1]))
    return Shifts(tuple(dims or [1]), tuple(draw(st.lists(offset, min_size=1, max_size=4, unique=True))))


@st.composite
def fan_ins(draw: st.DrawFn, rows: int, cols: int) -> FanIn:
    count = draw(st.integers(1, cols))
    random = np.random.default_rng(draw(SEEDS))
    return FanIn(cols, np.array([np.sort(random.permutation(cols)[:count]) for _ in range(rows)]))


@st.composite
def edge_lists(draw: st.DrawFn, rows: int, cols: int) -> Edges:
    """Any pattern, rows and columns without an edge among them."""
    random = np.random.default_rng(draw(SEEDS))
    matrix = random.random((rows, cols)) < draw(st.sampled_from([0.2, 0.5, 0.9]))
    matrix[random.integers(rows), random.integers(cols)] = True
    outputs, inputs = np.nonzero(matrix)
    indptr = np.concatenate([[0], np.cumsum(matrix.sum(axis=1))]).astype(np.int64)
    assert len(outputs) == indptr[-1]
    return Edges(cols, indptr, inputs.astype(np.int64))


@st.composite
def restrictions(draw: st.DrawFn, rows: int, cols: int) -> Restricted:
    a, d = draw(st.integers(1, 2)), draw(st.integers(1, 2))
    height, width = -(-rows // (a * d)), -(-cols // (a * d))
    random = np.random.default_rng(draw(SEEDS))
    live_rows, live_cols = random.random(rows) < 0.8, random.random(cols) < 0.8
    live_rows[0] = live_cols[0] = True  # output 0 reads input 0 in any Kron, so an edge is left
    return Restricted(Kron(a, height, width, d), live_rows, live_cols)


def single_factors(rows: int, cols: int) -> st.SearchStrategy[Factor]:
    """One factor of any kind that has this shape."""
    kinds: list[st.SearchStrategy[Factor]] = [
        krons(rows, cols), blocks(rows, cols), fan_ins(rows, cols), edge_lists(rows, cols), restrictions(rows, cols),
    ]  # fmt: skip
    return st.one_of(*kinds, *([shifts(rows)] if rows == cols else []))


@st.composite
def fabrics(draw: st.DrawFn, rows: int | None = None, cols: int | None = None, *, depth: int = 2) -> Fabric:
    """A fabric in normal form, at most `depth` levels of cascades and sums deep; sizes drawn where absent."""
    rows = draw(WIDTHS) if rows is None else rows
    cols = draw(WIDTHS) if cols is None else cols
    shape = draw(st.sampled_from(["factor", "factor", "cascade", "sum"])) if depth else "factor"
    if shape == "factor":
        return draw(single_factors(rows, cols))
    count = draw(st.integers(2, 3))
    if shape == "sum":
        return total(*(draw(fabrics(rows, cols, depth=depth - 1)) for _ in range(count)))
    widths = [cols, *(draw(WIDTHS) for _ in range(count - 1)), rows]
    return cascade(*(draw(fabrics(widths[k + 1], widths[k], depth=depth - 1)) for k in range(count)))


# --- networks ----------------------------------------------------------------------------------


@st.composite
def linears(draw: st.DrawFn, path: str, input: Shape, output: int | None = None) -> Linear:
    fabric = draw(fabrics(output, input[-1], depth=1))
    return Linear(
        path=path,
        input=input,
        output=(*input[:-1], fabric.rows),
        fabric=fabric,
        bias=draw(st.booleans()),
        scheme=draw(st.sampled_from(SCHEMES)),
        topology=draw(st.sampled_from(["dense", "random(fan_in=3)", 'file("a \\ \n.npz")'])),
    )


@st.composite
def convolutions(draw: st.DrawFn, path: str, input: Shape, *, keep: bool) -> Conv:
    """A convolution; where `keep`, of odd kernels that leave the shape as it is."""
    kernel = tuple(draw(st.sampled_from([1, 3] if keep else [1, 2, 3])) for _ in range(2))
    padding = tuple(size // 2 if keep else draw(st.integers(size // 2, size)) for size in kernel)
    stride = (1, 1) if keep else tuple(draw(st.integers(1, 2)) for _ in range(2))
    windows = {"kernel": kernel, "stride": stride, "padding": padding}
    common = {"path": path, "input": input, "bias": draw(st.booleans()), **windows}
    scheme, size = draw(st.sampled_from(SCHEMES)), swept(input, **windows)
    if draw(st.integers(0, 3)) == 0:
        diagonal = Kron(input[0], 1, 1, 1)
        output = (input[0], *size)
        return Depthwise(**common, output=output, fabric=diagonal, scheme=scheme, topology="diagonal")
    fabric = draw(fabrics(input[0] if keep else None, input[0], depth=1))
    return Conv(
        **common, output=(fabric.rows, *size), fabric=fabric, scheme=scheme, topology="random(fan_in=3)"
    )


@st.composite
def pools(draw: st.DrawFn, path: str, input: Shape) -> Pool:
    kind = draw(st.sampled_from(POOLS))
    if kind == "global":
        return Pool(path=path, input=input, output=input[:1], pool=kind, kernel=input[1:], stride=input[1:])
    kernel = tuple(draw(st.integers(1, size)) for size in input[1:])
    stride = tuple(draw(st.integers(1, 2)) for _ in range(2))
    output = (input[0], *swept(input, kernel, stride, (0, 0)))
    return Pool(path=path, input=input, output=output, pool=kind, kernel=kernel, stride=stride)


@st.composite
def norms(draw: st.DrawFn, path: str, shape: Shape) -> Norm:
    kind = draw(st.sampled_from(NORMS))
    groups = draw(st.sampled_from(divisors(shape[feature_axis(shape)]))) if kind == "group" else None
    return Norm(path=path, input=shape, output=shape, norm=kind, groups=groups)


@st.composite
def activations(draw: st.DrawFn, path: str, shape: Shape) -> Activation:
    function = draw(st.sampled_from(ACTIVATIONS))
    slope = draw(st.sampled_from([0.01, 0.2, 1 / 3])) if function == "leaky_relu" else None
    axis = draw(st.integers(-len(shape), -1)) if function.endswith("softmax") else None
    return Activation(path=path, input=shape, output=shape, function=function, slope=slope, axis=axis)


@st.composite
def reshapes(draw: st.DrawFn, path: str, shape: Shape) -> Reshape:
    size = prod(shape)
    last = draw(st.sampled_from(divisors(size)))
    return Reshape(path=path, input=shape, output=(size,) if last == size else (size // last, last))


@st.composite
def attentions(draw: st.DrawFn, path: str, shape: Shape) -> Attention:
    heads, causal = draw(st.sampled_from(divisors(shape[-1]))), draw(st.booleans())
    layers = {label: draw(linears(f"{path}.{label}", shape, shape[-1])) for label in FABRICS}
    return Attention(path=path, input=shape, output=shape, heads=heads, causal=causal, **layers)


@st.composite
def leaves(draw: st.DrawFn, prefix: str, number: int, input: Shape, *, keep: bool) -> Op:
    """An operation without blocks; it keeps its shape where `keep`."""
    image = ["conv", "conv", "conv", *([] if keep else ["pool"])] if is_image(input) else []
    kinds = [
        "linear",
        *(image or ["linear"]),
        "shuffle",
        "activation",
        "norm",
        "dropout",
        *([] if keep else ["pad", "crop", "reshape"]),
        *(["position", "attention"] if len(input) == 2 else []),
        *(["transpose"] if len(input) > 1 and not keep else []),
    ]
    kind = draw(st.sampled_from(kinds))
    path = f"{prefix}{kind}{number}"
    lead, last = input[:-1], input[-1]
    match kind:
        case "linear":
            return draw(linears(path, input, last if keep else None))
        case "activation":
            return draw(activations(path, input))
        case "norm":
            return draw(norms(path, input))
        case "conv":
            return draw(convolutions(path, input, keep=keep))
        case "pool":
            return draw(pools(path, input))
        case "shuffle":
            groups = draw(st.sampled_from(divisors(input[feature_axis(input)])))
            return Shuffle(path=path, input=input, output=input, groups=groups)
        case "dropout":
            return Dropout(
                path=path, input=input, output=input, probability=draw(st.sampled_from([0.0, 0.1, 0.5]))
            )
        case "position":
            return Position(path=path, input=input, output=input)
        case "attention":
            return draw(attentions(path, input))
        case "transpose":
            return Transpose(path=path, input=input, output=(*input[:-2], input[-1], input[-2]))
        case "pad":
            return Pad(path=path, input=input, output=(*lead, last + draw(st.integers(0, 3))))
        case "crop":
            return Crop(path=path, input=input, output=(*lead, draw(st.integers(1, last))))
        case _:
            return draw(reshapes(path, input))


def relocated(value: Any, old: str, new: str) -> Any:
    """An operation, or a block of them, with `old` at the start of every path made `new`."""
    if isinstance(value, tuple) and value and isinstance(value[0], Op | tuple):
        return tuple(relocated(item, old, new) for item in value)
    if not isinstance(value, Op):
        return value
    inner = {f.name: relocated(getattr(value, f.name), old, new) for f in fields(value) if f.name != "path"}
    return replace(value, path=new + value.path.removeprefix(old), **inner)


@st.composite
def composites(draw: st.DrawFn, prefix: str, number: int, input: Shape, depth: int, *, keep: bool) -> Op:
    kind = draw(
        st.sampled_from(["repeat", "residual", "sum", "inline"] + ([] if keep else ["concat", "project"]))
    )
    path = f"{prefix}{'residual' if kind == 'project' else kind}{number}"

    def body(at: str, keeping: bool) -> Block:
        return draw(op_blocks(f"{at}.", input, depth=depth - 1, keep=keeping))

    match kind:
        case "repeat":
            first = body(f"{path}.0", True)
            count = draw(st.integers(1, 3))
            copies = tuple(relocated(first, f"{path}.0.", f"{path}.{copy}.") for copy in range(count))
            return Repeat(path=path, input=input, output=input, copies=copies)
        case "residual":
            return Residual(path=path, input=input, output=input, body=body(path, True))
        case "project":
            inner = draw(op_blocks(f"{path}.", input, depth=depth - 1, keep=True))
            output = draw(WIDTHS)
            inner = (*inner, draw(linears(f"{path}.last", input, output)))
            project = draw(linears(f"{path}.project", input, output))
            return Residual(path=path, input=input, output=project.output, body=inner, project=project)
        case "sum":
            branches = tuple(body(f"{path}.{branch}", True) for branch in range(draw(st.integers(2, 3))))
            return Sum(path=path, input=input, output=input, branches=branches)
        case "concat":
            branches = tuple(body(f"{path}.{branch}", True) for branch in range(draw(st.integers(2, 3))))
            axis = feature_axis(input)
            output = (*input[:axis], input[axis] * len(branches), *input[axis + 1 :])
            return Concat(path=path, input=input, output=output, branches=branches)
        case _:
            inner = draw(op_blocks(f"{path}.", input, depth=depth - 1, keep=keep))
            return Inline(path=path, input=input, output=inner[-1].output, network="other", body=inner)


@st.composite
def op_blocks(draw: st.DrawFn, prefix: str, input: Shape, *, depth: int, keep: bool) -> Block:
    """One to three operations in a row; the output has the input's shape where `keep`."""
    operations: list[Op] = []
    shape = input
    for number in range(1, draw(st.integers(1, 3)) + 1):
        nested = depth > 0 and draw(st.integers(0, 2)) == 0
        if nested:
            operations.append(draw(composites(prefix, number, shape, depth, keep=keep)))
        else:
            operations.append(draw(leaves(prefix, number, shape, keep=keep)))
        shape = operations[-1].output
    return tuple(operations)


def initialised(network: Network, random: np.random.Generator) -> Network:
    """The network with draws of every sort, numbered as the initialisation pass numbers them."""
    stream = iter(range(2**32))

    def factor_draw(factor: Factor) -> Draw:
        blocks = isinstance(factor, BLOCK_FACTORS) and random.integers(3) == 0
        kinds = [ByRow] if blocks else [ByRow, ByDegrees, Separable, Floored]
        distribution = "orthogonal" if blocks else ("uniform", "sign")[random.integers(2)]
        if random.integers(2):
            return Draw(distribution, float(random.random() + 0.1), next(stream))
        return Draw(distribution, deviations(factor, kinds[random.integers(len(kinds))]), next(stream))

    def deviations(factor: Factor, kind: type[Deviations]) -> Deviations:
        sizes = (factor.cols if field.name in PER_COLUMN else factor.rows for field in fields(kind))
        return kind(*(np.ceil(random.random(size) * 8) / 4 for size in sizes))

    def drawn(value: Any) -> Any:
        if isinstance(value, tuple) and value and isinstance(value[0], Op | tuple):
            return tuple(drawn(item) for item in value)
        if isinstance(value, WeightedLayer):
            return replace(value, draws=tuple(factor_draw(f) for f in factors(value.fabric)))
        if isinstance(value, Table):
            return replace(value, draw=Draw("uniform", float(random.random() + 0.1), next(stream)))
        if isinstance(value, Op) and value.blocks:
            # `project` stands before `body` in order of execution and so in the numbering.
            names = sorted((f.name for f in fields(value)), key=lambda name: name != "project")
            return replace(value, **{name: drawn(getattr(value, name)) for name in names})
        return value

    return replace(network, body=drawn(network.body))


@st.composite
def networks(draw: st.DrawFn, *, with_draws: bool | None = None) -> Network:
    """A small valid network; `with_draws` as after the initialisation pass (None: either)."""
    input = draw(st.lists(WIDTHS, min_size=1, max_size=2).map(tuple) | st.tuples(WIDTHS, SIDES, SIDES))
    body = draw(op_blocks("", input, depth=2, keep=False))
    if len(input) == 2 and draw(st.booleans()):
        embed = Embed(path="tokens", input=input[:1], output=input, vocabulary=draw(st.integers(1, 9)))
        input, body = input[:1], (embed, *body)
    network = Network(
        name="drawn",
        input=input,
        output=body[-1].output,
        body=body,
        source_name="drawn.nf",
        source_digest="sha256:" + "0" * 64,
    )
    wanted = draw(st.booleans()) if with_draws is None else with_draws
    return initialised(network, np.random.default_rng(draw(SEEDS))) if wanted else network


def same(left: Any, right: Any) -> bool:
    """Equality of IR values by content: arrays by dtype and entries, spans ignored, draws included."""
    if isinstance(left, np.ndarray) or isinstance(right, np.ndarray):
        return getattr(left, "dtype", None) == getattr(right, "dtype", None) and np.array_equal(left, right)
    if type(left) is not type(right):
        return False
    if isinstance(left, tuple):
        return len(left) == len(right) and all(map(same, left, right))
    if is_dataclass(left):
        names = [f.name for f in fields(left) if f.name != "span"]
        return all(same(getattr(left, name), getattr(right, name)) for name in names)
    return bool(left == right)
