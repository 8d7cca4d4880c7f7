"""Numbers as written: `1_000`, `.5`, `1e-3`, `1.5k`, `5%`."""

from __future__ import annotations

import re
from math import isinf

from nfc.limits import Limits

_NUMBER = re.compile(r"([0-9_]*)(?:\.([0-9_]+))?(?:[eE]([+-]?[0-9]+))?([kMG]?)(%?)")
_POWER_OF_TEN = {"": 0, "k": 3, "M": 6, "G": 9}
_DIGITS_PER_BIT = 0.30103
_EXPONENT_DIGITS = 9


class TooLargeError(Exception):
    """A number past what the language holds; the message says which bound it passes."""


def number(text: str, limits: Limits) -> int | float:
    """The value of a NUMBER token.

    Without a point, an exponent or `%` it is an exact integer, and so is a number with a suffix that
    comes to a whole one (`1.5k`); every other one is the nearest float.

    Raises:
        TooLargeError: for an integer past `limits.integer_bits`, or a float past the largest.
    """
    match = _NUMBER.fullmatch(text)
    assert match is not None, text
    whole, fraction, exponent, suffix, percent = (part or "" for part in match.groups())
    digits = (whole + fraction).replace("_", "")
    decimals = len(fraction.replace("_", ""))
    if len(exponent.lstrip("+-0")) > _EXPONENT_DIGITS:
        exponent = exponent[0] * exponent.startswith("-") + "9" * _EXPONENT_DIGITS
    power = int(exponent or 0) + _POWER_OF_TEN[suffix] - decimals - 2 * len(percent)
    exact = not percent and (suffix or not (fraction or exponent))
    if exact and power < 0:
        stripped = digits.rstrip("0")
        power, digits = power + len(digits) - len(stripped), stripped
        exact = power >= 0
    if exact:
        return _integer(digits.lstrip("0"), power, limits)
    value = float(f"{digits}e{power}")
    if isinf(value):
        raise TooLargeError("it is past the largest float, about 1.8e308")
    return value


def _integer(digits: str, power: int, limits: Limits) -> int:
    too_large = TooLargeError(f"it has more than {limits.integer_bits} bits")
    if not digits:
        return 0
    if len(digits) + power > limits.integer_bits * _DIGITS_PER_BIT + 1:
        raise too_large
    value: int = _from_digits(digits) * 10**power
    if value.bit_length() > limits.integer_bits:
        raise too_large
    return value


def _from_digits(digits: str) -> int:
    """`int(digits)` in pieces, as Python bounds the length of a string that becomes an integer."""
    value = 0
    for start in range(0, len(digits), 4000):
        piece = digits[start : start + 4000]
        value = value * 10 ** len(piece) + int(piece)
    return value
