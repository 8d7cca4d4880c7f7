"""Which deep sparse networks train: handwritten digits, no norms, no residuals, one recipe for all.

Adam, linear warm-up, then a linear fall of the rate, gradients clipped at norm 1: the same for every
family of masks, scheme and depth. A run stops early, and is marked so, where after a sixth of its
steps the loss is still that of guessing. Results go to a file as they come, so that a run that was
stopped goes on where it was.

Run: python -m benchmarks.depth.training [--layers 10 50 100 200] [--schemes balanced …] [--jobs 2]
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from itertools import product
from math import log
from pathlib import Path
from statistics import mean
from time import perf_counter

import torch
from torch import Tensor, nn

from benchmarks.depth.families import CLASSES, FAMILIES, classifier, family
from benchmarks.pareto import SUBSET, Digits, accuracy, load

BATCH = 64
STEPS = 400
RATE = 1e-3
WARM_UP = 20
GUESSING = log(CLASSES) - 0.01
"""A loss above this is no better than guessing."""


@dataclass(frozen=True)
class Run:
    """What is trained: a family of masks, a scheme, an activation, weighted layers, a seed; and Adam's rate."""

    family: str
    scheme: str
    activation: str
    layers: int
    seed: int
    rate: float = RATE


@dataclass(frozen=True)
class Outcome:
    """What came of it.

    Attributes:
        accuracy: on the test images.
        cosine: mean between the last hidden layer's values at different test images, before training.
        trained_cosine: the same after training.
        spread: first over tenth singular value of the Jacobian pixels → last hidden layer, before
            training, at one image; ten classes need about so many directions.
        directions: (Σσ²)² / Σσ⁴ of the same singular values: how many directions get through.
        steps: fewer than asked where the loss stayed that of guessing.
    """

    run: Run
    accuracy: float
    cosine: float
    trained_cosine: float
    spread: float
    directions: float
    steps: int
    seconds: float


def main() -> None:
    arguments = parse_arguments()
    arguments.build.mkdir(parents=True, exist_ok=True)
    path = arguments.build / "depth_training.jsonl"
    done = {outcome.run for outcome in read(path)}
    wanted = [run for run in runs(arguments) if run not in done]
    with ProcessPoolExecutor(arguments.jobs) as pool, path.open("a") as file:
        pending = [pool.submit(outcome_of, run, arguments.data, arguments.steps) for run in wanted]
        for number, future in enumerate(as_completed(pending), start=1):
            outcome = future.result()
            file.write(json.dumps(asdict(outcome)) + "\n")
            file.flush()
            print(f"{number}/{len(pending)} {line(outcome)}", flush=True)


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, default=SUBSET)
    parser.add_argument("--families", nargs="+", default=[each.name for each in FAMILIES])
    parser.add_argument("--schemes", nargs="+", default=["balanced", "dense_xavier"])
    parser.add_argument("--activation", default="leaky_relu slope=auto")
    parser.add_argument("--layers", nargs="+", type=int, default=[10, 50, 100, 200])
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--steps", type=int, default=STEPS)
    parser.add_argument("--rate", type=float, default=RATE, help="of Adam, after the warm-up")
    parser.add_argument("--jobs", type=int, default=1, help="runs at a time, one thread each")
    parser.add_argument("--build", type=Path, default=Path("build/benchmarks"))
    return parser.parse_args()


def runs(arguments: argparse.Namespace) -> Iterator[Run]:
    """All that are asked for, the deepest last."""
    every = product(arguments.layers, range(arguments.seeds), arguments.schemes, arguments.families)
    for layers, seed, scheme, name in every:
        if scheme != "orthogonal" or family(name).blocks:
            yield Run(name, scheme, arguments.activation, layers, seed, arguments.rate)


def read(path: Path) -> list[Outcome]:
    """The outcomes so far, one a run; none where there is no file."""
    if not path.exists():
        return []
    records = [json.loads(text) for text in path.read_text().splitlines()]
    outcomes = [Outcome(**{**record, "run": Run(**record["run"])}) for record in records]
    return [*{outcome.run: outcome for outcome in outcomes}.values()]


