"""Initial weights, by a frozen rule: the same (network, seed) gives the same bits for ever.

The rule is written down in docs/initialisation.md, and emitted PyTorch code follows it too.
A factor with stream t draws from the Philox numbers u of (seed, t), a number u an edge; the table of
an embedding or of positions does so too, a number an entry.

- `uniform`: w = std · √3 · (2u − 1), in float64 from left to right, rounded once to float32.
- `sign`: w = −std for the lower half of the numbers of each input's edges, std for the upper half, of an
  odd number of edges by u < 1/2 for the middle one; rounded once to float32.
- `orthogonal`: `nfc.ir.orthogonal_weights`.

Biases and shifts are 0, scales 1, running means 0 and running variances 1.
"""

from __future__ import annotations

from math import prod, sqrt

import numpy as np
from numpy.typing import NDArray

from nfc import philox
from nfc.ir.deviations import weight_std
from nfc.ir.factors import Factor
from nfc.ir.network import Draw, Network
from nfc.ir.orthogonal_weights import orthogonal_weights
from nfc.ir.parameters import Parameter, Weights, parameters

_CONSTANTS = {"bias": 0.0, "shift": 0.0, "scale": 1.0, "mean": 0.0, "variance": 1.0}


def initial_weights(network: Network, seed: int) -> Weights:
    """Every parameter and buffer of a network whose layers have their draws, [each parameter's shape]."""
    return {parameter.name: initial_value(parameter, seed) for parameter in parameters(network)}


def initial_value(parameter: Parameter, seed: int) -> NDArray[np.float32]:
    """One parameter's array of its shape, float32."""
    if parameter.role in _CONSTANTS:
        return np.full(parameter.shape, _CONSTANTS[parameter.role], np.float32)
    if parameter.draw is None:
        raise ValueError(f"{parameter.name}: no draw is set; the initialisation pass has to run before")
    if parameter.factor is None:
        return table_numbers(parameter.shape, parameter.draw, seed)
    return drawn_weights(parameter.factor, parameter.draw, seed, parameter.window)


def table_numbers(shape: tuple[int, ...], draw: Draw, seed: int) -> NDArray[np.float32]:
    """A table by the rule of `uniform`, an entry a number in row-major order, of this shape."""
    assert isinstance(draw.std, float)
    u = philox.uniform(seed, draw.stream, prod(shape))
    numbers = draw.std * sqrt(3.0) * (2.0 * u - 1.0)
    return np.asarray(numbers, np.float32).reshape(shape)


def drawn_weights(factor: Factor, draw: Draw, seed: int, window: tuple[int, ...] = ()) -> NDArray[np.float32]:
    """Weights by one of DISTRIBUTIONS, [*factor.weight_shape, *window].

    A kernel's entries take consecutive numbers, as so many edges side by side would.
    """
    match draw.distribution:
        case "orthogonal":
            return orthogonal_weights(factor, draw, seed, window)
        case "sign":
            return sign_weights(factor, draw, seed, window)
        case _:
            return uniform_weights(factor, draw, seed, window)


def uniform_weights(
    factor: Factor, draw: Draw, seed: int, window: tuple[int, ...] = ()
) -> NDArray[np.float32]:
    """Weights with mean 0 and the draw's standard deviation, [*factor.weight_shape, *window]."""
    u = philox.uniform(seed, draw.stream, factor.edges * prod(window))
    u *= 2.0
    u -= 1.0
    std = weight_std(factor, draw.std, window)
    std *= sqrt(3.0)
    weights = np.multiply(std, u, out=u)
    return weights.astype(np.float32).reshape(*factor.weight_shape, *window)


def sign_weights(factor: Factor, draw: Draw, seed: int, window: tuple[int, ...] = ()) -> NDArray[np.float32]:
    """Weights of random signs and the draw's standard deviation for magnitude, [*factor.weight_shape, *window].

    Of what leaves one input, at each entry of the window, half is negative.
    """
    area = prod(window)
    u = philox.uniform(seed, draw.stream, factor.edges * area)
    _, column = factor.arrays()
    negative = is_in_lower_half(
        u, column if area == 1 else (column[:, None] * area + np.arange(area)).reshape(-1)
    )
    std = weight_std(factor, draw.std, window)
    weights = np.multiply(np.where(negative, -1.0, 1.0), std, out=u)
    return weights.astype(np.float32).reshape(*factor.weight_shape, *window)


def is_in_lower_half(numbers: NDArray[np.float64], groups: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Which numbers of Philox are among the lower half of their group's, earlier ones first where they are equal.

    The middle one of an odd number is where it is below 1/2. Both [numbers]; groups are less than 2^31.
    """
    words = (numbers * 2.0**32).astype(np.int64)
    order = np.argsort((groups << 32) + words, kind="stable")
    sizes = np.bincount(groups)
    first = np.cumsum(sizes) - sizes
    twice = np.empty(len(numbers), np.int64)
    twice[order] = 2 * (np.arange(len(numbers)) - first[groups[order]]) + 1
    size = sizes[groups]
    lower: NDArray[np.bool_] = (twice < size) | ((twice == size) & (numbers < 0.5))
    return lower
