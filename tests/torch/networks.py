"""Small networks that together hold every operation and every kind of factor, with their draws set."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count
from pathlib import Path

import numpy as np
import torch

import nfc
from nfc.ir.deviations import ByRow, Separable
from nfc.ir.fabric import Fabric, factors
from nfc.ir.factors import Blocks, Edges, FanIn, Kron
from nfc.ir.network import (
    Activation,
    Block,
    Concat,
    Crop,
    Draw,
    Dropout,
    Inline,
    Linear,
    Network,
    Norm,
    Op,
    Pad,
    Repeat,
    Reshape,
    Residual,
    Sum,
)
from nfc.ir.parameters import Weights
from nfc.ir.sequences import vocabulary
from nfc.lowering import lower
from nfc.lowering.plan import Plan
from nfc.passes.rewrite import rewrite_layers
from tests.build import FABRICS, butterfly, edges_of, linear, network


def with_draws(net: Network, orthogonal: bool = False) -> Network:
    """Draws by hand: deviations of rows and columns for any pattern, of rows for every fourth factor."""
    streams = count()

    def draw(layer: Linear) -> Linear:
        return replace_draws(layer, tuple(draw_of(factor, next(streams)) for factor in factors(layer.fabric)))

    def draw_of(factor, stream: int) -> Draw:
        rows = 0.25 + np.arange(factor.rows) / factor.rows
        columns = 1.0 + np.arange(factor.cols) / factor.cols
        if orthogonal and isinstance(factor, Kron | Blocks):
            return Draw("orthogonal", 0.5 + stream / 8, stream)
        if isinstance(factor, Edges):
            return Draw("uniform", Separable(rows, columns), stream)
        return Draw("uniform", ByRow(rows) if stream % 4 == 3 else 0.5, stream)

    return Network(**{**vars(net), "body": rewrite_layers(net.body, draw)})


def replace_draws(layer: Linear, draws: tuple[Draw, ...]) -> Linear:
    return Linear(**{**vars(layer), "draws": draws})


def activation(path: str, shape: tuple[int, ...], function: str, **options: object) -> Activation:
    return Activation(path=path, input=shape, output=shape, function=function, **options)  # type: ignore[arg-type]


def norm(path: str, shape: tuple[int, ...], kind: str) -> Norm:
    return Norm(path=path, input=shape, output=shape, norm=kind)


def one_layer(fabric: Fabric, *, leading: tuple[int, ...] = (), bias: bool = True) -> Network:
    return with_draws(network("net", (linear("linear1", fabric, leading=leading, bias=bias),)))


def random_fan_in(width: int, fan_in: int, seed: int) -> FanIn:
    generator = np.random.default_rng(seed)
    rows = [np.sort(generator.permutation(width)[:fan_in]) for _ in range(width)]
    return FanIn(width, np.array(rows, np.int64))


def random_edges(width: int, seed: int) -> Edges:
    matrix = (np.random.default_rng(seed).random((width, width)) < 0.4).astype(int)
    np.fill_diagonal(matrix, 1)
    return edges_of(matrix)


def _chain(prefix: str, fabric: Fabric) -> Block:
    return (linear(f"{prefix}linear1", fabric), activation(f"{prefix}relu1", (fabric.rows,), "relu"))


def _repeat(path: str, copies: list[Block]) -> Repeat:
    return Repeat(path=path, input=copies[0][0].input, output=copies[-1][-1].output, copies=tuple(copies))


def activations() -> Network:
    functions = ("relu", "gelu", "silu", "tanh", "sigmoid")
    plain: list[Op] = [activation(f"{name}1", (6,), name) for name in functions]
    return network(
        "activations",
        (
            linear("linear1", FABRICS["dense"]),
            *plain,
            activation("leaky_relu1", (6,), "leaky_relu", slope=0.3),
            Reshape(path="reshape1", input=(6,), output=(2, 3)),
            activation("softmax1", (2, 3), "softmax", axis=-2),
            activation("log_softmax1", (2, 3), "log_softmax", axis=-1),
            Dropout(path="dropout1", input=(2, 3), output=(2, 3), probability=0.25),
            Reshape(path="reshape2", input=(2, 3), output=(2, 3)),
            Pad(path="pad1", input=(2, 3), output=(2, 8)),
            linear("linear2", FABRICS["butterfly"], leading=(2,)),
            Crop(path="crop1", input=(2, 8), output=(2, 5)),
            Reshape(path="flatten1", input=(2, 5), output=(10,)),
        ),
    )


def norms() -> Network:
    return network(
        "norms",
        (
            norm("norm1", (3, 8), "batch"),
            linear("linear1", FABRICS["block"], leading=(3,)),
            norm("norm2", (3, 12), "layer"),
            norm("norm3", (3, 12), "rms"),
            Reshape(path="flatten1", input=(3, 12), output=(36,)),
            norm("norm4", (36,), "batch"),
        ),
    )


def branches() -> Network:
    inner = (linear("sum1.1.sum1.0.linear1", FABRICS["diagonal"]),)
    nested = Sum(path="sum1.1.sum1", input=(8,), output=(8,), branches=(inner, ()))
    body = (norm("residual1.norm1", (8,), "layer"), *_chain("residual1.", Kron(1, 5, 8, 1)))
    return network(
        "branches",
        (
            Sum(path="sum1", input=(8,), output=(8,), branches=(_chain("sum1.0.", butterfly(8)), (nested,))),
            Residual(
                path="residual1",
                input=(8,),
                output=(5,),
                body=body,
                project=linear("residual1.project", Kron(1, 5, 8, 1), bias=False),
            ),
            Residual(path="residual2", input=(5,), output=(5,), body=_chain("residual2.", Kron(5, 1, 1, 1))),
            Concat(
                path="concat1",
                input=(5,),
                output=(13,),
                branches=(_chain("concat1.0.", Kron(1, 8, 5, 1)), ()),
            ),
        ),
    )


def repeats() -> Network:
    """Copies that share everything, that differ in tables, in edges and in draws, and nested ones."""
    inner = [
        (_repeat(f"repeat3.{i}.repeat1", [_chain(f"repeat3.{i}.repeat1.{j}.", random_fan_in(8, 2, 2 * i + j)) for j in range(3)]),)
        for i in range(2)
    ]  # fmt: skip
    return network(
        "repeats",
        (
            _repeat("repeat1", [_chain(f"repeat1.{i}.", butterfly(8)) for i in range(4)]),
            _repeat("repeat2", [_chain(f"repeat2.{i}.", random_edges(8, i)) for i in range(3)]),
            _repeat("repeat3", inner),
            _repeat("repeat4", [_chain(f"repeat4.{i}.", f) for i, f in enumerate(_different())]),
        ),
    )


def _different() -> list[Fabric]:
    return [butterfly(8), Kron(1, 8, 8, 1), FABRICS["hypercube"]]


def inlined() -> Network:
    def encoder(path: str) -> Inline:
        body = _chain(f"{path}.", FABRICS["hypercube"])
        return Inline(path=path, input=(8,), output=(8,), network="encoder", body=body)

    return network("inlined", (encoder("encoder1"), encoder("encoder2"), linear("head", Kron(1, 3, 8, 1))))


def every_fabric() -> Network:
    """One branch a kind of factor, each between dense layers that fit."""
    parts = []
    for number, fabric in enumerate(FABRICS.values()):
        path = f"sum1.{number}."
        parts.append(
            (
                linear(f"{path}linear1", Kron(1, fabric.cols, 4, 1)),
                linear(f"{path}linear2", fabric),
                linear(f"{path}linear3", Kron(1, 4, fabric.rows, 1)),
            )
        )
    return network("every_fabric", (Sum(path="sum1", input=(4,), output=(4,), branches=tuple(parts)),))


def from_corpus(*stems: str) -> dict[str, Network]:
    """The networks of some files of the corpus that take numbers, as the initialisation pass leaves them."""
    folder = Path(__file__).parents[1] / "corpus"
    found = {name: net.ir for stem in stems for name, net in nfc.load(folder / f"{stem}.nf").networks.items()}
    return {name: net for name, net in found.items() if vocabulary(net.body) is None}


NETWORKS = {
    build.__name__: with_draws(build())
    for build in (activations, norms, branches, repeats, inlined, every_fabric)
} | from_corpus("convolutions", "images", "sequences")
"""Every operation of the IR, by the function that builds it."""


def plans() -> Iterator[tuple[str, Plan]]:
    for name, net in NETWORKS.items():
        yield name, lower(net)


def disturb(weights: Weights, seed: int = 0) -> Weights:
    """Weights moved off zeros and ones; variances stay positive."""
    generator = np.random.default_rng(seed)
    moved = {}
    for name, value in weights.items():
        noise = generator.random(value.shape).astype(np.float32)
        moved[name] = value * (1 + noise) if name.endswith("weight") else value + noise
    return moved


def load(module: torch.nn.Module, weights: Weights) -> None:
    state = module.state_dict()
    module.load_state_dict({**state, **{name: torch.tensor(value) for name, value in weights.items()}})
