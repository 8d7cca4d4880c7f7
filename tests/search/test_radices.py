from math import prod

import pytest

from nfc.search.radices import factorisations, mixed_radices, smooth


@pytest.mark.parametrize(("number", "count"), [(16, 5), (1024, 42), (36, 9), (7, 1)])
def test_factorisations_are_all_multiplicative_partitions(number: int, count: int) -> None:
    """Counts: OEIS A001055."""
    found = list(factorisations(number))
    assert len(set(found)) == len(found) == count
    assert all(prod(each) == number and list(each) == sorted(each) for each in found)


@pytest.mark.parametrize(("width", "expected"), [(1024, 1024), (1000, 1000), (784, 784), (521, 1024), (2, 2)])
def test_lopsided_widths_become_powers_of_two(width: int, expected: int) -> None:
    assert smooth(width) == expected


def test_mixed_radices_keep_to_the_budget_and_span_the_width() -> None:
    found = list(mixed_radices(1024, 62))
    assert all(prod(each) == 1024 and sum(each) <= 62 for each in found)
    assert (2, 16, 32) in found  # 50 of 62, the most that three stages spend
    assert (8, 8, 16) in found  # the most even ones
