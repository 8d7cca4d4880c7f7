"""The graphs that nfc itself would write for a network: what a file is compared with."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nfc.api import Network
from nfc.artifacts.onnx_file import OnnxGraph, checked
from nfc.backends.onnx_graph import Options, emit_chunks
from nfc.defaults import BATCH
from nfc.diagnostics import Sink
from nfc.ir.parameters import Parameter, parameters
from nfc.lowering import Target

BATCHES = (BATCH, 1, 2, 4, 8, 16, 32, 128, 256, 1024)
"""Batches that files are compiled for, where a file does not say which."""

Values = Callable[[Parameter], NDArray[np.float32]]
"""The numbers of a parameter, of its shape."""


@dataclass(frozen=True)
class Choices:
    """What a file may have been compiled with. `sparse` is None where no form was named."""

    sparse: str | None
    batch: int
    fuse: bool
    dtype: str
    opset: int


def choices(found: OnnxGraph) -> Iterator[Choices]:
    """What the file may have been compiled with, the likeliest first. Its labels help to guess, no more."""
    said = found.metadata.get("nfc.batch", "")
    known = int(said) if said.isascii() and said.isdecimal() and 0 < len(said) < 7 and int(said) else None
    dtype = "float16" if found.half else "float32"
    for batch in (known,) if known else BATCHES:
        for fuse in (True, False):
            for sparse in _forms(found):
                yield Choices(sparse, batch, fuse, dtype, found.opset)


def _forms(found: OnnxGraph) -> tuple[str | None, ...]:
    if found.sparse:
        return ("initializer",)
    if "Constant" in found.operators:
        return ("constant",)
    if "ScatterElements" in found.operators:
        return (None, "delta", "constant", "initializer")
    return (None, "dense", "delta", "constant", "initializer")


def reference(network: Network, chosen: Choices, values: Values) -> OnnxGraph:
    """The graph that nfc writes for these choices, with these numbers as its weights."""
    from onnx import load_model_from_string

    named: dict[str, Any] = {} if chosen.sparse is None else {"sparse": chosen.sparse}
    options = Options(batch=chosen.batch, optimised=True, dtype=chosen.dtype, opset=chosen.opset, **named)
    target = Target(
        runtime="onnxruntime",
        batch=chosen.batch,
        fuse=chosen.fuse,
        gathers=chosen.sparse is None,
        weight_bytes=options.weight_bytes,
    )
    weights = {parameter.name: values(parameter) for parameter in parameters(network.ir)}
    data = b"".join(emit_chunks(network.plan_for(target), weights, options, Sink()))
    return checked(load_model_from_string(data), network.name)


def constant(number: float) -> Values:
    """The same number everywhere."""
    return lambda parameter: np.full(parameter.shape, number, np.float32)
