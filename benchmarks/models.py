"""Unmodified models of transformers, their layers swapped, against narrower dense ones of equal step time.

GPT-2 on the bytes of this repository's documents; ViT and ResNet on the digits that it carries. Each is
built from a configuration, never downloaded. The narrower model is the one, of several widths, whose
training step takes as long as that of the swapped model, both measured in turns, one thread. All train
for as many steps as fit into the same time at those step times, with AdamW, one rate and a cosine.

Run: python benchmarks/models.py [--only gpt2] [--train 60] [--seconds 10] [--seeds 1]
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from math import cos, pi
from pathlib import Path
from statistics import mean

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from benchmarks.report import described, markdown, milliseconds
from nfc.bench.machine import machine
from nfc.bench.timing import interleaved, warm_allocator
from nfc.torch import parameter_groups, sparsify

ROOT = Path(__file__).parents[1]
LEARNING_RATE = 2e-3
WEIGHT_DECAY = 0.01
CONTEXT = 64
HELD_OUT = 0.1
"""Share of the text that is validated on."""

Batch = dict[str, Tensor]
"""Keyword arguments of a model's `forward`, labels included."""


@dataclass(frozen=True)
class Data:
    """Samples to train on and to validate on; `batch` makes the model's arguments of some of them."""

    train: Tensor
    held_out: Tensor
    batch: Callable[[Tensor], Batch]


@dataclass(frozen=True)
class Case:
    """A model by its width, and what is swapped at the greatest one.

    Attributes:
        widths: of dense models, the greatest last; it is also that of the swapped model.
        rules: those of `sparsify`.
        rows: places of a step at which a layer works, for which kernels are chosen.
    """

    name: str
    build: Callable[[int], nn.Module]
    widths: tuple[int, ...]
    rules: dict[str, str | None]
    size: int
    rows: int
    data: Callable[[], Data]


@dataclass(frozen=True)
class Contender:
    kind: str
    width: int
    make: Callable[[], nn.Module]


@dataclass(frozen=True)
class Result:
    case: str
    kind: str
    width: int
    parameters: int
    seconds: float
    steps: int
    loss: float


def main() -> None:
    arguments = parse_arguments()
    os.environ["HF_HUB_OFFLINE"] = "1"
    torch.set_num_threads(1)
    warm_allocator()
    chosen = [case for case in cases() if arguments.only in case.name]
    found = [result for case in chosen for result in results(case, arguments)]
    print(f"\n{described(machine())}\n{arguments.train:.0f} s of training each, {arguments.seeds} seeds\n")
    print(table(found))


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--only", default="", metavar="TEXT", help="models whose name holds this")
    parser.add_argument("--train", type=float, default=60, help="seconds of training, at the measured step")
    parser.add_argument(
        "--seconds", type=float, default=10, help="of timing steps, for each model's contenders"
    )
    parser.add_argument("--seeds", type=int, default=1, help="losses are means over so many")
    return parser.parse_args()


def cases() -> Iterator[Case]:
    rules = {"*.mlp.*": "monarch", "*.attn.*": "monarch", "*.attention.*": "monarch"}
    gpt2_rules = {name: rules[name] for name in ("*.mlp.*", "*.attn.*")}
    vit_rules = {name: rules[name] for name in ("*.mlp.*", "*.attention.*")}
    yield Case("gpt2", gpt2, (192, 256, 320, 384, 448, 512), gpt2_rules, 8, 8 * CONTEXT, text)
    yield Case("vit", vit, (192, 256, 320, 384, 448, 512), vit_rules, 32, 32 * 17, digits)
    yield Case("resnet", resnet, (16, 24, 32, 40, 48, 64), {"*.encoder.*": "monarch"}, 32, 32 * 7 * 7, digits)


def gpt2(width: int) -> nn.Module:
    from transformers import GPT2Config, GPT2LMHeadModel

    config = GPT2Config(
        n_layer=2, n_head=4, n_embd=width, n_positions=CONTEXT, vocab_size=256, bos_token_id=0,
        eos_token_id=0, resid_pdrop=0.0, embd_pdrop=0.0, attn_pdrop=0.0, loss_type="ForCausalLM",
    )  # fmt: skip
    return GPT2LMHeadModel(config)


def vit(width: int) -> nn.Module:
    from transformers import ViTConfig, ViTForImageClassification

    config = ViTConfig(
        hidden_size=width, num_hidden_layers=2, num_attention_heads=4, intermediate_size=4 * width,
        image_size=28, patch_size=7, num_channels=1, num_labels=10,
    )  # fmt: skip
    return ViTForImageClassification(config)


