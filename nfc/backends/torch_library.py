"""The helper classes and functions of emitted modules, as text, with what each of them needs."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

IMPORTS = {
    "inspect": "import inspect",
    "math": "import math",
    "warnings": "import warnings",
    "ABC": "from abc import ABC, abstractmethod",
    "abstractmethod": "from abc import ABC, abstractmethod",
    "cache": "from functools import cache",
    "accumulate": "from itertools import accumulate, chain, pairwise",
    "chain": "from itertools import accumulate, chain, pairwise",
    "pairwise": "from itertools import accumulate, chain, pairwise",
    "Path": "from pathlib import Path",
    "torch": "import torch",
    "F": "import torch.nn.functional as F",
    "safe_open": "from safetensors import safe_open",
    "Tensor": "from torch import Tensor, nn",
    "nn": "from torch import Tensor, nn",
}
"""The import of each name that emitted text may use, in order; every module has torch, Tensor and nn."""

SOURCES = (
    "torch_helpers.py",
    "torch_helpers_inputs.py",
    "torch_helpers_functions.py",
    "torch_helpers_transposes.py",
    "torch_helpers_layouts.py",
    "torch_helpers_rows.py",
    "torch_helpers_products.py",
    "torch_helpers_sets.py",
    "torch_helpers_sparse.py",
    "torch_helpers_sparse_products.py",
    "torch_helpers_edges.py",
    "torch_helpers_semi_structured.py",
    "torch_helpers_cascade.py",
    "torch_helpers_stages.py",
    "torch_helpers_fuse.py",
    "torch_helpers_convolutions.py",
    "torch_helpers_attention.py",
    "torch_helpers_state.py",
    "torch_helpers_groups.py",
)
TRIMMED = ("Draws",)
"""Classes of which only the methods that are called are printed."""


@dataclass(frozen=True)
class Helper:
    """A class or function: its text, and the imports and helpers that it names."""

    text: str
    names: frozenset[str]


@cache
def library() -> Mapping[str, Helper]:
    """Every helper by its name, in the order in which emitted modules define them."""
    texts = [files("nfc.backends").joinpath(name).read_text("utf-8") for name in SOURCES]
    segments = {name: segment for text in texts for name, segment in _segments(text)}
    known = segments.keys() | IMPORTS.keys()
    return {name: Helper(segment, _names(segment) & known) for name, segment in segments.items()}


def helpers(text: str) -> list[Helper]:
    """The helpers that a text names and all that they need, in order of definition."""
    attributes = {node.attr for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Attribute)}
    needed: dict[str, Helper] = {}
    pending = set(_names(text) & library().keys())
    while pending:
        name = pending.pop()
        found = library()[name]
        needed[name] = trimmed(found, attributes) if name in TRIMMED else found
        pending |= (needed[name].names & library().keys()) - needed.keys()
    return [needed[name] for name in library() if name in needed]


def trimmed(helper: Helper, attributes: Iterable[str]) -> Helper:
    """A class without the methods that neither these attributes nor its other methods name."""
    (node,) = ast.parse(helper.text).body
    assert isinstance(node, ast.ClassDef)
    methods = {each.name: each for each in node.body if isinstance(each, ast.FunctionDef)}
    kept, pending = set[str](), {"__init__", *attributes} & methods.keys()
    while pending:
        kept |= pending
        calls = {
            inner.attr
            for name in pending
            for inner in ast.walk(methods[name])
            if isinstance(inner, ast.Attribute)
        }
        pending = (calls & methods.keys()) - kept
    lines = helper.text.splitlines()
    for method in reversed(list(methods.values())):
        if method.name not in kept:
            del lines[method.lineno - 2 : method.end_lineno]  # with the empty line before it
    text = "\n".join(lines)
    return Helper(text, _names(text) & helper.names)


def import_lines(texts: Iterable[str]) -> list[str]:
    """The import statements for the names in these texts: the standard library, an empty line, the rest."""
    used = {"torch", "nn"}.union(*map(_names, texts))
    lines = [line for name, line in IMPORTS.items() if name in used]
    first = [line for line in dict.fromkeys(lines) if line.split()[1] in sys.stdlib_module_names]
    others = [line for line in dict.fromkeys(lines) if line not in first]
    return [*first, *([""] if first else []), *others]


def _segments(text: str) -> Iterator[tuple[str, str]]:
    """Each class and function of a source with its text, its decorators included."""
    lines = text.splitlines()
    for node in ast.parse(text).body:
        if isinstance(node, ast.ClassDef | ast.FunctionDef):
            first = min([node.lineno, *(decorator.lineno for decorator in node.decorator_list)])
            yield node.name, "\n".join(lines[first - 1 : node.end_lineno])


def _names(text: str) -> frozenset[str]:
    return frozenset(node.id for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Name))
