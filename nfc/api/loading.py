"""A `.nf` file read, elaborated, and handed out as a program."""

from __future__ import annotations

from collections.abc import Mapping
from os import PathLike
from typing import TYPE_CHECKING, Any

import numpy as np

from nfc.api.program import Program
from nfc.diagnostics import Diagnostic, NfcError, Sink
from nfc.limits import Limits
from nfc.source import Source

if TYPE_CHECKING:
    from nfc.revision import RevisionFile


def load(
    file: str | PathLike[str] | Source,
    /,
    *,
    limits: Limits | None = None,
    allow_outside: bool = False,
    **parameters: object,
) -> Program:
    """The program of a `.nf` file.

    Args:
        file: its path, `-` for standard input, or a `Source` that holds the text.
        limits: bounds on sizes, edges, time; the language's by default.
        allow_outside: whether `use` and `file` may reach files outside of the file's folder.
        parameters: new values of the file's `param`s; text is read as an expression.

    Raises:
        NfcError: the file cannot be read or is wrong.
    """
    return read_program(file, parameters, limits or Limits(), allow_outside=allow_outside)


def read_program(
    file: str | PathLike[str] | Source | RevisionFile,
    parameters: Mapping[str, object],
    limits: Limits,
    *,
    allow_outside: bool = False,
    defaults: Mapping[str, object] | None = None,
) -> Program:
    """As `load`, with parameters of any name, also of a file in a git revision.

    Args:
        defaults: new values of those `param`s that the file, or one that it uses, has.
    """
    from nfc.files import load as load_files
    from nfc.sema.program import elaborate

    sink = Sink()
    given = {name: _value(value, name) for name, value in parameters.items()}
    files = load_files(file, sink, limits, allow_outside=allow_outside)
    configured = {
        name: _value(value, name)
        for name, value in (defaults or {}).items()
        if name in files.parameters and name not in given
    }
    elaborated = elaborate(files, overrides={**configured, **given}, sink=sink, limits=limits)
    if sink.failed:
        raise NfcError(sink.diagnostics)
    return Program(elaborated, limits, tuple(sink.diagnostics), configured)


def _value(value: object, name: str) -> Any:
    """A parameter's value as the language has it: lists are tuples, NumPy's numbers Python's.

    Raises:
        NfcError: NF208, for what the language has no value for.
    """
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, list | tuple):
        return tuple(_value(item, name) for item in value)
    if isinstance(value, int | float | str):
        return value
    message = f"`{name}` takes a number, a string, true, false or a list; found {type(value).__name__}"
    raise NfcError([Diagnostic("NF208", message, None)])
