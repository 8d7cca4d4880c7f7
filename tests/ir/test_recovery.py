"""Equal edges are equal factors: whatever route they come by, and as often as they are analysed."""

from __future__ import annotations

from dataclasses import fields
from itertools import pairwise, product
from math import prod

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nfc.ir.fabric import factors
from nfc.ir.factors import Blocks, Edges, Factor, FanIn, Kron, Restricted, Shifts
from nfc.ir.permute import permute_inputs, permute_outputs
from nfc.ir.recovery import circulant, components
from nfc.ir.structure import endpoints, from_edges, kron, restricted, shifts, sparse
from nfc.limits import Limits
from nfc.topologies import FAMILIES, build
from nfc.topologies.family import TopologyError
from nfc.topologies.transposing import transpose
from tests.build import dense_pattern, edges_of
from tests.strategies import SEEDS, edge_lists, fabrics
from tests.strategies import krons as any_krons
from tests.strategies import shifts as any_shifts
from tests.topologies.golden import CALLS

SHAPES = (
    (1, 1),
    (1, 9),
    (7, 5),
    (5, 7),
    (16, 16),
    (12, 20),
    (20, 12),
    (27, 27),
    (33, 64),
    (64, 33),
    (64, 64),
)
MORE = {
    "block(size=3)": ("block", {"size": 3}),
    "block(size=8)": ("block", {"size": 8}),
    "block(count=4)": ("block", {"count": 4}),
    "butterfly(4)": ("butterfly", {"radix": 4}),
    "butterfly(radices=[2, 3])": ("butterfly", {"radices": (2, 3)}),
    "benes(3)": ("benes", {"radix": 3}),
    "torus(1)": ("torus", {"dims": 1}),
    "pixelfly(4)": ("pixelfly", {"block": 4}),
    "pixelfly(1, stages=2)": ("pixelfly", {"block": 1, "stages": 2}),
    "shuffle_exchange(radix=4)": ("shuffle_exchange", {"radix": 4}),
    "small_world(2, 0%)": ("small_world", {"fan_in": 2, "rewire": 0.0, "seed": 1}),
    "n_of_m(1, 2)": ("n_of_m", {"n": 1, "m": 2, "seed": 3}),
}


def same(left: object, right: object) -> bool:
    """Whether two factors are of one kind with the same parameters."""
    if type(left) is not type(right):
        return False
    if isinstance(left, Factor):
        return all(same(getattr(left, field.name), getattr(right, field.name)) for field in fields(left))
    return np.array_equal(left, right) if isinstance(left, np.ndarray) else left == right


def assert_canonical(factor: Factor) -> None:
    assert same(sparse(factor.cols, *factor.arrays()), factor), factor


@pytest.mark.parametrize("call", [*CALLS, *MORE])
def test_standard_topologies(call: str) -> None:
    name, arguments = (CALLS | MORE)[call]
    for rows, cols in SHAPES:
        try:
            fabric = build(FAMILIES[name], rows, cols, arguments, limits=Limits()).fabric
        except TopologyError:
            continue  # sizes that the call does not take
        random = np.random.default_rng(rows)
        for each in (
            fabric,
            transpose(fabric),
            permute_inputs(fabric, random.permutation(cols)),
            permute_outputs(fabric, random.permutation(rows)),
        ):
            for factor in factors(each):
                assert_canonical(factor)


@pytest.mark.parametrize("widths", [(2, 2, 2, 2), (1, 3, 2, 1), (1, 1, 1, 1)])
def test_radix_nets(widths: tuple[int, ...]) -> None:
    arguments = {"systems": ((2, 3, 2),), "widths": widths}
    fabric = build(FAMILIES["radix_net"], 12 * widths[-1], 12 * widths[0], arguments, limits=Limits()).fabric
    for factor in factors(fabric):
        assert_canonical(factor)
        assert_canonical(transpose(factor))


@given(st.integers(1, 24).flatmap(any_shifts))
def test_circulants(factor: Shifts) -> None:
    found = shifts(factor.dims, factor.offsets)
    np.testing.assert_array_equal(dense_pattern(found), dense_pattern(factor))
    assert isinstance(found, Kron | Blocks | Shifts)
    assert_canonical(found)


