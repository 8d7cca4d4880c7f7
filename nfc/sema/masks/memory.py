"""Memory of the many short-lived arrays that slices are evaluated with."""

from __future__ import annotations

import numpy as np


def keep_freed_memory() -> None:
    """Let the allocator reuse what arrays of a slice give back, where it is that of the GNU C library.

    It hands freed memory back to the system beyond twice the size of the largest mapped block that it
    has seen freed (mallopt(3), "dynamic mmap threshold"), and taking it anew costs several times the
    arithmetic. An array that is never touched costs nothing. Elsewhere this has no effect.
    """
    np.empty(2**24, np.uint8)
