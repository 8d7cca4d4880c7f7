"""Networks and fabrics built by hand from the IR, for tests that need no language."""

from __future__ import annotations

from math import prod

import numpy as np

from nfc.ir.fabric import Cascade, Fabric, Sum
from nfc.ir.factors import Blocks, Edges, FanIn, Kron, Restricted, Shifts
from nfc.ir.network import Block, Linear, Network, Op
from nfc.ir.sequences import vocabulary


def edges_of(matrix: np.ndarray) -> Edges:
    """The pattern of a dense 0/1 matrix."""
    rows, columns = np.nonzero(matrix)
    indptr = np.concatenate([[0], np.cumsum(np.bincount(rows, minlength=len(matrix)))])
    return Edges(matrix.shape[1], indptr.astype(np.int64), columns.astype(np.int64))


def dense_pattern(fabric: Fabric) -> np.ndarray:
    """The path counts of a fabric as a dense matrix (float64), from each factor's CSR arrays."""
    match fabric:
        case Cascade(parts=parts):
            product = dense_pattern(parts[0])
            for part in parts[1:]:
                product = dense_pattern(part) @ product
            return product
        case Sum(parts=parts):
            return sum(dense_pattern(part) for part in parts)
        case factor:
            matrix = np.zeros(factor.shape)
            indptr, indices = factor.arrays()
            matrix[np.repeat(np.arange(factor.rows), np.diff(indptr)), indices] = 1
            return matrix


def butterfly(width: int, radix: int = 2) -> Fabric:
    parts, stride = [], 1
    while stride < width:
        parts.append(Kron(width // (radix * stride), radix, radix, stride))
        stride *= radix
    return Cascade(tuple(parts))


def _flags(size: int, live: int) -> np.ndarray:
    return np.arange(size) < live


FABRICS: dict[str, Fabric] = {
    "dense": Kron(1, 6, 8, 1),
    "block": Kron(4, 3, 2, 1),
    "diagonal": Kron(8, 1, 1, 1),
    "strided": Kron(2, 2, 2, 3),
    "butterfly": butterfly(8),
    "blocks": Blocks(np.array([[0, 3], [1, 2]]), np.array([[1, 2, 4], [0, 3, 5]])),
    "torus": Shifts((4, 3), ((0, 0), (1, 0), (3, 0), (0, 1), (0, 2))),
    "hypercube": Shifts((2, 2, 2), ((0, 0, 0), (1, 0, 0), (0, 1, 0), (0, 0, 1))),
    "fan_in": FanIn(7, np.array([[0, 3], [1, 6], [2, 4], [0, 5], [2, 3]])),
    "edges": edges_of(np.array([[1, 0, 1, 1], [0, 1, 0, 0], [1, 1, 1, 1]])),
    "restricted": Cascade(
        (
            Restricted(Kron(4, 2, 2, 1), _flags(8, 6), _flags(5, 5)),
            Restricted(Kron(2, 2, 2, 2), _flags(8, 8), _flags(8, 6)),
            Restricted(Kron(1, 2, 2, 4), _flags(6, 6), _flags(8, 8)),
        )
    ),
    "sum": Sum((butterfly(8), Cascade((Kron(1, 3, 8, 1), Kron(1, 8, 3, 1))))),
    "nested": Cascade((Sum((Kron(4, 2, 2, 1), Kron(8, 1, 1, 1))), Kron(1, 5, 8, 1))),
}
"""One small fabric of every kind and of every way to combine them."""


def linear(
    path: str, fabric: Fabric, *, leading: tuple[int, ...] = (), bias: bool = True, scheme: str = "balanced"
) -> Linear:
    return Linear(
        path=path,
        input=(*leading, fabric.cols),
        output=(*leading, fabric.rows),
        fabric=fabric,
        bias=bias,
        scheme=scheme,
        topology="by hand",
    )


def network(name: str, body: Block, *, input: tuple[int, ...] | None = None) -> Network:
    operations: tuple[Op, ...] = tuple(body)
    return Network(
        name=name,
        input=input or operations[0].input,
        output=operations[-1].output,
        body=operations,
        source_name=f"{name}.nf",
        source_digest="sha256:" + "0" * 64,
    )


def random_values(shape: tuple[int, ...], seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal(prod(shape)).reshape(shape).astype(np.float32)


def input_values(network: Network, batch: int, seed: int = 0) -> np.ndarray:
    """Token ids where the network begins with an embedding, else normal numbers, [batch, *input]."""
    generator, shape = np.random.default_rng(seed), (batch, *network.input)
    tokens = vocabulary(network.body)
    if tokens is not None:
        return generator.integers(0, tokens, shape)
    return generator.standard_normal(shape).astype(np.float32)
