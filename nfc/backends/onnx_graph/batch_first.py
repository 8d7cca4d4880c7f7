"""Kernels on batch-first values, [batch, features]: products with whole matrices, by `Gemm`.

Runtimes pack a constant matrix on the right once, at load; on the left never.
"""

from __future__ import annotations

from dataclasses import dataclass

from nfc.backends.onnx_graph.graph import Graph
from nfc.backends.onnx_graph.kernels import Unstructured, positions, shape_of
from nfc.backends.onnx_graph.storage import Storage
from nfc.ir.network import Op
from nfc.lowering.kernels import output_features
from nfc.lowering.plan import (
    Add,
    Blocked,
    Chain,
    CropFeatures,
    Dense,
    Kernel,
    Neighbours,
    PadFeatures,
    Sparse,
)


@dataclass(frozen=True)
class BatchFirst:
    """Emits the kernels of the product `op`."""

    graph: Graph
    storage: Storage
    op: Op

    def product(self, value: str, kernel: Kernel, bias: str | None, name: str) -> str:
        """[batch, inputs] → [batch, outputs], the bias added in the last node."""
        return self._kernel(value, self.op.input[-1], kernel, bias, name)

    def _kernel(self, value: str, features: int, kernel: Kernel, bias: str | None, name: str) -> str:
        match kernel:
            case Chain(parts=(*before, last)):
                for part in before:
                    value = self._kernel(value, features, part, None, self._name("part"))
                    features = output_features(part, features)
                return self._kernel(value, features, last, bias, name)
            case Add(parts=parts):
                biases = [bias] + [None] * (len(parts) - 1)
                terms = [
                    self._kernel(value, features, part, term_bias, self._name("term"))
                    for part, term_bias in zip(parts, biases, strict=True)
                ]
                return self.graph.total(terms, name)
            case Dense(weight=weight, rows=rows, cols=cols):
                return self._kernel(value, features, Blocked(weight, 1, rows, cols, 1), bias, name)
            case Blocked(weight=weight, a=1, b=rows, c=cols, d=1):
                matrix = self.storage.blocks(kernel).reshape(rows, cols)
                return self._gemm(value, self.storage.array(self.op, weight.name, matrix), bias, name)
            case Neighbours() | Sparse():
                return self._gemm(value, self._matrix(kernel), bias, name)
            case PadFeatures(size=size):
                padded = self.graph.pad(value, 2, 1, size - features, self._name("padded"))
                return self._biased(padded, bias, name)
            case CropFeatures(size=size):
                cropped = self.graph.crop(value, 1, size, self._name("cropped"))
                return self._biased(cropped, bias, name)
            case _:
                raise TypeError(f"{type(kernel).__name__} is a feature-first kernel")

    def _matrix(self, kernel: Unstructured) -> str:
        return self.storage.matrix(self.op, kernel.weight, shape_of(kernel), positions(kernel))

    def _gemm(self, value: str, matrix: str, bias: str | None, name: str) -> str:
        inputs = (value, matrix, bias) if bias else (value, matrix)
        return self.graph.node("Gemm", inputs, name, transB=1)

    def _biased(self, value: str, bias: str | None, name: str) -> str:
        return self.graph.node("Add", (value, bias), name) if bias else value

    def _name(self, what: str) -> str:
        return f"{self.op.path}/{what}"
