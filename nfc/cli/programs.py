"""Programs as verbs open them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import click

from nfc.cli.progress import progress
from nfc.diagnostics import NfcError, Sink, did_you_mean
from nfc.limits import Limits
from nfc.render.visible import visible

if TYPE_CHECKING:
    from nfc.api import Network, Program
    from nfc.revision import RevisionFile


@dataclass(frozen=True)
class Opening:
    """How files are read and elaborated: `-D`, `--allow-outside` and the limits.

    Attributes:
        defaults: values of parameters that the configuration sets, for the files that have them.
    """

    parameters: Mapping[str, str]
    limits: Limits
    allow_outside: bool
    defaults: Mapping[str, object] = field(default_factory=dict)

    def open(self, file: str | RevisionFile, sink: Sink) -> Program | None:
        """The program of a file, or of standard input for `-`; None after an error, which is in the sink.

        Each file is read for itself: an error in one leaves the others as they are.
        """
        from nfc.api import read_program

        try:
            with progress(f"elaborating {visible(file if isinstance(file, str) else file.name)}"):
                program = read_program(
                    file,
                    self.parameters,
                    self.limits,
                    allow_outside=self.allow_outside,
                    defaults=self.defaults,
                )
        except NfcError as error:
            for diagnostic in error.diagnostics:
                sink.add(diagnostic)
            return None
        for warning in program.diagnostics:
            sink.add(warning)
        return program


def require_network(program: Program, name: str, file: str) -> Network:
    """The network that `--network` names; a usage error where there is none."""
    names = list(program.networks)
    if name not in names:
        hint = " ".join(did_you_mean(name, names)) or f"it holds {', '.join(names) or 'none'}"
        raise click.BadParameter(f"no network `{name}` in `{file}`; {hint}", param_hint="--network")
    return program[name]


def only_network(program: Program, file: str) -> Network:
    """The one network of a file; a usage error where there are none or several."""
    names = list(program.networks)
    if not names:
        raise click.UsageError(f"`{file}` holds no network")
    if len(names) > 1:
        raise click.UsageError(
            f"`{file}` holds several networks; choose one with --network: {', '.join(names)}"
        )
    return program.network
