"""Philox4x32-10 against Random123's known answers, and the numbers made of its words."""

from __future__ import annotations

import numpy as np
import pytest

from nfc import philox

ONES = 2**64 - 1
PI = [0xD16CFE09, 0x94FDCCEB, 0x5001E420, 0x24126EA1]


def test_the_zero_vector_of_random123() -> None:
    assert philox.words(0, 0, 4).tolist() == [0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8]


def plain_block(counter: tuple[int, int, int, int], seed: int) -> list[int]:
    """One block by an independent implementation in plain integers."""
    c, key = list(counter), [seed & 0xFFFFFFFF, seed >> 32]
    for _ in range(10):
        p0, p1 = 0xD2511F53 * c[0], 0xCD9E8D57 * c[2]
        c = [
            (p1 >> 32) ^ c[1] ^ key[0],
            p1 & 0xFFFFFFFF,
            (p0 >> 32) ^ c[3] ^ key[1],
            p0 & 0xFFFFFFFF,
        ]
        key = [(key[0] + 0x9E3779B9) % 2**32, (key[1] + 0xBB67AE85) % 2**32]
    return c


def test_plain_integers_give_the_vectors_of_random123() -> None:
    digits = (0x243F6A88, 0x85A308D3, 0x13198A2E, 0x03707344)
    assert plain_block((2**32 - 1,) * 4, ONES) == [0x408F276D, 0x41C83B0E, 0xA20BC7C6, 0x6D5451FD]
    assert plain_block(digits, 0x299F31D0_A4093822) == PI


@pytest.mark.parametrize(("seed", "stream"), [(0, 0), (1, 2), (ONES, ONES), (2**40 + 3, 2**33 + 5)])
def test_words_are_blocks_of_the_counter(seed: int, stream: int) -> None:
    expected = [
        word for k in range(3) for word in plain_block((k, 0, stream & 0xFFFFFFFF, stream >> 32), seed)
    ]
    assert philox.words(seed, stream, 11).tolist() == expected[:11]


def test_integers_pair_words_with_the_low_word_first() -> None:
    low, high = philox.words(7, 8, 2).tolist()
    assert philox.integers(7, 8, 1).tolist() == [low | high << 32]


def test_uniform_numbers_lie_inside_the_open_interval_and_are_even() -> None:
    u = philox.uniform(5, 6, 200_000)
    assert u.min() > 0.0
    assert u.max() < 1.0
    counts, _ = np.histogram(u, bins=100, range=(0.0, 1.0))
    chi_squared = float(((counts - 2000.0) ** 2 / 2000.0).sum())
    assert 50.0 < chi_squared < 165.0  # 99 degrees of freedom; outside by chance less than once in 10^4
    assert abs(np.corrcoef(u[:-1], u[1:])[0, 1]) < 0.01


def test_streams_and_seeds_differ() -> None:
    draws = {tuple(philox.words(seed, stream, 4).tolist()) for seed in range(10) for stream in range(10)}
    assert len(draws) == 100


def test_a_permutation_holds_every_index_and_moves_with_its_stream() -> None:
    first, second = philox.permutation(1, 0, 1000), philox.permutation(1, 1, 1000)
    assert sorted(first.tolist()) == list(range(1000))
    assert (first != second).any()
