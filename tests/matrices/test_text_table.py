"""The fast way to read numbers from text agrees with the way by lines."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nfc.matrices import MatrixError
from nfc.matrices.text_table import Table, parse
from nfc.matrices.text_table import _parse_lines as by_lines
from nfc.matrices.text_table import _parse_whole as whole

WORDS = [
    "0",
    "1",
    "12",
    "007",
    "1.0",
    "1.",
    ".5",
    "-1",
    "+1",
    "1e0",
    "1E+00",
    "nan",
    "inf",
    "x",
    "1_0",
    "--1",
    "1e",
    "%",
]
SPACES = [" ", "  ", "\t", "\r\n", "\n", "\n\n", " \n "]
TEXTS = st.lists(st.tuples(st.sampled_from(WORDS), st.sampled_from(SPACES)), max_size=12).map(
    lambda pairs: "".join(word + space for word, space in pairs).encode()
)


def same(left: Table, right: Table) -> bool:
    values = [np.empty(0) if table[1] is None else table[1] for table in (left, right)]
    return np.array_equal(left[0], right[0]) and np.array_equal(*values, equal_nan=True)


@given(TEXTS, st.integers(0, 2), st.booleans())
def test_what_is_read_the_fast_way_is_what_the_lines_say(text: bytes, indices: int, valued: bool) -> None:
    valued = valued or not indices
    fast = whole(text, indices, valued=valued)
    if fast is not None:
        assert same(fast, by_lines(text, indices, 1, valued=valued))


@pytest.mark.parametrize("value", [None, "1", "1.0", "1.0000000000000000e+00"])
def test_ordinary_text_is_read_the_fast_way(value: str | None) -> None:
    rows = np.random.default_rng(0).integers(0, 2**24, (1000, 2))
    text = "".join(f"{i} {j}{'' if value is None else f' {value}'}\n" for i, j in rows.tolist()).encode()
    found = whole(text, 2, valued=value is not None)
    assert found is not None
    assert np.array_equal(found[0], rows)
    assert value is None or (found[1] == 1).all()


def test_the_line_at_fault_is_named() -> None:
    with pytest.raises(MatrixError, match="on line 9: `2 x`"):
        parse(b"1 1\n% a comment\n\n2 x\n", 2, 6, valued=False)
