"""Train a network of a .nf file: one script for one CPU, one GPU, or many.

    python examples/train.py examples/mnist.nf
    torchrun --nproc-per-node 2 examples/train.py examples/mnist.nf --parallel fsdp

Everything is written into the build folder: the emitted module, `log.csv`, `checkpoint.pt` every so
many steps, and at the end `weights.safetensors`, which `nfc compile --weights` reads. A run that was
stopped, by SIGKILL too, goes on from its last checkpoint and ends with the same weights. Batches are
global: any number of processes that divides them takes the same steps, to rounding, in networks
without dropout and batch norm, which each process has for its own part.
"""

from __future__ import annotations

import argparse
import hashlib
import importlib.util
import io
import json
import math
import os
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Protocol

import torch
import torch.distributed as dist
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from safetensors.torch import save
from tasks import Task, task_for
from torch import Tensor, nn
from torch.distributed.checkpoint.state_dict import (
    StateDictOptions,
    get_model_state_dict,
    get_optimizer_state_dict,
    set_model_state_dict,
    set_optimizer_state_dict,
)

WARM_UP = 0.1
"""The share of the steps over which the learning rate rises."""
WHOLE = StateDictOptions(full_state_dict=True, cpu_offload=True)


@dataclass(frozen=True)
class Recipe:
    """What decides the final weights; a checkpoint of another recipe is refused.

    `digest` is of the topology; `module`, of the emitted source, covers the operations between layers too.
    """

    spec: str
    digest: str
    module: str
    steps: int
    batch: int
    learning_rate: float
    weight_decay: float
    dtype: str
    seed: int


@dataclass(frozen=True)
class World:
    """This process among all: `parallel` is how they share the model, None for one alone."""

    rank: int
    size: int
    device: torch.device
    parallel: str | None

    @property
    def leads(self) -> bool:
        return self.rank == 0


class Log(Protocol):
    def __call__(self, step: int, name: str, value: float) -> None: ...


def main() -> int:
    arguments = parse_arguments()
    torch.set_num_threads(arguments.threads)
    try:
        with world(arguments) as here:
            train(arguments, here)
    except OSError as error:
        raise SystemExit(
            f"cannot read or write {error.filename or 'a file'}: {error.strerror or error}"
        ) from None
    return 0


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("spec", type=Path, help="the .nf file")
    parser.add_argument("--network", help="the network, where the file holds several")
    parser.add_argument("--build", type=Path, help="folder of everything written; build/train/NAME if absent")
    parser.add_argument("--steps", type=positive, default=500)
    parser.add_argument("--batch", type=positive, default=100, help="samples of a step, over all processes")
    parser.add_argument("--learning-rate", type=float, default=2e-3)
    parser.add_argument("--weight-decay", type=float, default=0.01)
    parser.add_argument(
        "--seed", type=seed, default=0, help="of the weights, the order of samples, and dropout"
    )
    parser.add_argument(
        "--dtype", choices=["float32", "bfloat16"], default="float32", help="bfloat16 is autocast"
    )
    parser.add_argument("--device", choices=["auto", "cpu", "cuda"], default="auto")
    parser.add_argument("--parallel", choices=["ddp", "fsdp"], default="ddp", help="under torchrun")
    parser.add_argument("--checkpoint-every", type=positive, default=100, metavar="STEPS")
    parser.add_argument("--evaluate-every", type=positive, default=250, metavar="STEPS")
    parser.add_argument("--log", choices=["csv", "tensorboard"], default="csv")
    parser.add_argument("--threads", type=positive, default=1, help="of each process")
    return parser.parse_args()


def positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"{number} is not at least 1")
    return number


def seed(text: str) -> int:
    number = int(text)
    if not 0 <= number < 2**32:
        raise argparse.ArgumentTypeError(f"{number} is not in 0..<2^32")
    return number


