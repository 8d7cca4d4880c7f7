"""The mask algebra against dense Booleans, over factors of every kind."""

from __future__ import annotations

from functools import reduce
from itertools import product

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from nfc.ir.digest import fabric_digest
from nfc.ir.fabric import Fabric, cascade, factors
from nfc.ir.factors import Factor, Kron, Shifts
from nfc.ir.structure import endpoints, identity, sparse
from nfc.topologies.algebra import EdgeSet, combined, complement, kronecker, merges
from nfc.topologies.combinators import transpose
from tests.build import dense_pattern
from tests.strategies import same, single_factors
from tests.topologies.test_combinators import valid

Pattern = NDArray[np.bool_]
OPERATIONS = {"|": np.logical_or, "&": np.logical_and, "-": np.greater}


def pattern(factor: Factor) -> Pattern:
    (found,) = factors(valid(factor))
    return dense_pattern(found) > 0


def squares(width: int) -> st.SearchStrategy[Factor]:
    """Patterns of complete blocks and of offsets, with dims that meet and dims that do not."""
    divisors = [size for size in range(1, width + 1) if width % size == 0]
    krons = [Kron(width // (b * d), b, b, d) for b, d in product(divisors, divisors) if width % (b * d) == 0]
    return st.one_of(st.sampled_from(krons), single_factors(width, width))


@st.composite
def pairs(draw: st.DrawFn, count: int = 2) -> list[Factor]:
    """Factors of one shape, with much structure where it is square."""
    if draw(st.booleans()):
        width = draw(st.sampled_from([1, 2, 4, 6, 8, 12]))
        return [draw(squares(width)) for _ in range(count)]
    rows, cols = draw(st.integers(1, 8)), draw(st.integers(1, 8))
    return [draw(single_factors(rows, cols)) for _ in range(count)]


@st.composite
def canonical(draw: st.DrawFn, count: int = 2) -> list[Factor]:
    """Factors as everything in the compiler makes them: equal patterns are equal factors."""
    return [sparse(factor.cols, *factor.arrays()) for factor in draw(pairs(count))]


@given(pairs(), st.sampled_from(sorted(OPERATIONS)))
def test_operations(found: list[Factor], operator: str) -> None:
    left, right = found
    expected = OPERATIONS[operator](pattern(left), pattern(right))
    result = combined(operator, left, right)
    np.testing.assert_array_equal(pattern(result), expected)
    by_edges = merges.merged(operator, left, right)
    np.testing.assert_array_equal(pattern(by_edges), expected)
    assert fabric_digest(result) == fabric_digest(by_edges)


@given(canonical(), st.sampled_from(sorted(OPERATIONS)))
def test_the_way_taken_does_not_show(found: list[Factor], operator: str) -> None:
    left, right = found
    assert same(combined(operator, left, right), merges.merged(operator, left, right))


@given(pairs(count=1))
def test_complement(found: list[Factor]) -> None:
    (factor,) = found
    result = complement(factor)
    np.testing.assert_array_equal(pattern(result), ~pattern(factor))
    assert same(result, merges.complement(factor))
    assert fabric_digest(complement(result)) == fabric_digest(factor)


@given(pairs(count=3))
def test_laws(found: list[Factor]) -> None:
    a, b, c = map(EdgeSet, found)

    def equal(left: EdgeSet, right: EdgeSet) -> bool:
        assert left.edges == right.edges == right.written_out().edges
        return fabric_digest(left.written_out()) == fabric_digest(right.written_out())

    assert equal(~(a | b), ~a & ~b)
    assert equal(~(a & b), ~a | ~b)
    assert equal(a & (b | c), (a & b) | (a & c))
    assert equal(a | (b & c), (a | b) & (a | c))
    assert equal(a - b, a & ~b)
    assert equal(a - (b | c), (a - b) - c)
    assert equal(~~a, a)
    np.testing.assert_array_equal(
        pattern((~a | (b - ~c)).written_out()), ~pattern(a.factor) | (pattern(b.factor) & pattern(c.factor))
    )


@st.composite
def products(draw: st.DrawFn) -> tuple[Factor, Factor]:
    """An outer factor of any shape and a square inner one."""
    size = draw(st.integers(1, 4))
    return draw(canonical(count=1))[0], draw(st.one_of(squares(size), single_factors(size, size)))


@given(products())
def test_kronecker(found: tuple[Factor, Factor]) -> None:
    outer, inner = found
    result = kronecker(outer, inner)
    expected = np.kron(pattern(outer), pattern(inner))
    np.testing.assert_array_equal(pattern(result), expected)
    assert same(result, sparse(result.cols, *result.arrays()))


@given(canonical())
def test_transposing_twice_and_cascades(found: list[Factor]) -> None:
    for factor in found:
        twice = transpose(transpose(factor))
        assert isinstance(twice, Factor)
        assert same(twice, factor)
    chain: list[Fabric] = [found[0], transpose(found[1]), found[1]]
    left = cascade(cascade(*chain[:2]), *chain[2:])
    right = cascade(chain[0], cascade(*chain[1:]))
    np.testing.assert_array_equal(dense_pattern(left), reduce(np.matmul, map(dense_pattern, reversed(chain))))
    assert fabric_digest(left) == fabric_digest(right)


WIDTH = 2**20


def test_wide_circulants_meet_in_their_offsets() -> None:
    block, coarse = Kron(WIDTH // 64, 64, 64, 1), Kron(WIDTH // 256, 256, 256, 1)
    assert combined("-", coarse, block) == Shifts(
        (64, 4, WIDTH // 256), tuple((x, y, 0) for y in range(1, 4) for x in range(64))
    )
    stages = [Kron(WIDTH // 2 ** (s + 1), 2, 2, 2**s) for s in range(20)]
    hypercube = reduce(lambda sofar, stage: combined("|", sofar, stage), stages)
    offsets = [(0,) * 20, *(tuple(int(s == bit) for s in range(20)) for bit in range(20))]
    assert hypercube == Shifts((2,) * 20, tuple(offsets))
    assert combined("&", hypercube, block).edges == 7 * WIDTH
    assert combined("-", hypercube, stages[3]).edges == 19 * WIDTH
    assert combined("&", stages[3], stages[4]) == identity(WIDTH)


def test_wide_blocks_that_hold_others_are_found() -> None:
    block, coarse = Kron(WIDTH // 64, 64, 128, 1), Kron(WIDTH // 256, 256, 512, 1)
    assert combined("|", block, coarse) == combined("|", coarse, block) == coarse
    assert combined("&", block, coarse) == combined("&", coarse, block) == block
    assert combined("-", block, coarse).edges == 0
    few = combined("&", Kron(1, 64, 128, WIDTH // 64), coarse)  # of 2^27 and 2^29 edges
    outputs, inputs = endpoints(few)
    assert few.edges == sum(1 for _ in outputs) == WIDTH // 32
    assert (outputs % (WIDTH // 64) == inputs % (WIDTH // 64)).all()
    assert (outputs // 256 == inputs // 512).all()


def test_products_of_blocks_are_blocks() -> None:
    assert kronecker(Kron(4, 2, 3, 2), Kron(1, 4, 4, 1)).kind == "blocks"
    assert kronecker(Kron(4, 2, 3, 1), Kron(1, 4, 4, 1)) == Kron(4, 8, 12, 1)
    assert kronecker(Kron(4, 2, 3, 2), identity(4)) == Kron(4, 2, 3, 8)
    assert kronecker(identity(4), Kron(2, 3, 3, 2)) == Kron(8, 3, 3, 2)
    torus = Shifts((4, 4), ((0, 0), (1, 0), (3, 0), (0, 1), (0, 3)))
    assert kronecker(torus, Kron(1, 8, 8, 1)).edges == 5 * 16 * 64
    assert isinstance(kronecker(torus, torus), Shifts)


def test_memory_is_in_the_edges() -> None:
    """A matrix of rows × cols would be of 2^40 bytes here."""
    random = np.random.default_rng(0)
    left, right = (
        sparse(
            WIDTH,
            np.arange(WIDTH + 1) * 2,
            np.sort(random.integers(0, WIDTH // 2, (WIDTH, 2)) * 2 + [0, 1], axis=1).reshape(-1),
        )
        for _ in range(2)
    )
    assert combined("|", left, right).edges + combined("&", left, right).edges == 4 * WIDTH
    assert combined("-", left, right).edges == 2 * WIDTH - combined("&", left, right).edges
