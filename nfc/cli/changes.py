"""Changes between networks as the records of JSON documents."""

from __future__ import annotations

from nfc.diffing.changes import Change
from nfc.diffing.checkpoints import Checkpoints
from nfc.diffing.edges import Edge, EdgeChange
from nfc.diffing.networks import NetworkDiff
from nfc.diffing.program import ProgramDiff
from nfc.diffing.rules import breaks
from nfc.render.json import Record


def diff_record(old: str, new: str, diff: ProgramDiff | None) -> Record:
    """What `nfc diff` found between the files of these names; nothing where one has errors."""
    return {
        "old": old,
        "new": new,
        "networks": [_network(network) for network in diff.networks] if diff else [],
        "params": [change_record(change) for change in diff.params] if diff else [],
        "checks": [change_record(change) for change in diff.checks] if diff else [],
    }


def _network(network: NetworkDiff) -> Record:
    return {
        "name": network.name,
        "old_name": network.old.name if network.old else None,
        "status": _status(network),
        "old": dict(network.old_totals) or None,
        "new": dict(network.new_totals) or None,
        "checkpoints": _checkpoints(network.checkpoints) if network.checkpoints else None,
        "changes": [change_record(change) for change in network.changes],
    }


def _status(network: NetworkDiff) -> str:
    if network.old is None:
        return "added"
    if network.new is None:
        return "removed"
    if network.old.name != network.new.name:
        return "renamed"
    return "changed" if network.changes else "unchanged"


def change_record(change: Change) -> Record:
    span = change.span
    return {
        "rule": change.rule,
        "breaks": breaks(change.rule).value,
        "path": change.path,
        "message": change.message,
        "old": change.old,
        "new": change.new,
        "edges": _edges(change.edges) if change.edges else None,
        "file": span.source.name if span else None,
        "line": span.line if span else None,
    }


def _edges(change: EdgeChange) -> Record:
    return {
        "added": change.added,
        "removed": change.removed,
        "first_added": [_edge(edge) for edge in change.first_added],
        "first_removed": [_edge(edge) for edge in change.first_removed],
    }


def _edge(edge: Edge) -> Record:
    return {"factor": edge.place, "output": edge.output, "input": edge.input}


def _checkpoints(found: Checkpoints) -> Record:
    return {
        "loading": found.loading.value,
        "same_function": found.same_function,
        "tensors": found.tensors,
        "kept": found.kept,
        "renamed": [{"old": old, "new": new} for old, new in found.renamed],
    }
