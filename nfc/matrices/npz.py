"""`.npz`: an array of NumPy in an archive, or a sparse matrix that `scipy.sparse.save_npz` has written."""

from __future__ import annotations

from typing import BinaryIO

from nfc.diagnostics import did_you_mean
from nfc.ir.factors import Factor
from nfc.matrices.archive import Archive
from nfc.matrices.arrays import dense_pattern
from nfc.matrices.errors import MatrixError
from nfc.matrices.npy import check_size, read_header
from nfc.matrices.request import Request, listed
from nfc.matrices.scipy_sparse import FORMAT, read_sparse


def read_npz(file: BinaryIO, request: Request) -> Factor:
    """The pattern of the array `request.key`, or where there is none, of the sparse matrix of SciPy.

    Raises:
        MatrixError: it holds no 0/1 matrix of the shape that is wanted.
    """
    archive = Archive(file)
    if request.key in archive:
        return _dense(archive, request)
    if FORMAT in archive:
        return read_sparse(archive, request)
    raise no_such_key(request.key, archive.names)


def no_such_key(key: str, names: list[str]) -> MatrixError:
    """The error for an array that is not among those of these names."""
    hints = did_you_mean(key, names)
    return MatrixError("NF707", f"has no array `{key}`; it has {listed(names)}", *hints, argument="key")


def _dense(archive: Archive, request: Request) -> Factor:
    with archive.member(request.key) as member:
        layout = read_header(member)
        request.check_shape(layout.shape)
        check_size(layout, member.left)
        return dense_pattern(member, layout, request)
