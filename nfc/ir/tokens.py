"""Token ids: the input of a network that begins with an embedding."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray


def token_ids(value: NDArray[Any], vocabulary: int) -> NDArray[np.int64]:
    """The ids as int64.

    Raises:
        ValueError: they are no integers, or lie outside of `0..<vocabulary`.
    """
    if value.dtype.kind not in "iu":
        raise ValueError(f"token ids are integers, found {value.dtype}")
    wrong = (value < 0) | (value >= vocabulary)
    if wrong.any():
        raise ValueError(f"token ids lie in 0..<{vocabulary}, found {value[wrong][0]}")
    return value.astype(np.int64)
