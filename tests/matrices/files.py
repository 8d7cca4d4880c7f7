"""Specs whose matrices are wrong, as the pages of their codes name them."""

from __future__ import annotations

from pathlib import Path

import numpy as np


def write_wrong_matrices(folder: Path) -> None:
    """Write `damaged.nf` with a `.npy` file that is cut short, and `counted.nf` with a count for a one."""
    np.save(folder / "damaged.npy", np.ones((8, 784), bool))
    data = (folder / "damaged.npy").read_bytes()
    (folder / "damaged.npy").write_bytes(data[: 128 + 100])
    lines = ("%%MatrixMarket matrix coordinate real general", "8 784 1", "1 4 2.0", "")
    (folder / "counted.mtx").write_text("\n".join(lines), "ascii")
    for name in ("damaged.npy", "counted.mtx"):
        text = f'nf 1\nnetwork wired {{ input 784; linear 8 via file("{name}") }}\n'
        (folder / name).with_suffix(".nf").write_text(text, "utf-8")
