"""Measurements of a fabric, remembered while the fabric lives, so that ten assertions take one computation."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import TypeVar
from weakref import WeakKeyDictionary

from nfc.ir.fabric import Fabric

Result = TypeVar("Result")


def once_a_fabric(measure: Callable[[Fabric], Result]) -> Callable[[Fabric], Result]:
    """`measure` with its results kept for each fabric until the fabric is dropped.

    A result must not refer to its fabric, which would keep it alive. Failures are not kept.
    """
    results: WeakKeyDictionary[Fabric, Result] = WeakKeyDictionary()

    @wraps(measure)
    def remembered(fabric: Fabric) -> Result:
        found = results.get(fabric)
        if found is None:
            found = results[fabric] = measure(fabric)
        return found

    return remembered
