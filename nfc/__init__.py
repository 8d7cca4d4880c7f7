"""nfc, the sparse-network compiler.

`load` reads a `.nf` file, `topology` builds one fabric; everything wrong is an `NfcError`. The
names are imported when they are first used, so that `import nfc` costs nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from nfc import version

if TYPE_CHECKING:
    from nfc.api import Fabric, Layer, Network, Program, Report, load, topology
    from nfc.diagnostics import Diagnostic, NfcError
    from nfc.limits import Limits
    from nfc.source import Source

__version__ = version.VERSION

__all__ = [
    "Diagnostic",
    "Fabric",
    "Layer",
    "Limits",
    "Network",
    "NfcError",
    "Program",
    "Report",
    "Source",
    "__version__",
    "load",
    "topology",
]

_HOMES = {
    "Diagnostic": "nfc.diagnostics",
    "NfcError": "nfc.diagnostics",
    "Limits": "nfc.limits",
    "Source": "nfc.source",
}


def __getattr__(name: str) -> object:
    if name not in __all__:
        raise AttributeError(f"module `nfc` has no attribute `{name}`")
    from importlib import import_module

    return getattr(import_module(_HOMES.get(name, "nfc.api")), name)


def __dir__() -> list[str]:
    return sorted(__all__)
