"""How signals and gradients fare in deep sparse networks at initialisation: typical values, by scheme.

Expected values say little where few edges carry a neuron, so the geometric mean over seeds, inputs
and output gradients is shown: of the output's total square over the input's, and of the input
gradient's over the output gradient's, for as many outputs as inputs. In float64, so that what dies
is seen to die. `isometry` is the largest distance of a singular value from 1, of linear networks.

Run: python -m benchmarks.depth.signals [--layers 10 100 1000] [--schemes balanced …] [--seeds 5]
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from itertools import product
from pathlib import Path

import torch
from torch import Tensor, nn

from benchmarks.depth.families import FAMILIES, Family, square
from benchmarks.report import markdown

SCHEMES = ("balanced", "orthogonal", "xavier", "kaiming", "dense_xavier")
SAMPLES = 16


@dataclass(frozen=True)
class Typical:
    """Geometric means, and for linear networks the worst distance of a singular value from 1."""

    family: str
    scheme: str
    activation: str | None
    layers: int
    forward: float
    backward: float
    isometry: float | None


def main() -> None:
    arguments = parse_arguments()
    torch.set_num_threads(1)
    arguments.build.mkdir(parents=True, exist_ok=True)
    results = []
    for result in results_of(arguments):
        results.append(result)
        print(f"{result}", flush=True)
    (arguments.build / "depth_signals.json").write_text(json.dumps([asdict(each) for each in results]))
    for activation in (None, "relu"):
        print(f"\n{activation or 'linear'}\n\n{table(results, activation, arguments)}")


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--families", nargs="+", default=[each.name for each in FAMILIES])
    parser.add_argument("--schemes", nargs="+", default=[*SCHEMES])
    parser.add_argument("--layers", nargs="+", type=int, default=[10, 100, 1000])
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--build", type=Path, default=Path("build/benchmarks"))
    return parser.parse_args()


def results_of(arguments: argparse.Namespace) -> Iterator[Typical]:
    chosen = [each for each in FAMILIES if each.name in arguments.families]
    for layers, family, activation, scheme in product(
        arguments.layers, chosen, (None, "relu"), arguments.schemes
    ):
        if scheme != "orthogonal" or family.blocks:
            yield typical(family, scheme, activation, layers, arguments.seeds)


def typical(family: Family, scheme: str, activation: str | None, layers: int, seeds: int) -> Typical:
    """One network, drawn from so many seeds."""
    network = square(family.via, layers, scheme, activation)
    pairs = [ratios(model, network.input[0], seed) for seed, model in drawn(network.torch, seeds)]
    forward, backward = (torch.cat(part).log().mean().exp().item() for part in zip(*pairs, strict=True))
    distance = None
    if activation is None:
        distance = max(isometry(model, network.input[0]) for _, model in drawn(network.torch, 1))
    return Typical(family.name, scheme, activation, layers, forward, backward, distance)


def drawn(build: Callable[[int], nn.Module], seeds: int) -> Iterator[tuple[int, nn.Module]]:
    """The model in float64 with the weights of each seed."""
    model = build(0)
    for seed in range(seeds):
        model.float()
        model.reset_parameters(seed)  # type: ignore[operator]
        yield seed, model.double()


def ratios(model: nn.Module, width: int, seed: int) -> tuple[Tensor, Tensor]:
    """Total squares forward and backward, relative to what went in, [samples] each."""
    generator = torch.Generator().manual_seed(seed)
    inputs = torch.randn(SAMPLES, width, generator=generator, dtype=torch.float64, requires_grad=True)
    outputs = model(inputs)
    gradients = torch.randn(outputs.shape, generator=generator, dtype=torch.float64)
    (back,) = torch.autograd.grad(outputs, inputs, gradients)
    forward = outputs.detach().square().sum(1) / inputs.detach().square().sum(1)
    return forward, back.square().sum(1) / gradients.square().sum(1)


def isometry(model: nn.Module, width: int) -> float:
    """How far the singular values of a linear network are from 1, at most."""
    with torch.no_grad():
        values = torch.linalg.svdvals(model(torch.eye(width, dtype=torch.float64)))
    return float((values - 1).abs().max())


def table(results: list[Typical], activation: str | None, arguments: argparse.Namespace) -> str:
    """A row for each family and depth, forward / backward for each scheme."""
    found = {
        (each.family, each.layers, each.scheme): each for each in results if each.activation == activation
    }
    rows = []
    for name, layers in product(arguments.families, arguments.layers):
        cells = [found.get((name, layers, scheme)) for scheme in arguments.schemes]
        rows.append((name, str(layers), *map(cell, cells)))
    return markdown(("masks", "layers", *arguments.schemes), rows)


def cell(result: Typical | None) -> str:
    return "" if result is None else f"{result.forward:.2g} / {result.backward:.2g}"


if __name__ == "__main__":
    main()
