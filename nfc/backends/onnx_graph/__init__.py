"""The ONNX printer: a Plan and its weights as one `.onnx` file."""

from nfc.backends.onnx_graph.emit import emit_chunks, emit_onnx
from nfc.backends.onnx_graph.options import Options

__all__ = ["Options", "emit_chunks", "emit_onnx"]
