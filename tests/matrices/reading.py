"""Files to patterns, for the tests of matrix files."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from nfc.ir.factors import Factor
from nfc.matrices import MatrixError, Request, read_pattern


def read(path: Path, rows: int, cols: int, key: str = "mask", progress: Callable[[int], None] = id) -> Factor:
    request = Request(path.name, key, rows, cols, progress)
    with path.open("rb") as file:
        return read_pattern(file, path.stat().st_size, request)


def dense(factor: Factor) -> NDArray[np.bool_]:
    return factor.csr().toarray().astype(bool)


def refusal(path: Path, rows: int, cols: int, key: str = "mask") -> tuple[str, str]:
    """The code and the text of what is wrong with a file."""
    with pytest.raises(MatrixError) as caught:
        read(path, rows, cols, key)
    return caught.value.code, caught.value.what


def pattern(rows: int, cols: int, density: float = 0.3, seed: int = 0) -> NDArray[np.bool_]:
    return np.random.default_rng([rows, cols, seed]).random((rows, cols)) < density