def outcome_of(run: Run, data: Path, steps: int) -> Outcome:
    """One network built, looked at, trained and tested, on one thread."""
    torch.set_num_threads(1)
    started = perf_counter()
    digits = centred(load(data))
    model = classifier(family(run.family).via, run.layers, run.scheme, run.activation).torch(seed=run.seed)
    before = cosine(hidden(model, digits.test_images[:200]))
    spread, directions = spectrum(model, digits.test_images[0])
    taken = train(model, digits, run, steps)
    return Outcome(
        run,
        accuracy=accuracy(model, digits),
        cosine=before,
        trained_cosine=cosine(hidden(model, digits.test_images[:200])),
        spread=spread,
        directions=directions,
        steps=taken,
        seconds=perf_counter() - started,
    )


def centred(digits: Digits) -> Digits:
    """Images with each pixel's mean taken off, of second moment 1."""
    shift = digits.train_images.mean(0)
    scale = (digits.train_images - shift).square().mean().sqrt()
    return Digits(
        (digits.train_images - shift) / scale, digits.train_labels,
        (digits.test_images - shift) / scale, digits.test_labels,
    )  # fmt: skip


def train(model: nn.Module, digits: Digits, run: Run, steps: int) -> int:
    """The steps taken."""
    optimizer = torch.optim.Adam(model.parameters(), lr=run.rate)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: share_of_rate(step, steps))
    generator = torch.Generator().manual_seed(run.seed)
    loss_of, losses = nn.CrossEntropyLoss(), []
    for step in range(steps):
        chosen = torch.randint(len(digits.train_images), (BATCH,), generator=generator)
        optimizer.zero_grad()
        loss = loss_of(model(digits.train_images[chosen]), digits.train_labels[chosen])
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        schedule.step()
        losses.append(loss.item())
        if step + 1 == steps // 6 and mean(losses[-20:]) > GUESSING:
            return step + 1
    return steps


def share_of_rate(step: int, steps: int) -> float:
    """Of the learning rate: up over WARM_UP steps, level, and down over the last two fifths."""
    return min((step + 1) / WARM_UP, max(0.02, min(1.0, (steps - step) / (0.4 * steps))))


@contextmanager
def read_by_head(model: nn.Module) -> Iterator[list[Tensor]]:
    """What the head reads at each call of the model, [images, width]."""
    read: list[Tensor] = []
    hook = model.get_submodule("head").register_forward_pre_hook(lambda _, inputs: read.append(inputs[0]))
    yield read
    hook.remove()


def hidden(model: nn.Module, images: Tensor) -> Tensor:
    """The last hidden layer's values, [images, width]."""
    with torch.no_grad(), read_by_head(model) as read:
        model(images)
    return read[0]


def cosine(values: Tensor) -> float:
    """Mean over pairs of different rows; 1 where the values are too small to have an angle."""
    unit = nn.functional.normalize(values.double(), dim=1)
    count = len(unit)
    if not bool(unit.norm(dim=1).min() > 0.5):
        return 1.0
    return float((unit.sum(0).square().sum() - count) / (count * (count - 1)))


def spectrum(model: nn.Module, image: Tensor) -> tuple[float, float]:
    """(σ₁ / σ₁₀, (Σσ²)² / Σσ⁴) of the Jacobian at one image."""
    width = hidden(model, image[None]).shape[1]
    images = image.expand(width, -1).clone().requires_grad_()
    with read_by_head(model) as read:
        model(images)
    (jacobian,) = torch.autograd.grad(read[0], images, torch.eye(width))
    values = torch.linalg.svdvals(jacobian.double())
    if not bool(values[0] > 0):
        return float("inf"), 0.0
    squares = (values / values[0]).square()
    return float(values[0] / values[CLASSES - 1]), float(squares.sum() ** 2 / squares.square().sum())


def line(outcome: Outcome) -> str:
    run = outcome.run
    return (
        f"{run.family:<19} {run.scheme:<13} {run.activation:<22} {run.layers:>5} layers seed {run.seed}: "
        f"accuracy {outcome.accuracy:.3f} cosine {outcome.cosine:.3f} → {outcome.trained_cosine:.3f} "
        f"σ₁/σ₁₀ {outcome.spread:.3g} directions {outcome.directions:.1f} "
        f"({outcome.steps} steps, {outcome.seconds:.0f} s)"
    )


if __name__ == "__main__":
    main()
