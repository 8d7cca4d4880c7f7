"""Messages for the mistakes that people make, most telling first.

A rule looks at a fault and either explains it or passes. What no rule knows gets the general message.
"""

from __future__ import annotations

from collections.abc import Callable

from nfc.diagnostics import Diagnostic
from nfc.syntax.faults import Fault
from nfc.syntax.mistakes import characters, checks, definitions, general, operations

Rule = Callable[[Fault], Diagnostic | None]

RULES: tuple[Rule, ...] = (
    operations.chained,
    *characters.RULES,
    *definitions.RULES,
    *operations.RULES,
    *checks.RULES,
    *general.RULES,
)
"""Every rule, in the order in which they are asked."""


def explain(fault: Fault) -> Diagnostic:
    """The first rule's message, or the general one."""
    for rule in RULES:
        diagnostic = rule(fault)
        if diagnostic is not None:
            return diagnostic
    return fault.unexpected()
