"""Random `.nf` programs: a Hypothesis strategy whose texts compile, small enough to run anywhere."""

from __future__ import annotations

from math import prod

from hypothesis import strategies as st

ACTIVATIONS = (
    "relu", "gelu", "silu", "tanh", "sigmoid", "leaky_relu", "leaky_relu slope=.3",
    "leaky_relu slope=auto", "softmax", "log_softmax",
)  # fmt: skip
SCHEMES = ("balanced", "xavier", "kaiming", "orthogonal", "dense_xavier")
WIDTHS = st.integers(2, 12)


@st.composite
def leaf_topologies(draw: st.DrawFn, cols: int, rows: int) -> str:
    """A call of one family that takes cols inputs and rows outputs."""
    small = min(rows, cols)
    fan_in = draw(st.integers(1, cols))
    seed = draw(st.integers(0, 9))
    return draw(
        st.sampled_from(
            [
                "dense",
                "diagonal",
                f"block(size={draw(st.integers(1, 5))})",
                f"block(count={draw(st.integers(1, small))})",
                f"band(width={draw(st.integers(0, 3))})",
                "band(width=1, wrap=true)",
                f"random(fan_in={fan_in})",
                f"random(fan_in={fan_in}, seed={seed})",
                f"bernoulli(density={draw(st.integers(30, 100))}%, seed={seed})",
                f"small_world(fan_in={fan_in}, rewire=30%)",
                f"n_of_m(n=1, m={draw(st.integers(1, 4))})",
                "torus",
                "torus(dims=1, depth=2)",
                "hypercube",
                f"hypercube(depth={draw(st.integers(1, 3))})",
                "butterfly",
                "butterfly(radix=3)",
                "butterfly(radix=2, block=2)",
                "monarch",
                "clos",
                "benes",
                "shuffle_exchange",
                f"expander(fan_in={fan_in}, depth=2)",
                f"lowrank(rank={draw(st.integers(1, 3))})",
                "pixelfly(block=1, rank=1)",
            ]
        )
    )


@st.composite
def topologies(draw: st.DrawFn, cols: int, rows: int, depth: int = 2) -> str:
    """A topology expression that takes cols inputs and rows outputs."""
    if depth == 0 or draw(st.integers(0, 2)) == 0:
        return draw(leaf_topologies(cols, rows))
    one = draw(topologies(cols, rows, depth - 1))
    match draw(st.integers(0, 7)):
        case 0:
            return f"({draw(topologies(cols, cols, depth - 1))}) >> ({one})"
        case 1:
            return f"({one}) + ({draw(topologies(cols, rows, depth - 1))})"
        case 2:
            return f"parallel(2, {one})"
        case 3:
            return f"parallel(2, {one}, shuffle={draw(st.integers(0, 9))})"
        case 4:
            return f"transpose({draw(topologies(rows, cols, depth - 1))})"
        case 5:
            return f'permute("reverse") >> ({one})'
        case 6:
            return f'({one}) >> permute("random", seed={draw(st.integers(0, 9))})'
        case _:
            return f"dense(width={rows}) >> ({draw(leaf_topologies(rows, rows))})"


@st.composite
def linears(draw: st.DrawFn, cols: int, rows: int) -> str:
    via = f" via {draw(topologies(cols, rows))}" if draw(st.booleans()) else ""
    bias = draw(st.sampled_from(["", " bias=false"]))
    init = draw(st.sampled_from(["", f" init={draw(st.sampled_from(SCHEMES))}"]))
    return f"linear {rows}{bias}{init}{via}"


