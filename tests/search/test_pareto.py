from hypothesis import given
from hypothesis import strategies as st

from nfc.search.pareto import front

POINTS = st.lists(st.tuples(*[st.integers(0, 4)] * 3), max_size=12)


@given(POINTS)
def test_all_but_the_front_is_beaten_by_a_point_of_the_front(points: list[tuple[int, ...]]) -> None:
    kept = front(points)
    for index, point in enumerate(points):
        beaten = any(
            all(a <= b for a, b in zip(points[other], point, strict=True)) and points[other] != point
            for other in kept
        )
        assert beaten != (index in kept)
