"""Initial weights, by a frozen rule: the same (network, seed) gives the same bits for ever.

The rule is written down in docs/initialisation.md, and emitted PyTorch code follows it too.
A factor with stream t draws from the Philox numbers u of (seed, t).

- `uniform`: w = std · √3 · (2u − 1), in float64 from left to right, rounded once to float32; a
  number u an edge.
- `orthogonal`: Gaussian numbers by Box and Muller (1958) from consecutive pairs of u, one QR
  decomposition a block, signs such that R's diagonal is positive (Mezzadri, "How to generate random
  matrices from the classical compact groups", Notices of the AMS 54, 2007): Haar-distributed.

Biases and shifts are 0, scales 1, running means 0 and running variances 1.
"""

from __future__ import annotations

from math import sqrt

import numpy as np
from numpy.typing import NDArray

from nfc import philox
from nfc.ir.factors import Blocks, Factor, Kron
from nfc.ir.network import Draw, Network
from nfc.ir.parameters import Parameter, Weights, parameters

_CONSTANTS = {"bias": 0.0, "shift": 0.0, "scale": 1.0, "mean": 0.0, "variance": 1.0}


def initial_weights(network: Network, seed: int) -> Weights:
    """Every parameter and buffer of a network whose layers have their draws, [each parameter's shape]."""
    return {parameter.name: initial_value(parameter, seed) for parameter in parameters(network)}


def initial_value(parameter: Parameter, seed: int) -> NDArray[np.float32]:
    """One parameter's array of its shape, float32."""
    if parameter.factor is None:
        return np.full(parameter.shape, _CONSTANTS[parameter.role], np.float32)
    if parameter.draw is None:
        raise ValueError(f"{parameter.name}: no draw is set; the initialisation pass has to run before")
    if parameter.draw.distribution == "orthogonal":
        return orthogonal_weights(parameter.factor, parameter.draw, seed)
    return uniform_weights(parameter.factor, parameter.draw, seed)


def uniform_weights(factor: Factor, draw: Draw, seed: int) -> NDArray[np.float32]:
    """Weights with mean 0 and the draw's standard deviation, of the factor's `weight_shape`."""
    u = philox.uniform(seed, draw.stream, factor.edges)
    return (draw.std * sqrt(3.0) * (2.0 * u - 1.0)).astype(np.float32).reshape(factor.weight_shape)


def orthogonal_weights(factor: Factor, draw: Draw, seed: int) -> NDArray[np.float32]:
    """Each block of a `Kron` or `Blocks` factor with orthonormal rows or columns, times the draw's std."""
    count, height, width = block_shape(factor)
    tall, thin = max(height, width), min(height, width)
    blocks, upper = np.linalg.qr(normal(seed, draw.stream, count * tall * thin).reshape(count, tall, thin))
    diagonal = np.diagonal(upper, axis1=1, axis2=2)
    blocks = blocks * np.where(diagonal < 0.0, -1.0, 1.0)[:, None, :]
    if height < width:
        blocks = blocks.transpose(0, 2, 1)
    return (_placed(factor, blocks) * draw.std).astype(np.float32)


def normal(seed: int, stream: int, count: int) -> NDArray[np.float64]:
    """The first `count` standard normal numbers of (seed, stream).

    z[2k] = √(−2 ln u[2k]) cos(2π u[2k + 1]) and z[2k + 1] the same with the sine.
    """
    u = philox.uniform(seed, stream, 2 * ((count + 1) // 2)).reshape(-1, 2)
    radius, angle = np.sqrt(-2.0 * np.log(u[:, 0])), 2.0 * np.pi * u[:, 1]
    return np.stack([radius * np.cos(angle), radius * np.sin(angle)], axis=1).reshape(-1)[:count]


def block_shape(factor: Factor) -> tuple[int, int, int]:
    """(number of blocks, height, width) of a `Kron` or `Blocks` factor."""
    match factor:
        case Kron(a=a, b=b, c=c, d=d):
            return a * d, b, c
        case Blocks(row_sets=row_sets, col_sets=col_sets):
            return len(row_sets), row_sets.shape[1], col_sets.shape[1]
        case _:
            raise ValueError(f"a factor of kind {factor.kind} is not made of equal dense blocks")


def _placed(factor: Factor, blocks: NDArray[np.float64]) -> NDArray[np.float64]:
    """Blocks [count, height, width] laid out as the factor's weights."""
    if isinstance(factor, Kron):
        by_lane = blocks.reshape(factor.a, factor.d, factor.b, factor.c)
        return by_lane.transpose(0, 2, 1, 3).reshape(factor.weight_shape)
    assert isinstance(factor, Blocks)
    weights = np.empty(factor.weight_shape)
    weights[factor.row_sets] = blocks
    return weights
