"""Evaluation at some of the indices of a slice: those that are flagged, along one axis."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nfc.ir.factors import Flags
from nfc.sema.masks.vectors import Vector, shape_of


@dataclass(frozen=True, eq=False)
class Selection:
    """The flagged indices, in order: `places` along each axis of `shape`."""

    shape: tuple[int, ...]
    places: tuple[NDArray[np.intp], ...]

    @classmethod
    def of(cls, flags: Flags, variables: Mapping[str, Vector]) -> Selection:
        """The indices that flags and variables broadcast to, where they are flagged."""
        shape = shape_of((Vector(flags), *variables.values()))
        return cls(shape, np.nonzero(np.broadcast_to(flags, shape)))

    def taken(self, variables: Mapping[str, Vector]) -> dict[str, Vector]:
        """The variables at the selected indices."""
        return {
            name: replace(vector, values=self._taken(vector.values)) for name, vector in variables.items()
        }

    def scattered(self, vector: Vector) -> Vector:
        """A condition at the selected indices as one of the whole shape, false elsewhere."""
        wrong = None if vector.wrong is None else self._scattered(vector.wrong)
        return Vector(self._scattered(vector.values), wrong=wrong)

    def _taken(self, values: NDArray[Any]) -> NDArray[Any]:
        own = self.places[len(self.places) - values.ndim :]
        index = tuple(
            place if size > 1 else np.intp(0) for size, place in zip(values.shape, own, strict=True)
        )
        return np.atleast_1d(values[index])

    def _scattered(self, flags: Flags) -> Flags:
        whole = np.zeros(self.shape, np.bool_)
        whole[self.places] = flags
        return whole
