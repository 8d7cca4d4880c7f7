"""`nfc check --artifact`: compiled files against the network that they should hold."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import click

from nfc.cli.programs import Opening, only_network, require_network
from nfc.cli.progress import progress
from nfc.diagnostics import Diagnostic, NfcError, Severity, Sink
from nfc.render.json import Record
from nfc.render.visible import visible

if TYPE_CHECKING:
    from nfc.api import Network


DIFFERENT = "NF513"
"""The code of an artifact that holds something else."""


@dataclass(frozen=True)
class Verified:
    """The outcome: findings, a record and a line of text for each artifact."""

    diagnostics: tuple[Diagnostic, ...] = ()
    records: tuple[Record, ...] = ()
    lines: tuple[str, ...] = ()


def verified(
    artifacts: Sequence[str], files: Sequence[str], opening: Opening, network: str | None
) -> Verified:
    """Whether the artifacts hold the network of the one file; nothing where the file has errors."""
    if not artifacts:
        return Verified()
    if len(files) != 1:
        raise click.UsageError(f"--artifact goes with one FILE, found {len(files)}")
    program = opening.open(files[0], Sink())
    if program is None:
        return Verified()
    chosen = require_network(program, network, files[0]) if network else only_network(program, files[0])
    outcomes = [(path, _findings(path, chosen)) for path in artifacts]
    return Verified(
        tuple(finding for _, findings in outcomes for finding in findings),
        tuple({"file": path, "network": chosen.name, "ok": _holds(found)} for path, found in outcomes),
        tuple(_line(path, chosen, found) for path, found in outcomes),
    )


def _findings(path: str, network: Network) -> tuple[Diagnostic, ...]:
    from nfc.artifacts.verify import verify

    try:
        with progress(f"verifying {visible(path)}"):
            return verify(path, network)
    except NfcError as error:
        return error.diagnostics


def _holds(findings: Sequence[Diagnostic]) -> bool:
    return all(each.severity is not Severity.ERROR for each in findings)


def _line(path: str, network: Network, findings: Sequence[Diagnostic]) -> str:
    if any(each.severity is Severity.ERROR and each.code != DIFFERENT for each in findings):
        return f"{visible(path)}: cannot be verified"
    if not _holds(findings):
        return f"{visible(path)}: not the topology of {visible(network.name)}"
    return f"{visible(path)}: the topology of {visible(network.name)}, {network.edges:,} edges"
