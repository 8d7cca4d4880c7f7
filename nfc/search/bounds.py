"""What a topology has to keep to."""

from __future__ import annotations

from dataclasses import dataclass

from nfc.search.facts import Facts

SHARE = 0.8
"""Of the budget, what a candidate spends at least where nothing else is said."""


@dataclass(frozen=True, kw_only=True)
class Bounds:
    """Constraints of a search; None leaves a property free.

    Attributes:
        params: most weights.
        least: fewest weights.
        depth: most factors on a path.
        fan_in: most edges into a neuron.
        seconds: longest predicted training step.
        connected: whether every input has to reach every output. Where that cannot be said, it holds.
    """

    params: int
    least: int
    depth: int | None = None
    fan_in: int | None = None
    seconds: float | None = None
    connected: bool = False

    def admit(self, facts: Facts) -> bool:
        return (
            self.least <= facts.params <= self.params
            and _within(facts.depth, self.depth)
            and _within(facts.fan_in, self.fan_in)
            and _within(facts.seconds, self.seconds)
            and not (self.connected and facts.connected is False)
        )

    def levels(self) -> tuple[int, ...]:
        """Budgets from the largest to the least, each half of the one before: candidates spend one of them."""
        found = [self.params]
        while found[-1] // 2 > self.least:
            found.append(found[-1] // 2)
        return tuple(found)


def _within(value: float, bound: float | None) -> bool:
    return bound is None or value <= bound
