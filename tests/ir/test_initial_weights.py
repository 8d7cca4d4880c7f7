"""Initial weights: the frozen rule, and the distributions that it gives."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from nfc import philox
from nfc.diagnostics import Sink
from nfc.ir.deviations import ByDegrees, ByRow, Deviations, Floored, Separable
from nfc.ir.factors import Blocks, Factor, Kron, Restricted, Shifts
from nfc.ir.initial_weights import (
    drawn_weights,
    initial_weights,
    is_in_lower_half,
    sign_weights,
    uniform_weights,
)
from nfc.ir.interpreter import factor_matrix
from nfc.ir.network import Draw, Norm
from nfc.ir.orthogonal_weights import normal, orthogonal_weights
from nfc.ir.parameters import parameters
from nfc.ir.structure import endpoints
from nfc.passes.initialise import Initialise
from tests.build import FABRICS, linear, network


def test_uniform_weights_by_the_written_rule() -> None:
    u = philox.uniform(11, 3, 12)
    expected = [np.float32(0.25 * 3.0**0.5 * (2.0 * float(number) - 1.0)) for number in u]
    found = uniform_weights(Kron(2, 2, 3, 1), Draw("uniform", 0.25, 3), 11)
    assert found.dtype == np.float32
    assert found.reshape(-1).tolist() == [float(number) for number in expected]


def test_the_bits_are_frozen() -> None:
    found = uniform_weights(Kron(1, 2, 2, 1), Draw("uniform", 0.5, 1), 7)
    assert found.view(np.uint32).reshape(-1).tolist() == [0xBC0CC2A4, 0xBF118DDE, 0xBEA76911, 0xBEF39C7C]


def written_signs(factor: Factor, window: tuple[int, ...], seed: int, stream: int) -> list[float]:
    """The rule of signs input by input, in plain loops."""
    area = int(np.prod(window, dtype=int))
    u = philox.uniform(seed, stream, factor.edges * area).tolist()
    signs = [0.0] * len(u)
    _, columns = endpoints(factor)
    for column in range(factor.cols):
        for entry in range(area):
            mine = [edge * area + entry for edge, other in enumerate(columns) if other == column]
            ascending = sorted(mine, key=lambda place: u[place])
            half = len(mine) // 2
            for place in ascending[:half]:
                signs[place] = -1.0
            for place in ascending[len(mine) - half :]:
                signs[place] = 1.0
            for place in ascending[half : len(mine) - half]:
                signs[place] = -1.0 if u[place] < 0.5 else 1.0
    return signs


@pytest.mark.parametrize("window", [(), (3, 2)])
@pytest.mark.parametrize(
    "kind", ["dense", "block", "diagonal", "strided", "blocks", "torus", "fan_in", "edges"]
)
def test_signs_by_the_written_rule(kind: str, window: tuple[int, ...]) -> None:
    factor = FABRICS[kind]
    assert isinstance(factor, Factor)
    found = sign_weights(factor, Draw("sign", 0.1, 3), 11, window)
    assert found.dtype == np.float32
    assert found.shape == (*factor.weight_shape, *window)
    expected = [float(np.float32(0.1 * sign)) for sign in written_signs(factor, window, 11, 3)]
    assert found.reshape(-1).tolist() == expected


def test_equal_numbers_are_halved_in_their_order() -> None:
    numbers, groups = np.array([0.7, 0.7, 0.2, 0.7, 0.7, 0.2]), np.array([1, 1, 0, 1, 1, 0])
    assert is_in_lower_half(numbers, groups).tolist() == [True, True, True, False, False, False]


def test_signs_are_even_and_those_of_one_output_independent() -> None:
    """Over seeds: mean 0 on every edge, no correlation in a row, -1/size or -1/(size - 1) in a column."""
    factor = Shifts((3, 3), ((0, 0), (1, 0), (2, 0), (0, 1), (0, 2)))
    seeds = 2000
    signs = np.stack([
        factor_matrix(factor, sign_weights(factor, Draw("sign", 1.0, 0), seed)) for seed in range(seeds)
    ])  # fmt: skip
    noise = 5 / seeds**0.5
    assert np.abs(signs.mean(axis=0)).max() < noise
    reads = factor_matrix(factor, np.ones(factor.weight_shape, np.float32)) > 0
    in_row = np.einsum("sji,sjk->jik", signs, signs) / seeds
    assert np.abs(in_row * ~np.eye(9, dtype=bool)).max() < noise
    in_column = np.einsum("sji,ski->ijk", signs, signs) / seeds
    for column in range(9):
        outputs = np.flatnonzero(reads[:, column])
        pairs = in_column[column][np.ix_(outputs, outputs)][~np.eye(5, dtype=bool)]
        np.testing.assert_allclose(pairs, -1 / 5, atol=noise)


EDGES = FABRICS["edges"]
ROWS, COLS = np.array([0.5, 2.0, 3.0]), np.array([0.25, 1.0, 1.5, 7.0])


@pytest.mark.parametrize(
    ("std", "variance"),
    [
        (ByRow(ROWS), lambda j, i: ROWS[j]),
        (ByDegrees(ROWS, ROWS, COLS), lambda j, i: 2 * ROWS[j] / (ROWS[j] + COLS[i])),
        (Separable(ROWS, COLS), lambda j, i: ROWS[j] * COLS[i]),
        (
            Floored(
                2 * ROWS, ROWS, COLS, ROWS**2, COLS**2, np.array([0.0, 1.0, 1.0]), np.array([0, 1.0, 1, 0])
            ),
            lambda j, i: (
                2
                * ROWS[j]
                * (ROWS[j] * COLS[i] * (int(j > 0) == int(i in (1, 2))) + min(ROWS[j], COLS[i]) ** 2)
            ),
        ),
    ],
    ids=lambda value: getattr(value, "kind", ""),
)
@pytest.mark.parametrize("distribution", ["uniform", "sign"])
def test_deviations_of_rows_and_columns_go_edge_by_edge(
    distribution: str, std: Deviations, variance: Callable[[int, int], float]
) -> None:
    assert isinstance(EDGES, Factor)
    expected = [variance(j, i) ** 0.5 for j, i in zip(*endpoints(EDGES), strict=True)]
    ones = drawn_weights(EDGES, Draw(distribution, 1.0, 0), 5)
    found = drawn_weights(EDGES, Draw(distribution, std, 0), 5)
    np.testing.assert_allclose(found, ones * expected, rtol=1e-6)


@pytest.mark.parametrize("scalar", [True, False])
def test_a_cut_factor_draws_a_number_an_edge(scalar: bool) -> None:
    (factor, *_) = FABRICS["restricted"].parts  # type: ignore[union-attr]
    std = 0.5 if scalar else ByRow(np.full(factor.rows, 0.25))
    found = uniform_weights(factor, Draw("uniform", std, 0), 5)
    whole = uniform_weights(factor.base, Draw("uniform", 0.5, 0), 5).reshape(-1)
    assert found.shape == (factor.edges,)
    assert (found == whole[: factor.edges]).all()


def test_uniform_weights_have_the_deviation_asked_for() -> None:
    found = uniform_weights(Kron(1, 300, 300, 1), Draw("uniform", 0.7, 0), 1)
    assert found.std() == pytest.approx(0.7, rel=0.01)
    assert abs(found.mean()) < 0.01
    assert np.abs(found).max() <= 0.7 * 3**0.5


def test_normal_numbers_are_normal() -> None:
    from scipy.stats import kstest

    z = normal(3, 4, 50_001)
    assert len(z) == 50_001
    assert kstest(z, "norm").pvalue > 0.001
    assert abs(np.corrcoef(z[:-1:2], z[1::2])[0, 1]) < 0.02


@pytest.mark.parametrize(
    "factor",
    [
        Kron(1, 5, 5, 1),
        Kron(1, 3, 7, 1),
        Kron(1, 7, 3, 1),
        Kron(3, 4, 2, 1),
        Kron(2, 3, 3, 4),
        Kron(2, 2, 3, 2),
        Kron(6, 1, 1, 1),
        Blocks(np.array([[0, 3], [1, 2]]), np.array([[1, 2, 4], [0, 3, 5]])),
    ],
    ids=repr,
)
def test_orthogonal_blocks_have_orthonormal_rows_or_columns(factor: Factor) -> None:
    matrix = factor_matrix(factor, orthogonal_weights(factor, Draw("orthogonal", 2.0, 0), 9)) / 2.0
    gram = matrix.T @ matrix if factor.rows >= factor.cols else matrix @ matrix.T
    np.testing.assert_allclose(gram, np.eye(len(gram)), atol=1e-6)


CUT = [
    Restricted(Kron(3, 3, 4, 1), np.arange(9) < 8, np.arange(11) % 5 > 0),
    Restricted(Kron(2, 3, 3, 2), np.arange(12) != 5, np.arange(12) > 3),
    Restricted(Kron(1, 5, 2, 3), np.arange(15) < 11, np.arange(5) < 5),
]


@pytest.mark.parametrize("factor", CUT, ids=lambda factor: repr(factor.base))
def test_what_is_left_of_a_cut_block_has_orthonormal_rows_or_columns(factor: Restricted) -> None:
    """Block (i, l) of I_a ⊗ W ⊗ I_d joins the rows and the columns with these first and last digits."""
    matrix = factor_matrix(factor, orthogonal_weights(factor, Draw("orthogonal", 2.0, 0), 9)) / 2.0
    base = factor.base
    for group in range(base.a):
        for lane in range(base.d):
            rows = group * base.b * base.d + np.arange(base.b) * base.d + lane
            columns = group * base.c * base.d + np.arange(base.c) * base.d + lane
            rows, columns = rows[rows < factor.rows], columns[columns < factor.cols]
            block = matrix[np.ix_(rows[factor.live_rows[rows]], columns[factor.live_cols[columns]])]
            gram = block.T @ block if block.shape[0] >= block.shape[1] else block @ block.T
            np.testing.assert_allclose(gram, np.eye(len(gram)), atol=1e-6)


def test_blocks_that_nothing_was_cut_from_are_those_of_the_whole() -> None:
    base = Kron(3, 4, 4, 2)
    whole = orthogonal_weights(base, Draw("orthogonal", 1.5, 3), 9)
    every = Restricted(base, np.ones(base.rows, bool), np.ones(base.cols, bool))
    assert (orthogonal_weights(every, Draw("orthogonal", 1.5, 3), 9) == whole.reshape(-1)).all()


def test_rows_of_orthogonal_blocks_have_multipliers_of_their_own() -> None:
    factor, scale = Kron(2, 2, 3, 2), np.arange(1.0, 9.0)
    ones = orthogonal_weights(factor, Draw("orthogonal", 1.0, 0), 9)
    found = factor_matrix(factor, orthogonal_weights(factor, Draw("orthogonal", ByRow(scale), 0), 9))
    np.testing.assert_allclose(found, factor_matrix(factor, ones) * scale[:, None] ** 0.5, rtol=1e-6)


def test_orthogonal_blocks_are_evenly_distributed() -> None:
    """The entries of a Haar-distributed 2 × 2 matrix are cosines of an even angle, both determinants alike."""
    matrices = orthogonal_weights(Kron(20_000, 2, 2, 1), Draw("orthogonal", 1.0, 0), 2)
    angle = np.arctan2(matrices[:, 1, 0], matrices[:, 0, 0])
    counts, _ = np.histogram(angle, bins=20, range=(-np.pi, np.pi))
    assert counts.min() > 880
    assert counts.max() < 1120
    assert np.linalg.det(matrices).mean() == pytest.approx(0.0, abs=0.03)


def test_every_parameter_is_there_with_its_shape_and_type() -> None:
    shape = {"input": (6,), "output": (6,)}
    body = (
        linear("linear1", FABRICS["dense"]),
        Norm(path="norm1", norm="batch", **shape),
        Norm(path="norm2", norm="rms", **shape),
    )
    built = Initialise().run(network("test", body), Sink())
    weights = initial_weights(built, 0)
    assert {name: value.shape for name, value in weights.items()} == {
        parameter.name: parameter.shape for parameter in parameters(built)
    }
    assert {value.dtype for value in weights.values()} == {np.dtype(np.float32)}
    constants = {name: set(value.tolist()) for name, value in weights.items() if name != "linear1.weight"}
    assert constants == {
        "linear1.bias": {0.0},
        "norm1.weight": {1.0},
        "norm1.bias": {0.0},
        "norm1.running_mean": {0.0},
        "norm1.running_var": {1.0},
        "norm2.weight": {1.0},
    }


def test_seeds_and_factors_have_numbers_of_their_own() -> None:
    body = (linear("a", Kron(1, 4, 4, 1)), linear("b", Kron(1, 4, 4, 1)))
    built = Initialise().run(network("test", body), Sink())
    zero, again, one = initial_weights(built, 0), initial_weights(built, 0), initial_weights(built, 1)
    assert (zero["a.weight"] == again["a.weight"]).all()
    assert (zero["a.weight"] != zero["b.weight"]).all()
    assert (zero["a.weight"] != one["a.weight"]).all()


def test_a_network_without_draws_is_refused() -> None:
    with pytest.raises(ValueError, match="the initialisation pass has to run"):
        initial_weights(network("test", (linear("a", Kron(1, 4, 4, 1)),)), 0)
