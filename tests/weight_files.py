"""Weight files that do not fit, as the pages of their codes name them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from safetensors.numpy import save_file

from nfc.ir.digest import network_digest
from nfc.ir.initial_weights import initial_weights
from nfc.ir.network import Network
from nfc.weights import DIGEST_KEY, digest_tensor


def write_misfits(folder: Path, network: Network) -> None:
    """Write `other`, `renamed` and `diverged.safetensors`: another digest, a missing bias, a NaN."""
    weights = initial_weights(network, 0)
    bias = next(name for name in weights if name.endswith(".bias"))
    digest = network_digest(network)
    renamed = {f"{name}_" if name == bias else name: value for name, value in weights.items()}
    diverged = {**weights, bias: np.full_like(weights[bias], np.nan)}
    for name, tensors, found in (
        ("other", weights, "sha256:" + "0" * 64),
        ("renamed", renamed, digest),
        ("diverged", diverged, digest),
    ):
        save_file({**tensors, DIGEST_KEY: digest_tensor(found)}, folder / f"{name}.safetensors")
