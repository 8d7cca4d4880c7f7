"""Semantic analysis of a program: from the syntax trees of its files to networks."""

from __future__ import annotations

import os.path
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from typing import Protocol

from nfc.diagnostics import Diagnostic, Sink
from nfc.ir.fabric import Fabric
from nfc.ir.network import Network
from nfc.limits import Limits
from nfc.sema.arguments import CallArguments
from nfc.sema.budget import Budget
from nfc.sema.constants import Constants, Overrides, evaluate_constants, report_cycle
from nfc.sema.definitions import check_definition, topologies_named
from nfc.sema.environment import Environment
from nfc.sema.errors import AlreadyReported, SemanticError
from nfc.sema.findings import bounded
from nfc.sema.graph import dependency_order
from nfc.sema.matched import Statements, inlined_networks
from nfc.sema.matrix_files import DataFiles, MatrixFiles
from nfc.sema.names import NameCheck
from nfc.sema.networks import Networks
from nfc.sema.scope import Entry, Scope, nameless, open_uses, own_scope
from nfc.sema.statements import check_network
from nfc.sema.values import Value
from nfc.sema.wiring import Wiring
from nfc.source import Source
from nfc.syntax import ast, parse_expression


class Files(Protocol):
    """A file and those it uses; `nfc.files.load` gives one."""

    @property
    def root(self) -> ast.File: ...

    @property
    def used(self) -> tuple[ast.File, ...]: ...

    @property
    def data(self) -> DataFiles: ...

    def uses(self, file: ast.File) -> tuple[ast.File, ...]: ...


@dataclass(frozen=True, eq=False)
class Program:
    """What a file means.

    Attributes:
        networks: those that the file defines and that have no errors, by name, in order.
        checks: the file's check blocks, in order.
        constants: the constants that the file sees, by name, with their values.
        broken: names that the file sees and that have errors; what is wrong is reported.
        source: the file's text.
        scope: the names that the file sees.
        data: the files that its topologies may read.
    """

    networks: Mapping[str, Network]
    checks: tuple[ast.Check, ...]
    constants: Mapping[str, Value]
    broken: frozenset[str]
    source: Source
    scope: Scope
    values: Constants
    data: DataFiles


def elaborate(files: Files, *, overrides: Overrides, sink: Sink, limits: Limits) -> Program:
    """Give a file its meaning. What is wrong is reported, in the files that it uses too.

    Args:
        overrides: values for `param`s of any of the files, text being read as an expression.
    """
    found = Sink()
    try:
        return _elaborate(files, overrides, found, limits)
    finally:
        _hand_over(found, files, sink)


def _elaborate(files: Files, overrides: Overrides, sink: Sink, limits: Limits) -> Program:
    scopes = _scopes(files, sink)
    root = scopes[0]
    constants = evaluate_constants(scopes, overrides, sink, limits)
    entries = [entry for scope in scopes for entry in scope.own.values()]
    _check_wiring(entries, sink)
    matrices = MatrixFiles(files.data)
    networks = _check_networks(entries, constants, matrices, sink, limits)
    own = [entry for entry in root.own.values() if isinstance(entry.definition, ast.Network)]
    elaborated = {entry.name: networks.network(entry) for entry in own}
    digest = sources_digest(files, matrices)
    return Program(
        networks={
            name: replace(network, source_digest=digest)
            for name, network in elaborated.items()
            if network is not None
        },
        checks=tuple(each for each in files.root.definitions if isinstance(each, ast.Check)),
        constants=constants.visible(root),
        broken=frozenset(name for name, entry in root.names.items() if entry.broken),
        source=files.root.source,
        scope=root,
        values=constants,
        data=files.data,
    )


def sources_digest(files: Files, matrices: MatrixFiles) -> str:
    """The digest of the root file's text; with other files one of all digests, the root's first.

    Texts come in the order of use; matrices follow in the order of reading, as the digests of their
    patterns, whatever format they are stored in.
    """
    digests = [*(file.source.digest for file in (files.root, *files.used)), *matrices.digests()]
    return digests[0] if len(digests) == 1 else "sha256:" + sha256("\n".join(digests).encode()).hexdigest()


