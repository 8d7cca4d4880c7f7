"""The graphs that nfc writes for a network, printed with numbers that say which weight lies where."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from math import prod

import numpy as np

from nfc.backends.onnx_graph.emit import build_graph, new_graph
from nfc.backends.onnx_graph.graph import TooLargeError
from nfc.backends.onnx_graph.storage import Storage
from nfc.backends.onnx_weights.choices import Choices
from nfc.backends.onnx_weights.contents import Contents, contents_of
from nfc.diagnostics import Sink
from nfc.ir.network import Network
from nfc.ir.parameters import Weights, parameters
from nfc.lowering.plan import Plan
from nfc.lowering.target import Target

PlanFor = Callable[[Target], Plan]
"""The network lowered for a target."""

BASE_HALF = 2**10
BASE = 2**23
"""Digits from 1 to these are exact in float16 and in float32."""


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
