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
            return ["concat {", "{", one, "}", "{", "tanh", "}", "}"], (*shape[:-1], rows + last)


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
    shape = draw(st.sampled_from([(5,), (8,), (2, 6), (3, 4)]))
    lines, after = draw(blocks(shape, 2))
    final = draw(linears(after[-1], draw(WIDTHS)))
    body = "\n".join(f"    {line}" for line in [f"input [{', '.join(map(str, shape))}]", *lines, final])
    return f"nf 1\n\nnetwork drawn {{\n{body}\n}}\n"