def topology_fabric(
    text: str,
    rows: int,
    cols: int,
    sink: Sink,
    limits: Limits,
    program: Program | None = None,
    *,
    path: str = "",
    data: DataFiles | None = None,
    name: str = "<topology>",
) -> Fabric | None:
    """The fabric of a topology given as text, cols inputs → rows outputs; None where it is wrong.

    Args:
        program: whose topologies and constants the text may name.
        path: the layer's, which seeds that nobody wrote hang on.
        data: the files that the text may name; without them those of the program, or none.
        name: what diagnostics call the text.
    """
    node = parse_expression(Source(name, text), sink, limits)
    if node is None:
        return None
    scope = (
        program.scope
        if program
        else Scope(ast.File(span=node.span, source=node.span.source, definitions=(), comments=()))
    )
    constants = program.values if program else Constants()
    check = NameCheck(scope, sink)
    check.topology(node, {})
    if not check.ok:
        return None
    matrices = MatrixFiles(data or (program.data if program else None))
    wiring = Wiring(CallArguments("", path), Budget(limits), matrices=matrices)
    try:
        fabric = wiring.fabric(node, Environment(scope, constants, limits, (rows, cols)), rows, cols)
    except SemanticError as error:
        sink.add(error.diagnostic)
        return None
    except AlreadyReported:
        return None
    if wiring.empty is not None:
        sink.add(wiring.empty)
    return fabric


def _scopes(files: Files, sink: Sink) -> list[Scope]:
    """The scopes of all files, the root's first."""
    scopes = [own_scope(file, sink) for file in (files.root, *files.used)]
    by_file = {id(scope.file): scope for scope in scopes}
    for scope in scopes:
        used = [by_file[id(file)] for file in files.uses(scope.file)]
        named = {os.path.normpath(d.path) for d in scope.file.definitions if isinstance(d, ast.Use)}
        open_uses(scope, used, sink)
        scope.incomplete = len(used) < len(named) or any(nameless(s.file) for s in (scope, *used))
    return scopes


def _check_wiring(entries: Sequence[Entry], sink: Sink) -> None:
    """Check the names in masks and topologies, used or not, and that no topology is made of itself."""
    for entry in entries:
        check_definition(entry, sink)
    topologies = [entry for entry in entries if isinstance(entry.definition, ast.Topology)]
    _, cycles = dependency_order(topologies, topologies_named)
    for cycle in cycles:
        report_cycle(cycle, topologies, "is made of itself", sink)


def _check_networks(
    entries: Sequence[Entry], constants: Constants, matrices: MatrixFiles, sink: Sink, limits: Limits
) -> Networks:
    """Check the statements of networks, used or not, and that none holds itself."""
    networks = [entry for entry in entries if isinstance(entry.definition, ast.Network)]
    statements = Statements()
    for entry in networks:
        check_network(entry, statements, sink)
    order, cycles = dependency_order(networks, inlined_networks)
    for cycle in cycles:
        report_cycle(cycle, networks, "holds itself", sink)
    cyclic = _leading_to(order, {entry for cycle in cycles for entry in cycle})
    return Networks(constants, statements, cyclic, sink, Budget(limits), matrices)


def _leading_to(order: Sequence[Entry], cyclic: set[Entry]) -> set[Entry]:
    """The networks in a cycle and those that inline one; `order` has what each needs before it."""
    found = set(cyclic)
    for entry in order:
        if any(other in found for other in inlined_networks(entry)):
            found.add(entry)
            entry.broken = True
    return found


def _hand_over(found: Sink, files: Files, sink: Sink) -> None:
    """Report in the order of places: the root file first, each file from its top."""
    position = {file.source.name: index for index, file in enumerate((files.root, *files.used), 1)}

    def place(diagnostic: Diagnostic) -> tuple[int, int]:
        span = diagnostic.span
        return (0, 0) if span is None else (position.get(span.source.name, 0), span.start)

    for diagnostic in bounded(sorted(found.diagnostics, key=place)):
        sink.add(diagnostic)
