"""Objects whose attributes are the properties of LANGUAGE's section 5, by their names there."""

from __future__ import annotations

from typing import Any

from nfc.analysis.errors import PropertyError
from nfc.analysis.properties import Measurement, Properties
from nfc.diagnostics import Diagnostic, NfcError, did_you_mean


class Measured:
    """Properties by their language names as attributes: `density`, and in a group `fan_in.max`.

    An unknown name is an AttributeError. Where a property would cost too much, an NfcError (NF506)
    says so.
    """

    _properties: Properties[Any]

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        if name in self._properties:
            return measure(self._properties, name)
        if members_of(self._properties, name):
            return _Group(self._properties, name)
        hint = " ".join(did_you_mean(name, self._properties))
        raise AttributeError(f"no property `{name}`" + (f"; {hint}" if hint else ""))

    def __dir__(self) -> list[str]:
        return [*super().__dir__(), *{name.partition(".")[0] for name in self._properties}]


class _Group:
    """The properties behind one word: `fan_in`, `paths`, `variance`."""

    def __init__(self, properties: Properties[Any], prefix: str) -> None:
        self._properties = properties
        self._prefix = prefix

    def __getattr__(self, name: str) -> Measurement:
        full = f"{self._prefix}.{name}"
        if name.startswith("_") or full not in self._properties:
            members = ", ".join(
                member.partition(".")[2] for member in members_of(self._properties, self._prefix)
            )
            raise AttributeError(f"no property `{full}`; `{self._prefix}` has {members}")
        return measure(self._properties, full)

    def __dir__(self) -> list[str]:
        return [member.partition(".")[2] for member in members_of(self._properties, self._prefix)]


def members_of(properties: Properties[Any], group: str) -> list[str]:
    """The full names of a group's properties: of `paths`, `paths.min` and its like; none for any other name."""
    return [name for name in properties if name.startswith(f"{group}.")]


def measure(properties: Properties[Any], name: str) -> Measurement:
    """A property's value; NfcError where there is none."""
    try:
        return properties[name]
    except PropertyError as error:
        raise NfcError([Diagnostic(error.code, error.message, None, hints=error.hints)]) from None
