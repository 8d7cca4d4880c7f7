"""Runs check blocks: every assertion, none stops the rest."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from nfc.checks.assertion import Measurements
from nfc.checks.block import Block, unmeasured
from nfc.checks.layers import paths_of
from nfc.checks.names import Scope
from nfc.checks.result import Result
from nfc.diagnostics import Diagnostic, Label, Sink, did_you_mean
from nfc.ir.network import Network
from nfc.limits import Limits
from nfc.sema import scope as files
from nfc.sema.values import Value
from nfc.syntax import ast


class Checked(Protocol):
    """What checking needs of an elaborated program."""

    @property
    def checks(self) -> tuple[ast.Check, ...]:
        """The check blocks of the root file, in order."""

    @property
    def constants(self) -> Mapping[str, Value]:
        """The constants that the root file sees."""

    @property
    def networks(self) -> Mapping[str, Network]:
        """The networks without errors."""

    @property
    def broken(self) -> frozenset[str]:
        """The names of definitions with errors."""

    @property
    def scope(self) -> files.Scope:
        """The names that the root file sees."""


def run(program: Checked, networks: Mapping[str, Network], sink: Sink, limits: Limits) -> tuple[Result, ...]:
    """The results of all check blocks of the networks given, in the order of the file.

    An assertion that fails is also an NF501 error at its place. One without a value is an error of
    another code, and fails with nothing measured. Blocks for networks that are not among those
    given are left out: they were not asked for, or they have errors, which have been reported. A
    block for what is no network of the root file is NF201, and its assertions fail.

    Args:
        networks: initialised, by name.
    """
    results: list[Result] = []
    for check in program.checks:
        network = networks.get(check.network)
        if network is not None:
            scope = Scope(paths_of(network), program.constants)
            block = Block(check.network, Measurements(network), sink, limits)
            results.extend(block.results(check.statements, scope))
        elif check.network not in program.networks and check.network not in program.broken:
            error = _unknown(check, program)
            sink.add(error)
            results.extend(unmeasured(check.network, check.statements, error))
    return tuple(results)


def _unknown(check: ast.Check, program: Checked) -> Diagnostic:
    """The error of a block that is about no network of the root file."""
    name, span = check.network, check.network_span
    entry = program.scope.names.get(name)
    if entry is None:
        message = f"this file defines no network `{name}`"
        return Diagnostic("NF201", message, span, hints=did_you_mean(name, program.networks))
    labels = (Label(entry.name_span, "defined here"),)
    if not isinstance(entry.definition, ast.Network):
        message = f"a check is about a network; `{name}` is {entry.kind}"
        return Diagnostic("NF201", message, span, labels=labels, hints=did_you_mean(name, program.networks))
    file = entry.scope.file.source.name
    message = f"a file checks the networks that it defines itself; `{name}` is defined in `{file}`"
    return Diagnostic("NF201", message, span, labels=labels, hints=(f"write this block in `{file}`",))
