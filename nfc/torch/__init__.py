"""Layers that stand in for those of `torch.nn`, and the swap of a model's layers for them.

Unlike the rest of nfc, this package needs PyTorch as soon as it is imported.
"""

try:
    import torch as _torch  # noqa: F401
except ImportError as error:
    raise ImportError("nfc.torch needs PyTorch; `pip install neurofabric[torch]` installs it") from error

from nfc.torch.convolution import FabricConv2d
from nfc.torch.groups import parameter_groups
from nfc.torch.layer import FabricLinear
from nfc.torch.report import Entry, Report
from nfc.torch.swap import plan_sparsify, sparsify

__all__ = ["Entry", "FabricConv2d", "FabricLinear", "Report", "parameter_groups", "plan_sparsify", "sparsify"]
