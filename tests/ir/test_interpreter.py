"""The reference interpreter against PyTorch's own operations and against sums written out edge by edge."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from nfc.diagnostics import Sink
from nfc.ir.factors import Kron
from nfc.ir.initial_weights import initial_weights
from nfc.ir.interpreter import activate, fabric_matrix, interpret
from nfc.ir.network import (
    ACTIVATIONS,
    Activation,
    Concat,
    Crop,
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
from nfc.passes.initialise import Initialise
from tests.build import FABRICS, linear, network, random_values

SHAPE = {"input": (4,), "output": (4,)}
DOUBLED = np.array([[0.0, 1.0, 2.0, 3.0]])


def built(*body: Op, input: tuple[int, ...] | None = None) -> tuple[Network, Weights]:
    result = Initialise().run(network("test", body, input=input), Sink())
    weights = initial_weights(result, 0)
    return result, {name: value + random_values(value.shape, 1) * 0.1 for name, value in weights.items()}


def twice(path: str) -> tuple[Linear, Weights]:
    """A layer of four features that doubles them."""
    return linear(path, Kron(4, 1, 1, 1), bias=False), {f"{path}.weight": np.full((4, 1, 1), 2, np.float32)}


def run(op: Op, weights: Weights | None = None, value: np.ndarray = DOUBLED) -> list[list[float]]:
    found: list[list[float]] = interpret(network("test", (op,)), weights or {}, value).tolist()
    return found


@pytest.mark.parametrize("name", FABRICS)
def test_a_fabric_sends_signals_along_its_edges(name: str) -> None:
    """Signals pushed through edge by edge, with no matrix."""
    layer = linear("linear1", FABRICS[name])
    net, weights = built(layer)
    value = random_values((3, layer.fabric.cols), 2)

    def push(fabric: object, place: str, signal: np.ndarray) -> np.ndarray:
        parts = getattr(fabric, "parts", None)
        if parts is None:
            name = f"linear1.fabric.{place}.weight" if place else "linear1.weight"
            values = weights[name].reshape(-1)
            indptr, indices = fabric.arrays()  # type: ignore[attr-defined]
            output = np.zeros((len(signal), fabric.rows))  # type: ignore[attr-defined]
            for row in range(output.shape[1]):
                for edge in range(indptr[row], indptr[row + 1]):
                    output[:, row] += float(values[edge]) * signal[:, indices[edge]]
            return output
        places = [f"{place}.{k}" if place else str(k) for k in range(len(parts))]
        if type(fabric).__name__ == "Cascade":
            for part, at in zip(parts, places, strict=True):
                signal = push(part, at, signal)
            return signal
        return sum(push(part, at, signal) for part, at in zip(parts, places, strict=True))

    expected = push(layer.fabric, "", value.astype(np.float64)) + weights["linear1.bias"]
    found = interpret(net, weights, value)
    assert found.dtype == np.float64
    np.testing.assert_allclose(found, expected, rtol=1e-10, atol=1e-12)


def test_a_dense_layer_is_that_of_torch() -> None:
    net, weights = built(linear("a", Kron(1, 3, 5, 1), leading=(2,)))
    value = random_values((4, 2, 5))
    arguments = [torch.from_numpy(each).double() for each in (value, weights["a.weight"], weights["a.bias"])]
    np.testing.assert_allclose(interpret(net, weights, value), torch.nn.functional.linear(*arguments).numpy())


@pytest.mark.parametrize("function", ACTIVATIONS)
def test_activations_are_those_of_torch(function: str) -> None:
    value = random_values((3, 5)).astype(np.float64) * 10
    value[0] = [0.0, -0.0, 800.0, -800.0, 1.0]
    kinds = {"softmax": {"dim": 1}, "log_softmax": {"dim": 1}, "leaky_relu": {"negative_slope": 0.3}}
    tensor = torch.from_numpy(value)
    expected = getattr(torch.nn.functional, function)(tensor, **kinds.get(function, {})).numpy()
    op = Activation(path="a", input=(5,), output=(5,), function=function, slope=0.3, axis=-1)
    np.testing.assert_allclose(activate(op, value), expected, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("function", ["softmax", "log_softmax"])
def test_softmax_over_another_axis(function: str) -> None:
    value = random_values((3, 4, 5)).astype(np.float64)
    op = Activation(path="a", input=(4, 5), output=(4, 5), function=function, axis=-2)
    expected = getattr(torch, function)(torch.from_numpy(value), dim=1).numpy()
    np.testing.assert_allclose(activate(op, value), expected, rtol=1e-9)


@pytest.mark.parametrize("norm", ["batch", "layer", "rms"])
def test_norms_are_those_of_torch_at_inference(norm: str) -> None:
    net, weights = built(Norm(path="norm1", input=(6,), output=(6,), norm=norm))
    weights = {name: np.abs(value) if name.endswith("var") else value for name, value in weights.items()}
    kinds = {
        "batch": torch.nn.BatchNorm1d(6),
        "layer": torch.nn.LayerNorm(6),
        "rms": torch.nn.RMSNorm(6, eps=1e-5),
    }
    module = kinds[norm].double().eval()
    state = {name.removeprefix("norm1."): torch.from_numpy(value) for name, value in weights.items()}
    module.load_state_dict(state, strict=False)
    value = random_values((8, 6))
    with torch.inference_mode():
        expected = module(torch.from_numpy(value).double()).numpy()
    np.testing.assert_allclose(interpret(net, weights, value), expected, rtol=1e-9)


def test_pad_crop_reshape_and_dropout() -> None:
    assert run(Pad(path="p", input=(4,), output=(6,))) == [[0, 1, 2, 3, 0, 0]]
    assert run(Crop(path="c", input=(4,), output=(2,))) == [[0, 1]]
    assert run(Reshape(path="r", input=(4,), output=(2, 2))) == [[[0, 1], [2, 3]]]
    assert run(Dropout(path="d", probability=0.9, **SHAPE)) == [[0, 1, 2, 3]]


def test_blocks_run_in_order_and_add_or_join() -> None:
    (a, first), (b, second), (project, third) = twice("a"), twice("b"), twice("r.project")
    weights = first | second | third
    body = (a, b)
    assert run(Repeat(path="r", copies=((a,), (b,)), **SHAPE), weights) == [[0, 4, 8, 12]]
    assert run(Inline(path="i", network="n", body=body, **SHAPE), weights) == [[0, 4, 8, 12]]
    assert run(Residual(path="r", body=body, **SHAPE), weights) == [[0, 5, 10, 15]]
    assert run(Residual(path="r", body=body, project=project, **SHAPE), weights) == [[0, 6, 12, 18]]
    assert run(Sum(path="s", branches=((a,), (), (a, b)), **SHAPE), weights) == [[0, 7, 14, 21]]
    joined = Concat(path="c", branches=((a,), ()), input=(4,), output=(8,))
    assert run(joined, weights) == [[0, 2, 4, 6, 0, 1, 2, 3]]


def test_an_empty_batch_has_an_empty_answer() -> None:
    net, weights = built(linear("a", Kron(1, 3, 5, 1)))
    assert interpret(net, weights, np.zeros((0, 5), np.float32)).shape == (0, 3)


def test_another_input_shape_is_refused() -> None:
    net, weights = built(linear("a", Kron(1, 3, 5, 1)))
    with pytest.raises(ValueError, match="the network takes"):
        interpret(net, weights, np.zeros((2, 4), np.float32))


def test_fabric_matrix_has_the_shape_of_the_layer() -> None:
    _, weights = built(linear("linear1", FABRICS["restricted"]))
    assert fabric_matrix(FABRICS["restricted"], "linear1", weights).shape == (6, 5)
