"""Seeds that nobody wrote (LANGUAGE, section 2, "Seeds"). Frozen: they decide which edges a network has."""

from __future__ import annotations

from hashlib import sha256


def automatic_seed(network: str, path: str, place: str) -> int:
    """The 64-bit seed of a call with `seed=auto`.

    The first 8 bytes, little-endian, of SHA-256 over the UTF-8 of `network`, a zero byte, `path`,
    a zero byte, `place`.

    Args:
        network: the name of the network that is elaborated (not of one inlined in it).
        path: the concrete path of the layer, copies of repeats and branches numbered (`repeat1.0.linear1`).
        place: where the call stands in the layer's topology: the numbers, from 0 and joined by `.`, on
            the way down to it. A chain of `>>` and a chain of `+` number their parts from left to
            right, and so do chains of `|`, `&` and `-`; `cascade` and `parallel` their copies,
            `direct_sum` its parts, `kron` its two. `transpose`, `~` and the name of a topology add
            nothing: the way goes on in what they stand for. The place of a lone call is empty.
    """
    return int.from_bytes(sha256(f"{network}\0{path}\0{place}".encode()).digest()[:8], "little")


def inner(place: str, number: int) -> str:
    """The place of part or copy `number` of what stands at `place`."""
    return f"{place}.{number}" if place else str(number)
