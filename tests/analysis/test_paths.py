"""Path counts, reach and connectedness against dense products and closed forms."""

from __future__ import annotations

from collections.abc import Callable
from math import comb

import networkx as nx
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nfc.analysis import paths as paths_module
from nfc.analysis.degrees import live_inputs, live_outputs
from nfc.analysis.errors import PropertyError
from nfc.analysis.paths import Paths, Reach, paths, reach
from nfc.analysis.quotient import quotient
from nfc.analysis.slices import is_translation_invariant
from nfc.ir.fabric import Cascade, Fabric, Sum
from nfc.ir.factors import Blocks, Edges, FanIn, Kron, Restricted, Shifts
from tests.build import FABRICS, butterfly, edges_of
from tests.strategies import fabrics


def exact_counts(fabric: Fabric) -> np.ndarray:
    """The path counts as a dense matrix of Python integers."""
    if isinstance(fabric, Cascade):
        product = exact_counts(fabric.parts[0])
        for part in fabric.parts[1:]:
            product = exact_counts(part) @ product
        return product
    if isinstance(fabric, Sum):
        return sum(exact_counts(part) for part in fabric.parts)
    return fabric.csr().toarray().astype(object)


def brute(fabric: Fabric) -> tuple[Paths, Reach]:
    rows, columns = np.flatnonzero(live_outputs(fabric)), np.flatnonzero(live_inputs(fabric))
    counts = exact_counts(fabric)[np.ix_(rows, columns)]
    if counts.size == 0 or counts.sum() == 0:
        statistics = Paths(0, 0, 0.0, 0.0)
    else:
        ratios = (counts * counts.size / counts.sum()).astype(float)
        statistics = Paths(counts.min(), counts.max(), counts.sum() / counts.size, float(ratios.std()))
    gaps = [(int(rows[o]), int(columns[i])) for i, o in np.argwhere(counts.T == 0)]
    return statistics, Reach(counts.size, int((counts > 0).sum()), gaps[0] if gaps else None)


def assert_agrees(fabric: Fabric) -> None:
    statistics, reached = brute(fabric)
    found = paths(fabric)
    assert (found.minimum, found.maximum, found.mean) == (
        statistics.minimum,
        statistics.maximum,
        statistics.mean,
    )
    assert found.variation == pytest.approx(statistics.variation, abs=1e-12)
    assert reach(fabric) == reached


def without_structure(monkeypatch: pytest.MonkeyPatch, *, slice: int = 64) -> None:
    """Counts every column, in slices of a few."""
    monkeypatch.setattr(paths_module, "quotient", lambda fabric: None)
    monkeypatch.setattr(paths_module, "is_translation_invariant", lambda fabric: False)
    monkeypatch.setattr("nfc.analysis.slices.SLICE", slice)


@pytest.mark.parametrize("name", FABRICS)
def test_every_kind_agrees_with_dense_products(name: str) -> None:
    assert_agrees(FABRICS[name])


