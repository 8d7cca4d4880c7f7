"""A lock: the networks of a file with the digest of every layer, and what they were compiled from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from nfc.diffing.views import View, view_of
from nfc.ir.digest import network_digest
from nfc.sema.program import Program
from nfc.version import VERSION

FORMAT = 1
"""The version of the files' format."""


@dataclass(frozen=True)
class LockedNetwork:
    """A network's operations, and its digest: that of the wiring of all its layers."""

    view: View
    digest: str

    @property
    def params(self) -> int:
        """Trainable numbers."""
        return sum(operation.params for operation in self.view.operations)


@dataclass(frozen=True)
class Lock:
    """What a lock file says.

    Attributes:
        nfc: the version that wrote it.
        source: the digest of the file's text and of all that it uses.
        parameters: the values of `-D`, as given.
        configured: the values that `[tool.nfc.define]` gave to other parameters of the file.
        networks: by name, in the order of the file.
    """

    source: str
    parameters: Mapping[str, str] = field(default_factory=dict)
    configured: Mapping[str, str] = field(default_factory=dict)
    networks: Mapping[str, LockedNetwork] = field(default_factory=dict)
    nfc: str = VERSION


def lock_of(
    program: Program, parameters: Mapping[str, str], configured: Mapping[str, object] | None = None
) -> Lock:
    """The lock of a program that was elaborated with these `-D`, and these values of the configuration."""
    networks = {
        name: LockedNetwork(view_of(network), network_digest(network))
        for name, network in program.networks.items()
    }
    digests = [network.source_digest for network in program.networks.values()]
    settings = {name: _text(value) for name, value in (configured or {}).items()}
    return Lock([*digests, program.source.digest][0], dict(parameters), settings, networks)


def _text(value: object) -> str:
    """A configured value as `-D` takes it: a text is an expression already."""
    if isinstance(value, str):
        return value
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(_text, value))}]"
    return str(value).lower() if isinstance(value, bool) else repr(value)
