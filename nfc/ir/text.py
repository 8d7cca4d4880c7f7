"""The IR as text that parses back to the same network: for tests of passes, and for reading.

    nfir 1
    network "mlp" [8] -> [3] from "mlp.nf" "sha256:…" {
        linear1: linear [8] -> [6] bias balanced "butterfly" {
            cascade {
                kron(4, 2, 2, 1) uniform(0.5, stream=0)
                restricted(kron(2, 2, 2, 2), flags(6), flags(8)) uniform(0.5, stream=1)
            }
        }
        relu1: relu [6] -> [6]
        sum1: sum [6] -> [3] {
            { … }
            { … }
        }
    }

One operation a line, with its path; blocks nest. Long tables are base64 of little-endian numbers,
flags the lengths of their runs, ones first. Floats are written so that they read back exactly.
Spans are left out. `nfc.ir.text_parser` reads it. The network is a valid one (`nfc.ir.verify`).
"""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Iterator
from dataclasses import fields
from itertools import groupby, repeat
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nfc.ir.convolutions import Conv, Pool, Shuffle
from nfc.ir.deviations import Deviations
from nfc.ir.fabric import Cascade, Fabric
from nfc.ir.factors import Blocks, Factor, FanIn, Flags, Kron, Restricted, Shifts
from nfc.ir.network import (
    Activation,
    Block,
    Concat,
    Draw,
    Dropout,
    Inline,
    Network,
    Norm,
    Op,
    Repeat,
    Residual,
    Sum,
    WeightedLayer,
)
from nfc.ir.sequences import Attention, Embed, Table
from nfc.ir.text_parser import parse_network
from nfc.ir.text_reader import IrTextError

__all__ = ["IrTextError", "parse_network", "print_network"]

LONGEST_LIST = 24
"""Tables of more numbers are written as base64."""
INDENT = "    "


def print_network(network: Network) -> str:
    """A network as text; `parse_network` gives it back, spans left out."""
    source = f"{_text(network.source_name)} {_text(network.source_digest)}"
    head = f"network {_text(network.name)} {_arrow(network)} from {source} {{"
    lines = ["nfir 1", head, *_indented(_block(network.body)), "}"]
    return "\n".join(lines) + "\n"


def _block(block: Block) -> Iterator[str]:
    for op in block:
        yield from _op(op)


def _op(op: Op) -> Iterator[str]:
    head, inner = f"{op.path}: {_words(op)}", _inner(op)
    if inner is None:
        yield head
        return
    yield f"{head} {{"
    yield from _indented(inner)
    if isinstance(op, Residual) and op.project is not None:
        yield "} project {"
        yield from _indented(_op(op.project))
    yield "}"


def _words(op: Op) -> str:
    """What stands on an operation's own line: its name, shapes and options."""
    match op:
        case WeightedLayer():
            return _weighted(op)
        case Activation():
            slope = "" if op.slope is None else f" slope={op.slope}"
            axis = "" if op.axis is None else f" axis={op.axis}"
            return f"{op.function} {_arrow(op)}{slope}{axis}"
        case Norm():
            groups = "" if op.groups is None else f" groups={op.groups}"
            return f"norm {_arrow(op)} {op.norm}{groups}"
        case Pool():
            return f"pool {_arrow(op)} {op.pool} kernel={_json(op.kernel)} stride={_json(op.stride)}"
        case Shuffle():
            return f"shuffle {_arrow(op)} groups={op.groups}"
        case Embed():
            return f"embed {_arrow(op)} vocabulary={op.vocabulary}"
        case Attention():
            return f"attention {_arrow(op)} heads={op.heads}{' causal' if op.causal else ''}"
        case Dropout():
            return f"dropout {_arrow(op)} {op.probability!r}"
        case Inline():
            return f"inline {_arrow(op)} {_text(op.network)}"
        case _:
            return f"{type(op).__name__.lower()} {_arrow(op)}"


