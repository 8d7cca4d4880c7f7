"""What a change means for trained weights: state-dict names, their shapes, and the topology's digest."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from functools import cached_property

from nfc.diffing.changes import Change
from nfc.ir.network import Network
from nfc.ir.parameters import Parameter, parameters


class Loading(Enum):
    """Whether a state dict of the old network loads into the new one."""

    LOADS = "loads"
    AFTER_RENAMING = "loads_after_renaming"
    NOT = "does_not_load"


@dataclass(frozen=True)
class Checkpoints:
    """What became of the checkpoints of a network.

    Attributes:
        same_function: whether the network computes the same from the same weights. A statement
            about networks whose weights fit; False where they do not.
        renamed: old and new names of tensors, where renaming makes them fit.
        tensors: tensors of the new network.
        kept: those that an old state dict holds under the same name, for the same edges.
    """

    loading: Loading
    same_function: bool
    renamed: tuple[tuple[str, str], ...]
    tensors: int
    kept: int

    @property
    def valid(self) -> bool:
        return self.loading is Loading.LOADS and self.same_function


FUNCTION_RULES = {
    "OPERATION_ADDED",
    "OPERATION_REMOVED",
    "OPERATION_MOVED",
    "OPERATION_CHANGED",
    "LAYER_MOVED",
}
"""Changes of what a network computes that leave names and shapes as they are."""


@dataclass(frozen=True)
class Trained:
    """A network that weights were trained with, or are to be loaded into.

    Attributes:
        digest: its topology's.
        digests: those of its weighted layers, by path.
    """

    network: Network
    digest: str
    digests: Mapping[str, str | None]

    @cached_property
    def tensors(self) -> tuple[Parameter, ...]:
        """What its state dict holds, the digest left out."""
        return tuple(parameters(self.network))

    @property
    def meanings(self) -> set[tuple[object, ...]]:
        """What has to agree for a tensor to keep its meaning: name, shape, role, and the edges of its layer."""
        return {
            (each.name, each.shape, each.role, self.digests.get(each.op.path) if each.factor else None)
            for each in self.tensors
        }


def checkpoints(old: Trained, new: Trained, changes: Sequence[Change]) -> Checkpoints:
    """What became of the checkpoints, given the changes of the operations."""
    loading = _loading(old, new)
    renamed = [
        (one.name, other.name)
        for one, other in zip(old.tensors, new.tensors, strict=False)
        if loading is Loading.AFTER_RENAMING and one.name != other.name
    ]
    same = loading is not Loading.NOT and not any(change.rule in FUNCTION_RULES for change in changes)
    return Checkpoints(loading, same, tuple(renamed), len(new.tensors), len(old.meanings & new.meanings))


def _loading(old: Trained, new: Trained) -> Loading:
    if old.digest != new.digest:
        return Loading.NOT
    shapes = [{each.name: each.shape for each in side.tensors} for side in (old, new)]
    if shapes[0] == shapes[1]:
        return Loading.LOADS
    in_order = [[(each.shape, each.role) for each in side.tensors] for side in (old, new)]
    return Loading.AFTER_RENAMING if in_order[0] == in_order[1] else Loading.NOT
