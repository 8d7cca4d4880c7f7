"""What `nfc show` says of a factor's structure, and of which layers."""

from __future__ import annotations

import re

from nfc.api import Layer
from nfc.ir.fabric import factors
from nfc.ir.factors import Blocks, Factor, FanIn, Kron, Restricted, Shifts
from nfc.topologies import FAMILIES

STANDARD = {*FAMILIES} - {"file"}
"""Topologies whose names say how their factors look."""

_STRING = re.compile(r'"[^"]*"')
_NAME = re.compile(r"\b[A-Za-z_]\w*\b(?!\s*=)")
_OTHER = {"true", "false"}


def structure(factor: Factor) -> str:
    """The factor in a few words: its kind, then how many blocks of which size, outputs × inputs, or how many inputs."""
    match factor:
        case Kron(is_dense=True):
            return f"dense {factor.b} × {factor.c}"
        case Kron(b=1, c=1):
            return "diagonal"
        case Kron(d=1):
            return f"kron {factor.a} × ({factor.b} × {factor.c})"
        case Kron():
            return f"kron {factor.a} × ({factor.b} × {factor.c}), stride {factor.d}"
        case Blocks(row_sets=row_sets, col_sets=col_sets):
            return f"blocks {len(row_sets)} × ({row_sets.shape[1]} × {col_sets.shape[1]}), relabelled"
        case Restricted(base=base):
            return f"part of {structure(base)}"
        case Shifts(dims=dims, offsets=offsets):
            return f"shifts {len(offsets)} over {' × '.join(map(str, dims))}"
        case FanIn(table=table):
            return f"fan-in {table.shape[1]}"
        case _:
            return "edges"


def recognised(layer: Layer) -> str | None:
    """The structure of a layer's only factor; None where there are several, or the topology says it by its name.

    Masks, files and the algebra do not.
    """
    first, *others = factors(layer.ir.fabric)
    text = _STRING.sub("", layer.topology)
    said = {*_NAME.findall(text)} <= STANDARD | _OTHER and not set(text) & set("|&~-")
    return None if others or said else structure(first)