@pytest.mark.parametrize("name", FABRICS)
def test_slices_agree_with_dense_products(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    without_structure(monkeypatch)
    assert_agrees(Sum((FABRICS[name], FABRICS[name])))


@settings(max_examples=80, deadline=None)
@given(fabrics())
def test_random_fabrics_agree_with_dense_products(fabric: Fabric) -> None:
    assert_agrees(fabric)


@settings(max_examples=40, deadline=None)
@given(fabrics())
def test_slices_of_random_fabrics_agree_with_dense_products(fabric: Fabric) -> None:
    with pytest.MonkeyPatch.context() as patch:
        without_structure(patch)
        assert_agrees(fabric)


@settings(max_examples=40, deadline=None)
@given(fabrics())
def test_small_fabrics_have_quotients_that_expand_to_the_counts(fabric: Fabric) -> None:
    small = quotient(fabric)
    assert small is not None
    matrix = np.zeros((small.matrix.rows + 1, small.matrix.cols + 1), np.int64)
    matrix[small.matrix.row, small.matrix.col] = small.matrix.value
    assert (matrix[small.row_class][:, small.col_class] == exact_counts(fabric)).all()


def random_factor(width: int, count: int, seed: int) -> FanIn:
    random = np.random.default_rng(seed)
    return FanIn(width, np.sort(np.stack([random.permutation(width)[:count] for _ in range(width)]), axis=1))


def shuffled(fabric: Cascade, seed: int) -> Fabric:
    """Inputs and outputs permuted, the permutations absorbed into the end factors as `shuffle=` does."""
    random = np.random.default_rng(seed)
    inputs, outputs = random.permutation(fabric.cols), random.permutation(fabric.rows)
    first, *middle, last = fabric.parts
    return Cascade(
        (
            permuted(first, np.arange(first.rows), inputs),
            *middle,
            permuted(last, outputs, np.arange(last.cols)),
        )
    )


def permuted(factor: Kron, rows: np.ndarray, cols: np.ndarray) -> Blocks:
    row = rows[
        np.arange(factor.rows).reshape(factor.a, factor.b, factor.d).transpose(0, 2, 1).reshape(-1, factor.b)
    ]
    col = cols[
        np.arange(factor.cols).reshape(factor.a, factor.c, factor.d).transpose(0, 2, 1).reshape(-1, factor.c)
    ]
    order = np.argsort(row.min(axis=1))
    return Blocks(np.sort(row, axis=1)[order], np.sort(col, axis=1)[order])


# --- closed forms ---------------------------------------------------------------------------------


def test_a_butterfly_of_a_million_inputs_has_one_path_a_pair() -> None:
    fabric = butterfly(2**20)
    assert paths(fabric) == Paths(1, 1, 1.0, 0.0)
    assert reach(fabric) == Reach(2**40, 2**40, None)


def test_benes_has_half_the_width_of_paths() -> None:
    stages = butterfly(2**10).parts
    assert paths(Cascade((*stages, *stages[-2::-1]))) == Paths(2**9, 2**9, 2.0**9, 0.0)


def test_parallel_butterflies_add_their_paths() -> None:
    fabric = Sum((butterfly(2**12), butterfly(2**12, 16), butterfly(2**12)))
    assert paths(fabric) == Paths(3, 3, 3.0, 0.0)


def test_shuffled_copies_add_their_paths() -> None:
    fabric = Sum((butterfly(2**14), shuffled(butterfly(2**14), 1), shuffled(butterfly(2**14), 2)))
    assert not is_translation_invariant(fabric)
    assert paths(fabric) == Paths(3, 3, 3.0, 0.0)
    assert reach(fabric).connected


def test_a_cut_butterfly_keeps_its_paths() -> None:
    width, outputs, inputs = 2**14, 10_000, 12_345
    stages = butterfly(width).parts
    every = np.ones(width, np.bool_)
    fabric = Cascade(
        (
            Restricted(stages[0], every, every[:inputs]),
            *(Restricted(stage, every, every) for stage in stages[1:-1]),
            Restricted(stages[-1], every[:outputs], every),
        )
    )
    assert paths(fabric) == Paths(1, 1, 1.0, 0.0)
    assert reach(fabric).pairs == outputs * inputs


def test_a_dense_factor_makes_an_outer_product_of_degrees() -> None:
    first, second, last = random_factor(2048, 9, 1), random_factor(2048, 3, 2), random_factor(2048, 5, 3)
    found = paths(Cascade((first, second, Kron(1, 2048, 2048, 1), last)))
    outward = np.zeros(2048, np.int64)
    np.add.at(outward, first.table, second.fan_out()[:, None])
    assert (found.minimum, found.maximum, found.mean) == (5 * outward.min(), 5 * outward.max(), 9 * 3 * 5)


def test_hypercube_hops_count_lazy_walks() -> None:
    """Walks to a node of weight w by the cube's spectrum (Krawtchouk polynomials)."""
    k, hops = 12, 5
    cube = Shifts((2,) * k, ((0,) * k, *(tuple(int(a == b) for b in range(k)) for a in range(k))))
    fabric = Cascade((cube,) * hops)

    def walks(weight: int) -> int:
        def krawtchouk(j: int) -> int:
            return sum((-1) ** i * comb(weight, i) * comb(k - weight, j - i) for i in range(j + 1))

        return sum(krawtchouk(j) * (k + 1 - 2 * j) ** hops for j in range(k + 1)) // 2**k

    assert paths(fabric).maximum == max(walks(weight) for weight in range(k + 1))
    assert paths(fabric).mean == (k + 1) ** hops / 2**k
    assert reach(fabric).reached == sum(comb(k, j) for j in range(hops + 1)) * 2**k
    assert reach(fabric).gap == (2 ** (hops + 1) - 1, 0)


def test_blocks_of_strides_that_do_not_divide_are_counted() -> None:
    fabric = Cascade((Kron(3, 4, 4, 1), Kron(2, 6, 6, 1)))
    assert not is_translation_invariant(fabric)
    assert_agrees(fabric)
    assert paths(fabric).maximum == 4


def test_a_circulant_is_not_invariant_under_finer_or_coarser_digits() -> None:
    ring = Shifts((16,), ((0,), (1,)))
    assert is_translation_invariant(ring)
    assert not is_translation_invariant(Cascade((ring, Kron(8, 2, 2, 1))))
    assert not is_translation_invariant(Cascade((ring, Shifts((4, 4), ((0, 0), (1, 0))))))
    assert_agrees(Cascade((ring, Kron(8, 2, 2, 1), ring)))


def test_counts_beyond_64_bits_are_exact() -> None:
    dense = Cascade((Kron(1, 16, 16, 1),) * 40)
    assert paths(dense) == Paths(16**39, 16**39, 16.0**39, 0.0)
    assert_agrees(Cascade(tuple(random_factor(8, 3, seed) for seed in range(60))))


def test_counts_beyond_floats_keep_an_integer_mean() -> None:
    found = paths(Cascade((Kron(1, 16, 16, 1),) * 300))
    assert found == Paths(16**299, 16**299, 16**299, 0.0)


def test_reach_agrees_with_networkx() -> None:
    parts = [random_factor(60, 2, seed) for seed in range(3)]
    graph = nx.DiGraph()
    for level, factor in enumerate(parts):
        graph.add_edges_from(((level, i), (level + 1, o)) for o, row in enumerate(factor.table) for i in row)
    inputs = [node for node in graph if node[0] == 0]
    reached = sum(len({n for n in nx.descendants(graph, node) if n[0] == 3}) for node in inputs)
    found = reach(Cascade(tuple(parts)))
    assert (found.pairs, found.reached) == (60 * len(inputs), reached)
    output, unmet = found.gap
    assert not nx.has_path(graph, (0, unmet), (3, output))


# --- neurons without edges ----------------------------------------------------------------------


def test_neurons_without_edges_are_on_no_path() -> None:
    fabric = edges_of(np.array([[1, 0, 1], [0, 0, 0], [1, 0, 1]]))
    assert reach(fabric) == Reach(4, 4, None)
    assert paths(fabric) == Paths(1, 1, 1.0, 0.0)


def test_without_any_edge_nothing_is_connected() -> None:
    empty = Edges(3, np.zeros(5, np.int64), np.zeros(0, np.int64))
    assert paths(empty) == Paths(0, 0, 0.0, 0.0)
    assert reach(empty) == Reach(0, 0, None)
    assert not reach(empty).connected


def test_edges_without_a_path_are_not_connected() -> None:
    fabric = Cascade((edges_of(np.array([[1], [0]])), edges_of(np.array([[0, 1]]))))
    assert reach(fabric) == Reach(1, 0, (0, 0))
    assert paths(fabric) == Paths(0, 0, 0.0, 0.0)


# --- bounds -------------------------------------------------------------------------------------


@pytest.mark.parametrize("measure", [paths, reach])
def test_too_much_work_is_refused(
    measure: Callable[[Fabric], object], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(paths_module, "WORK", 1000)
    monkeypatch.setattr(paths_module, "quotient", lambda fabric: None)
    with pytest.raises(PropertyError) as caught:
        measure(Cascade(tuple(random_factor(100, 4, seed) for seed in range(2))))
    assert caught.value.code == "NF506"


def test_unstructured_cascades_have_no_quotient() -> None:
    wide = Cascade(tuple(random_factor(1024, 64, seed) for seed in range(3)))
    assert quotient(wide) is None


def test_results_are_kept_while_the_fabric_lives() -> None:
    fabric = Cascade((random_factor(16, 2, 0), random_factor(16, 2, 1)))
    assert paths(fabric) is paths(fabric)


# --- single factors -----------------------------------------------------------------------------


def refuse(*arguments: object) -> None:
    raise AssertionError("a single factor needs neither columns nor classes")


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 9), st.integers(1, 9), st.floats(0.1, 1.0), st.integers(0, 2**32 - 1))
def test_edges_are_the_paths_of_a_single_factor(rows: int, cols: int, density: float, seed: int) -> None:
    factor = edges_of(np.random.default_rng(seed).random((rows, cols)) < density)
    with pytest.MonkeyPatch.context() as patch:
        for name in ("quotient", "count_columns", "reach_columns"):
            patch.setattr(paths_module, name, refuse)
        assert_agrees(factor)


@pytest.mark.parametrize("dims", [(7,), (2, 2, 2), (4, 3)])
def test_edges_are_the_paths_of_a_circulant(dims: tuple[int, ...], monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("quotient", "count_columns", "reach_columns"):
        monkeypatch.setattr(paths_module, name, refuse)
    unit = tuple(int(place == 0) for place in range(len(dims)))
    assert_agrees(Shifts(dims, ((0,) * len(dims), unit)))


def test_a_wide_random_factor_is_asked_in_the_time_of_its_edges() -> None:
    """As columns it would be 2^40 numbers, which is refused."""
    width = 2**20
    table = np.stack([np.arange(width), (np.arange(width) * 5 + 3) % width], axis=1)
    factor = FanIn(width, np.sort(table, axis=1))
    assert reach(factor) == Reach(width**2, 2 * width, (1, 0))
    assert paths(factor).mean == 2 / width
