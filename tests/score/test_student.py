"""The student's answers and gradients against a dense network under autograd."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from nfc.ir.fabric import Fabric, factors
from nfc.ir.interpreter import factor_matrix
from nfc.score.student import SLOPE, Student
from nfc.topologies.transposing import transpose
from tests.analysis.test_products import dense_map
from tests.build import FABRICS


def matrices(fabric: Fabric, weights: torch.Tensor) -> list[torch.Tensor]:
    """Each factor's masked matrix from all weights in CSR order, differentiable in them."""
    found, start = [], 0
    for factor in factors(fabric):
        rows, columns = np.nonzero(factor_matrix(factor, np.ones(factor.edges)))
        matrix = torch.zeros(factor.shape, dtype=weights.dtype)
        matrix[rows, columns] = weights[start : start + factor.edges]
        found.append(matrix)
        start += factor.edges
    return found


def autograd(
    student: Student, fabric: Fabric, inputs: np.ndarray, answers: np.ndarray
) -> tuple[np.ndarray, ...]:
    """The student's outputs and its error's gradient, by dense matrices in float64."""
    second = fabric if fabric.rows == fabric.cols else transpose(fabric)
    parameters = torch.tensor(student.parameters, dtype=torch.float64, requires_grad=True)
    sizes = [sum(factor.edges for factor in factors(each)) for each in (fabric, second)]
    first_weights, second_weights, hidden_bias, bias = parameters.split([*sizes, fabric.rows, fabric.cols])
    first, after = (
        dense_map(fabric, matrices(fabric, first_weights)),
        dense_map(second, matrices(second, second_weights)),
    )
    hidden = torch.nn.functional.leaky_relu(
        first @ torch.tensor(inputs).double() + hidden_bias[:, None], float(SLOPE)
    )
    outputs = after @ hidden + bias[:, None]
    torch.nn.functional.mse_loss(outputs, torch.tensor(answers).double()).backward()
    return outputs.detach().numpy(), parameters.grad.numpy()


@pytest.mark.parametrize("name", FABRICS)
def test_answers_and_gradients_are_those_of_a_dense_network(name: str) -> None:
    fabric = FABRICS[name]
    student = Student(fabric, seed=3)
    random = np.random.default_rng(0)
    student.parameters += random.normal(size=len(student.parameters)).astype(np.float32) / 4
    inputs, answers = random.normal(size=(2, fabric.cols, 9)).astype(np.float32)
    outputs, gradient = autograd(student, fabric, inputs, answers)
    student.study(inputs, answers)
    np.testing.assert_allclose(student.answers(inputs), outputs, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(student.gradient, gradient, rtol=1e-4, atol=1e-5)


def test_a_square_fabric_is_followed_by_itself_and_another_by_its_transpose() -> None:
    for fabric in (FABRICS["butterfly"], FABRICS["dense"]):
        edges = sum(factor.edges for factor in factors(fabric))
        assert len(Student(fabric, seed=0).parameters) == 2 * edges + fabric.rows + fabric.cols


def test_copies_have_weights_of_their_own() -> None:
    fabric = FABRICS["hypercube"]
    first, second = np.split(Student(fabric, seed=0).parameters[: 2 * fabric.edges], 2)
    assert not np.allclose(first, second)