def chains(size: int) -> list[tuple[int, ...]]:
    if size == 1:
        return [()]
    return [(m, *rest) for m in range(2, size + 1) if size % m == 0 for rest in chains(size // m)]


def is_circulant(matrix: np.ndarray, dims: tuple[int, ...]) -> bool:
    """By the definition: the matrix as an array of digits is constant along each translation of both sides."""
    shape = dims[::-1] * 2
    axes = len(dims)
    grid = matrix.reshape(shape)
    return all(np.array_equal(np.roll(grid, 1, (axis, axis + axes)), grid) for axis in range(axes))


@given(st.sampled_from([4, 6, 8, 9, 12, 16, 18, 24]).flatmap(any_shifts))
def test_the_digits_are_the_fewest(factor: Shifts) -> None:
    found = shifts(factor.dims, factor.offsets)
    if isinstance(found, Shifts):
        matrix = dense_pattern(factor)
        possible = [dims for dims in chains(factor.rows) if is_circulant(matrix, dims)]
        least = min(map(len, possible))
        assert found.dims == max(dims for dims in possible if len(dims) == least)


@given(st.sampled_from([6, 8, 12, 16]).flatmap(any_shifts), SEEDS)
def test_a_moved_edge_is_seen(factor: Shifts, seed: int) -> None:
    matrix = dense_pattern(factor)
    random = np.random.default_rng(seed)
    row = random.integers(len(matrix))
    matrix[row] = random.permutation(matrix[row])
    found = sparse(factor.cols, *edges_of(matrix).arrays())
    np.testing.assert_array_equal(dense_pattern(found), matrix)
    brute = any(is_circulant(matrix, dims) for dims in chains(factor.rows))
    assert isinstance(found, Shifts | Kron | Blocks) or not brute


def test_an_exception_far_from_the_sample_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """One row of 4096 differs; slices are small, so that it lies in none of the first ones."""
    monkeypatch.setattr(circulant, "SLICE", 64)
    table = Shifts((4096,), ((0,), (1,), (5,))).table.copy()
    assert isinstance(sparse(4096, np.arange(4097) * 3, table.reshape(-1)), Shifts)
    table[3001] = [7, 8, 9]
    assert isinstance(sparse(4096, np.arange(4097) * 3, table.reshape(-1)), FanIn)


@given(st.integers(1, 12), st.integers(1, 12), SEEDS, st.data())
def test_what_is_left_of_a_kron(rows: int, cols: int, seed: int, data: st.DataObject) -> None:
    base = data.draw(any_krons(rows, cols))
    random = np.random.default_rng(seed)
    live_rows = random.random(random.integers(1, rows + 1)) < 0.8
    live_cols = random.random(random.integers(1, cols + 1)) < 0.8
    found = restricted(base, live_rows, live_cols)
    expected = dense_pattern(base)[: len(live_rows), : len(live_cols)] * np.outer(live_rows, live_cols)
    np.testing.assert_array_equal(dense_pattern(found), expected)
    assert_canonical(found)


@given(st.integers(1, 9), st.integers(1, 9), st.data())
def test_any_edges(rows: int, cols: int, data: st.DataObject) -> None:
    factor = data.draw(edge_lists(rows, cols))
    found = sparse(cols, factor.indptr, factor.indices)
    np.testing.assert_array_equal(dense_pattern(found), dense_pattern(factor))
    assert_canonical(found)


@given(fabrics(depth=0))
def test_slices_do_not_matter(factor: Factor) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(components, "SLICE", 3)
        patch.setattr(circulant, "SLICE", 3)
        small = sparse(factor.cols, *factor.arrays())
    assert same(small, sparse(factor.cols, *factor.arrays()))


def test_prefixes_of_blocks_keep_their_blocks() -> None:
    """The kernel of a fitted factor, also where its edges are given one by one."""
    pattern = np.arange(12)[:, None] // 8 == np.arange(20) // 8
    found = from_edges(12, 20, *np.nonzero(pattern))
    assert isinstance(found, Restricted)
    assert found.base == Kron(3, 8, 8, 1)


def test_padding_is_bounded() -> None:
    """A few edges of a large dense block stay edges."""
    live = np.zeros(1000, np.bool_)
    live[[0, 3, 999]] = True
    assert isinstance(restricted(Kron(1, 1000, 1000, 1), live, live), Edges)


@pytest.mark.parametrize(
    ("size", "outputs", "inputs", "kind"),
    [
        (6, [], [], Edges),
        (6, range(6), range(6), Kron),
        (6, range(6), [3, 1, 4, 0, 5, 2], Blocks),
        (6, *zip(*product(range(6), range(6)), strict=True), Kron),
        (6, range(6), [0] * 6, None),
        (6, [0] * 6, range(6), None),
    ],
    ids=["empty", "diagonal", "permutation", "dense", "one column", "one row"],
)
def test_small_cases(size: int, outputs: object, inputs: object, kind: type | None) -> None:
    ends = np.array([*outputs], np.int64), np.array([*inputs], np.int64)  # type: ignore[misc]
    found = from_edges(size, size, *ends)
    assert kind is None or isinstance(found, kind)
    matrix = np.zeros((size, size))
    matrix[ends] = 1
    np.testing.assert_array_equal(dense_pattern(found), matrix)
    assert_canonical(found)


@pytest.mark.parametrize("shape", [(8, 3, 5), (4, 16, 2), (5, 1, 4), (16, 8, 8)])
def test_relabelled_blocks_are_found(shape: tuple[int, int, int]) -> None:
    factor = kron(*shape, 1)
    random = np.random.default_rng(0)
    rows, cols = random.permutation(factor.rows), random.permutation(factor.cols)
    outputs, inputs = endpoints(factor)
    found = from_edges(factor.rows, factor.cols, rows[outputs], cols[inputs])
    assert isinstance(found, Blocks)
    assert found.row_sets.shape == shape[:2]


def test_offsets_ascend() -> None:
    factor = shifts((12,), ((-1,), (0,), (1,), (11,)))
    assert isinstance(factor, Shifts)
    numbers = [offset[0] for offset in factor.offsets]
    assert all(low < high for low, high in pairwise(numbers))
    assert prod(factor.dims) == 12
