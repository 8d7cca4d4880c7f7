"""Passes: steps from network to network, one a file, in one table."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from nfc.passes.base import Pass


def _initialise() -> type[Pass]:
    from nfc.passes.initialise import Initialise

    return Initialise


def _tailor() -> type[Pass]:
    from nfc.passes.tailor import Tailor

    return Tailor


PASSES: dict[str, Callable[[], type[Pass]]] = {
    "tailor": _tailor,
    "initialise": _initialise,
}
"""Every pass by name; the thunks import on demand."""