def _weighted(op: WeightedLayer) -> str:
    windows = ""
    if isinstance(op, Conv):
        windows = f" kernel={_json(op.kernel)} stride={_json(op.stride)} padding={_json(op.padding)}"
    bias, drawn = " bias" if op.bias else "", "" if op.draws is None else " drawn"
    name = type(op).__name__.lower()
    return f"{name} {_arrow(op)}{windows}{bias} {op.scheme} {_text(op.topology)}{drawn}"


def _inner(op: Op) -> Iterator[str] | None:
    """What stands in an operation's braces; None without braces."""
    match op:
        case WeightedLayer():
            return _fabric(op.fabric, _suffixes(op))
        case Repeat(copies=blocks) | Sum(branches=blocks) | Concat(branches=blocks):
            return _braced(blocks)
        case Residual() | Inline():
            return _block(op.body)
        case Attention():
            return _block((op.q, op.k, op.v, op.o))
        case Table(draw=Draw() as draw):
            return iter([_draw(draw)])
        case _:
            return None


def _braced(blocks: tuple[Block, ...]) -> Iterator[str]:
    for block in blocks:
        yield "{"
        yield from _indented(_block(block))
        yield "}"


def _suffixes(layer: WeightedLayer) -> Iterator[str]:
    """What follows each factor in written order: how it is drawn."""
    if layer.draws is None:
        return repeat("")
    return (f" {_draw(draw)}" for draw in layer.draws)


def _fabric(fabric: Fabric, suffixes: Iterator[str]) -> Iterator[str]:
    if isinstance(fabric, Factor):
        yield _factor(fabric) + next(suffixes)
        return
    yield "cascade {" if isinstance(fabric, Cascade) else "sum {"
    for part in fabric.parts:
        yield from _indented(_fabric(part, suffixes))
    yield "}"


def _factor(factor: Factor) -> str:
    match factor:
        case Kron():
            return f"kron({factor.a}, {factor.b}, {factor.c}, {factor.d})"
        case Blocks():
            return f"blocks({_table(factor.row_sets)}, {_table(factor.col_sets)})"
        case Shifts():
            return f"shifts({_json(factor.dims)}, {_json(factor.offsets)})"
        case FanIn():
            return f"fan_in({factor.cols}, {_table(factor.table)})"
        case Restricted():
            return (
                f"restricted({_factor(factor.base)}, {_flags(factor.live_rows)}, {_flags(factor.live_cols)})"
            )
        case _:
            indptr, indices = factor.arrays()
            return f"edges({factor.cols}, {_table(indptr)}, {_table(indices)})"


def _draw(draw: Draw) -> str:
    return f"{draw.distribution}({_std(draw.std)}, stream={draw.stream})"


def _std(std: float | Deviations) -> str:
    if isinstance(std, float | int):
        return repr(float(std))
    return f"{std.kind}({', '.join(_table(getattr(std, field.name)) for field in fields(std))})"


def _table(array: NDArray[Any]) -> str:
    """An array of integers or floats, as a list where it is short."""
    if 0 < array.size <= LONGEST_LIST:
        return _json(array.tolist())
    kind = "f64" if array.dtype.kind == "f" else "i64"
    data = np.ascontiguousarray(array).astype("<f8" if kind == "f64" else "<i8").tobytes()
    return f"{kind}({_json(array.shape)}, {_text(b64encode(data).decode())})"


def _flags(flags: Flags) -> str:
    """Lengths of runs of equal flags; the first run is of ones, perhaps empty."""
    runs = [(value, len(list(group))) for value, group in groupby(flags.tolist())]
    lengths = [length for _, length in runs]
    return f"flags({', '.join(map(str, lengths if not runs or runs[0][0] else [0, *lengths]))})"


def _arrow(shaped: Op | Network) -> str:
    return f"{_json(shaped.input)} -> {_json(shaped.output)}"


def _json(value: object) -> str:
    return json.dumps(value)


def _text(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


def _indented(lines: Iterator[str]) -> Iterator[str]:
    return (INDENT + line for line in lines)
