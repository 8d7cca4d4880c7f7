"""Initial weights, by a frozen rule: the same (network, seed) gives the same bits for ever.

The rule is written down in docs/initialisation.md, and emitted PyTorch code follows it too.
A factor with stream t draws from the Philox numbers u of (seed, t), a number u an edge; the table of
an embedding or of positions does so too, a number an entry.

- `uniform`: w = std · √3 · (2u − 1), in float64 from left to right, rounded once to float32.
- `sign`: w = −std where u < 1/2, else std, rounded once to float32.
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
    """Weights of random signs and the draw's standard deviation for magnitude, [*factor.weight_shape, *window]."""
    u = philox.uniform(seed, draw.stream, factor.edges * prod(window))
    std = weight_std(factor, draw.std, window)
    weights = np.multiply(np.where(u < 0.5, -1.0, 1.0), std, out=u)
    return weights.astype(np.float32).reshape(*factor.weight_shape, *window)
