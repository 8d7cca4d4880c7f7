"""Changes of a file's `param`s: their names are what `-D` takes."""

from __future__ import annotations

from collections.abc import Iterator

from nfc.diffing.changes import Change
from nfc.sema.constants import Constants
from nfc.sema.scope import Entry, Scope
from nfc.sema.values import show
from nfc.syntax import ast


def parameter_entries(scope: Scope) -> dict[str, Entry]:
    """The `param`s that a file sees, by name."""
    return {
        name: entry
        for name, entry in scope.names.items()
        if isinstance(entry.definition, ast.Constant) and entry.definition.overridable
    }


def parameter_changes(
    old: Scope, old_values: Constants, new: Scope, new_values: Constants
) -> Iterator[Change]:
    """Parameters that are new, have another value, or are gone; values are those with `-D` applied."""
    before, after = parameter_entries(old), parameter_entries(new)
    for name, entry in after.items():
        now = new_values.values[entry]
        if name not in before:
            yield Change("PARAM_ADDED", f"the param `{name}` is new", new=show(now), span=entry.name_span)
        elif (was := old_values.values[before[name]]) != now:
            message = f"the param `{name}` is {show(now)}, was {show(was)}"
            yield Change("PARAM_DEFAULT", message, None, show(was), show(now), span=entry.name_span)
    for name, entry in before.items():
        if name not in after:
            was = show(old_values.values[entry])
            yield Change("PARAM_REMOVED", f"the param `{name}` is gone", old=was, span=entry.name_span)
