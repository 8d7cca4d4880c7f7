"""Networks and layers by their names."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeVar

from nfc.diagnostics import did_you_mean

Item = TypeVar("Item")


def named(name: str, items: Mapping[str, Item], kind: str) -> Item:
    """The item of a name; the KeyError where there is none says what there is."""
    if name not in items:
        hint = " ".join(did_you_mean(name, items)) or f"there are {', '.join(items) or 'none'}"
        raise KeyError(f"no {kind} `{name}`; {hint}")
    return items[name]
