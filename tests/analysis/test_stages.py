"""Joined stages have the path counts of the stages."""

from __future__ import annotations

import numpy as np
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from nfc.analysis.stages import joined
from nfc.ir.fabric import Cascade, Fabric
from nfc.ir.factors import Kron
from tests.build import butterfly, dense_pattern
from tests.strategies import fabrics

SIZES = st.integers(1, 4)
KRONS = st.builds(Kron, SIZES, SIZES, SIZES, SIZES)


@settings(max_examples=100, deadline=None)
@given(fabrics())
def test_path_counts_stay(fabric: Fabric) -> None:
    assert np.array_equal(dense_pattern(joined(fabric)), dense_pattern(fabric))


@settings(max_examples=200, deadline=None)
@given(KRONS, SIZES, SIZES, st.booleans())
def test_pairs_of_stages(first: Kron, b: int, c: int, above: bool) -> None:
    """Stages whose strides follow each other, upwards and downwards."""
    stride = first.b * first.d if above else first.d // c
    assume(stride >= 1 and first.rows % (c * stride) == 0 and (above or first.d == c * stride))
    second = Kron(first.rows // (c * stride), b, c, stride)
    product = joined(Cascade((first, second)))
    assert isinstance(product, Kron)
    assert np.array_equal(dense_pattern(product), dense_pattern(Cascade((first, second))))


def test_a_butterfly_becomes_dense() -> None:
    assert joined(butterfly(2**20)) == Kron(1, 2**20, 2**20, 1)
    assert joined(Cascade(butterfly(2**20, 4).parts[::-1])) == Kron(1, 2**20, 2**20, 1)


def test_stages_whose_strides_do_not_follow_stay_apart() -> None:
    for pair in (
        (Kron(3, 4, 4, 1), Kron(2, 6, 6, 1)),
        (Kron(4, 2, 2, 1), Kron(4, 2, 2, 1)),
        (Kron(4, 2, 2, 1), Kron(1, 2, 2, 4)),
    ):
        assert joined(Cascade(pair)) == Cascade(pair)
