"""The one source of random numbers: Philox4x32-10 counters, frozen.

Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", SC 2011. Written here rather than
taken from NumPy so that the numbers stay the same whatever NumPy's release, and so that emitted
PyTorch code can hold the same ten rounds in `int64` arithmetic.

The rule. A draw is named by (seed, stream), two 64-bit integers. The key is the seed's low and
high 32 bits. Counter block k is (low k, high k, low stream, high stream) and yields four 32-bit
words, in order. `integers` pairs consecutive words (first word low) to 64 bits.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

MULTIPLIERS = (0xD2511F53, 0xCD9E8D57)
WEYL = (0x9E3779B9, 0xBB67AE85)
ROUNDS = 10
CHUNK = 1 << 13  # counter blocks at a time: their arrays stay in a core's cache
_FIRST, _SECOND = np.uint64(MULTIPLIERS[0]), np.uint64(MULTIPLIERS[1])
_LOW = np.uint64(0xFFFFFFFF)
_SHIFT = np.uint64(32)


def check_seed(seed: int) -> None:
    """Raises ValueError: not a whole number in 0..<2^64. The draws would take its low bits for one."""
    if not (hasattr(seed, "__index__") and 0 <= seed < 2**64):
        raise ValueError(f"a seed is a whole number, at least 0 and less than 2^64, found {seed!r}")


def words(seed: int, stream: int, count: int) -> NDArray[np.uint32]:
    """The first `count` 32-bit words of (seed, stream)."""
    result = np.empty((-(-count // 4), 4), np.uint32)
    for first in range(0, len(result), CHUNK):
        part = result[first : first + CHUNK]
        blocks = np.arange(first, first + len(part), dtype=np.uint64)
        for column, word in enumerate(_rounds(blocks, seed, stream)):
            part[:, column] = word
    return result.reshape(-1)[:count]


def _rounds(blocks: NDArray[np.uint64], seed: int, stream: int) -> tuple[NDArray[np.uint64], ...]:
    """The four words of each counter block, [blocks] each."""
    c0, c1 = blocks & _LOW, blocks >> _SHIFT
    c2 = np.full_like(blocks, stream & 0xFFFFFFFF)
    c3 = np.full_like(blocks, (stream >> 32) & 0xFFFFFFFF)
    k0, k1 = seed & 0xFFFFFFFF, (seed >> 32) & 0xFFFFFFFF
    for _ in range(ROUNDS):
        c0 *= _FIRST
        c2 *= _SECOND
        high0, high1 = c0 >> _SHIFT, c2 >> _SHIFT
        high1 ^= c1
        high1 ^= np.uint64(k0)
        high0 ^= c3
        high0 ^= np.uint64(k1)
        c0 &= _LOW
        c2 &= _LOW
        c0, c1, c2, c3 = high1, c2, high0, c0
        k0, k1 = (k0 + WEYL[0]) & 0xFFFFFFFF, (k1 + WEYL[1]) & 0xFFFFFFFF
    return c0, c1, c2, c3


def integers(seed: int, stream: int, count: int) -> NDArray[np.uint64]:
    """The first `count` 64-bit integers of (seed, stream)."""
    pairs = words(seed, stream, 2 * count).astype("<u4", copy=False)
    return pairs.view("<u8").astype(np.uint64, copy=False)


def uniform(seed: int, stream: int, count: int) -> NDArray[np.float64]:
    """Numbers in (0, 1), one a word: (word + 1/2) / 2^32, exact in float64."""
    numbers = words(seed, stream, count).astype(np.float64)
    numbers += 0.5
    numbers *= 2.0**-32
    return numbers


def permutation(seed: int, stream: int, size: int) -> NDArray[np.int64]:
    """A permutation of range(size): the stable order of `size` 64-bit integers."""
    return np.argsort(integers(seed, stream, size), kind="stable").astype(np.int64)
