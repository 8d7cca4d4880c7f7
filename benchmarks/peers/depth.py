"""How signals fare in peers' layers at their own initialisation: geometric means, as in benchmarks/depth/signals.py.

Run in the environment of `make bench-peers`: python -m benchmarks.peers.depth [--layers 10 100 1000]
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from importlib import import_module
from importlib.util import find_spec

import torch
from torch import nn
from torch.nn.utils import prune

from benchmarks.depth.signals import ratios
from benchmarks.report import markdown

WIDTH = 256
FAN_IN = 16
SEEDS = 5


def main() -> None:
    arguments = parse_arguments()
    torch.set_num_threads(1)
    rows = []
    for name, layer in layers().items():
        if layer is None:
            print(f"{name}: not installed here")
            continue
        for activation in (nn.Identity, nn.ReLU):
            cells = [measured(layer, activation, depth) for depth in arguments.layers]
            rows.append((name, activation.__name__, *cells))
    titles = ("layer", "activation", *(f"{depth} layers" for depth in arguments.layers))
    print(f"\nforward / backward, {WIDTH} wide, {SEEDS} seeds\n\n{markdown(titles, rows)}")


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--layers", nargs="+", type=int, default=[10, 20, 100, 1000])
    return parser.parse_args()


def layers() -> dict[str, Callable[[], nn.Module] | None]:
    """What builds one layer of each peer; None where the peer is not installed."""
    found: dict[str, Callable[[], nn.Module] | None] = {"mask on nn.Linear": masked_linear}
    if find_spec("sparselab"):
        sparselab = import_module("sparselab")
        found["sparselab"] = lambda: sparselab.SparseLinear(
            WIDTH, WIDTH, bias=False, sparsity=1 - FAN_IN / WIDTH
        )
    else:
        found["sparselab"] = None
    if find_spec("torch_structured"):
        structured = import_module("torch_structured")
        monarch = import_module("torch_structured.monarch.monarch_linear")
        found["torch-structured butterfly"] = lambda: structured.Butterfly(WIDTH, WIDTH, bias=False)
        found["torch-structured Monarch"] = lambda: monarch.MonarchLinear(
            WIDTH, WIDTH, nblocks=16, bias=False
        )
    else:
        found["torch-structured"] = None
    return found


def masked_linear() -> nn.Module:
    """A random mask of FAN_IN inputs an output over torch's own layer."""
    layer = nn.Linear(WIDTH, WIDTH, bias=False)
    mask = torch.zeros(WIDTH, WIDTH)
    mask.scatter_(1, torch.rand(WIDTH, WIDTH).argsort(1)[:, :FAN_IN], 1.0)
    prune.custom_from_mask(layer, "weight", mask)
    prune.remove(layer, "weight")
    return layer


def forget_transposes() -> None:
    """sparselab keeps transposes by the address of a matrix, which another one may have had before."""
    if find_spec("sparselab"):
        import_module("sparselab.ops")._transpose_cache.clear()


def measured(layer: Callable[[], nn.Module], activation: Callable[[], nn.Module], depth: int) -> str:
    """Forward / backward, or what the peer answered."""
    logs = []
    for seed in range(SEEDS):
        torch.manual_seed(seed)
        model = nn.Sequential(*(part for _ in range(depth) for part in (layer(), activation()))).double()
        forget_transposes()
        try:
            pair = ratios(model, WIDTH, seed)
        except (IndexError, RuntimeError, TypeError, ValueError) as error:
            return type(error).__name__
        logs.append(torch.stack(pair).log().mean(1))
    forward, backward = torch.stack(logs).mean(0).exp().tolist()
    return f"{forward:.2g} / {backward:.2g}"


if __name__ == "__main__":
    main()
