"""A linear layer: leading axes folded into the batch, its kernels in the layout that suits them, its bias."""

from __future__ import annotations

from nfc.backends.onnx_graph.batch_first import BatchFirst
from nfc.backends.onnx_graph.feature_first import FeatureFirst
from nfc.backends.onnx_graph.graph import Graph
from nfc.backends.onnx_graph.kernels import whole_matrices
from nfc.backends.onnx_graph.storage import Storage
from nfc.lowering.plan import Product


def emit_product(graph: Graph, storage: Storage, op: Product, value: str) -> str:
    """[batch, *op.input] → [batch, *op.output]."""
    leading = op.input[:-1]
    if not leading:
        return _matrix_product(graph, storage, op, value, op.path)
    rows = graph.reshape(value, (-1, op.input[-1]), f"{op.path}/rows")
    product = _matrix_product(graph, storage, op, rows, f"{op.path}/outputs")
    return graph.reshape(product, (-1, *op.output), op.path)


def _matrix_product(graph: Graph, storage: Storage, op: Product, value: str, name: str) -> str:
    """[batch, inputs] → [batch, outputs]."""
    bias = storage.vector(op.bias) if op.bias else None
    if whole_matrices(op.kernel, storage.options):
        return BatchFirst(graph, storage, op).product(value, op.kernel, bias, name)
    layout = FeatureFirst(graph, storage, op)
    if not bias:
        return layout.product(value, op.kernel, name)
    return graph.node("Add", (layout.product(value, op.kernel, f"{op.path}/linear"), bias), name)
