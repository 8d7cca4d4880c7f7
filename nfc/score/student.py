"""The student in place: two copies of a fabric with a leaky ReLU between, and the gradients of its error.

ŷ = F'(v) f(F(w) x + b) + c for a fabric F: cols → rows. F' is F itself where rows = cols, else F
transposed, rows → cols, so that all fabrics of one shape are asked the same. Weights, draws and learning
rates are those that the compiler gives two such layers in a network.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from nfc.analysis.products import FabricProduct
from nfc.diagnostics import Sink
from nfc.ir.fabric import Fabric
from nfc.ir.initial_weights import initial_value
from nfc.ir.network import DEFAULT_SLOPE, Activation, Linear, Network, weighted_layers
from nfc.ir.parameters import weighted_parameters
from nfc.lowering.kernels import product
from nfc.lowering.learning_rates import learning_rates
from nfc.passes.pipeline import run_pipeline
from nfc.topologies.transposing import transpose

Real = NDArray[np.float32]

SLOPE = np.float32(DEFAULT_SLOPE)


class Student:
    """Two copies of a fabric with a leaky ReLU between.

    Attributes:
        parameters: weights of the first copy and of the second, in CSR order factor by factor, then
            both biases, in one vector.
        rates: the multiplier of each parameter's learning rate.
        gradient: as `parameters`; of the mean squared error of the last call of `study`.
    """

    def __init__(self, fabric: Fabric, seed: int) -> None:
        second = fabric if fabric.rows == fabric.cols else transpose(fabric)
        self.parameters, self.rates = drawn(fabric, second, seed)
        self.gradient = np.empty_like(self.parameters)
        self._first, self._second = FabricProduct(fabric), FabricProduct(second)
        self._layout = self._parts(self.parameters)
        self._gradients = self._parts(self.gradient)

    def answers(self, inputs: Real) -> Real:
        """[cols, samples] → [cols, samples]."""
        first, second, hidden_bias, bias = self._layout
        hidden = self._first.apply(first, inputs) + hidden_bias[0][:, None]
        return self._second.apply(second, hidden * slopes(hidden)) + bias[0][:, None]

    def study(self, inputs: Real, answers: Real) -> None:
        """Set `gradient` for a batch, [cols, batch] both."""
        first, second, hidden_bias, bias = self._layout
        of_first, of_second, of_hidden_bias, of_bias = self._gradients
        hidden, first_tape = self._first.forward(first, inputs)
        hidden += hidden_bias[0][:, None]
        slope = slopes(hidden)
        error, second_tape = self._second.forward(second, hidden * slope)
        error += bias[0][:, None]
        error -= answers
        error *= np.float32(2.0 / error.size)
        _, back = self._second.backward(second, second_tape, error, out=of_second)
        back *= slope
        self._first.backward(first, first_tape, back, out=of_first, input_gradient=False)
        back.sum(axis=1, out=of_hidden_bias[0])
        error.sum(axis=1, out=of_bias[0])

    def _parts(self, vector: Real) -> tuple[list[Real], ...]:
        """Views of a vector: the factors of both copies, and each bias as a list of one."""
        first, second, hidden_bias, bias = np.split(
            vector, np.cumsum([self._first.edges, self._second.edges, self._first.shape[0]])
        )
        return self._first.split(first), self._second.split(second), [hidden_bias], [bias]


def slopes(values: Real) -> Real:
    """Of the leaky ReLU at each value."""
    return np.where(values > 0.0, np.float32(1.0), SLOPE)


def drawn(first: Fabric, second: Fabric, seed: int) -> tuple[Real, Real]:
    """Initial parameters and their learning rates' multipliers, as `Student` orders them; biases are 0."""
    weights, rates = [], []
    for layer in weighted_layers(student_network(first, second)):
        multipliers = learning_rates(product(layer))
        for each in weighted_parameters(layer):
            weights.append(initial_value(each, seed).reshape(-1))
            rates.append(np.full(each.count, multipliers[each.name].multiplier, np.float32))
    biases = first.rows + second.rows
    weights.append(np.zeros(biases, np.float32))
    rates.append(np.ones(biases, np.float32))
    return np.concatenate(weights), np.concatenate(rates)


def student_network(first: Fabric, second: Fabric) -> Network:
    """The network whose weights a student has, cols → rows → cols, without biases; draws are set."""
    inner, outer = (first.rows,), (first.cols,)
    body = (
        _linear("linear1", first),
        Activation(path="leaky_relu1", input=inner, output=inner, function="leaky_relu", slope=DEFAULT_SLOPE),
        _linear("linear2", second),
    )
    network = Network(name="student", input=outer, output=outer, body=body, source_name="", source_digest="")
    return run_pipeline(network, Sink())


def _linear(path: str, fabric: Fabric) -> Linear:
    return Linear(
        path=path,
        input=(fabric.cols,),
        output=(fabric.rows,),
        fabric=fabric,
        bias=False,
        scheme="balanced",
        topology="",
    )
