"""The graphs that nfc itself would write for a network: what a file is compared with."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from nfc.api import Network
from nfc.artifacts.onnx_file import OnnxGraph, checked
from nfc.backends.onnx_graph import emit_chunks
from nfc.backends.onnx_weights.choices import Choices
from nfc.diagnostics import Sink
from nfc.ir.parameters import Parameter, parameters

Values = Callable[[Parameter], NDArray[np.float32]]
"""The numbers of a parameter, of its shape."""


def reference(network: Network, chosen: Choices, values: Values) -> OnnxGraph:
    """The graph that nfc writes for these choices, with these numbers as its weights."""
    from onnx import load_model_from_string

    weights = {parameter.name: values(parameter) for parameter in parameters(network.ir)}
    data = b"".join(emit_chunks(network.plan_for(chosen.target), weights, chosen.options, Sink()))
    return checked(load_model_from_string(data), network.name)


def constant(number: float) -> Values:
    """The same number everywhere."""
    return lambda parameter: np.full(parameter.shape, number, np.float32)
