"""The helper classes and functions of emitted modules, as text, with what each of them needs."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

IMPORTS = {
    "math": "import math",
    "Path": "from pathlib import Path",
    "torch": "import torch",
    "F": "import torch.nn.functional as F",
    "safe_open": "from safetensors import safe_open",
    "Tensor": "from torch import Tensor, nn",
    "nn": "from torch import Tensor, nn",
}
"""The import of each name that emitted text may use, in order; every module has torch, Tensor and nn."""
STANDARD_LIBRARY = ("import math", "from pathlib import Path")


@dataclass(frozen=True)
class Helper:
    """A class or function: its text, and the imports and helpers that it names."""

    text: str
    names: frozenset[str]


@cache
def library() -> Mapping[str, Helper]:
    """Every helper by its name, in the order in which emitted modules define them."""
    text = files("nfc.backends").joinpath("torch_helpers.py").read_text("utf-8")
    nodes = [node for node in ast.parse(text).body if isinstance(node, ast.ClassDef | ast.FunctionDef)]
    known = {node.name for node in nodes} | set(IMPORTS)
    return {
        node.name: Helper(ast.get_source_segment(text, node) or "", frozenset(_names(node) & known))
        for node in nodes
    }


def closure(names: Iterable[str]) -> list[str]:
    """The names of the helpers among `names` and of all that they need, in order of definition."""
    needed: set[str] = set()
    pending = [name for name in names if name in library()]
    while pending:
        name = pending.pop()
        if name not in needed:
            needed.add(name)
            pending.extend(inner for inner in library()[name].names if inner in library())
    return [name for name in library() if name in needed]


def import_lines(names: Iterable[str]) -> list[str]:
    """The import statements for these names: the standard library, an empty line, the rest."""
    used = {*names, "torch", "nn"} & set(IMPORTS)
    lines = [line for name, line in IMPORTS.items() if name in used]
    first = [line for line in dict.fromkeys(lines) if line in STANDARD_LIBRARY]
    others = [line for line in dict.fromkeys(lines) if line not in STANDARD_LIBRARY]
    return [*first, *([""] if first else []), *others]


def _names(node: ast.AST) -> set[str]:
    return {inner.id for inner in ast.walk(node) if isinstance(inner, ast.Name)}
