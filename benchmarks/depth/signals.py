"""How signals and gradients fare in deep sparse networks at initialisation: typical values, by scheme.

Expected values say little where few edges carry a neuron, so the geometric mean over seeds, inputs
and output gradients is shown: of the output's total square over the input's, and of the input
gradient's over the output gradient's, for as many outputs as inputs. In float64, so that what dies
is seen to die. `isometry` is the largest distance of a singular value from 1, of linear networks.
Results go to a file as they come, so that what was stopped goes on where it was.

Run: python -m benchmarks.depth.signals [--layers 10 100 1000] [--width 256] [--schemes balanced …] [--seeds 8]
"""

from __future__ import annotations

import argparse
import json
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from itertools import product
from math import nan
from pathlib import Path

import torch
from torch import Tensor, nn

from benchmarks.depth.families import FAMILIES, WIDTH, family, square
from benchmarks.report import markdown

SCHEMES = ("balanced", "orthogonal", "xavier", "kaiming", "dense_xavier")
SAMPLES = 16


@dataclass(frozen=True)
class Case:
    """What is measured: square layers of a family of masks, with a scheme and perhaps an activation."""

    family: str
    scheme: str
    activation: str | None
    layers: int
    width: int
    seeds: int


@dataclass(frozen=True)
class Typical:
    """Geometric means, and for linear networks the worst distance of a singular value from 1.

    Attributes:
        spread: the geometric standard deviation over seeds, the greater of forward and backward.
    """

    case: Case
    forward: float
    backward: float
    spread: float
    isometry: float | None


def main() -> None:
    arguments = parse_arguments()
    torch.set_num_threads(1)
    arguments.build.mkdir(parents=True, exist_ok=True)
    path = arguments.build / "depth_signals.jsonl"
    done = {result.case: result for result in read(path)}
    wanted = [*cases(arguments)]
    with path.open("a") as file:
        for case in (each for each in wanted if each not in done):
            done[case] = typical(case)
            file.write(json.dumps(asdict(done[case])) + "\n")
            file.flush()
            print(done[case], flush=True)
    for activation in (None, "relu"):
        chosen = [done[case] for case in wanted if case.activation == activation]
        print(f"\n{activation or 'linear'}\n\n{table(chosen)}")


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--families", nargs="+", default=[each.name for each in FAMILIES])
    parser.add_argument("--schemes", nargs="+", default=[*SCHEMES])
    parser.add_argument("--layers", nargs="+", type=int, default=[10, 100, 1000])
    parser.add_argument("--width", type=int, default=WIDTH)
    parser.add_argument("--seeds", type=int, default=8)
    parser.add_argument("--build", type=Path, default=Path("build/benchmarks"))
    return parser.parse_args()


def cases(arguments: argparse.Namespace) -> Iterator[Case]:
    """All that are asked for, the deepest last."""
    every = product(arguments.layers, arguments.families, (None, "relu"), arguments.schemes)
    for layers, name, activation, scheme in every:
        if scheme != "orthogonal" or family(name).blocks:
            yield Case(name, scheme, activation, layers, arguments.width, arguments.seeds)


def read(path: Path) -> list[Typical]:
    """The results so far; none where there is no file."""
    if not path.exists():
        return []
    records = [json.loads(text) for text in path.read_text().splitlines()]
    return [Typical(**{**record, "case": Case(**record["case"])}) for record in records]


def typical(case: Case) -> Typical:
    """One network, drawn from so many seeds."""
    network = square(family(case.family).via, case.layers, case.scheme, case.activation, case.width)
    pairs = [ratios(model, case.width, seed) for seed, model in drawn(network.torch, case.seeds)]
    logs = torch.stack([torch.stack(pair).log().mean(1) for pair in pairs])
    forward, backward = logs.mean(0).exp().tolist()
    spread = logs.std(0).max().exp().item() if case.seeds > 1 else nan
    distance = None
    if case.activation is None:
        distance = max(isometry(model, case.width) for _, model in drawn(network.torch, 1))
    return Typical(case, forward, backward, spread, distance)


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


def table(results: Sequence[Typical]) -> str:
    """A row for each family, depth and width, forward / backward for each scheme."""
    schemes = [*dict.fromkeys(each.case.scheme for each in results)]
    rows: dict[tuple[str, int, int], dict[str, Typical]] = defaultdict(dict)
    for each in results:
        rows[each.case.family, each.case.layers, each.case.width][each.case.scheme] = each
    return markdown(
        ("masks", "layers", "wide", *schemes),
        [
            (name, str(layers), str(width), *(cell(found.get(scheme)) for scheme in schemes))
            for (name, layers, width), found in rows.items()
        ],
    )


def cell(result: Typical | None) -> str:
    return "" if result is None else f"{result.forward:.2g} / {result.backward:.2g}"


if __name__ == "__main__":
    main()
