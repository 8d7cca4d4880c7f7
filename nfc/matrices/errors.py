"""What is wrong with a matrix file."""

from __future__ import annotations


class MatrixError(Exception):
    """A file holds no 0/1 matrix of the shape that is asked for.

    Attributes:
        code: NF301 for its shape, NF707 where it holds no matrix of numbers, NF708 for its entries.
        what: what is wrong, as it goes on after the file's name: `is cut short: …`.
        hints: how to mend it.
        argument: `path` or `key`, the argument at fault.
    """

    def __init__(self, code: str, what: str, *hints: str, argument: str = "path") -> None:
        super().__init__(what)
        self.code = code
        self.what = what
        self.hints = hints
        self.argument = argument


def damaged(what: str, *hints: str) -> MatrixError:
    """The error for a file that is no whole file of its format, or holds no matrix of numbers."""
    return MatrixError("NF707", what, *hints)
