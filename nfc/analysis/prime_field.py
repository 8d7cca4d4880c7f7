"""Exact ranks: linear algebra modulo a prime, in floating point that never rounds.

The rank of a matrix of polynomials at random values modulo a prime is at most its generic rank,
and less with a probability of about 1/p (Schwartz 1980, Zippel 1979): unlike singular values it
needs no threshold, however badly conditioned the matrix is.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

PRIME = 4_194_301
"""The largest prime below 2^22: `PANEL` products of two residues sum exactly in float64."""
PANEL = 64

Residues = NDArray[np.float64]
"""Whole numbers in 0..<PRIME, as float64 for the sake of fast products."""


def rank(matrix: Residues) -> int:
    """The rank of a matrix modulo PRIME, by elimination in panels of columns. Overwrites the matrix.

    Takes rows · cols · rank multiplications, nearly all of them in matrix products.
    """
    found = 0
    rows, cols = matrix.shape
    for start in range(0, cols, PANEL):
        if found == rows:
            break
        found += _eliminate(matrix[found:, start:])
    return found


def _eliminate(rest: Residues) -> int:
    """Factor the first panel of columns as L U and take its pivot rows out of the rows below; the panel's rank."""
    panel, behind = rest[:, :PANEL], rest[:, PANEL:]
    order, lower = _lower_factor(panel)
    pivots: int = lower.shape[1]
    behind[:] = behind[order]
    for row in range(pivots - 1):
        below = slice(row + 1, pivots)
        behind[below] = residues(behind[below] - lower[below, row, None] * behind[row])
    behind[pivots:] = residues(behind[pivots:] - lower[pivots:] @ behind[:pivots])
    return pivots


def _lower_factor(panel: Residues) -> tuple[NDArray[np.int64], Residues]:
    """An order of the rows that puts the pivots first, [rows], and L with a unit diagonal, [rows, rank]."""
    panel = panel.copy()
    rows = len(panel)
    order, lower = np.arange(rows), np.zeros((rows, min(panel.shape)))
    row = 0
    for column in range(panel.shape[1]):
        nonzero = np.flatnonzero(panel[row:, column])
        if not len(nonzero):
            continue
        swapped = [row, row + int(nonzero[0])]
        for values in (panel, order, lower):
            values[swapped] = values[swapped[::-1]]
        inverse = pow(int(panel[row, column]), -1, PRIME)
        lower[row, row] = 1.0
        lower[row + 1 :, row] = residues(panel[row + 1 :, column] * inverse)
        change = lower[row + 1 :, row, None] * panel[row, column + 1 :]
        panel[row + 1 :, column + 1 :] = residues(panel[row + 1 :, column + 1 :] - change)
        row += 1
        if row == rows:
            break
    return order, lower[:, :row]


def residues(values: Residues) -> Residues:
    """Whole numbers of magnitude below 2^52 modulo PRIME.

    Their quotient by PRIME is at least 2^−22 away from a whole number that it does not reach, more
    than its rounding, so that its floor is right.
    """
    remainder: Residues = values - np.floor(values / PRIME) * PRIME
    return remainder
