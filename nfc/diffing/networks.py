"""What changed between the networks of two files: operations, totals, and what trained weights are still good for."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from nfc.analysis.totals import (
    network_density,
    network_depth,
    network_edges,
    network_flops,
    network_parameters,
)
from nfc.diffing.changes import Change
from nfc.diffing.checkpoints import Checkpoints, Trained, checkpoints
from nfc.diffing.views import View, ViewDiff, view_diffs, view_of
from nfc.ir.digest import network_digest
from nfc.ir.network import Network

Totals = Mapping[str, int | float | str]
Measure = Callable[[Network], int | float | str]

TOTALS: dict[str, Measure] = {
    "params": network_parameters,
    "edges": network_edges,
    "flops": network_flops,
    "density": network_density,
    "depth": network_depth,
    "digest": network_digest,
}
"""What is told of a network as a whole, by its name in the language."""


@dataclass(frozen=True)
class NetworkDiff:
    """What became of a network; `old` or `new` is None where it was added or removed.

    Attributes:
        old_totals, new_totals: TOTALS of both; empty where there is no network.
    """

    old: Network | None
    new: Network | None
    changes: tuple[Change, ...]
    old_totals: Totals
    new_totals: Totals
    checkpoints: Checkpoints | None

    @property
    def name(self) -> str:
        """The new name; the old one where the network is gone."""
        known = self.new or self.old
        assert known is not None
        return known.name


def network_diffs(old: Mapping[str, Network], new: Mapping[str, Network]) -> list[NetworkDiff]:
    """The networks in the order of the new file, those that are gone at the end."""
    before = {name: view_of(network) for name, network in old.items()}
    after = {name: view_of(network) for name, network in new.items()}
    return [
        _diff(
            found,
            old[found.old.name] if found.old else None,
            new[found.new.name] if found.new else None,
        )
        for found in view_diffs(before, after)
    ]


def _diff(found: ViewDiff, old: Network | None, new: Network | None) -> NetworkDiff:
    before, after = _totals(old), _totals(new)
    known = None
    if old and new and found.old and found.new:
        trained = _trained(old, found.old, before), _trained(new, found.new, after)
        known = checkpoints(*trained, found.changes)
    return NetworkDiff(old, new, found.changes, before, after, known)


def _trained(network: Network, view: View, totals: Totals) -> Trained:
    digests = {operation.path: operation.digest for operation in view.operations}
    return Trained(network, str(totals["digest"]), digests)


def _totals(network: Network | None) -> Totals:
    return {name: measure(network) for name, measure in TOTALS.items()} if network else {}
