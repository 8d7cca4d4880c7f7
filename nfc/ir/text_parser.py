"""Reads the IR's text form, which `nfc.ir.text` describes and prints."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields
from functools import partial
from typing import Any, Literal, TypeVar

from nfc.ir.convolutions import Conv, Depthwise, Pair, Pool, Shuffle
from nfc.ir.deviations import KINDS, Deviations
from nfc.ir.fabric import Cascade, Fabric
from nfc.ir.fabric import Sum as SumOf
from nfc.ir.factors import Blocks, Edges, Factor, FanIn, Kron, Restricted, Shifts
from nfc.ir.network import (
    ACTIVATIONS,
    AUTO_SLOPE,
    Activation,
    Block,
    Concat,
    Crop,
    Draw,
    Dropout,
    Inline,
    Linear,
    Network,
    Norm,
    Op,
    Pad,
    Repeat,
    Reshape,
    Residual,
    Shape,
    Sum,
    WeightedLayer,
)
from nfc.ir.sequences import FABRICS, Attention, Embed, Position, Transpose
from nfc.ir.text_reader import IrTextError, Reader

Item = TypeVar("Item")
Head = dict[str, Any]
"""`path`, `input` and `output` of an operation."""

WINDOWS = ("kernel", "stride", "padding")
"""What a convolution says of its windows, in order."""


def parse_network(text: str) -> Network:
    """The network that `print_network` printed. Tables have the axes they need; all else is `verify`'s.

    Raises:
        IrTextError: the text is malformed.
    """
    reader = Reader(text)
    reader.expect("nfir")
    reader.expect("1")
    network = _network(reader)
    reader.take("end", "the end")
    return network


def _network(reader: Reader) -> Network:
    reader.expect("network")
    name = reader.text()
    input, output = _shapes(reader)
    reader.expect("from")
    source_name, source_digest = reader.text(), reader.text()
    return Network(
        name=name,
        input=input,
        output=output,
        body=_block(reader),
        source_name=source_name,
        source_digest=source_digest,
    )


def _shapes(reader: Reader) -> tuple[Shape, Shape]:
    input = reader.integers()
    reader.expect("->")
    return input, reader.integers()


def _block(reader: Reader) -> Block:
    reader.expect("{")
    operations = []
    while not reader.accept("}"):
        with reader.deeper():
            operations.append(_op(reader))
    return tuple(operations)


def _blocks(reader: Reader) -> tuple[Block, ...]:
    reader.expect("{")
    blocks = []
    while not reader.accept("}"):
        blocks.append(_block(reader))
    return tuple(blocks)


def _op(reader: Reader) -> Op:
    path = reader.word("an operation's path or '}'")
    reader.expect(":")
    name, build = reader.one_of(OPERATIONS, "an operation")
    input, output = _shapes(reader)
    return build(reader, name, {"path": path, "input": input, "output": output})


def _option(reader: Reader, name: str, read: Callable[[], Item]) -> Item | None:
    """`name=value` if it comes next."""
    if not reader.accept(name):
        return None
    reader.expect("=")
    return read()


def _required(reader: Reader, name: str, read: Callable[[], Item]) -> Item:
    """`name=value`."""
    reader.expect(name)
    reader.expect("=")
    return read()


def _pair(reader: Reader) -> Pair:
    """The two integers of a window."""
    failure = reader.failure("two integers")
    found = reader.integers()
    if len(found) != 2:
        raise failure
    return found[0], found[1]


# --- operations --------------------------------------------------------------------------------


def _weighted(operation: type[WeightedLayer], reader: Reader, _: str, head: Head) -> Op:
    if issubclass(operation, Conv):
        head = head | {name: _required(reader, name, partial(_pair, reader)) for name in WINDOWS}
    bias = reader.accept("bias")
    scheme, topology, drawn = reader.word("an initialisation"), reader.text(), reader.accept("drawn")
    draws: list[Draw] = []
    reader.expect("{")
    fabric = _fabric(reader, draws if drawn else None)
    reader.expect("}")
    choices: Head = {"bias": bias, "scheme": scheme, "topology": topology}
    return operation(**head, **choices, fabric=fabric, draws=tuple(draws) if drawn else None)


def _activation(reader: Reader, name: str, head: Head) -> Op:
    slope = _option(reader, "slope", partial(_slope, reader))
    return Activation(**head, function=name, slope=slope, axis=_option(reader, "axis", reader.integer))


def _slope(reader: Reader) -> float | Literal["auto"]:
    return AUTO_SLOPE if reader.accept(AUTO_SLOPE) else reader.number()


def _norm(reader: Reader, _: str, head: Head) -> Op:
    norm = reader.word("a kind of norm")
    return Norm(**head, norm=norm, groups=_option(reader, "groups", reader.integer))


def _pool(reader: Reader, _: str, head: Head) -> Op:
    pool = reader.word("a kind of pool")
    kernel, stride = (_required(reader, name, partial(_pair, reader)) for name in ("kernel", "stride"))
    return Pool(**head, pool=pool, kernel=kernel, stride=stride)


def _shuffle(reader: Reader, _: str, head: Head) -> Op:
    return Shuffle(**head, groups=_required(reader, "groups", reader.integer))


def _table_draw(reader: Reader) -> Draw | None:
    """How a table is drawn, in braces if it is known."""
    if not reader.accept("{"):
        return None
    draw = _draw(reader)
    reader.expect("}")
    return draw


def _embed(reader: Reader, _: str, head: Head) -> Op:
    size = _required(reader, "vocabulary", reader.integer)
    return Embed(**head, vocabulary=size, draw=_table_draw(reader))


def _position(reader: Reader, _: str, head: Head) -> Op:
    return Position(**head, draw=_table_draw(reader))


def _attention(reader: Reader, _: str, head: Head) -> Op:
    heads, causal = _required(reader, "heads", reader.integer), reader.accept("causal")
    failure = reader.failure("four linear operations")
    layers = _block(reader)
    if len(layers) != len(FABRICS) or not all(isinstance(layer, Linear) for layer in layers):
        raise failure
    fabrics: Head = dict(zip(FABRICS, layers, strict=True))
    return Attention(**head, heads=heads, causal=causal, **fabrics)


def _dropout(reader: Reader, _: str, head: Head) -> Op:
    return Dropout(**head, probability=reader.number())


def _plain(operation: type[Op], reader: Reader, _: str, head: Head) -> Op:
    return operation(**head)


def _repeat(reader: Reader, _: str, head: Head) -> Op:
    return Repeat(**head, copies=_blocks(reader))


def _branches(operation: type[Sum | Concat], reader: Reader, _: str, head: Head) -> Op:
    return operation(**head, branches=_blocks(reader))


def _residual(reader: Reader, _: str, head: Head) -> Op:
    body = _block(reader)
    if not reader.accept("project"):
        return Residual(**head, body=body)
    reader.expect("{")
    failure = reader.failure("a weighted operation")
    project = _op(reader)
    reader.expect("}")
    if not isinstance(project, WeightedLayer):
        raise failure
    return Residual(**head, body=body, project=project)


def _inline(reader: Reader, _: str, head: Head) -> Op:
    return Inline(**head, network=reader.text(), body=_block(reader))


OPERATIONS: dict[str, Callable[[Reader, str, Head], Op]] = {
    "linear": partial(_weighted, Linear),
    **dict.fromkeys(ACTIVATIONS, _activation),
    "conv": partial(_weighted, Conv),
    "depthwise": partial(_weighted, Depthwise),
    "pool": _pool,
    "shuffle": _shuffle,
    "norm": _norm,
    "embed": _embed,
    "position": _position,
    "transpose": partial(_plain, Transpose),
    "attention": _attention,
    "dropout": _dropout,
    "pad": partial(_plain, Pad),
    "crop": partial(_plain, Crop),
    "reshape": partial(_plain, Reshape),
    "repeat": _repeat,
    "residual": _residual,
    "sum": partial(_branches, Sum),
    "concat": partial(_branches, Concat),
    "inline": _inline,
}

# --- fabrics -----------------------------------------------------------------------------------


def _fabric(reader: Reader, draws: list[Draw] | None) -> Fabric:
    """A fabric; how its factors are drawn goes to `draws` in written order."""
    for word, node in (("cascade", Cascade), ("sum", SumOf)):
        if reader.accept(word):
            reader.expect("{")
            parts = []
            while not reader.accept("}"):
                with reader.deeper():
                    parts.append(_fabric(reader, draws))
            if not parts:
                raise IrTextError(f"line {reader.next.line}: a {word} has no parts")
            return node(tuple(parts))
    factor = _factor(reader)
    if draws is not None:
        draws.append(_draw(reader))
    return factor


def _draw(reader: Reader) -> Draw:
    distribution = reader.word("how the factor is drawn")
    reader.expect("(")
    std = reader.number() if reader.next.kind == "number" else _deviations(reader)
    reader.expect(",")
    reader.expect("stream")
    reader.expect("=")
    stream = reader.integer()
    reader.expect(")")
    return Draw(distribution, std, stream)


def _deviations(reader: Reader) -> Deviations:
    _, kind = reader.one_of(KINDS, "standard deviations")
    tables = reader.sequence("(", reader.floats, ")")
    if len(tables) != len(fields(kind)):
        raise IrTextError(f"line {reader.next.line}: {kind.kind} has {len(fields(kind))} lists of numbers")
    return kind(*tables)


def _factor(reader: Reader) -> Factor:
    _, build = reader.one_of(FACTORS, "a factor")
    reader.expect("(")
    factor = build(reader)
    reader.expect(")")
    return factor


def _then(reader: Reader, read: Callable[[], Item]) -> Item:
    """The next argument."""
    reader.expect(",")
    return read()


def _kron(reader: Reader) -> Kron:
    a = reader.integer()
    b, c, d = (_then(reader, reader.integer) for _ in range(3))
    return Kron(a, b, c, d)


def _blocks_factor(reader: Reader) -> Blocks:
    row_sets = reader.indices(2)
    return Blocks(row_sets, _then(reader, lambda: reader.indices(2)))


def _shifts(reader: Reader) -> Shifts:
    dims = reader.integers()
    return Shifts(dims, _then(reader, lambda: reader.sequence("[", reader.integers, "]")))


def _fan_in(reader: Reader) -> FanIn:
    cols = reader.integer()
    return FanIn(cols, _then(reader, lambda: reader.indices(2)))


def _edges(reader: Reader) -> Edges:
    cols = reader.integer()
    indptr = _then(reader, lambda: reader.indices(1))
    return Edges(cols, indptr, _then(reader, lambda: reader.indices(1)))


def _restricted(reader: Reader) -> Restricted:
    base = _factor(reader)
    if not isinstance(base, Kron):
        raise IrTextError(f"line {reader.next.line}: a restricted factor has a kron for its base")
    live_rows = _then(reader, reader.flags)
    return Restricted(base, live_rows, _then(reader, reader.flags))


FACTORS: dict[str, Callable[[Reader], Factor]] = {
    "kron": _kron,
    "blocks": _blocks_factor,
    "shifts": _shifts,
    "fan_in": _fan_in,
    "edges": _edges,
    "restricted": _restricted,
}
