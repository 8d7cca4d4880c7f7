"""Haar-distributed targets and their sub-blocks, from Philox."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from nfc import philox
from nfc.ir.orthogonal_weights import normal


def target(rows: int, cols: int, seed: int, stream: int) -> NDArray[np.float64]:
    """A matrix with orthonormal columns (rows where rows < cols), Haar-distributed, [rows, cols].

    The Q of a Gaussian matrix, R's diagonal made positive (Mezzadri, Notices of the AMS 54, 2007).
    """
    tall, thin = max(rows, cols), min(rows, cols)
    gaussian = normal(seed, stream, tall * thin).reshape(tall, thin)
    frame, upper = np.linalg.qr(gaussian)
    frame *= np.where(np.diagonal(upper) < 0.0, -1.0, 1.0)
    return frame if rows >= cols else frame.T


def block_energies(
    height: int, width: int, size: int, samples: int, seed: int, stream: int
) -> NDArray[np.float64]:
    """Squared singular values of height × width blocks of orthonormal frames in `size` dimensions.

    With A and B the block's rows and the others of a Gaussian matrix, the frame is its Q, and the
    squares are the eigenvalues of AᵀA relative to AᵀA + BᵀB (Jacobi's ensemble; Edelman and Sutton,
    "The beta-Jacobi matrix model", 2008). They do not depend on how many columns the frame has, and
    are the same for a block and its transpose, so that only small × small matrices are drawn.

    Returns:
        [samples, min(height, width)], ascending; independent samples.
    """
    small, large = sorted((height, width))
    streams = 4 * stream
    inner = _wishart(small, large, samples, seed, streams)
    both = inner + _wishart(small, size - large, samples, seed, streams + 2)
    root = np.linalg.cholesky(both)
    half = np.linalg.solve(root, inner)
    relative = np.linalg.solve(root, half.transpose(0, 2, 1))
    return np.clip(np.linalg.eigvalsh(relative), 0.0, 1.0)


def _wishart(size: int, freedom: int, samples: int, seed: int, stream: int) -> NDArray[np.float64]:
    """GᵀG of Gaussian matrices G, [freedom, size]: by Bartlett's decomposition, or as it stands."""
    if freedom < size:
        gaussian = normal(seed, stream, samples * freedom * size).reshape(samples, freedom, size)
        return gaussian.transpose(0, 2, 1) @ gaussian
    upper = np.triu(normal(seed, stream, samples * size * size).reshape(samples, size, size), 1)
    uniform = philox.uniform(seed, stream + 1, samples * size).reshape(samples, size)
    diagonal = np.arange(size)
    upper[:, diagonal, diagonal] = np.sqrt(_chi_square(uniform, freedom - diagonal))
    return upper.transpose(0, 2, 1) @ upper


def _chi_square(uniform: NDArray[np.float64], freedom: NDArray[np.int64]) -> NDArray[np.float64]:
    from scipy.special import gammaincinv

    return 2.0 * np.asarray(gammaincinv(freedom / 2.0, uniform))
