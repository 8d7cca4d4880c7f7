"""What is asked of a matrix file, and whether what it declares fits."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from nfc.matrices.errors import MatrixError, damaged

CHUNK = 2**18
"""Entries, or bytes of text, that are in memory at a time beside the edges."""

Progress = Callable[[int], None]
"""Called often with the edges so far; what it raises ends the reading."""


@dataclass(frozen=True)
class Request:
    """A matrix that is wanted: its name in the file, rows × cols, and who hears of the progress."""

    path: str
    key: str
    rows: int
    cols: int
    progress: Progress

    def check_shape(self, shape: Sequence[int]) -> None:
        """Compare a declared shape with the one that is wanted, before any entry is read.

        Raises:
            MatrixError: NF707 where it is no matrix, NF301 for another shape.
        """
        if len(shape) != 2:
            found = "a single number" if not shape else f"an array of {len(shape)} axes"
            raise damaged(f"holds {found}; a matrix is expected")
        rows, cols = shape
        if (rows, cols) == (self.rows, self.cols):
            return
        what = f"is {rows} × {cols}; {self.rows} outputs × {self.cols} inputs are asked for here"
        reversed_hint = f"`transpose({self._call})` reads it the other way round"
        hints = (reversed_hint,) if (cols, rows) == (self.rows, self.cols) else ()
        raise MatrixError("NF301", what, *hints)

    @property
    def _call(self) -> str:
        key = "" if self.key == "mask" else f', key="{self.key}"'
        return f'file("{self.path}"{key})'


def listed(names: Sequence[str], most: int = 8) -> str:
    """Names in backticks, the first ones where there are many."""
    shown = ", ".join(f"`{name}`" for name in names[:most])
    more = len(names) - most
    return f"{shown} and {more} more" if more > 0 else shown or "none"
