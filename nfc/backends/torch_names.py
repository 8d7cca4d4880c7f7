"""Names of emitted classes and variables that clash with nothing."""

from __future__ import annotations

import builtins
import keyword
from dataclasses import dataclass, field

from nfc.backends.torch_library import IMPORTS, library

AMBIGUOUS = ("I", "O")
"""Class names that linters refuse, as they read like digits."""


def reserved_names() -> frozenset[str]:
    """Names that no emitted class may take, whether or not the module at hand uses them."""
    return frozenset((*keyword.kwlist, *dir(builtins), *IMPORTS, *library(), *AMBIGUOUS))


def camel_case(name: str) -> str:
    """`mnist_small` → `MnistSmall`; a name without letters gets `Network` before its digits."""
    joined = "".join(part[:1].upper() + part[1:] for part in name.split("_"))
    return joined if joined[:1].isalpha() else f"Network{joined}"


def file_stem(network: str) -> str:
    """The network's name as a file's, `_` appended where `import` would find another module by it."""
    taken = keyword.iskeyword(network) or network in ("torch", "safetensors", "numpy", "math", "pathlib")
    return f"{network}_" if taken else network


@dataclass
class Namespace:
    """Gives each thing that asks a name of its own."""

    taken: set[str] = field(default_factory=lambda: set(reserved_names()))

    def unique(self, name: str) -> str:
        """The name itself, with `_` if it is reserved, or else with the least free number."""
        safe = f"{name}_" if name in reserved_names() else name
        candidate, number = safe, 2
        while candidate in self.taken:
            candidate, number = f"{safe}_{number}", number + 1
        self.taken.add(candidate)
        return candidate
