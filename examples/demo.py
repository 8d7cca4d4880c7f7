"""From a .nf file to two runtimes: compile, train, export with trained weights, compare.

Everything goes through the `nfc` command and the files that it writes; the training loop imports the
emitted modules, which need torch and nothing of nfc. Run it with `make demo`.
"""

from __future__ import annotations

import argparse
import importlib.util
import os
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnxruntime
import torch
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn
from rich.table import Table
from safetensors.torch import save_file
from torch import nn

HERE = Path(__file__).parent
BATCH = 100
TOLERANCE = 1e-4

console = Console(highlight=False)


@dataclass(frozen=True)
class Digits:
    """Images as float32 in 0..1, [n, 28, 28], and their labels."""

    train_images: torch.Tensor
    train_labels: torch.Tensor
    test_images: torch.Tensor
    test_labels: torch.Tensor


@dataclass(frozen=True)
class Outcome:
    """One network trained and run: what the table shows."""

    name: str
    weights: int
    train_seconds: float
    torch_accuracy: float
    onnx_accuracy: float
    difference: float
    source_bytes: int
    onnx_bytes: int


def main() -> int:
    arguments = parse_arguments()
    arguments.build.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(0)
    torch.set_num_threads(1)  # layers this small lose more to threads than they gain
    digits = load_digits(HERE / "data" / "mnist_subset.npz", arguments.train, arguments.test)
    outcomes = [
        run(HERE / f"{name}.nf", digits, arguments.build, arguments.epochs)
        for name in ("mnist", "mnist_dense")
    ]
    console.print(table(*outcomes))
    agree = all(
        each.torch_accuracy == each.onnx_accuracy and each.difference <= TOLERANCE for each in outcomes
    )
    if not agree:
        console.print("[red]torch and ONNX Runtime disagree[/red]")
    return 0 if agree else 1


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--build", type=Path, default=Path("build/demo"), help="folder of everything written")
    parser.add_argument("--epochs", type=int, default=8)
    parser.add_argument("--train", type=int, default=12_000, help="training images")
    parser.add_argument("--test", type=int, default=3_000, help="test images")
    return parser.parse_args()


def load_digits(path: Path, train: int, test: int) -> Digits:
    with np.load(path, allow_pickle=False) as data:
        images = {key: torch.from_numpy(data[f"{key}_images"]).float() / 255 for key in ("train", "test")}
        labels = {key: torch.from_numpy(data[f"{key}_labels"]).long() for key in ("train", "test")}
    return Digits(
        images["train"][:train], labels["train"][:train], images["test"][:test], labels["test"][:test]
    )


def run(spec: Path, digits: Digits, build: Path, epochs: int) -> Outcome:
    """Compile to torch, train, save, compile to ONNX with the trained weights, and run both on the test images."""
    source, weights, model_file = (
        build / f"{spec.stem}{suffix}" for suffix in (".py", ".safetensors", ".onnx")
    )
    nfc("check", shown_path(spec))
    nfc("compile", shown_path(spec), "--to", "torch", "-o", source)
    model = import_emitted(source)
    started = time.perf_counter()
    train(model, digits, epochs, spec.stem)
    seconds = time.perf_counter() - started
    save_file(model.state_dict(), weights)
    nfc("compile", shown_path(spec), "--to", "onnx", "--weights", weights, "-o", model_file)
    torch_scores = run_torch(model, digits.test_images)
    onnx_scores = run_onnx(model_file, digits.test_images)
    return Outcome(
        name=spec.name,
        weights=sum(parameter.numel() for parameter in model.parameters()),
        train_seconds=seconds,
        torch_accuracy=accuracy(torch_scores, digits.test_labels),
        onnx_accuracy=accuracy(onnx_scores, digits.test_labels),
        difference=float(np.abs(torch_scores - onnx_scores).max()),
        source_bytes=source.stat().st_size,
        onnx_bytes=model_file.stat().st_size,
    )


def shown_path(path: Path) -> Path:
    """The path from here where there is one, as a person would type it."""
    return Path(os.path.relpath(path))


