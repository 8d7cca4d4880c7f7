"""Every kernel, in every form of storage, computes what its masked matrix does."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from nfc.ir.fabric import Cascade, Fabric, Sum
from nfc.ir.factors import Blocks, Edges, FanIn, Kron, Restricted, Shifts
from nfc.lowering.plan import Plan
from tests.build import FABRICS, butterfly, edges_of, linear, network
from tests.onnx.plans import in_clusters, in_pairs, scattered, with_kernels
from tests.onnx.running import assert_computes, compiled, operators

FORMS = ("delta", "constant", "initializer", "dense")


def sparse_pattern(rows: int, cols: int, density: float, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).random((rows, cols)) < density


def random_table(rows: int, cols: int, fan_in: int) -> np.ndarray:
    generator = np.random.default_rng(rows + cols)
    return np.stack([np.sort(generator.choice(cols, fan_in, replace=False)) for _ in range(rows)])


LARGER: dict[str, Fabric] = {
    "edges": edges_of(sparse_pattern(90, 70, 0.1)),
    "empty_rows": edges_of(sparse_pattern(90, 70, 0.02)),
    "no_edges": Edges(70, np.zeros(91, np.int64), np.zeros(0, np.int64)),
    "fan_in": FanIn(200, random_table(40, 200, 3)),
    "torus": Shifts((6, 5, 4), ((0, 0, 0), (1, 0, 0), (0, 4, 0), (0, 0, 2))),
    "chain": Cascade((FanIn(60, random_table(50, 60, 4)), edges_of(sparse_pattern(40, 50, 0.1)))),
    "sum_of_sparse": Sum((FanIn(60, random_table(50, 60, 4)), edges_of(sparse_pattern(50, 60, 0.1)))),
    "sparse_in_blocks": Cascade((Kron(15, 4, 4, 1), FanIn(60, random_table(50, 60, 4)), Kron(10, 3, 5, 1))),
}
"""Large and sparse enough for the sparse forms to be smaller than the dense one."""


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("name", [*FABRICS])
def test_small_fabrics(name: str, form: str) -> None:
    assert_computes(network("n", (linear("linear1", FABRICS[name]),)), sparse=form)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("dtype", ["float32", "float16"])
@pytest.mark.parametrize("name", [*LARGER])
def test_unstructured_fabrics(name: str, dtype: str, form: str) -> None:
    if dtype == "float16":
        half_agrees(LARGER[name], form)
    else:
        assert_computes(network("n", (linear("linear1", LARGER[name]),)), sparse=form)


def half_agrees(fabric: Fabric, form: str) -> None:
    """Storing weights that float16 holds exactly changes nothing."""
    from tests.onnx.plans import weights_of

    net = network("n", (linear("linear1", fabric),))
    weights = {name: value.astype(np.float16).astype(np.float32) for name, value in weights_of(net).items()}
    assert_computes(net, weights, sparse=form, dtype="float16")


@pytest.mark.parametrize("name", [*LARGER])
def test_gathered_instead_of_decoded(name: str) -> None:
    assert_computes(network("n", (linear("linear1", LARGER[name]),)), dense_limit=0)


STRUCTURED: dict[str, Fabric] = {
    "radices": Cascade((Kron(12, 2, 2, 1), Kron(4, 3, 3, 2), Kron(1, 4, 4, 6))),
    "mirrored": Cascade((Kron(1, 4, 4, 6), Kron(4, 3, 3, 2), Kron(12, 2, 2, 1))),
    "benes": Cascade((*butterfly(8).parts, Kron(2, 2, 2, 2), Kron(4, 2, 2, 1))),
    "uneven": Cascade((Kron(4, 3, 6, 1), Kron(2, 4, 2, 3), Kron(1, 7, 6, 4))),
    "unaligned": Cascade((Kron(6, 4, 4, 1), Kron(4, 6, 6, 1), Kron(2, 3, 4, 3))),
    "two_dense": Cascade((Kron(2, 3, 3, 4), Kron(1, 5, 24, 1), Kron(1, 6, 5, 1))),
    "diagonals": Cascade((Kron(2, 3, 3, 4), Kron(24, 1, 1, 1), Kron(1, 2, 2, 12))),
    "single_input": Kron(3, 2, 1, 2),
    "single_output": Kron(3, 1, 2, 2),
    "one_by_one": Kron(1, 1, 1, 1),
    "wide_sum": Sum((butterfly(16), butterfly(16), butterfly(16, 4))),
    "same_order_sum": Sum((butterfly(16), butterfly(16))),
    "block_sets_between": Cascade(
        (
            Kron(2, 2, 2, 3),
            Blocks(np.array([[0, 3, 5], [1, 2, 4]]), np.array([[1, 2, 4, 6, 8, 10], [0, 3, 5, 7, 9, 11]])),
            Kron(3, 2, 2, 1),
        )
    ),
    "restricted": Cascade(
        (
            Restricted(Kron(2, 3, 4, 3), np.arange(17) < 14, np.arange(22) < 22),
            Kron(1, 9, 17, 1),
        )
    ),
}


@pytest.mark.parametrize("name", [*STRUCTURED])
def test_structured_fabrics(name: str) -> None:
    assert_computes(network("n", (linear("linear1", STRUCTURED[name]),)))


ALL = {**FABRICS, **LARGER, **STRUCTURED}

CHOICES: dict[str, Callable[[Plan], Plan]] = {
    "gathered": lambda plan: plan,
    "scattered": with_kernels(scattered),
    "fused": with_kernels(in_pairs),
    "clusters of 4": with_kernels(in_clusters(4)),
    "clusters of 7": with_kernels(in_clusters(7)),
}


@pytest.mark.parametrize("batch", [1, 64])
@pytest.mark.parametrize("choice", [*CHOICES])
@pytest.mark.parametrize("name", [*ALL])
def test_choices(name: str, choice: str, batch: int) -> None:
    """What a cost model may put into a plan, for one sample and for many, run at any batch."""
    net = network("n", (linear("linear1", ALL[name]),))
    assert_computes(net, choose=CHOICES[choice], optimised=True, batch=batch)


@pytest.mark.parametrize("batch", [1, 64])
def test_whole_blocks_are_moved(batch: int) -> None:
    """Blocks of 32 and more features."""
    assert_computes(network("n", (linear("linear1", Kron(3, 5, 32, 1)),)), batch=batch)
    assert_computes(network("n", (linear("linear1", Kron(3, 5, 32, 1), leading=(2,)),)), batch=batch)
    stages = Cascade((Kron(24, 16, 16, 1), Kron(8, 3, 3, 16), Kron(2, 4, 4, 48), Kron(1, 2, 2, 192)))
    assert_computes(network("n", (linear("linear1", stages),)), batch=batch)
    uneven = Cascade((Kron(6, 5, 32, 1), Kron(2, 4, 3, 5), Kron(1, 2, 2, 20)))
    assert_computes(network("n", (linear("linear1", uneven),)), batch=batch)


def test_gathers_in_pieces() -> None:
    """A batch for which the gathered values would leave the cache."""
    for choose in (CHOICES["gathered"], with_kernels(in_clusters(3))):
        net = network("n", (linear("linear1", FanIn(60, random_table(50, 60, 9))),))
        model = compiled(net, choose=choose, optimised=True, batch=4000)
        assert operators(model).count("Gather") > 2
        assert_computes(net, choose=choose, optimised=True, batch=4000)


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("name", ["dense", "butterfly", "edges", "blocks", "restricted"])
def test_leading_axes_count_as_batch(name: str, bias: bool) -> None:
    layer = linear("linear1", FABRICS[name], leading=(2, 5), bias=bias)
    assert_computes(network("n", (layer,)))


@pytest.mark.parametrize("name", ["dense", "butterfly", "edges", "blocks", "sum"])
def test_without_bias(name: str) -> None:
    assert_computes(network("n", (linear("linear1", FABRICS[name], bias=False),)))
