"""Files that lie: each is refused by a finding of its own, before memory is taken."""

from __future__ import annotations

import io
import json
import pickle
import struct
import tracemalloc
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import scipy.sparse
from safetensors.numpy import save

from nfc.matrices.archive import DIRECTORY_BYTES
from tests.matrices.reading import pattern, read, refusal

MEGABYTE = 2**20
SMALL = 32 * MEGABYTE
"""More than any refusal of a small file takes, less than any of the sizes that the files declare."""


@contextmanager
def bounded() -> Iterator[None]:
    """Little memory is taken meanwhile."""
    tracemalloc.start()
    try:
        yield
        assert tracemalloc.get_traced_memory()[1] < SMALL
    finally:
        tracemalloc.stop()


def npy(shape: str, data: bytes, descr: str = "'|b1'", order: str = "False") -> bytes:
    """A `.npy` file whose header says anything."""
    text = f"{{'descr': {descr}, 'fortran_order': {order}, 'shape': {shape}, }}\n".encode()
    return b"\x93NUMPY\x02\x00" + struct.pack("<I", len(text)) + text + data


def array(values: Any) -> bytes:
    file = io.BytesIO()
    np.save(file, np.asarray(values))
    return file.getvalue()


def archive(members: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", method) as opened:
        for name, data in members.items():
            opened.writestr(name, data)
    return file.getvalue()


def sparse(**members: Any) -> bytes:
    """A file of `scipy.sparse.save_npz` of a 3 × 4 matrix with two ones, some of its members changed."""
    file = io.BytesIO()
    matrix = scipy.sparse.coo_array((np.ones(2), ([0, 2], [1, 3])), shape=(3, 4)).tocsr()
    scipy.sparse.save_npz(file, matrix)
    file.seek(0)
    with np.load(file) as loaded:
        found = {**loaded, **members}
    return archive({f"{name}.npy": array(value) for name, value in found.items() if value is not None})


def safetensors(header: Any, data: bytes) -> bytes:
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + data


def tensor(shape: Any = (3, 4), offsets: Any = (0, 12), dtype: Any = "BOOL") -> dict[str, Any]:
    return {"mask": {"dtype": dtype, "shape": shape, "data_offsets": offsets}}


def mtx(first: str, *lines: str) -> bytes:
    return "\n".join([f"%%MatrixMarket matrix {first}", *lines, ""]).encode()


class Harm:
    def __reduce__(self) -> tuple[Callable[..., object], tuple[str]]:
        return print, ("harm",)


ZEROS = bytes(12)
PICKLED = np.array([[Harm()]], dtype=object)

CORPUS: dict[str, tuple[str, bytes, str, str]] = {
    # name: (suffix, content, code, what is said of it)
    "empty npy": (".npy", b"", "NF707", "is cut short: it ends"),
    "empty npz": (".npz", b"", "NF707", "is no whole zip archive"),
    "empty safetensors": (".safetensors", b"", "NF707", "is no whole file of safetensors"),
    "empty mtx": (".mtx", b"", "NF707", "does not start as"),
    "another suffix": (".csv", b"0,1\n", "NF707", "has a suffix of no matrix file"),
    "text as npy": (".npy", b"%%MatrixMarket matrix", "NF707", "is no array of NumPy"),
    "a pickle as npy": (".npy", pickle.dumps(PICKLED), "NF707", "is no array of NumPy"),
    "objects": (".npy", array(PICKLED), "NF707", "holds Python objects, which are never read"),
    "objects in npz": (".npz", archive({"mask.npy": array(PICKLED)}), "NF707", "holds Python objects"),
    "records": (".npy", array(np.zeros(3, "i4,f4")), "NF707", "has a header that describes no plain array"),
    "complex numbers": (".npy", array(np.zeros((3, 4), complex)), "NF707", "has entries of the type `<c16`"),
    "text": (".npy", array([["0", "1"]]), "NF707", "has entries of the type `<U1`"),
    "an unknown version": (".npy", b"\x93NUMPY\x09\x00" + bytes(64), "NF707", "has a header of an unknown form"),
    "a long header": (".npy", b"\x93NUMPY\x02\x00\xff\xff\xff\xff", "NF707", "has a header of an unknown form"),
    "a header cut short": (".npy", npy("(3, 4)", b"")[:40], "NF707", "is cut short"),
    "code in a header": (".npy", npy("(3, 4)", ZEROS, "print(1)"), "NF707", "has a header that describes no"),
    "a deep header": (".npy", npy("(" * 9000, ZEROS), "NF707", "has a header that describes no plain array"),
    "a field twice": (
        ".npy", npy("(9, 9), 'shape': (3, 4)", ZEROS), "NF707", "has a header that describes no plain array",
    ),
    "fewer bytes than promised": (".npy", npy("(3, 4)", ZEROS[:9]), "NF707", "is cut short: its header promises 12"),
    "more bytes than promised": (".npy", npy("(3, 4)", ZEROS * 2), "NF707", "has bytes after its last entry"),
    "a huge shape": (".npy", npy("(99999999, 99999999)", ZEROS), "NF301", "is 99999999 × 99999999; 3 outputs"),
    "a product that overflows": (".npy", npy("(4294967296, 4294967296)", b""), "NF301", "is 4294967296 ×"),
    "a negative size": (".npy", npy("(-3, -4)", ZEROS), "NF707", "has a header that describes no plain array"),
    "a number too long": (".npy", npy(f"({'9' * 5000}, 4)", ZEROS), "NF707", "has a header that describes no"),
    "one axis": (".npy", array(np.zeros(12)), "NF707", "holds an array of 1 axes; a matrix is expected"),
    "three axes": (".npy", array(np.zeros((3, 4, 1))), "NF707", "holds an array of 3 axes"),
    "no axis": (".npy", array(1.0), "NF707", "holds a single number; a matrix is expected"),
    "an empty matrix": (".npy", array(np.zeros((0, 4))), "NF301", "is 0 × 4; 3 outputs × 4 inputs are asked for"),
    "transposed": (".npy", array(np.zeros((4, 3))), "NF301", "is 4 × 3; 3 outputs × 4 inputs are asked for here"),
    "a two": (".npy", array(2 * np.eye(3, 4, 1)), "NF708", "holds 2.0 at row 0, column 1; its entries are to be"),
    "a two in Fortran's order": (
        ".npy", array(np.asfortranarray(np.eye(3, 4, 1, int) - np.eye(3, 4))), "NF708", "holds -1.0 at row 0, column 0",
    ),
    "not a number": (".npy", array(np.where(np.eye(3, 4), np.nan, 0)), "NF708", "holds nan at row 0, column 0"),
    "infinite": (".npy", array(np.where(np.eye(3, 4, 3), np.inf, 0)), "NF708", "holds inf at row 0, column 3"),
    "nearly one": (".npy", array(np.full((3, 4), 1 + 2**-52)), "NF708", "holds 1.0000000000000002 at row 0"),
    "a Boolean of 255": (".npy", npy("(3, 4)", ZEROS[:-1] + b"\xff"), "NF708", "holds 255 at row 2, column 3"),
    "a signalling NaN": (
        ".npy", npy("(3, 4)", struct.pack("<12I", *[0x7F800001] * 12), "'<f4'"), "NF708", "holds nan at row 0",
    ),
    # archives
    "no such key": (".npz", archive({"a.npy": ZEROS, "b.npy": ZEROS}), "NF707", "has no array `mask`; it has `a`, `b`"),
    "no members": (".npz", archive({}), "NF707", "has no array `mask`; it has none"),
    "members with paths": (
        ".npz", archive({"../mask.npy": ZEROS, "/etc/mask.npy": ZEROS}), "NF707",
        "has no array `mask`; it has `../mask`, `/etc/mask`",
    ),
    "a member cut short": (".npz", archive({"mask.npy": npy("(3, 4)", b"\1")}), "NF707", "is cut short: its header"),
    "an archive cut short": (".npz", archive({"mask.npy": array(pattern(3, 4))})[:-9], "NF707", "is no whole zip"),
    "another compression": (
        ".npz", archive({"mask.npy": array(pattern(3, 4))}, zipfile.ZIP_LZMA), "NF707", "is compressed by another",
    ),
    "raw bytes": (".npz", archive({"mask": b"0101"}), "NF707", "is cut short"),
    "a huge member": (".npz", archive({"mask.npy": npy("(3, 4)", bytes(2**26))}), "NF707", "has bytes after its"),
    "a huge shape in a bomb": (
        ".npz", archive({"mask.npy": npy("(99999, 99999)", bytes(2**26))}), "NF301", "is 99999 × 99999",
    ),
    # sparse matrices
    "no indices": (".npz", sparse(indices=None), "NF707", "has no `indices`"),
    "an unknown format": (".npz", sparse(format=b"lil"), "NF707", "holds a sparse matrix in the format `lil`"),
    "a format of numbers": (".npz", sparse(format=3), "NF707", "has a member `format` that is no short text"),
    "sparse of another shape": (".npz", sparse(shape=[2**62, 2**62]), "NF301", f"is {2**62} × {2**62}; 3 outputs"),
    "sparse of one axis": (".npz", sparse(shape=[12]), "NF707", "holds an array of 1 axes"),
    "a shape of bytes": (".npz", sparse(shape=[3.0, 4.0]), "NF707", "has indices of the type float64"),
    "a long shape": (".npz", sparse(shape=np.zeros(2**23, "i1")), "NF707", "has 8388608 numbers in `shape`"),
    "a negative index": (".npz", sparse(indices=[1, -1]), "NF707", "has an entry at row 2, column -1, outside of its"),
    "a great index": (".npz", sparse(indices=[1, 4]), "NF707", "has an entry at row 2, column 4, outside of its 3 × 4"),
    "an unsigned index": (".npz", sparse(indices=np.array([1, 2**64 - 1], "u8")), "NF707", "has an entry at row 2"),
    "a short indptr": (".npz", sparse(indptr=[0, 2]), "NF707", "has an `indptr` that does not ascend from 0 in 4"),
    "a long indptr": (".npz", sparse(indptr=[0] * 9), "NF707", "has 9 numbers in `indptr`; 4 at most"),
    "a falling indptr": (".npz", sparse(indptr=[0, 2, 1, 2]), "NF707", "has an `indptr` that does not ascend"),
    "an indptr past the entries": (".npz", sparse(indptr=[0, 1, 2, 40]), "NF707", "promises 40 entries and has"),
    "an indptr from 1": (".npz", sparse(indptr=[1, 1, 1, 2]), "NF707", "has an `indptr` that does not ascend"),
    "lists that differ": (".npz", sparse(data=np.ones(3)), "NF707", "has lists `indices`, `data` of different lengths"),
    "data of two axes": (".npz", sparse(data=np.ones((2, 1))), "NF707", "has a list of 2 axes for a sparse matrix"),
    "an entry twice": (".npz", sparse(indptr=[0, 2, 2, 2], indices=[3, 3]), "NF708", "has an entry twice, at row 0, col"),
    "a sparse two": (".npz", sparse(data=[1, 2]), "NF708", "holds 2 at row 2, column 3"),
    "a bomb of entries": (
        ".npz", sparse(indptr=[0, 2**22, 2**22, 2**22], indices=np.zeros(2**22, "i1"), data=np.ones(2**22, "i1")),
        "NF708", "has an entry twice, at row 0, column 0",
    ),
    "coordinates outside": (
        ".npz", sparse(format=b"coo", row=[0, 3], col=[0, 0]), "NF707", "has an entry at row 3, column 0, outside",
    ),
    "blocks that do not tile": (
        ".npz", sparse(format=b"bsr", data=np.ones((2, 2, 2))), "NF707", "has blocks of 2 × 2 entries, which do not",
    ),
    "blocks of nothing": (
        ".npz", sparse(format=b"bsr", data=np.ones((2, 0, 2))), "NF707", "has blocks of 0 × 2 entries, which do not",
    ),
    "a block whose place wraps round": (
        ".npz", sparse(format=b"bsr", data=np.ones((2, 1, 4)), indices=[2**62, 0]), "NF707", "has an entry at row 0",
    ),
    "blocks without places": (
        ".npz", sparse(format=b"bsr", data=np.ones((3, 1, 2))), "NF707", "has 3 blocks and 2 places for them",
    ),
    "diagonals without offsets": (
        ".npz", sparse(format=b"dia", data=np.ones((2, 4)), offsets=[0]), "NF707", "has 2 diagonals and 1 offsets",
    ),
    "a diagonal twice": (
        ".npz", sparse(format=b"dia", data=np.ones((2, 4)), offsets=[1, 1]), "NF708", "has an entry twice, at row 0",
    ),
    # safetensors
    "a header behind the end": (".safetensors", struct.pack("<Q", 2**63) + b"{}", "NF707", "is no whole file of safe"),
    "no JSON": (".safetensors", safetensors(b"\xff{", b""), "NF707", "is no file of safetensors: its header is not"),
    "a list": (".safetensors", safetensors([], b""), "NF707", "is no file of safetensors: its header holds no"),
    "deep JSON": (".safetensors", safetensors(b"[" * 2**17, b""), "NF707", "is no file of safetensors: its header is"),
    "a long number": (".safetensors", safetensors(b"9" * 9999, b""), "NF707", "is no file of safetensors: its header"),
    "a key twice": (
        ".safetensors", safetensors(b'{"mask": 1, "mask": 2}', b""), "NF707", "has a header that says something twice",
    ),
    "no such tensor": (".safetensors", save({"a": np.zeros(1)}), "NF707", "has no array `mask`; it has `a`"),
    "a tensor that is a number": (".safetensors", safetensors({"mask": 3}, b""), "NF707", "has a header that describes"),
    "a shape of text": (".safetensors", safetensors(tensor("34"), ZEROS), "NF707", "has a header that describes no"),
    "a shape of truth": (".safetensors", safetensors(tensor([True, 4]), ZEROS), "NF707", "has a header that describes"),
    "a negative offset": (".safetensors", safetensors(tensor(offsets=(-12, 0)), ZEROS), "NF707", "has a header that"),
    "offsets in reverse": (".safetensors", safetensors(tensor(offsets=(12, 0)), ZEROS), "NF707", "has a tensor of 12"),
    "offsets behind the end": (
        ".safetensors", safetensors(tensor(offsets=(4, 16)), ZEROS), "NF707", "has a tensor of 12 bytes at 4 to 16 of 12",
    ),
    "a size that differs": (".safetensors", safetensors(tensor(offsets=(0, 6)), ZEROS), "NF707", "has a tensor of 12"),
    "a tensor of 2**124": (
        ".safetensors", safetensors(tensor([2**62, 2**62]), ZEROS), "NF301", f"is {2**62} × {2**62}; 3 outputs",
    ),
    "an unknown type": (".safetensors", safetensors(tensor(dtype="F8_E4M3"), ZEROS), "NF707", "has a tensor of the ty"),
    "metadata as a tensor": (".safetensors", safetensors({"__metadata__": tensor()["mask"]}, ZEROS), "NF707", "has no"),
    # Matrix Market
    "no banner": (".mtx", b"3 4 1\n1 1\n", "NF707", "does not start as a Matrix Market file"),
    "half a banner": (".mtx", mtx("coordinate"), "NF707", "does not start as a Matrix Market file"),
    "complex entries": (".mtx", mtx("coordinate complex general", "3 4 0"), "NF707", "has the field `complex`, expect"),
    "skew": (".mtx", mtx("coordinate real skew-symmetric", "3 3 0"), "NF707", "has the symmetry `skew-symmetric`, ex"),
    "an array without values": (".mtx", mtx("array pattern general", "3 4"), "NF707", "is an array without values"),
    "no sizes": (".mtx", mtx("array real general", "% nothing"), "NF707", "is cut short: it ends before its sizes"),
    "two sizes": (".mtx", mtx("coordinate real general", "3 4"), "NF707", "has 2 words on line 2; 3 numbers"),
    "a negative size in text": (".mtx", mtx("array real general", "-3 4"), "NF707", "has other words than numbers on li"),
    "a size of many digits": (".mtx", mtx("array real general", "9" * 9999 + " 4"), "NF707", "has other words than num"),
    "a large size": (".mtx", mtx("array real general", "9999999999 4"), "NF301", "is 9999999999 × 4; 3 outputs"),
    "symmetric and not square": (".mtx", mtx("array real symmetric", "3 4"), "NF707", "is symmetric, which only"),
    "fewer entries": (".mtx", mtx("coordinate pattern general", "3 4 9", "1 1"), "NF707", "is cut short: it has 1 of"),
    "more entries": (".mtx", mtx("coordinate pattern general", "3 4 1", "1 1", "2 2"), "NF707", "has more than the 1"),
    "fewer values": (".mtx", mtx("array real general", "3 4", "1", "0"), "NF707", "is cut short: it has 2 of the 12"),
    "more values": (".mtx", mtx("array real general", "3 4", *"0" * 13), "NF707", "has more than the 12 entries"),
    "row 0": (".mtx", mtx("coordinate pattern general", "3 4 1", "0 1"), "NF707", "has an entry at row 0, column 1, out"),
    "row 4": (".mtx", mtx("coordinate pattern general", "3 4 1", "4 1"), "NF707", "has an entry at row 4, column 1, out"),
    "a fraction of a row": (".mtx", mtx("coordinate real general", "3 4 1", "1.0 1 1"), "NF707", "has other words than"),
    "three words": (".mtx", mtx("coordinate pattern general", "3 4 1", "1 1 1"), "NF707", "has 3 words on line 3"),
    "one line for two": (".mtx", mtx("coordinate pattern general", "3 4 2", "1 1 2 2"), "NF707", "has 4 words on line 3"),
    "words": (".mtx", mtx("coordinate real general", "3 4 1", "1 1 one"), "NF707", "has other words than numbers on line"),
    "underscores": (".mtx", mtx("coordinate real general", "3 4 1", "1 1 0_1"), "NF707", "has other words than numbers"),
    "a NUL": (".mtx", mtx("coordinate real general", "3 4 1", "1 1 1\0"), "NF707", "has other words than numbers on"),
    "a two in text": (".mtx", mtx("coordinate real general", "3 4 1", "1 2 2.0"), "NF708", "holds 2.0 at row 0, column 1"),
    "NaN in text": (".mtx", mtx("coordinate real general", "3 4 1", "1 2 nan"), "NF708", "holds nan at row 0, column 1"),
    "1e999": (".mtx", mtx("array integer general", "3 4", *["1e999"] * 12), "NF708", "holds inf at row 0, column 0"),
    "twice": (".mtx", mtx("coordinate pattern general", "3 4 2", "1 2", "1 2"), "NF708", "has an entry twice, at row 0, "),
    "an endless line": (".mtx", mtx("array real general", "3 4", "0 " * 2**18), "NF707", "has more than 65536 characters"),
    "an endless comment": (".mtx", mtx("array real general", "%" * 2**17, "3 4"), "NF707", "has more than 65536 charac"),
}  # fmt: skip


@pytest.mark.parametrize("name", CORPUS)
def test_refused(name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    suffix, content, code, said = CORPUS[name]
    path = tmp_path / f"m{suffix}"
    path.write_bytes(content)
    with bounded():
        found, what = refusal(path, 3, 4)
    assert (found, what[: len(said)]) == (code, said)
    assert "harm" not in capsys.readouterr().out


def test_a_member_of_two_names_is_ambiguous(tmp_path: Path) -> None:
    data = archive({"mask.npy": array(pattern(3, 4)), "nask.npy": array(~pattern(3, 4))})
    (tmp_path / "m.npz").write_bytes(data.replace(b"nask.npy", b"mask.npy"))
    assert refusal(tmp_path / "m.npz", 3, 4) == ("NF707", "has 2 members `mask`; one is expected")


def test_a_checksum_that_differs(tmp_path: Path) -> None:
    data = bytearray(archive({"mask.npy": array(np.zeros((3, 4), bool))}, zipfile.ZIP_STORED))
    data[data.index(ZEROS)] = 1
    (tmp_path / "m.npz").write_bytes(data)
    code, what = refusal(tmp_path / "m.npz", 3, 4)
    assert (code, what[:39]) == ("NF707", "is no whole zip archive: Bad CRC-32 for")


def test_an_encrypted_member(tmp_path: Path) -> None:
    data = bytearray(archive({"mask.npy": array(np.zeros((3, 4), bool))}))
    for signature, flags in ((b"PK\3\4", 6), (b"PK\1\2", 8)):
        data[data.index(signature) + flags] |= 1
    (tmp_path / "m.npz").write_bytes(data)
    assert refusal(tmp_path / "m.npz", 3, 4) == ("NF707", "is encrypted")


def test_a_member_that_declares_less_than_it_holds(tmp_path: Path) -> None:
    """The sizes in an archive are what a bomb lies about: 64 MiB of ones, declared as 3 × 4 entries."""
    member = npy("(3, 4)", ZEROS)
    data = bytearray(archive({"mask.npy": npy("(3, 4)", b"\1" * 2**26)}))
    at = data.index(b"PK\1\2") + 24
    data[at : at + 4] = struct.pack("<I", len(member))
    (tmp_path / "m.npz").write_bytes(data)
    with bounded():
        code, what = refusal(tmp_path / "m.npz", 3, 4)
    assert (code, what[:23]) == ("NF707", "is no whole zip archive")


def test_a_list_of_members_that_would_fill_the_memory(tmp_path: Path) -> None:
    size = 2 * DIRECTORY_BYTES
    end = struct.pack("<4s4H2LH", b"PK\5\6", 0, 0, 1, 1, size, 0, 0)
    with (tmp_path / "m.npz").open("wb") as file:
        file.truncate(size)
        file.seek(size)
        file.write(end)
    with bounded():
        code, what = refusal(tmp_path / "m.npz", 3, 4)
    assert (code, what[:25]) == ("NF707", "has a list of members of ")


def test_memory_follows_the_edges(tmp_path: Path) -> None:
    """A file of 64 MB with 8000 ones."""
    size = 8000
    stored = np.lib.format.open_memmap(tmp_path / "m.npy", "w+", bool, (size, size))
    columns = np.random.default_rng(0).permutation(size)
    stored[np.arange(size), columns] = True
    stored.flush()
    del stored
    with bounded():
        factor = read(tmp_path / "m.npy", size, size)
    assert (factor.arrays()[1] == columns).all()


def test_what_the_progress_raises_ends_the_reading(tmp_path: Path) -> None:
    class Enough(Exception):  # noqa: N818
        pass

    def progress(edges: int) -> None:
        if edges > 3:
            raise Enough

    np.savez(tmp_path / "m.npz", mask=np.ones((3, 4), bool))
    with pytest.raises(Enough):
        read(tmp_path / "m.npz", 3, 4, progress=progress)