def nfc(*arguments: str | Path) -> None:
    """Run the `nfc` command, shown as it would be typed; its output goes to the terminal."""
    words = [str(argument) for argument in arguments]
    console.print(f"[bold]$ nfc {' '.join(words)}[/bold]", soft_wrap=True)
    subprocess.run([sys.executable, "-m", "nfc", *words], check=True)
    console.print()


def import_emitted(path: Path) -> nn.Module:
    """The network of an emitted file, whose class is the file's name in CamelCase."""
    specification = importlib.util.spec_from_file_location(path.stem, path)
    assert specification is not None
    assert specification.loader is not None
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    class_name = "".join(word.capitalize() for word in path.stem.split("_"))
    model: nn.Module = getattr(module, class_name)(seed=0)
    return model


def train(model: nn.Module, digits: Digits, epochs: int, name: str) -> None:
    """Adam with a one-cycle schedule; the same recipe for every network."""
    steps = epochs * -(-len(digits.train_images) // BATCH)
    optimizer = torch.optim.Adam(model.parameters())
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, max_lr=3e-3, total_steps=steps)
    loss_of = nn.CrossEntropyLoss()
    generator = torch.Generator().manual_seed(0)
    columns = (
        TextColumn("train {task.description}"),
        BarColumn(),
        TaskProgressColumn(),
        TextColumn("loss {task.fields[loss]:.3f}"),
        TimeRemainingColumn(),
    )
    model.train()
    with Progress(*columns, console=console) as progress:
        task = progress.add_task(name, total=steps, loss=float("nan"))
        for _ in range(epochs):
            for batch in torch.randperm(len(digits.train_images), generator=generator).split(BATCH):
                loss = loss_of(model(digits.train_images[batch]), digits.train_labels[batch])
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
                schedule.step()
                progress.update(task, advance=1, loss=loss.item())
    model.eval()


def run_torch(model: nn.Module, images: torch.Tensor) -> np.ndarray:
    with torch.inference_mode():
        scores: np.ndarray = model(images).numpy()
    return scores


def run_onnx(path: Path, images: torch.Tensor) -> np.ndarray:
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    scores: np.ndarray = session.run(None, {"input": images.numpy()})[0]
    return scores


def accuracy(scores: np.ndarray, labels: torch.Tensor) -> float:
    return float((scores.argmax(axis=1) == labels.numpy()).mean())


def table(sparse: Outcome, dense: Outcome) -> Table:
    """The network beside its dense twin, trained by the same recipe in the same run."""
    shown = Table(title="Trained, exported, run in both runtimes")
    shown.add_column()
    shown.add_column(sparse.name, justify="right")
    shown.add_column("dense twin", justify="right")
    shown.add_column("share", justify="right")
    rows = [
        ("weights", f"{sparse.weights:,}", f"{dense.weights:,}", sparse.weights / dense.weights),
        ("ONNX file, bytes", f"{sparse.onnx_bytes:,}", f"{dense.onnx_bytes:,}", sparse.onnx_bytes / dense.onnx_bytes),
        ("torch file, bytes", f"{sparse.source_bytes:,}", f"{dense.source_bytes:,}", None),
        ("training, seconds", f"{sparse.train_seconds:.1f}", f"{dense.train_seconds:.1f}", sparse.train_seconds / dense.train_seconds),
        ("test accuracy, torch", f"{sparse.torch_accuracy:.2%}", f"{dense.torch_accuracy:.2%}", None),
        ("test accuracy, ONNX Runtime", f"{sparse.onnx_accuracy:.2%}", f"{dense.onnx_accuracy:.2%}", None),
        ("largest output difference", f"{sparse.difference:.1e}", f"{dense.difference:.1e}", None),
    ]  # fmt: skip
    for name, left, right, share in rows:
        shown.add_row(name, left, right, f"{share:.0%}" if share is not None else "")
    return shown


if __name__ == "__main__":
    sys.exit(main())
