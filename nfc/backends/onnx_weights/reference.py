"""The graphs that nfc writes for a network, printed with numbers that say which weight lies where."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from math import prod

import numpy as np

from nfc.backends.onnx_graph.emit import build_graph, new_graph
from nfc.backends.onnx_graph.graph import TooLargeError
from nfc.backends.onnx_graph.options import OPSETS, Options
from nfc.backends.onnx_graph.storage import Storage
from nfc.backends.onnx_weights.contents import Contents, OnnxFile, contents_of
from nfc.defaults import BATCH
from nfc.diagnostics import Sink
from nfc.ir.network import Network
from nfc.ir.parameters import Weights, parameters
from nfc.lowering.plan import Plan
from nfc.lowering.target import Target

PlanFor = Callable[[Target], Plan]
"""The network lowered for a target."""

BATCHES = (BATCH, 1, 2, 4, 8, 16, 32, 128, 256, 1024)
"""Batches that are tried for a file that does not say its own."""

BASE_HALF = 2**10
BASE = 2**23
"""Digits from 1 to these are exact in float16 and in float32."""

MOST_DIGITS = 9
"""Decimal digits of a batch in a file's metadata."""


@dataclass(frozen=True)
class Choices:
    """What a file may have been compiled with; `sparse` is None where no form was named."""

    sparse: str | None
    batch: int
    fuse: bool
    dtype: str
    opset: int

    @property
    def options(self) -> Options:
        options = Options(batch=self.batch, optimised=True, dtype=self.dtype, opset=self.opset)
        return options if self.sparse is None else replace(options, sparse=self.sparse)

    @property
    def target(self) -> Target:
        return Target(
            runtime="onnxruntime",
            batch=self.batch,
            fuse=self.fuse,
            gathers=self.sparse is None,
            weight_bytes=self.options.weight_bytes,
        )


def choices(file: OnnxFile) -> Iterator[Choices]:
    """What the file may have been compiled with, the likeliest first."""
    said = file.metadata.get("nfc.batch", "")
    known = int(said) if said.isascii() and said.isdecimal() and len(said) <= MOST_DIGITS else 0
    dtype = "float16" if file.half else "float32"
    opset = file.opset if file.opset in OPSETS else OPSETS[0]
    for batch in (known,) if known else BATCHES:
        for fuse in (True, False):
            for sparse in _forms(file):
                yield Choices(sparse, batch, fuse, dtype, opset)


def printed(network: Network, plan: Plan, chosen: Choices, weights: Weights) -> Contents | None:
    """The graph with these weights; None where it would be larger than a file may be."""
    options = chosen.options
    storage = Storage(new_graph(weights, options), weights, options, Sink())
    try:
        return contents_of(build_graph(plan, storage))
    except TooLargeError:
        return None


def ones(network: Network) -> Weights:
    return {each.name: np.ones(each.shape, np.float32) for each in parameters(network)}


def numbered(network: Network, dtype: str) -> Iterator[tuple[int, Weights]]:
    """Each weight's number in the network, digit by digit: the digit's unit, and the digits from 1 as weights."""
    base = BASE_HALF if dtype == "float16" else BASE
    every = list(parameters(network))
    total, unit = sum(prod(each.shape) for each in every), 1
    while unit == 1 or unit < total:
        weights, start = {}, 0
        for each in every:
            numbers = start + np.arange(prod(each.shape), dtype=np.int64)
            weights[each.name] = (numbers // unit % base + 1).astype(np.float32).reshape(each.shape)
            start += numbers.size
        yield unit, weights
        unit *= base


def _forms(file: OnnxFile) -> tuple[str | None, ...]:
    if file.has_sparse:
        return ("initializer",)
    if "Constant" in file.operators:
        return ("constant",)
    if "ScatterElements" in file.operators:
        return (None, "delta")
    return (None, "dense", "delta", "constant", "initializer")
