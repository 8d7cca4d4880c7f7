"""Weights read back out of the ONNX files that nfc writes."""

from nfc.backends.onnx_weights.reading import read_onnx_weights

__all__ = ["read_onnx_weights"]
