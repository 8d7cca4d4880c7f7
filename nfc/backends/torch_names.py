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


IMPORTED = frozenset(
    """
    torch safetensors numpy
    abc argparse array ast asyncio atexit base64 binascii bisect builtins bz2 calendar cmath code codecs
    collections concurrent contextlib contextvars copy copyreg csv ctypes dataclasses datetime difflib dis
    email encodings enum errno fcntl fnmatch fractions functools gc genericpath gettext glob grp gzip hashlib
    heapq hmac http importlib inspect io ipaddress itertools json keyword linecache locale logging lzma
    marshal math mmap multiprocessing ntpath numbers opcode operator os pathlib pdb pickle pickletools
    pkgutil platform posix posixpath pprint pwd queue quopri random re reprlib runpy secrets select selectors
    shutil signal site socket ssl stat statistics string struct subprocess sys sysconfig tarfile tempfile
    textwrap threading time timeit token tokenize traceback types typing unittest urllib uuid warnings
    weakref xml zipfile zipimport zlib
    """.split()
)
"""Modules that `import torch` needs: a file of such a name beside a program would be found in their place."""


def file_stem(network: str) -> str:
    """The network's name as a file's, `_` appended where `import` would find another module by it."""
    return f"{network}_" if keyword.iskeyword(network) or network in IMPORTED else network


@dataclass
class Namespace:
    """Gives each thing that asks a name of its own."""

    taken: set[str] = field(default_factory=lambda: set(reserved_names()))

    def unique(self, name: str) -> str:
        """The name itself, with `_` if it is reserved, or else with `Variant` and the least free number."""
        safe = f"{name}_" if name in reserved_names() else name
        candidate, number = safe, 2
        while candidate in self.taken:
            candidate, number = f"{safe}Variant{number}", number + 1
        self.taken.add(candidate)
        return candidate