@contextmanager
def world(arguments: argparse.Namespace) -> Iterator[World]:
    """Join the processes of `torchrun`: gloo on CPUs, NCCL on GPUs."""
    gpus, place = torch.cuda.device_count(), int(os.environ.get("LOCAL_RANK", 0))
    on_gpu = arguments.device == "cuda" or (arguments.device == "auto" and gpus > 0)
    if on_gpu and place >= gpus:
        raise SystemExit(f"each process needs a GPU, PyTorch finds {gpus} here; --device cpu needs none")
    device = torch.device("cuda", place) if on_gpu else torch.device("cpu")
    if "WORLD_SIZE" not in os.environ:
        yield World(0, 1, device, None)
        return
    if on_gpu:
        torch.cuda.set_device(device)
    dist.init_process_group("nccl" if on_gpu else "gloo")
    try:
        yield World(dist.get_rank(), dist.get_world_size(), device, arguments.parallel)
    finally:
        dist.destroy_process_group()


def train(arguments: argparse.Namespace, here: World) -> None:
    build = arguments.build or Path("build/train") / arguments.spec.stem
    description = describe(arguments, here)
    module = compiled(arguments, description["name"], build, here)
    task = task_of(description)
    recipe = recipe_of(arguments, description["digest"], build / f"{description['name']}.py")
    if arguments.batch % here.size:
        raise SystemExit(f"{here.size} processes cannot share a batch of {arguments.batch}")
    if arguments.batch > task.train:
        raise SystemExit(f"a batch of {arguments.batch} is more than the {task.train} training samples")

    model = module(seed=recipe.seed).to(here.device)
    wrapped = shared(model, here)
    groups = model.parameter_groups(lr=recipe.learning_rate, weight_decay=recipe.weight_decay)
    rates = [group["lr"] for group in groups]
    optimizer = torch.optim.AdamW(groups)
    start = resume(build / "checkpoint.pt", recipe, wrapped, optimizer)

    with logs(arguments.log, build, start, here) as log, bar(recipe, start, here) as advance:
        for step in range(start, recipe.steps):
            for group, rate in zip(optimizer.param_groups, rates, strict=True):
                group["lr"] = rate * schedule(step, recipe.steps)
            loss = one_step(wrapped, optimizer, task, recipe, step, here)
            log(step, "loss", loss)
            advance(loss)
            done = step + 1
            if done % arguments.evaluate_every == 0 or done == recipe.steps:
                for name, value in evaluated(wrapped, task, recipe, here).items():
                    log(step, name, value)
            if done % arguments.checkpoint_every == 0 or done == recipe.steps:
                keep(build / "checkpoint.pt", recipe, wrapped, optimizer, done, here)
    finish(build / "weights.safetensors", wrapped, here)


def one_step(
    model: nn.Module, optimizer: torch.optim.Optimizer, task: Task, recipe: Recipe, step: int, here: World
) -> float:
    """One step on this process's part of the step's samples; the loss over all of them."""
    torch.manual_seed(hash((recipe.seed, step, here.rank)))  # dropout: the same after a resumption
    numbers = samples(task.train, recipe, step).chunk(here.size)[here.rank]
    inputs, targets = (value.to(here.device) for value in task.batch(numbers, False))
    model.train()
    with precision(recipe, here):
        loss = task.loss(model(inputs), targets)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    return averaged(loss.detach(), here)


def samples(count: int, recipe: Recipe, step: int) -> Tensor:
    """The numbers of a step's samples: each epoch has an order of its own, which depends on the seed alone."""
    a_pass = count // recipe.batch
    epoch, place = divmod(step, a_pass)
    order = torch.randperm(count, generator=torch.Generator().manual_seed(recipe.seed * 1_000_003 + epoch))
    return order[place * recipe.batch :][: recipe.batch]


def schedule(step: int, steps: int) -> float:
    """The learning rate's share of its greatest value: up in a line, down along a cosine."""
    rise = max(1, round(WARM_UP * steps))
    if step < rise:
        return (step + 1) / rise
    return 0.5 * (1 + math.cos(math.pi * (step - rise) / max(1, steps - rise)))


