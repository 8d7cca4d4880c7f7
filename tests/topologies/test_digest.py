"""Digests: the normal form of LANGUAGE.md written out naively, and what must not change it."""

from __future__ import annotations

from hashlib import sha256
from itertools import pairwise
from struct import pack

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nfc.ir import digest
from nfc.ir.digest import fabric_digest, network_digest, normal_form
from nfc.ir.fabric import Cascade, Fabric, Sum
from nfc.ir.factors import Edges, Factor, Kron, Restricted
from nfc.ir.structure import sparse
from tests import build
from tests.build import FABRICS, butterfly
from tests.strategies import fabrics
from tests.topologies.oracles import fabric


def naive_form(fabric: Fabric) -> bytes:
    if isinstance(fabric, Factor):
        return pack("<cqq", b"F", fabric.rows, fabric.cols) + b"".join(map(naive_row, rows_of(fabric)))
    parts = flat_parts(fabric, type(fabric))
    letter = b"C" if isinstance(fabric, Cascade) else b"S"
    head = pack("<cq", letter, len(parts)) if len(parts) > 1 else b""
    return head + b"".join(map(naive_form, parts))


def flat_parts(fabric: Fabric, kind: type) -> list[Fabric]:
    if isinstance(fabric, Factor):
        return [fabric]
    if len(fabric.parts) > 1 and not isinstance(fabric, kind):
        return [fabric]
    return [part for inner in fabric.parts for part in flat_parts(inner, kind)]


def rows_of(factor: Factor) -> list[list[int]]:
    indptr, indices = factor.arrays()
    return [indices[a:b].tolist() for a, b in pairwise(indptr)]


def naive_row(columns: list[int]) -> bytes:
    runs: list[list[int]] = []
    for column in columns:
        if runs and column == sum(runs[-1]):
            runs[-1][1] += 1
        else:
            runs.append([column, 1])
    return pack(f"<{1 + 2 * len(runs)}q", len(runs), *(number for run in runs for number in run))


@given(st.one_of(st.sampled_from(list(FABRICS.values())), fabrics()), st.sampled_from([1, 5, 2**18]))
def test_normal_form(fabric: Fabric, chunk: int) -> None:
    """Byte for byte, however small the pieces."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(digest, "CHUNK_EDGES", chunk)
        assert b"".join(normal_form(fabric)) == naive_form(fabric)
    assert fabric_digest(fabric) == f"sha256:{sha256(naive_form(fabric)).hexdigest()}"


def test_normal_form_written_out() -> None:
    one_by_three = Edges(3, np.array([0, 2]), np.array([0, 2]))
    expected = b"F" + pack("<7q", 1, 3, 2, 0, 1, 2, 1)
    assert b"".join(normal_form(one_by_three)) == expected
    assert b"".join(normal_form(Cascade((Kron(1, 2, 3, 1), Kron(2, 1, 1, 1))))) == (
        b"C" + pack("<q", 2)
        + b"F" + pack("<8q", 2, 3, 1, 0, 3, 1, 0, 3)
        + b"F" + pack("<8q", 2, 2, 1, 0, 1, 1, 1, 1)
    )  # fmt: skip


@given(fabrics(depth=0))
def test_kinds_do_not_matter(factor: Factor) -> None:
    plain = Edges(factor.cols, *factor.arrays())
    assert fabric_digest(plain) == fabric_digest(factor) == fabric_digest(sparse(plain.cols, *plain.arrays()))


def test_nesting_does_not_matter() -> None:
    a, b, c = Kron(1, 4, 4, 1), Kron(2, 2, 2, 1), Kron(4, 1, 1, 1)
    assert fabric_digest(Cascade((Cascade((a, b)), c))) == fabric_digest(
        Cascade((a, Cascade((b, Sum((c,))))))
    )
    assert fabric_digest(Sum((Cascade((Sum((a, b)),)), c))) == fabric_digest(Sum((a, b, c)))
    assert fabric_digest(Cascade((a,))) == fabric_digest(a)


def test_order_and_kind_of_node_matter() -> None:
    a, b = Kron(1, 4, 4, 1), Kron(2, 2, 2, 1)
    fabrics = [Cascade((a, b)), Cascade((b, a)), Sum((a, b)), Sum((b, a)), a, b, Cascade((a, b, b))]
    assert len({fabric_digest(fabric) for fabric in fabrics}) == len(fabrics)


def test_dead_rows_are_rows_without_runs() -> None:
    half = Restricted(Kron(4, 2, 2, 1), np.array([True] * 3 + [False] * 5), np.ones(8, np.bool_))
    matrix = build.dense_pattern(half)
    assert fabric_digest(half) == fabric_digest(build.edges_of(matrix))


def test_equal_topologies_of_different_names() -> None:
    digests = {
        fabric_digest(fabric("butterfly", 16, 16, radix=4)),
        fabric_digest(fabric("butterfly", 16, 16, radices=(4, 4))),
        fabric_digest(fabric("monarch", 16, 16)),
    }
    assert len(digests) == 1


def test_a_network_is_its_weighted_layers_in_order() -> None:
    one, other = butterfly(8), Kron(1, 8, 8, 1)
    network = build.network("two", (build.linear("linear1", one), build.linear("linear2", other)))
    body = b"N" + pack("<q", 2) + naive_form(one) + naive_form(other)
    assert network_digest(network) == f"sha256:{sha256(body).hexdigest()}"
    swapped = build.network("two", (build.linear("linear1", other), build.linear("linear2", one)))
    assert network_digest(swapped) != network_digest(network)
