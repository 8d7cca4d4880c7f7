"""Matrices of zeros and ones in files: one file a format, none trusted, none unpickled.

Shapes and sizes are compared before memory is taken; memory grows with the edges, not with the
entries; what is wrong is a `MatrixError`.
"""

from __future__ import annotations

from pathlib import PurePath
from typing import BinaryIO

from nfc.ir.factors import Factor
from nfc.matrices.errors import MatrixError as MatrixError
from nfc.matrices.request import Request as Request

SUFFIXES = (".npz", ".npy", ".safetensors", ".mtx")


def read_pattern(file: BinaryIO, size: int, request: Request) -> Factor:
    """The pattern of a matrix in a file of `size` bytes, in the format that its suffix names.

    Raises:
        MatrixError: it holds no 0/1 matrix of the shape that is wanted.
    """
    match PurePath(request.path).suffix.lower():
        case ".npz":
            from nfc.matrices.npz import read_npz

            return read_npz(file, request)
        case ".npy":
            from nfc.matrices.npy import read_npy

            return read_npy(file, size, request)
        case ".safetensors":
            from nfc.matrices.safetensors import read_safetensors

            return read_safetensors(file, size, request)
        case ".mtx":
            from nfc.matrices.matrix_market import read_matrix_market

            return read_matrix_market(file, request)
        case _:
            raise MatrixError("NF707", f"has a suffix of no matrix file, expected {', '.join(SUFFIXES)}")