def evaluated(model: nn.Module, task: Task, recipe: Recipe, here: World) -> dict[str, float]:
    """Loss and accuracy on the test samples, each process on a part of each batch."""
    model.eval()
    totals = torch.zeros(3, dtype=torch.float64)
    with torch.inference_mode(), precision(recipe, here):
        for numbers in torch.arange(task.test // here.size * here.size).split(recipe.batch * here.size):
            own = numbers.chunk(here.size)[here.rank]
            inputs, targets = (value.to(here.device) for value in task.batch(own, True))
            outputs = model(inputs)
            right = (outputs.argmax(-1) == targets).sum()
            totals += torch.tensor(
                [task.loss(outputs, targets).item() * targets.numel(), right, targets.numel()]
            )
    if here.parallel:
        totals = totals.to(here.device)
        dist.all_reduce(totals)
    loss, right, count = totals.tolist()
    return {"test_loss": loss / count, "test_accuracy": right / count}


def precision(recipe: Recipe, here: World) -> Any:
    return torch.autocast(here.device.type, torch.bfloat16) if recipe.dtype == "bfloat16" else nullcontext()


def averaged(value: Tensor, here: World) -> float:
    if here.parallel:
        dist.all_reduce(value)
        value = value / here.size
    return value.item()


# --- the model ----------------------------------------------------------------------------------


def describe(arguments: argparse.Namespace, here: World) -> dict[str, Any]:
    """What `nfc show` says of the network."""
    command = [sys.executable, "-m", "nfc", "show", str(arguments.spec), "--format", "json"]
    command += ["--network", arguments.network] if arguments.network else []
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    if result.returncode:
        raise SystemExit(complaint(result) if here.leads else 1)
    networks = json.loads(result.stdout)["networks"]
    if len(networks) != 1:
        raise SystemExit(f"{arguments.spec} holds {len(networks)} networks; choose one with --network")
    description: dict[str, Any] = networks[0]
    return description


def complaint(result: subprocess.CompletedProcess[str]) -> str:
    """What a failed `nfc show` said: in its document, or of wrong usage on standard error."""
    if not result.stdout:
        return result.stderr
    found = json.loads(result.stdout)["diagnostics"]
    return "\n".join(f"{each['code']}: {each['message']}" for each in found)


def task_of(description: dict[str, Any]) -> Task:
    """The task for the network's input, if its output and its vocabulary are large enough for it."""
    vocabularies = [table["rows"] for table in description["tables"] if table["op"] == "embed"]
    shape, output = tuple(description["input"]), description["output"]
    task = task_for(shape, tokens=bool(vocabularies))
    expected = [*(shape if vocabularies else ()), task.classes]
    if output[:-1] != expected[:-1] or output[-1] < task.classes:
        raise SystemExit(f"the task needs an output of shape {expected}, the network's is {output}")
    if vocabularies and min(vocabularies) < task.classes:
        raise SystemExit(f"the text has {task.classes} characters, the network's `embed` {min(vocabularies)}")
    return task


def compiled(arguments: argparse.Namespace, name: str, build: Path, here: World) -> type[Any]:
    """The class of the emitted module; the leading process writes it, the others wait for it."""
    source = build / f"{name}.py"
    if here.leads:
        build.mkdir(parents=True, exist_ok=True)
        command = [sys.executable, "-m", "nfc", "compile", str(arguments.spec), "--network", name]
        done = subprocess.run([*command, "--to", "torch", "--quiet", "-o", str(source)], check=False)
        if done.returncode:  # what is wrong, it has said itself
            raise SystemExit(done.returncode)
    if here.parallel:
        dist.barrier()
    specification = importlib.util.spec_from_file_location(name, source)
    assert specification is not None
    assert specification.loader is not None
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return next(value for value in vars(module).values() if hasattr(value, "parameter_groups"))


def shared(model: nn.Module, here: World) -> nn.Module:
    """The model as its processes share it: copies whose gradients are averaged, or one cut into parts."""
    if here.parallel == "ddp":
        return nn.parallel.DistributedDataParallel(model)
    if here.parallel == "fsdp":
        from torch.distributed.device_mesh import init_device_mesh
        from torch.distributed.fsdp import fully_shard

        fully_shard(model, mesh=init_device_mesh(here.device.type, (here.size,)))
    return model


# --- files --------------------------------------------------------------------------------------


def recipe_of(arguments: argparse.Namespace, digest: str, module: Path) -> Recipe:
    return Recipe(
        spec=arguments.spec.name,
        digest=digest,
        module=hashlib.sha256(module.read_bytes()).hexdigest(),
        steps=arguments.steps,
        batch=arguments.batch,
        learning_rate=arguments.learning_rate,
        weight_decay=arguments.weight_decay,
        dtype=arguments.dtype,
        seed=arguments.seed,
    )


def resume(path: Path, recipe: Recipe, model: nn.Module, optimizer: torch.optim.Optimizer) -> int:
    """Load the checkpoint, if there is one; the step to go on with."""
    if not path.exists():
        return 0
    saved = checkpoint(path)
    changed = [name for name, value in asdict(recipe).items() if saved["recipe"].get(name) != value]
    if changed:
        raise SystemExit(
            f"{path} is of another {' and '.join(changed)}; remove it, or choose another --build"
        )
    options = StateDictOptions(full_state_dict=True)
    set_model_state_dict(model, saved["model"], options=options)
    set_optimizer_state_dict(model, optimizer, saved["optimizer"], options=options)
    step: int = saved["step"]
    return step


def checkpoint(path: Path) -> dict[str, Any]:
    """What `keep` wrote, whose checksums PyTorch itself does not look at."""
    content = path.read_bytes()
    try:
        sound = zipfile.ZipFile(io.BytesIO(content)).testzip() is None
        saved = torch.load(io.BytesIO(content), weights_only=True, map_location="cpu") if sound else None
    except Exception:  # the readers raise a dozen of types where bytes are wrong
        saved = None
    if not isinstance(saved, dict) or saved.keys() != {"model", "optimizer", "step", "recipe"}:
        raise SystemExit(f"{path} is damaged, or no checkpoint; remove it to train from the start")
    return saved


def keep(
    path: Path, recipe: Recipe, model: nn.Module, optimizer: torch.optim.Optimizer, step: int, here: World
) -> None:
    """Write a checkpoint that holds all of the model, whatever the number of processes."""
    state = {
        "model": get_model_state_dict(model, options=WHOLE),
        "optimizer": get_optimizer_state_dict(model, optimizer, options=WHOLE),
        "step": step,
        "recipe": asdict(recipe),
    }
    if here.leads:
        buffer = io.BytesIO()
        torch.save(state, buffer)
        replace(path, buffer.getvalue())


def finish(path: Path, model: nn.Module, here: World) -> None:
    weights = get_model_state_dict(model, options=WHOLE)
    if here.leads:
        replace(path, save({name: value.contiguous() for name, value in weights.items()}))


def replace(path: Path, content: bytes) -> None:
    """Write beside, then rename: whoever stops this, the file is the old one or the new one."""
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with beside.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        beside.replace(path)
    except OSError as error:  # a full disk's names no file
        beside.unlink(missing_ok=True)
        raise OSError(error.errno, error.strerror, str(path)) from error


@contextmanager
def logs(kind: str, build: Path, start: int, here: World) -> Iterator[Log]:
    """Where the leading process notes numbers; what an earlier run noted behind its checkpoint is dropped."""
    if not here.leads:
        yield lambda step, name, value: None
    elif kind == "tensorboard":
        with summary_writer(build / "tensorboard", start) as writer:
            yield lambda step, name, value: writer.add_scalar(name, value, step)
    else:
        path = build / "log.csv"
        replace(path, "".join(kept_lines(path, start)).encode())
        with path.open("a", buffering=1) as file:
            yield lambda step, name, value: print(f"{step},{name},{value:.9g}", file=file)


def summary_writer(folder: Path, start: int) -> Any:
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError:
        raise SystemExit("--log tensorboard needs the package `tensorboard`; --log csv needs none") from None
    return SummaryWriter(str(folder), purge_step=start)


def kept_lines(path: Path, start: int) -> Iterator[str]:
    yield "step,name,value\n"
    if path.exists():
        for line in path.read_text(errors="replace").splitlines()[1:]:
            step, _, rest = line.partition(",")
            if step.isdecimal() and int(step) < start and rest.count(",") == 1:
                yield f"{line}\n"


@contextmanager
def bar(recipe: Recipe, start: int, here: World) -> Iterator[Any]:
    """A progress bar on standard error, if the leading process has a terminal there."""
    console = Console(stderr=True)
    columns = (
        TextColumn(recipe.spec),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("loss {task.fields[loss]:.3f}"),
    )
    with Progress(
        *columns, TimeRemainingColumn(), console=console, disable=not (here.leads and console.is_terminal)
    ) as progress:
        task = progress.add_task("", total=recipe.steps, completed=start, loss=math.nan)
        yield lambda loss: progress.update(task, advance=1, loss=loss)


if __name__ == "__main__":
    sys.exit(main())
