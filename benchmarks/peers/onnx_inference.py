"""nfc's ONNX files in ONNX Runtime and in DeepSparse 1.8.0, one core, in turns, as medians.

Runs in DeepSparse's environment, which has no PyTorch; nfc comes by PYTHONPATH. Since DeepSparse ends
its process on some models, each is tried in a process of its own first.

Run: PYTHONPATH=. PYTHON benchmarks/peers/onnx_inference.py FOLDER [--seconds 5]
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnxruntime

from benchmarks.report import markdown, milliseconds, ratio
from nfc.bench.timing import interleaved, warm_allocator

WIDTH = 1024
BATCHES = (1, 64)
TOLERANCE = 1e-4
Run = Callable[[], np.ndarray]


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", type=Path)
    parser.add_argument("--seconds", type=float, default=5, help="for each batch")
    parser.add_argument("--try-batch", type=int, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.try_batch:
        deepsparse_run(arguments.folder, values(arguments.try_batch))()
        return
    warm_allocator()
    models = sorted(arguments.folder.glob("*.onnx"))
    rows = [row for batch in BATCHES for row in measured(models, batch, arguments.seconds)]
    print(markdown(("model", "runtime", "batch", "ms", "of dense in ONNX Runtime"), rows))


def measured(models: list[Path], batch: int, seconds: float) -> list[tuple[str, ...]]:
    """Rows of the table; those of models that DeepSparse does not run say why."""
    inputs = values(batch)
    runs: dict[tuple[str, str], Run] = {}
    failed: list[tuple[str, ...]] = []
    for model in models:
        name = model.stem
        runs[name, "ONNX Runtime"] = onnx_run(model, inputs)
        try:
            tried(model, batch)
            runs[name, "DeepSparse"] = checked(deepsparse_run(model, inputs), runs[name, "ONNX Runtime"])
        except Exception as error:
            failed.append((name, "DeepSparse", str(batch), "–", f"fails: {str(error)[:80]}"))
    timings = interleaved({"\0".join(key): run for key, run in runs.items()}, seconds=seconds)
    dense = timings["dense\0ONNX Runtime"].median
    return failed + [
        (*name.split("\0"), str(batch), milliseconds(timing.median), ratio(timing.median / dense))
        for name, timing in timings.items()
    ]


def values(batch: int) -> np.ndarray:
    return np.random.default_rng(0).standard_normal((batch, WIDTH)).astype(np.float32)


def tried(model: Path, batch: int) -> None:
    """ValueError where DeepSparse ends a process that runs the model, or cannot be imported."""
    command = [sys.executable, __file__, str(model), f"--try-batch={batch}"]
    done = subprocess.run(command, capture_output=True, text=True, errors="replace")
    if done.returncode:
        errors = [line for line in done.stderr.splitlines() if "Error" in line]
        raise ValueError(errors[-1] if errors else f"ends the process, exit code {done.returncode}")


def onnx_run(model: Path, inputs: np.ndarray) -> Run:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(str(model), options, providers=["CPUExecutionProvider"])
    return lambda: session.run(None, {"input": inputs})[0]


def deepsparse_run(model: Path, inputs: np.ndarray) -> Run:
    from deepsparse import Engine

    engine = Engine(model=str(model), batch_size=len(inputs), num_cores=1)
    return lambda: engine.run([inputs])[0]


def checked(run: Run, reference: Run) -> Run:
    """The run; ValueError if it computes something else."""
    value, expected = run(), reference()
    error = float(np.abs(value - expected).max() / np.abs(expected).max())
    if error > TOLERANCE:
        raise ValueError(f"wrong by {error:.1g}")
    return run


if __name__ == "__main__":
    main()
