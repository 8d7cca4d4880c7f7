"""The rules of `nfc diff` as data: what each change is called, and what it breaks.

`docs/diff.md` prints this table; a test compares the two.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class Breaks(Enum):
    """What a change makes invalid.

    `CHECKPOINTS`: weights that were trained with the old network do not load into the new one, or
    load and compute something else. `INTERFACE`: code and people that use the network or the file
    have to change.
    """

    NOTHING = "nothing"
    CHECKPOINTS = "checkpoints"
    INTERFACE = "interface"


@dataclass(frozen=True)
class Rule:
    """A kind of change; `purpose` ends the sentence “A change is reported when …”."""

    name: str
    purpose: str
    breaks: Breaks


def _table(*rules: Rule) -> dict[str, Rule]:
    return {rule.name: rule for rule in rules}


RULES = _table(
    Rule("NETWORK_ADDED", "a network is new", Breaks.NOTHING),
    Rule("NETWORK_REMOVED", "a network is gone", Breaks.INTERFACE),
    Rule("NETWORK_RENAMED", "a network has another name", Breaks.INTERFACE),
    Rule("INPUT_SHAPE", "a network's input has another shape", Breaks.INTERFACE),
    Rule("OUTPUT_SHAPE", "a network's output has another shape", Breaks.INTERFACE),
    Rule("LAYER_ADDED", "an operation with weights is new", Breaks.CHECKPOINTS),
    Rule("LAYER_REMOVED", "an operation with weights is gone", Breaks.CHECKPOINTS),
    Rule("LAYER_RENAMED", "an operation with weights has another path", Breaks.CHECKPOINTS),
    Rule("LAYER_MOVED", "an operation with weights stands elsewhere", Breaks.CHECKPOINTS),
    Rule("LAYER_RESIZED", "an operation with weights has other sizes", Breaks.CHECKPOINTS),
    Rule("LAYER_REWIRED", "a layer of the same sizes has other edges", Breaks.CHECKPOINTS),
    Rule("LAYER_BIAS", "a layer gained or lost its bias", Breaks.CHECKPOINTS),
    Rule("NORM_KIND", "a norm is of another kind", Breaks.CHECKPOINTS),
    Rule("OPERATION_ADDED", "an operation without weights is new", Breaks.CHECKPOINTS),
    Rule("OPERATION_REMOVED", "an operation without weights is gone", Breaks.CHECKPOINTS),
    Rule("OPERATION_MOVED", "an operation without weights stands elsewhere", Breaks.CHECKPOINTS),
    Rule("OPERATION_CHANGED", "an operation computes something else", Breaks.CHECKPOINTS),
    Rule("OPERATION_RENAMED", "an operation without weights has another path", Breaks.NOTHING),
    Rule("INIT_SCHEME", "a layer's weights begin otherwise", Breaks.NOTHING),
    Rule("DROPOUT", "a dropout is new, gone, moved, or has another probability", Breaks.NOTHING),
    Rule("PARAM_ADDED", "a `param` is new", Breaks.NOTHING),
    Rule("PARAM_REMOVED", "a `param` is gone, so that `-D` fails", Breaks.INTERFACE),
    Rule("PARAM_DEFAULT", "a `param` has another value", Breaks.NOTHING),
    Rule("CHECK_ADDED", "an assertion is new", Breaks.NOTHING),
    Rule("CHECK_REMOVED", "an assertion is gone", Breaks.NOTHING),
    Rule("CHECK_LOOSENED", "an assertion's bound allows more", Breaks.NOTHING),
    Rule("CHECK_TIGHTENED", "an assertion's bound allows less", Breaks.NOTHING),
    Rule("CHECK_CHANGED", "an assertion's bound is another", Breaks.NOTHING),
)
"""Every rule by its name."""


def breaks(rule: str) -> Breaks:
    """What a change of this rule breaks."""
    return RULES[rule].breaks
