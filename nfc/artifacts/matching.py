"""Two graphs side by side, up to the names of their values.

The reference is written twice, with other weights: numbers that differ between the two are places
of weights and may be anything; all others, such as indices, shapes and the zeros where there is no
edge, have to agree.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nfc.artifacts.onnx_file import OnnxGraph, array_of


@dataclass(frozen=True)
class Difference:
    """The first place where a file is not what nfc writes.

    Attributes:
        node: how many nodes agree before it.
        name: the reference's name of the node or the tensor.
        owner: that of the node; empty outside of all nodes.
        what: a sentence about it.
        place: the flat index of the first number that differs, where all before it fits in shape.
    """

    node: int
    name: str
    owner: str
    what: str
    place: int | None = None


@dataclass
class Match:
    """One comparison.

    Attributes:
        zeros: weights of 0 in the file, by tensor: the number, and the flat index of the first.
    """

    first: OnnxGraph
    second: OnnxGraph
    file: OnnxGraph
    path: str
    zeros: dict[str, tuple[int, int]] = field(default_factory=dict)
    _names: dict[str, str] = field(default_factory=dict)
    _node: int = 0

    def difference(self) -> Difference | None:
        """The first difference; None where the graphs agree."""
        return self._borders() or self._nodes() or self._outputs()

    def _differs(self, name: str, what: str, place: int | None = None) -> Difference:
        nodes = self.first.graph.node
        owner = nodes[self._node].name if self._node < len(nodes) else ""
        return Difference(self._node, name, owner, what, place)

    def _borders(self) -> Difference | None:
        for wanted, found, what in (
            (self.first.graph.input, self.file.graph.input, "input"),
            (self.first.graph.output, self.file.graph.output, "output"),
        ):
            if len(wanted) != len(found):
                return self._differs(what, f"it has {len(found)} {what}s, expected {len(wanted)}")
            for one, other in zip(wanted, found, strict=True):
                shape, given = _border(one), _border(other)
                if shape != given:
                    return self._differs(what, f"its {what} is {given}, expected {shape}")
        for one, other in zip(self.first.graph.input, self.file.graph.input, strict=True):
            self._names[one.name] = other.name
        return None

    def _nodes(self) -> Difference | None:
        wanted, found = self.first.graph.node, self.file.graph.node
        for one, again, other in zip(wanted, self.second.graph.node, found, strict=False):
            difference = self._compared(one, again, other)
            if difference:
                return difference
            self._node += 1
        if len(wanted) == len(found):
            return None
        name = (
            wanted[len(found)].name if len(found) < len(wanted) else wanted[-1].name if wanted else "output"
        )
        return self._differs(name, f"it has {len(found)} nodes, expected {len(wanted)}")

    def _outputs(self) -> Difference | None:
        for one, other in zip(self.first.graph.output, self.file.graph.output, strict=True):
            if self._names.get(one.name) != other.name:
                return self._differs(one.name, f"its output `{other.name}` is another value")
        return None

    def _compared(self, one: Any, again: Any, other: Any) -> Difference | None:
        if (one.op_type, len(one.input), len(one.output)) != (
            other.op_type,
            len(other.input),
            len(other.output),
        ) or other.domain not in ("", "ai.onnx"):
            found = f"`{other.op_type}` of {len(other.input)} inputs"
            return self._differs(
                one.name, f"{found} stands where `{one.op_type}` of {len(one.input)} is expected"
            )
        for wanted, repeated, found in zip(one.input, again.input, other.input, strict=True):
            difference = self._value(one.name, wanted, repeated, found)
            if difference:
                return difference
        difference = self._attributes(one, again, other)
        if difference:
            return difference
        self._names.update(zip(one.output, other.output, strict=True))
        return None

    def _attributes(self, one: Any, again: Any, other: Any) -> Difference | None:
        wanted, repeated, found = (
            {each.name: each for each in node.attribute} for node in (one, again, other)
        )
        if wanted.keys() != found.keys():
            listed = ", ".join(sorted(found)) or "none"
            return self._differs(
                one.name, f"its attributes are {listed}, expected {', '.join(sorted(wanted))}"
            )
        for name in wanted:
            if name == "sparse_value":
                tensors = [each[name].sparse_tensor for each in (wanted, repeated, found)]
                difference = self._sparse(one.name, *tensors)
                if difference:
                    return difference
            elif _value_of(wanted[name]) != _value_of(found[name]):
                values = _value_of(found[name]), _value_of(wanted[name])
                return self._differs(one.name, f"its `{name}` is {values[0]}, expected {values[1]}")
        return None

    def _value(self, node: str, one: str, again: str, other: str) -> Difference | None:
        """One input of a node: the same earlier value, or a tensor that agrees."""
        if one in self._names:
            if self._names[one] == other:
                return None
            return self._differs(node, f"it reads `{other}`, expected `{self._names[one]}`")
        if one in self.first.sparse and other in self.file.sparse:
            tensors = self.first.sparse[one], self.second.sparse[again], self.file.sparse[other]
            difference = self._sparse(one, *tensors)
        elif one in self.first.tensors and other in self.file.tensors:
            graphs = (self.first, one), (self.second, again), (self.file, other)
            difference = self._tensor(one, *(graph.tensors[name] for graph, name in graphs))
        else:
            return self._differs(node, f"it reads `{other}`, expected the tensor `{one}`")
        if difference is None:
            self._names[one] = other
        return difference

    def _sparse(self, name: str, one: Any, again: Any, other: Any) -> Difference | None:
        if list(one.dims) != list(other.dims):
            return self._differs(name, f"its shape is {list(other.dims)}, expected {list(one.dims)}")
        return self._tensor(name, one.indices, again.indices, other.indices) or self._tensor(
            name, one.values, again.values, other.values
        )

    def _tensor(self, name: str, one: Any, again: Any, other: Any) -> Difference | None:
        if (one.data_type, list(one.dims)) != (other.data_type, list(other.dims)):
            found, wanted = _kind(other), _kind(one)
            return self._differs(name, f"the tensor `{name}` is {found}, expected {wanted}")
        first, second, given = (array_of(tensor, self.path).reshape(-1) for tensor in (one, again, other))
        weights = first != second
        wrong = np.flatnonzero(~weights & (given != first))
        if len(wrong):
            place = int(wrong[0])
            what = f"the tensor `{name}` holds {given[place]} at {_index(place, one.dims)}, expected {first[place]}"
            return self._differs(name, what, place)
        self._note_zeros(name, weights & (given == 0))
        return None

    def _note_zeros(self, name: str, zeros: NDArray[np.bool_]) -> None:
        places = np.flatnonzero(zeros)
        if len(places):
            self.zeros[name] = len(places), int(places[0])


def _border(value: Any) -> tuple[int, tuple[int | None, ...]]:
    """The type and the shape of an input or output; None for axes without a number."""
    tensor = value.type.tensor_type
    return tensor.elem_type, tuple(
        axis.dim_value if axis.HasField("dim_value") else None for axis in tensor.shape.dim
    )


def _value_of(attribute: Any) -> object:
    from onnx import helper

    value = helper.get_attribute_value(attribute)
    if hasattr(value, "SerializeToString"):
        return value.SerializeToString(deterministic=True)
    return list(value) if isinstance(value, Sequence) and not isinstance(value, bytes | str) else value


def _kind(tensor: Any) -> str:
    from onnx import TensorProto

    names = {number: name for name, number in TensorProto.DataType.items()}
    return f"{names.get(tensor.data_type, 'of no type').lower()} {list(tensor.dims)}"


def _index(place: int, dims: Sequence[int]) -> list[int]:
    return [int(index) for index in np.unravel_index(place, tuple(dims))] if dims else []
