"""Rules of operations on sequences (`nfc.ir.verify`)."""

from __future__ import annotations

from math import isfinite

from nfc.ir.rule import Rule
from nfc.ir.sequences import FABRICS, Attention, Embed, Position, Table, Transpose


def _table_draw_fits(op: Table) -> bool:
    draw = op.draw
    if draw is None:
        return True
    return (
        draw.distribution == "uniform"
        and isinstance(draw.std, float)
        and isfinite(draw.std)
        and draw.std >= 0
    )


def _swapped(op: Transpose) -> bool:
    return len(op.input) >= 2 and op.output == (*op.input[:-2], op.input[-1], op.input[-2])


def _fabrics_have_their_labels(op: Attention) -> bool:
    layers = (op.q, op.k, op.v, op.o)
    return all(layer.path == f"{op.path}.{label}" for layer, label in zip(layers, FABRICS, strict=True))


SEQUENCE_RULES = (
    Rule(Table, "a table is drawn uniformly, of one finite deviation that is not negative", _table_draw_fits),
    Rule(
        Embed, "an embedding maps [T] to [T, D]", lambda op: len(op.output) == 2 and op.input == op.output[:1]
    ),
    Rule(Embed, "there is a token", lambda op: op.vocabulary >= 1),
    Rule(
        (Position, Attention),
        "the shape is [T, D] and stays as it is",
        lambda op: len(op.input) == 2 and op.input == op.output,
    ),
    Rule(Transpose, "the last two axes change places", _swapped),
    Rule(Attention, "heads divide the features", lambda op: op.heads >= 1 and op.input[-1] % op.heads == 0),
    Rule(Attention, "the layers are called `q`, `k`, `v` and `o`", _fabrics_have_their_labels),
)
