"""Measurements remembered while their subject lives, so that ten assertions take one computation."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import TypeVar
from weakref import WeakKeyDictionary, finalize

from nfc.ir.fabric import Fabric
from nfc.ir.network import Network

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


def once_a_network(measure: Callable[[Network], Result]) -> Callable[[Network], Result]:
    """`measure` with its results kept for each network, by identity: equal networks may differ in their draws.

    A result must not refer to its network, which would keep it alive. Failures are not kept.
    """
    results: dict[int, Result] = {}

    @wraps(measure)
    def remembered(network: Network) -> Result:
        key = id(network)
        if key not in results:
            results[key] = measure(network)
            finalize(network, results.pop, key, None)
        return results[key]

    return remembered
