"""Every format against the library that writes it."""

from __future__ import annotations

from pathlib import Path

import ml_dtypes
import numpy as np
import pytest
import scipy.io
import scipy.sparse
from numpy.typing import NDArray
from safetensors.numpy import save_file

from nfc.ir.digest import fabric_digest
from nfc.ir.factors import Kron
from nfc.matrices import arrays, edges, matrix_market, scipy_sparse
from tests.matrices.reading import dense, pattern, read

SHAPES = [(1, 1), (1, 7), (9, 1), (8, 8), (12, 20), (33, 17)]
TYPES = ["?", "i1", "u1", "i2", ">i2", "u4", "i8", ">u8", "f2", "f4", ">f4", "f8"]
FORMATS = ["csr", "csc", "coo", "bsr", "dia"]
FIELDS = ["pattern", "integer", "real"]


@pytest.fixture(params=[None, 7], ids=["whole", "chunks"], autouse=True)
def chunk(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Files are read as a whole and in small pieces."""
    if request.param is not None:
        for module in (arrays, scipy_sparse, matrix_market):
            monkeypatch.setattr(module, "CHUNK", request.param)
        monkeypatch.setattr(edges, "COMPACTED", 5)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("order", ["C", "F"])
def test_npy(shape: tuple[int, int], order: str, tmp_path: Path) -> None:
    wanted = np.asarray(pattern(*shape), order=order)  # type: ignore[call-overload]
    np.save(tmp_path / "m.npy", wanted)
    assert (dense(read(tmp_path / "m.npy", *shape)) == wanted).all()


@pytest.mark.parametrize("dtype", TYPES)
def test_types_of_numpy(dtype: str, tmp_path: Path) -> None:
    wanted = pattern(11, 13)
    np.save(tmp_path / "m.npy", wanted.astype(dtype))
    assert (dense(read(tmp_path / "m.npy", 11, 13)) == wanted).all()


@pytest.mark.parametrize("version", [(1, 0), (2, 0), (3, 0)])
def test_versions_of_npy(version: tuple[int, int], tmp_path: Path) -> None:
    wanted = pattern(11, 13)
    with (tmp_path / "m.npy").open("wb") as file:
        np.lib.format.write_array(file, wanted, version)
    assert (dense(read(tmp_path / "m.npy", 11, 13)) == wanted).all()


@pytest.mark.parametrize(
    "header",
    [
        "{'descr': '|b1', 'fortran_order': False, 'shape': (2, 3), }",
        '{"shape":(2,3),"fortran_order":False,"descr":"|b1"}\n',
        "{'descr': '?', 'fortran_order': False, 'shape': (2L, 3L)}".replace("?", "|b1"),
    ],
)
def test_headers_of_other_writers(header: str, tmp_path: Path) -> None:
    text = header.encode()
    data = b"\x93NUMPY\x01\x00" + len(text).to_bytes(2, "little") + text + bytes([1, 0, 0, 0, 1, 1])
    (tmp_path / "m.npy").write_bytes(data)
    assert dense(read(tmp_path / "m.npy", 2, 3)).tolist() == [[True, False, False], [False, True, True]]


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
def test_npz(save: object, tmp_path: Path) -> None:
    first, second = pattern(8, 8), pattern(5, 9)
    save(tmp_path / "m.npz", mask=first, other=np.asfortranarray(second))  # type: ignore[operator]
    assert (dense(read(tmp_path / "m.npz", 8, 8)) == first).all()
    assert (dense(read(tmp_path / "m.npz", 5, 9, "other")) == second).all()


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("form", FORMATS)
def test_sparse_matrices_of_scipy(shape: tuple[int, int], form: str, tmp_path: Path) -> None:
    wanted = pattern(*shape)
    for dtype, compressed in ((bool, True), (np.int64, False), (np.float32, True)):
        saved = scipy.sparse.coo_array(wanted.astype(dtype)).asformat(form)
        scipy.sparse.save_npz(tmp_path / "m.npz", saved, compressed=compressed)
        assert (dense(read(tmp_path / "m.npz", *shape)) == wanted).all()


@pytest.mark.parametrize("blocksize", [(1, 1), (2, 3), (6, 12)])
def test_blocks_of_scipy(blocksize: tuple[int, int], tmp_path: Path) -> None:
    wanted = pattern(12, 24, 0.1)
    scipy.sparse.save_npz(tmp_path / "m.npz", scipy.sparse.bsr_array(wanted, blocksize=blocksize))
    assert (dense(read(tmp_path / "m.npz", 12, 24)) == wanted).all()


def test_diagonals_of_scipy(tmp_path: Path) -> None:
    # Entries outside of the matrix are no numbers at all, and are no part of it.
    data = np.array([[9, 1, 1, 0, 1], [1, 1, 1, 1, 1], [1, 0, 1, np.nan, 7]], order="F")
    saved = scipy.sparse.dia_array((data, [1, 0, -2]), shape=(5, 5))
    scipy.sparse.save_npz(tmp_path / "m.npz", saved)
    assert (dense(read(tmp_path / "m.npz", 5, 5)) == saved.toarray().astype(bool)).all()


def test_a_matrix_with_room_to_spare_and_in_any_order(tmp_path: Path) -> None:
    saved = scipy.sparse.csr_array((np.ones(4), np.array([2, 0, 1, 1]), np.array([0, 2, 3, 4])), shape=(3, 3))
    saved.data, saved.indices = np.append(saved.data, [8.0]), np.append(saved.indices, [-5])
    scipy.sparse.save_npz(tmp_path / "m.npz", saved)
    assert dense(read(tmp_path / "m.npz", 3, 3)).astype(int).tolist() == [[1, 0, 1], [0, 1, 0], [0, 1, 0]]


def test_stored_zeros_are_no_edges(tmp_path: Path) -> None:
    saved = scipy.sparse.coo_array((np.array([1, 0, 1]), ([0, 0, 2], [1, 1, 0])), shape=(3, 2))
    scipy.sparse.save_npz(tmp_path / "m.npz", saved)
    scipy.io.mmwrite(tmp_path / "m.mtx", saved)
    for name in ("m.npz", "m.mtx"):
        assert read(tmp_path / name, 3, 2).edges == 2


@pytest.mark.parametrize(
    "dtype", ["?", "u1", "i1", "u2", "i2", "u4", "i4", "u8", "i8", "f2", "f4", "f8", "bfloat16"]
)
def test_safetensors(dtype: str, tmp_path: Path) -> None:
    wanted = pattern(10, 14)
    kind = ml_dtypes.bfloat16 if dtype == "bfloat16" else dtype
    save_file(
        {"a": np.zeros(3), "mask": wanted.astype(kind), "z": np.zeros((2, 2))}, tmp_path / "m.safetensors"
    )
    assert (dense(read(tmp_path / "m.safetensors", 10, 14)) == wanted).all()


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("field", FIELDS)
def test_coordinates(shape: tuple[int, int], field: str, tmp_path: Path) -> None:
    wanted = pattern(*shape)
    saved = scipy.sparse.coo_array(wanted.astype(float if field == "real" else np.int64))
    scipy.io.mmwrite(tmp_path / "m.mtx", saved, field=field, comment="of %\n a test")
    assert (dense(read(tmp_path / "m.mtx", *shape)) == wanted).all()


@pytest.mark.parametrize("field", ["integer", "real"])
@pytest.mark.parametrize("shape", SHAPES)
def test_arrays_of_the_matrix_market(shape: tuple[int, int], field: str, tmp_path: Path) -> None:
    wanted = pattern(*shape)
    scipy.io.mmwrite(tmp_path / "m.mtx", wanted.astype(int), field=field, symmetry="general")
    assert (dense(read(tmp_path / "m.mtx", *shape)) == wanted).all()


@pytest.mark.parametrize("field", FIELDS)
@pytest.mark.parametrize("size", [1, 2, 9, 16])
def test_symmetric_matrices(size: int, field: str, tmp_path: Path) -> None:
    half = pattern(size, size)
    wanted = half | half.T
    sparse = scipy.sparse.coo_array(wanted.astype(int))
    scipy.io.mmwrite(tmp_path / "c.mtx", sparse, field=field, symmetry="symmetric")
    assert (dense(read(tmp_path / "c.mtx", size, size)) == wanted).all()
    if field != "pattern":
        scipy.io.mmwrite(tmp_path / "a.mtx", wanted.astype(int), field=field, symmetry="symmetric")
        assert (dense(read(tmp_path / "a.mtx", size, size)) == wanted).all()


def written(folder: Path, wanted: NDArray[np.bool_]) -> list[Path]:
    """One matrix in all formats."""
    np.save(folder / "m.npy", wanted)
    np.savez_compressed(folder / "dense.npz", mask=wanted)
    scipy.sparse.save_npz(folder / "sparse.npz", scipy.sparse.csc_array(wanted))
    save_file({"mask": wanted}, folder / "m.safetensors")
    scipy.io.mmwrite(folder / "m.mtx", scipy.sparse.coo_array(wanted.astype(int)), field="pattern")
    return sorted(folder.iterdir())


def test_all_formats_have_one_digest(tmp_path: Path) -> None:
    digests = {fabric_digest(read(path, 12, 20)) for path in written(tmp_path, pattern(12, 20))}
    assert len(digests) == 1


def test_structure_is_recognised(tmp_path: Path) -> None:
    wanted = np.kron(np.eye(3, dtype=bool), np.ones((2, 4), bool))
    assert {read(path, 6, 12) for path in written(tmp_path, wanted)} == {Kron(3, 2, 4, 1)}


def test_a_matrix_without_ones(tmp_path: Path) -> None:
    assert [read(path, 3, 4).edges for path in written(tmp_path, np.zeros((3, 4), bool))] == [0] * 5
