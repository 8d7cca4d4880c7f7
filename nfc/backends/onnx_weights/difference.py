"""The first difference between a file's graph and the one that nfc writes, weights aside."""

from __future__ import annotations

from collections.abc import Iterator
from collections.abc import Set as AbstractSet
from dataclasses import dataclass

import numpy as np

from nfc.backends.onnx_weights.contents import POSITIONS, SHAPE, Contents

WEIGHTS, WIRING, GRAPH = "NF753", "NF752", "NF751"
"""Codes: of a parameter that is missing or has another shape, of other edges, of another graph."""


ENDS = (".weight", ".bias", ".running_mean", ".running_var")
"""How names of parameters end."""


@dataclass(frozen=True)
class Difference:
    """A difference.

    Attributes:
        code: that of the diagnostic.
        what: it as the end of a sentence.
        rank: how much agrees before it; of references that all differ, the highest is the likeliest.
    """

    code: str
    what: str
    rank: int


def first_difference(file: Contents, reference: Contents, names: AbstractSet[str]) -> Difference | None:
    """The first difference; None where the graphs agree.

    Args:
        reference: printed with ones as weights.
        names: those of parameters.
    """
    rank = _agreeing_nodes(file, reference)
    found = next(_differences(file, reference, names), None)
    return None if found is None else Difference(*found, rank)


def _differences(file: Contents, reference: Contents, names: AbstractSet[str]) -> Iterator[tuple[str, str]]:
    yield from _parameters(file, reference, names)
    yield from _shapes(file, reference)
    yield from _others(file, reference)
    yield from _nodes(file, reference)
    yield from _constants(file, reference, names)


def _parameters(file: Contents, reference: Contents, names: AbstractSet[str]) -> Iterator[tuple[str, str]]:
    """Parameters that only one of the two holds."""
    held, wanted = ({parameter_of(name) for name in each.arrays} for each in (file, reference))
    for name in reference.arrays:
        if parameter_of(name) in (wanted & names) - held:
            yield WEIGHTS, f"`{parameter_of(name)}`, which it lacks"
    for name in file.arrays:
        if parameter_of(name).endswith(ENDS) and parameter_of(name) not in names:
            yield WEIGHTS, f"`{parameter_of(name)}`, which the network lacks"


def _shapes(file: Contents, reference: Contents) -> Iterator[tuple[str, str]]:
    for name, array in reference.arrays.items():
        found = file.arrays.get(name)
        if found is None:
            continue
        if found.shape != array.shape:
            shapes = f"{list(found.shape)} there, {list(array.shape)} needed"
            yield WEIGHTS, f"`{name}`: {shapes}"
        elif found.dtype != array.dtype:
            yield GRAPH, f"`{name}`: {found.dtype} there, {array.dtype} needed"


def _others(file: Contents, reference: Contents) -> Iterator[tuple[str, str]]:
    """Arrays that only one of the two holds."""
    for name in reference.arrays:
        if name not in file.arrays:
            yield GRAPH, f"the tensor `{name}`, which it lacks"
    for name in file.arrays:
        if name not in reference.arrays:
            yield GRAPH, f"the tensor `{name}`, which the network's lacks"


def _nodes(file: Contents, reference: Contents) -> Iterator[tuple[str, str]]:
    for (name, node), (other, expected) in zip(file.nodes.items(), reference.nodes.items(), strict=False):
        if name != other or node != expected:
            yield (
                GRAPH,
                f"the node `{name}` where `{other}` is expected" if name != other else f"the node `{name}`",
            )
    counts = len(file.nodes), len(reference.nodes)
    if counts[0] != counts[1]:
        yield GRAPH, f"the number of nodes: {counts[0]} there, {counts[1]} needed"


def _constants(file: Contents, reference: Contents, names: AbstractSet[str]) -> Iterator[tuple[str, str]]:
    """Index tables and other constants, which have to agree; of weights, the zeros where no edge is."""
    for name, array in reference.arrays.items():
        found = file.arrays[name]
        is_weights = parameter_of(name) in names and array.dtype.kind == "f"
        wrong = np.argwhere((array == 0) & (found != 0) if is_weights else array != found)
        if not len(wrong):
            continue
        at = tuple(int(place) for place in wrong[0])
        wired = parameter_of(name) in names
        expected = "no edge" if is_weights else array[at]
        yield (
            WIRING if wired else GRAPH,
            f"`{name}`, which holds {found[at]} at {list(at)}, expected {expected}",
        )


def _agreeing_nodes(file: Contents, reference: Contents) -> int:
    pairs = zip(file.nodes.items(), reference.nodes.items(), strict=False)
    return next((count for count, (one, other) in enumerate(pairs) if one != other), len(reference.nodes))


def parameter_of(name: str) -> str:
    """The parameter that an array holds, or the first part of any other array's name."""
    return name.removesuffix(POSITIONS).removesuffix(SHAPE).partition("/")[0]
