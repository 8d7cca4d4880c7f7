"""What a shell offers for arguments; click prints the scripts that ask for it (`_NFC_COMPLETE=bash_source nfc`)."""

from __future__ import annotations

import string
from collections.abc import Iterator

import click
from click.shell_completion import CompletionItem

NAME_CHARACTERS = f"{string.ascii_letters}{string.digits}_"
FAMILIES = (
    "dense block band random bernoulli small_world n_of_m torus hypercube butterfly monarch clos benes "
    "shuffle_exchange radix_net expander lowrank pixelfly"
).split()
"""The families that are searched, here once more since a shell waits for no NumPy; a test compares them."""
TOPOLOGIES = [*FAMILIES, *"diagonal file cascade parallel transpose kron direct_sum permute".split()]
"""The language's names of topologies; a test compares them too."""


def complete_file(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """A file, whose names the shell knows itself."""
    return [CompletionItem(incomplete, type="file")]


def complete_code(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """The diagnostic codes that begin so, each with its title."""
    from nfc.codes import codes, title

    return [CompletionItem(code, help=title(code)) for code in codes() if code.startswith(incomplete.upper())]


def complete_family(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """The families of a search that begin so."""
    return [CompletionItem(each) for each in FAMILIES if each.startswith(incomplete)]


def complete_topology(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """The topologies that the last name of an expression may become: standard ones and those of `--file`."""
    start = incomplete.rstrip(NAME_CHARACTERS)
    name = incomplete[len(start) :]
    names = [*TOPOLOGIES, *_defined(ctx.params.get("file"))]
    return [CompletionItem(f"{start}{each}") for each in names if each.startswith(name)]


def _defined(file: str | None) -> Iterator[str]:
    """The masks and topologies of a file and of those that it uses; none where it cannot be read."""
    from nfc.diagnostics import NfcError, Sink
    from nfc.files import load
    from nfc.limits import Limits
    from nfc.syntax import ast

    if file in (None, "-"):  # standard input is the shell's
        return
    try:
        files = load(file, Sink(), Limits())
    except NfcError:
        return
    for each in (each for one in (files.root, *files.used) for each in one.definitions):
        if isinstance(each, ast.Mask | ast.Topology):
            yield each.name
