"""Write the networks of the DeepSparse comparison: four layers of 1024 with bias and ReLU.

DeepSparse 1.8.0 reads ONNX's file format up to version 9, so the version in the files is set back; nothing
that they hold is newer.

Run: python benchmarks/peers/onnx_models.py FOLDER, then onnx_inference.py FOLDER with DeepSparse's Python.
"""

from __future__ import annotations

import sys
from pathlib import Path

import onnx

from benchmarks.cases import Case
from benchmarks.steps import dense_onnx

WIDTH, LAYERS = 1024, 4
FILE_VERSION = 9
TOPOLOGIES = {"random 5 %": "random(fan_in=51)", "monarch": "monarch"}


def main() -> None:
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    write(folder / "dense.onnx", dense_onnx(WIDTH, WIDTH, LAYERS, deep=True))
    for name, topology in TOPOLOGIES.items():
        case = Case(name=name, topology=topology, rows=WIDTH, cols=WIDTH, batch=64, layers=LAYERS, deep=True)
        network = case.network()
        write(folder / f"{name}.onnx", network.onnx(batch=case.batch))
        if name.startswith("random"):
            write(
                folder / f"{name}, sparse initializers.onnx",
                network.onnx(sparse="initializer", batch=case.batch),
            )


def write(path: Path, content: bytes) -> None:
    model = onnx.load_from_string(content)
    model.ir_version = FILE_VERSION
    path.write_bytes(model.SerializeToString())


if __name__ == "__main__":
    main()
