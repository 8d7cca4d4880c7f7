"""Weight files and state dicts: read, checked against a network, and written.

A file holds the arrays of `nfc.ir.parameters` by their names, and under `_extra_state` the
network's topology digest as the UTF-8 bytes of its string (uint8), where an emitted PyTorch module
keeps it. A file of another topology, or without the digest, is refused.
"""

from nfc.weights.files import read_weights, write_weights
from nfc.weights.state import DIGEST_KEY, digest_tensor, from_state_dict

__all__ = ["DIGEST_KEY", "digest_tensor", "from_state_dict", "read_weights", "write_weights"]
