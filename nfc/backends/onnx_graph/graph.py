"""An ONNX graph under construction, and its size in bytes.

The size is kept as nodes and tensors are added, so that alternatives can be built beside the graph
and compared, and so that protobuf's limit is met here and not as a fault inside protobuf.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nfc.backends.onnx_graph.options import FILE_LIMIT
from nfc.backends.onnx_graph.protobuf import delimited, tensor_bytes
from nfc.ir.factors import Indices


class TooLargeError(Exception):
    """The tensor `name` would take the file past protobuf's limit."""

    def __init__(self, name: str) -> None:
        self.name = name
        super().__init__(name)


@dataclass
class Graph:
    """Nodes and tensors in order of their making.

    Values are named after what makes them; `fresh` numbers a name that is taken. Nodes have the
    names of their outputs. Of the `bytes` in all, `numbers` are those of tensors' entries.
    """

    limit: int = FILE_LIMIT
    taken: set[str] = field(default_factory=set)
    nodes: list[Any] = field(default_factory=list)
    tensors: dict[str, NDArray[Any]] = field(default_factory=dict)
    sparse_tensors: list[Any] = field(default_factory=list)
    bytes: int = 0
    numbers: int = 0

    def fresh(self, name: str) -> str:
        """`name`, or where it is taken `name_2`, `name_3` …"""
        number, candidate = 1, name
        while candidate in self.taken:
            number += 1
            candidate = f"{name}_{number}"
        self.taken.add(candidate)
        return candidate

    def node(self, operator: str, inputs: Sequence[str], name: str, **attributes: object) -> str:
        """Adds a node with one output, which it returns."""
        from onnx import helper

        output = self.fresh(name)
        node = helper.make_node(operator, list(inputs), [output], name=output, **attributes)
        self._count(output, node.ByteSize())
        self.nodes.append(node)
        return output

    def tensor(self, name: str, array: NDArray[Any]) -> str:
        """Adds a tensor stored in the file, under exactly this name; once, if several ask for it."""
        if name not in self.tensors:
            self._count(name, tensor_bytes(name, array.shape, array.dtype))
            self.numbers += array.nbytes
            self.taken.add(name)
            self.tensors[name] = array
        return name

    def integers(self, *values: int) -> str:
        """A constant list of int64 such as a shape, shared by all its users; `integers/2_-1`."""
        return self.tensor(f"integers/{'_'.join(map(str, values))}", np.array(values, np.int64))

    def number(self, value: float) -> str:
        """A constant float32 scalar, shared by all its users."""
        return self.tensor(f"number/{value:.9g}", np.array(value, np.float32))

    def reshape(self, value: str, shape: Iterable[int], name: str) -> str:
        return self.node("Reshape", (value, self.integers(*shape)), name)

    def transpose(self, value: str, permutation: Iterable[int], name: str) -> str:
        return self.node("Transpose", (value,), name, perm=list(permutation))

    def pad(self, value: str, rank: int, axis: int, count: int, name: str) -> str:
        """Zeros after the end of an axis; `rank` counts the batch's axis too."""
        after = [count if place == axis else 0 for place in range(rank)]
        return self.node("Pad", (value, self.integers(*([0] * rank), *after)), name)

    def crop(self, value: str, axis: int, size: int, name: str) -> str:
        """The first `size` entries of an axis."""
        bounds = [self.integers(number) for number in (0, size, axis)]
        return self.node("Slice", (value, *bounds), name)

    def total(self, values: Sequence[str], name: str) -> str:
        """The sum of at least one value."""
        if len(values) == 1:
            return values[0]
        return self.node("Add" if len(values) == 2 else "Sum", values, name)

    def sparse_constant(
        self, name: str, values: NDArray[Any], positions: Indices, shape: tuple[int, ...]
    ) -> str:
        """A `Constant` node with a `sparse_value`; row-major positions of its values, ascending."""
        tensor = self._sparse(f"{name}/values", values, positions, shape)
        return self.node("Constant", (), name, sparse_value=tensor)

    def sparse_tensor(
        self, name: str, values: NDArray[Any], positions: Indices, shape: tuple[int, ...]
    ) -> str:
        """A `sparse_initializer`."""
        tensor = self._sparse(name, values, positions, shape)
        self._count(name, tensor.ByteSize())
        self.taken.add(name)
        self.sparse_tensors.append(tensor)
        return name

    def absorb(self, other: Graph) -> None:
        """Takes over the nodes and tensors of a graph built beside this one; shared constants once."""
        for name, array in other.tensors.items():
            self.tensor(name, array)
        for sparse in other.sparse_tensors:
            self._count(sparse.values.name, sparse.ByteSize())
        for node in other.nodes:
            self._count(node.name, node.ByteSize())
        self.taken |= other.taken
        self.sparse_tensors += other.sparse_tensors
        self.nodes += other.nodes

    def call_last(self, value: str, name: str) -> str:
        """Gives the value that the last node makes another name, before anything reads it; returns the name."""
        if value == name or not self.nodes or value not in self.nodes[-1].output:
            return value
        node, output = self.nodes[-1], self.fresh(name)
        self.bytes -= delimited(node.ByteSize())
        node.name = node.output[0] = output
        self._count(output, node.ByteSize())
        return output

    def rename(self, old: str, new: str) -> None:
        """Gives the value that a node makes another name, everywhere."""
        for node in self.nodes:
            for names in (node.input, node.output):
                for index, name in enumerate(names):
                    if name == old:
                        names[index] = new

    def makes(self, value: str) -> bool:
        """Whether a node makes the value; inputs and tensors are there without."""
        return any(value in node.output for node in self.nodes)

    def _count(self, name: str, size: int) -> None:
        self.bytes += delimited(size)
        if self.bytes > self.limit:
            raise TooLargeError(name)

    def _sparse(self, name: str, values: NDArray[Any], positions: Indices, shape: tuple[int, ...]) -> Any:
        from onnx import SparseTensorProto, TensorProto, numpy_helper

        # int64_data is packed as varints, raw_data is not: a third smaller
        indices = TensorProto(
            data_type=TensorProto.INT64, dims=[len(positions)], int64_data=positions.tolist()
        )
        self.numbers += values.nbytes + indices.ByteSize()
        return SparseTensorProto(values=numpy_helper.from_array(values, name), indices=indices, dims=shape)
