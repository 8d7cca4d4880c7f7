"""Hypothesis strategies: the text of expressions of masks, most of them with a value at most indices."""

from __future__ import annotations

from hypothesis import strategies as st

SMALL = st.sampled_from("0 1 2 3 5 7 -1 -2".split())
LARGE = st.sampled_from(["2**31", "2**53", "2**53 + 1", "2**62", "2**63 - 1", "-2**63", "2**63", "10**30"])
FLOATS = st.sampled_from("0.5 0.0 1.5 2.0 -2.5 1e-9 1e18 1e308 1.0000000001".split())
CONSTANTS = st.one_of(SMALL, SMALL, SMALL, st.sampled_from(["rows", "cols", "k"]), FLOATS, LARGE)
ONE_ARGUMENT = "abs floor ceil round sqrt isqrt log2 popcount".split()
COMPARISONS = "== != < <= > >=".split()
ARITHMETIC = "+ + - - * // // % % / ** xor".split()


def numbers(variables: str) -> st.SearchStrategy[str]:
    """Expressions that are numbers, mostly integers."""
    leaves = st.one_of(*[st.sampled_from(variables.split())] * 3, CONSTANTS)
    return st.recursive(leaves, _larger, max_leaves=6)


def _larger(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    pairs = st.tuples(inner, st.sampled_from(ARITHMETIC), inner)
    several = st.lists(inner, min_size=1, max_size=3).map(", ".join)
    return st.one_of(
        pairs.map(lambda p: f"({p[0]}) {p[1]} ({p[2]})"),
        pairs.map(lambda p: f"({p[0]}) {p[1]} ({p[2]})"),
        inner.map(lambda x: f"-({x})"),
        st.tuples(st.sampled_from(ONE_ARGUMENT), inner).map(lambda p: f"{p[0]}({p[1]})"),
        st.tuples(inner, inner).map(lambda p: f"log({p[0]}, {p[1]})"),
        st.tuples(st.sampled_from(["min", "max", "gcd"]), several).map(lambda p: f"{p[0]}({p[1]})"),
        st.tuples(st.sampled_from(["min", "max", "sum", "len"]), several).map(lambda p: f"{p[0]}([{p[1]}])"),
        st.tuples(st.sampled_from(["min", "max", "sum", "len"]), ranges(inner)).map(
            lambda p: f"{p[0]}({p[1]})"
        ),
    )


def ranges(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return st.tuples(inner, st.sampled_from(["..", "..<"]), inner).map(lambda p: f"({p[0]}){p[1]}({p[2]})")


def conditions(variables: str) -> st.SearchStrategy[str]:
    """Expressions that are booleans, now and then of another kind."""
    number = numbers(variables)
    several = st.lists(number, max_size=3).map(", ".join)
    leaves = st.one_of(
        st.tuples(number, st.sampled_from(COMPARISONS), number).map(lambda p: f"({p[0]}) {p[1]} ({p[2]})"),
        st.tuples(number, st.sampled_from(COMPARISONS), number, st.sampled_from(COMPARISONS), number).map(
            lambda p: f"({p[0]}) {p[1]} ({p[2]}) {p[3]} ({p[4]})"
        ),
        st.tuples(number, ranges(number)).map(lambda p: f"({p[0]}) in {p[1]}"),
        st.tuples(number, several).map(lambda p: f"({p[0]}) in [{p[1]}]"),
        st.tuples(several, several).map(lambda p: f"[{p[0]}] == [{p[1]}]"),
        st.sampled_from(["true", "false", *variables.split(), '"text"', "[1, 2.5, true] == [o]"]),
    )
    return st.recursive(
        leaves,
        lambda inner: st.one_of(
            st.tuples(inner, st.sampled_from(["and", "or"]), inner).map(
                lambda p: f"({p[0]}) {p[1]} ({p[2]})"
            ),
            inner.map(lambda x: f"not ({x})"),
            st.tuples(inner, inner).map(lambda p: f"({p[0]}) == ({p[1]})"),
        ),
        max_leaves=4,
    )


@st.composite
def sets(draw: st.DrawFn) -> str:
    """Sets of neighbours joined by `+`, with clauses."""
    parts = []
    for _ in range(draw(st.integers(1, 2))):
        if draw(st.booleans()):
            elements = draw(st.lists(numbers("o"), max_size=3))
            parts.append(f"{{ {', '.join(elements)} }}")
            continue
        variables, clauses = "o", ""
        for name in draw(st.sampled_from(["d", "d", "de"])):
            clauses += f" for {name}{len(parts)} in {draw(_runs(variables))}"
            variables += f" {name}{len(parts)}"
            if draw(st.booleans()):
                clauses += f" if {draw(conditions(variables))}"
        parts.append(f"{{ {draw(numbers(variables))}{clauses} }}")
    return " + ".join(parts)


def _runs(variables: str) -> st.SearchStrategy[str]:
    """What a clause runs through: mostly short ranges and lists."""
    ends = st.one_of(SMALL, st.sampled_from(variables.split()))
    items = st.lists(st.one_of(numbers(variables), ends), max_size=3).map(", ".join)
    return st.one_of(
        ranges(ends),
        ranges(ends),
        items.map(lambda text: f"[{text}]"),
        st.sampled_from(["3", "0.5..2", "[[1], 2..3]"]),
    )
