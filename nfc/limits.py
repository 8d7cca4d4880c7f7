"""The language's limits (LANGUAGE, section 8); each is an NF7xx error at the place that passes it."""

from __future__ import annotations

from dataclasses import dataclass

SUFFIXES = {"k": 10**3, "M": 10**6, "G": 10**9}


def read_count(text: str) -> int | None:
    """A positive integer, with the suffixes of the language: `64k`, `2M`, `1G`; None for any other text."""
    digits, scale = (text[:-1], SUFFIXES[text[-1]]) if text[-1:] in SUFFIXES else (text, 1)
    plain = digits.replace("_", "")
    if not (plain.isascii() and plain.isdecimal()) or len(plain) > 40 or int(plain) == 0:
        return None
    return int(plain) * scale


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Bounds that hold for any input; the command line can change each.

    Attributes:
        nesting: depth of blocks, brackets and calls.
        integer_bits: size of an integer in constant evaluation.
        operations: operations of a network after expansion.
        width: features of a layer, and numbers in one sample of any value.
        edges: edges of a network.
        file_bytes: size of a source file.
        seconds: time that elaboration may take.
    """

    nesting: int = 200
    integer_bits: int = 4096
    operations: int = 100_000
    width: int = 2**24
    edges: int = 2**30
    file_bytes: int = 16_000_000
    seconds: float = 120.0
