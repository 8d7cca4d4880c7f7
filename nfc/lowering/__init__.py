"""Network to Plan: a kernel for every factor, and the choice of kernels for a target."""

from nfc.lowering.network import lower
from nfc.lowering.optimise import optimise
from nfc.lowering.target import Target

__all__ = ["Target", "lower", "optimise"]
