"""Network to Plan: a kernel for every factor."""

from nfc.lowering.network import lower

__all__ = ["lower"]
