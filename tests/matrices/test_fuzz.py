"""Valid files with some bytes changed: a pattern or a finding, never anything else, and never much memory."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import scipy.io
import scipy.sparse
from safetensors.numpy import save_file

from nfc.matrices import MatrixError
from tests.matrices.reading import dense, pattern, read

ROWS, COLS = 6, 9
MUTATIONS = 2000
WANTED = pattern(ROWS, COLS)


def _matrix(form: str) -> object:
    return scipy.sparse.coo_array(WANTED.astype(np.int32)).asformat(form)


WRITERS = {
    "c.npy": lambda path: np.save(path, WANTED),
    "f.npy": lambda path: np.save(path, np.asfortranarray(WANTED.astype("f2"))),
    "stored.npz": lambda path: np.savez(path, mask=WANTED),
    "deflated.npz": lambda path: np.savez_compressed(path, mask=WANTED),
    **{
        f"{form}.npz": lambda path, form=form: scipy.sparse.save_npz(path, _matrix(form), compressed=False)
        for form in ("csr", "csc", "coo", "bsr", "dia")
    },
    "m.safetensors": lambda path: save_file({"mask": WANTED, "other": np.zeros(3)}, path),
    "coordinates.mtx": lambda path: scipy.io.mmwrite(path, _matrix("coo"), field="pattern"),
    "reals.mtx": lambda path: scipy.io.mmwrite(path, _matrix("coo"), field="real"),
    "array.mtx": lambda path: scipy.io.mmwrite(path, WANTED.astype(float)),
}


def mutated(data: bytes, random: np.random.Generator) -> bytes:
    """Some bytes changed, a piece cut out, or a piece repeated."""
    changed = bytearray(data)
    start, end = sorted(random.integers(0, len(data) + 1, 2).tolist())
    match random.integers(0, 6):
        case 0:
            del changed[start:end]
        case 1:
            changed[start:start] = changed[start : min(end, start + 40)]
        case 2:
            changed = changed[:start]
        case _:
            for place in random.integers(0, len(data), random.integers(1, 6)).tolist():
                changed[place] = random.choice([0, 1, 255, 128, 32, 45, 57, random.integers(0, 256)])
    return bytes(changed)


@pytest.mark.parametrize("name", WRITERS)
def test_changed_files(name: str, tmp_path: Path) -> None:
    path = tmp_path / name
    WRITERS[name](path)
    assert (dense(read(path, ROWS, COLS)) == WANTED).all()
    data, random = path.read_bytes(), np.random.default_rng(len(name))
    codes = set()
    for _ in range(MUTATIONS // len(WRITERS)):
        path.write_bytes(mutated(data, random))
        try:
            assert read(path, ROWS, COLS).shape == (ROWS, COLS)
        except MatrixError as error:
            codes.add(error.code)
    assert "NF707" in codes <= {"NF301", "NF707", "NF708"}
