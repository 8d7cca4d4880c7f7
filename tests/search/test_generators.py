import re

import pytest

from nfc.ir.digest import fabric_digest
from nfc.search.definitions import Definitions
from nfc.search.generators import GENERATORS, candidates
from nfc.search.place import Place
from nfc.topologies import FAMILIES

STANDARD = Definitions.of()
SHAPES = [(64, 64, 1000), (10, 64, 400), (96, 30, 900), (1, 1, 1), (7, 3, 2), (128, 128, 16384)]


@pytest.mark.parametrize(("rows", "cols", "budget"), SHAPES)
def test_every_candidate_is_an_expression_of_the_language(rows: int, cols: int, budget: int) -> None:
    place = Place(rows, cols, budget, STANDARD)
    for expression in candidates(place):
        weights = place.weights(expression)
        if weights is None:  # a family may not take the shape, but its text has to parse
            assert STANDARD.fabric(expression, 128, 128)


def test_each_family_that_has_a_choice_finds_something_near_the_budget() -> None:
    near = {}
    for family in GENERATORS:
        budgets = [4 * 128 * each for each in (3, 7, 16)]
        places = [Place(128, 128, budget, STANDARD) for budget in budgets]
        near[family] = any(
            0.5 * place.budget <= (place.weights(each) or 0) <= place.budget
            for place in places
            for each in candidates(place, (family,))
        )
    assert [family for family, found in near.items() if not found] == ["dense"]


def test_all_standard_families_but_the_diagonal_are_searched() -> None:
    assert set(GENERATORS) == set(FAMILIES) - {"diagonal"}


def test_random_candidates_carry_their_seeds() -> None:
    """So that they have the same edges in any layer of any file."""
    seeded = re.compile(r"\b(random|bernoulli|small_world|n_of_m|expander)\(([^()]*)\)")
    calls = [call for each in candidates(Place(64, 64, 900, STANDARD)) for call in seeded.finditer(each)]
    assert len(calls) > 10
    assert all("seed=" in call[2] for call in calls)


def test_parts_of_a_cascade_differ() -> None:
    place = Place(64, 64, 1024, STANDARD)
    (cascade,) = (each for each in candidates(place, ("small_world",)) if each.count(">>") == 1)
    first, second = STANDARD.fabric(cascade, 64, 64).parts  # type: ignore[union-attr]
    assert fabric_digest(first) != fabric_digest(second)