def resnet(width: int) -> nn.Module:
    from transformers import ResNetConfig, ResNetForImageClassification

    config = ResNetConfig(
        num_channels=1, embedding_size=width, hidden_sizes=[width, 2 * width, 4 * width],
        depths=[1, 1, 1], layer_type="basic", num_labels=10,
    )  # fmt: skip
    return ResNetForImageClassification(config)


def text() -> Data:
    """The documents' bytes in windows of CONTEXT."""
    documents = sorted((ROOT / "docs").glob("*.md"))
    joined = b"".join(path.read_bytes() for path in documents)
    windows = torch.tensor(np.frombuffer(joined, np.uint8).astype(np.int64))
    windows = windows[: len(windows) // CONTEXT * CONTEXT].view(-1, CONTEXT)
    mixed = windows[torch.randperm(len(windows), generator=torch.Generator().manual_seed(0))]
    count = int(HELD_OUT * len(mixed))
    return Data(mixed[count:], mixed[:count], lambda tokens: {"input_ids": tokens, "labels": tokens})


def digits() -> Data:
    """Images with their labels in the last column."""
    with np.load(ROOT / "examples" / "data" / "mnist_subset.npz") as stored:
        train, held_out = (
            _rows(stored[f"{part}_images"], stored[f"{part}_labels"]) for part in ("train", "test")
        )
    return Data(
        train,
        held_out,
        lambda rows: {"pixel_values": rows[:, :-1].view(-1, 1, 28, 28), "labels": rows[:, -1].long()},
    )


def _rows(images: NDArray[np.uint8], labels: NDArray[np.uint8]) -> Tensor:
    flat = images.reshape(len(images), -1).astype(np.float32) / 255
    return torch.tensor(np.column_stack([flat, labels]).astype(np.float32))


def results(case: Case, arguments: argparse.Namespace) -> Iterator[Result]:
    """The full dense model, the swapped one, and the dense one whose step is nearest to that one's."""
    data = case.data()
    everyone = list(contenders(case))
    steps = {f"{each.kind} {each.width}": timed_step(case, each, data) for each in everyone}
    found = interleaved(steps, seconds=arguments.seconds)
    seconds = {each: found[f"{each.kind} {each.width}"].median for each in everyone}
    swapped, *dense = everyone
    narrow = min(dense[:-1], key=lambda each: abs(seconds[each] - seconds[swapped]))
    for each in (dense[-1], narrow, swapped):
        count = max(1, round(arguments.train / seconds[each]))
        losses = [trained(case, each, data, count, seed) for seed in range(arguments.seeds)]
        parameters = sum(parameter.numel() for parameter in each.make().parameters())
        yield Result(case.name, each.kind, each.width, parameters, seconds[each], count, mean(losses))


def contenders(case: Case) -> Iterator[Contender]:
    full = case.widths[-1]
    yield Contender("swapped", full, lambda: sparsify(case.build(full), case.rules, batch=case.rows))
    for width in case.widths:
        yield Contender("dense", width, lambda width=width: case.build(width))  # type: ignore[misc]


def timed_step(case: Case, contender: Contender, data: Data) -> Callable[[], object]:
    model = contender.make().train()
    optimizer = torch.optim.AdamW(parameter_groups(model, LEARNING_RATE, WEIGHT_DECAY))
    batch = data.batch(data.train[: case.size])
    return lambda: step(model, optimizer, batch)


def step(model: nn.Module, optimizer: torch.optim.Optimizer, batch: Batch) -> None:
    optimizer.zero_grad()
    model(**batch).loss.backward()
    optimizer.step()


def trained(case: Case, contender: Contender, data: Data, steps: int, seed: int) -> float:
    """The loss on the data held out, after so many steps."""
    torch.manual_seed(seed)
    model = contender.make().train()
    optimizer = torch.optim.AdamW(parameter_groups(model, LEARNING_RATE, WEIGHT_DECAY))
    decay = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda done: rate(done / steps))
    for _ in range(steps):
        chosen = torch.randint(len(data.train), (case.size,))
        step(model, optimizer, data.batch(data.train[chosen]))
        decay.step()
    model.eval()
    with torch.no_grad():
        return mean(model(**data.batch(part)).loss.item() for part in data.held_out.split(64))


def rate(progress: float) -> float:
    """A warm-up over the first twentieth, then a cosine to 0."""
    return min(progress * 20, 1.0) * (1 + cos(pi * progress)) / 2


def table(found: list[Result]) -> str:
    titles = ("model", "layers", "width", "parameters", "step, ms", "steps", "loss")
    rows = [
        (each.case, each.kind, str(each.width), f"{each.parameters:,}", milliseconds(each.seconds),
         f"{each.steps:,}", f"{each.loss:.3f}")
        for each in found
    ]  # fmt: skip
    return markdown(titles, rows)


if __name__ == "__main__":
    main()