@st.composite
def statements(draw: st.DrawFn, shape: tuple[int, ...], depth: int) -> tuple[list[str], tuple[int, ...]]:
    """The lines of one statement on a value of `shape`, and the shape after it."""
    last = shape[-1]
    if len(shape) == 3 and draw(st.integers(0, 3)):
        return draw(image_statements(shape))
    if len(shape) == 2 and draw(st.integers(0, 3)) == 0:
        return draw(sequence_statements(shape)), shape
    kind = draw(st.integers(0, 11 if depth else 7))
    match kind:
        case 0 | 1 | 2:
            rows = draw(WIDTHS)
            return [draw(linears(last, rows))], (*shape[:-1], rows)
        case 3:
            return [draw(st.sampled_from(ACTIVATIONS))], shape
        case 4:
            return [f"norm {draw(st.sampled_from(['layer', 'rms', 'batch']))}"], shape
        case 5:
            size = last + draw(st.integers(0, 3))
            return [f"pad {size}"], (*shape[:-1], size)
        case 6:
            size = draw(st.integers(1, last))
            return [f"crop {size}"], (*shape[:-1], size)
        case 7:
            return ["flatten"], (prod(shape),)
        case 8:
            lines, after = draw(blocks(shape, depth - 1))
            back = draw(linears(after[-1], last)) if len(after) == len(shape) else None
            if back is None or after[:-1] != shape[:-1]:
                lines, back = [], draw(linears(last, last))
            return [f"repeat {draw(st.integers(1, 3))} {{", *lines, back, "}"], shape
        case 9:
            return ["residual {", draw(linears(last, last)), draw(st.sampled_from(ACTIVATIONS)), "}"], shape
        case 10:
            rows = draw(WIDTHS)
            one, two = draw(linears(last, rows)), draw(linears(last, rows))
            return ["sum {", "{", one, "}", "{", two, "relu", "}", "}"], (*shape[:-1], rows)
        case _:
            rows = draw(WIDTHS)
            one = draw(linears(last, rows))
            if len(shape) == 3:
                return ["concat {", "{ dropout 10% }", "{", "tanh", "}", "}"], (2 * shape[0], *shape[1:])
            return ["concat {", "{", one, "}", "{", "tanh", "}", "}"], (*shape[:-1], rows + last)


@st.composite
def image_statements(draw: st.DrawFn, shape: tuple[int, ...]) -> tuple[list[str], tuple[int, ...]]:
    """The lines of one statement on the channels of a value [C, H, W], and the shape after it."""
    channels, *sides = shape
    groups = draw(st.sampled_from([n for n in range(1, channels + 1) if channels % n == 0]))
    match draw(st.integers(0, 6)):
        case 0 | 1:
            rows, kernel, stride = draw(WIDTHS), draw(st.sampled_from([1, 3])), draw(st.integers(1, 2))
            via = f" via {draw(topologies(channels, rows, 1))}" if draw(st.booleans()) else ""
            after = (rows, *(-(-side // stride) for side in sides))
            return [f"conv {rows} kernel={kernel} stride={stride}{via}"], after
        case 2:
            return ["depthwise kernel=[1, 3]"], shape
        case 3:
            return [
                f"norm {draw(st.sampled_from(['layer', 'rms', 'batch', f'group groups={groups}']))}"
            ], shape
        case 4:
            return [f"shuffle groups={groups}"], shape
        case 5:
            kernel = draw(st.integers(1, min(sides)))
            after = (channels, *(side - kernel + 1 for side in sides))
            return [f"pool {draw(st.sampled_from(['max', 'avg']))} kernel={kernel} stride=1"], after
        case _:
            rows, stride = draw(WIDTHS), draw(st.integers(1, 2))
            body = f"conv {rows} stride={stride} via {draw(topologies(channels, rows, 0))}"
            after = (rows, *(-(-side // stride) for side in sides))
            return ["residual project=true {", "relu", body, "}"], after


@st.composite
def sequence_statements(draw: st.DrawFn, shape: tuple[int, ...]) -> list[str]:
    """The lines of one statement on a value [T, D], which keeps its shape."""
    tokens, last = shape
    match draw(st.integers(0, 3)):
        case 0:
            return ["residual {", "transpose", draw(linears(tokens, tokens)), "transpose", "}"]
        case 1:
            return [f"position {last}"]
        case _:
            heads = draw(st.sampled_from([n for n in range(1, last + 1) if last % n == 0]))
            causal = draw(st.sampled_from(["", " causal=true"]))
            via = f" via {draw(topologies(last, last, 1))}" if draw(st.booleans()) else ""
            return [f"attention {heads}{causal}{via}"]


@st.composite
def blocks(draw: st.DrawFn, shape: tuple[int, ...], depth: int) -> tuple[list[str], tuple[int, ...]]:
    lines: list[str] = []
    for _ in range(draw(st.integers(1, 4))):
        added, shape = draw(statements(shape, depth))
        lines += added
    return lines, shape


@st.composite
def programs(draw: st.DrawFn) -> str:
    """A whole file with one network `drawn`."""
    shape = draw(st.sampled_from([(5,), (8,), (2, 6), (3, 4), (3, 5, 4), (6, 4, 4)]))
    lines, after = draw(blocks(shape, 2))
    if len(shape) == 2 and draw(st.booleans()):
        lines = [f"embed {draw(st.integers(1, 9))} {shape[1]}", *lines]
        shape = shape[:1]
    final = draw(linears(after[-1], draw(WIDTHS)))
    body = "\n".join(f"    {line}" for line in [f"input [{', '.join(map(str, shape))}]", *lines, final])
    return f"nf 1\n\nnetwork drawn {{\n{body}\n}}\n"
