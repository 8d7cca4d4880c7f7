"""The ONNX printer: a Plan and its weights as one `.onnx` file."""

from nfc.backends.onnx_graph.emit import emit_onnx

__all__ = ["emit_onnx"]
