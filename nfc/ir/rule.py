"""What a rule of the IR is."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any


class VerifyError(ValueError):
    """The IR breaks a rule: a fault of the pass that ran last, not of the source.

    Attributes:
        place: the operation's path, with the place in its fabric, or the network's name.
        rule: the sentence that does not hold.
    """

    def __init__(self, place: str, rule: str) -> None:
        super().__init__(f"`{place}`: {rule}")
        self.place = place
        self.rule = rule


@dataclass(frozen=True)
class Rule:
    """`sentence` says what `holds` of every instance of `kind`. A rule may rely on those before it."""

    kind: type | tuple[type, ...]
    sentence: str
    holds: Callable[[Any], bool]


def check(rules: Sequence[Rule], subject: object, place: str) -> None:
    """Raises VerifyError for the first rule that the subject breaks."""
    for rule in rules:
        if isinstance(subject, rule.kind) and not rule.holds(subject):
            raise VerifyError(place, rule.sentence)


def distinct(items: Sequence[Any]) -> bool:
    return len(set(items)) == len(items)
