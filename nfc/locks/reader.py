"""Reading lock files; nothing in them is trusted unchecked."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from typing import Any

from nfc.diagnostics import Diagnostic, NfcError, Severity, Sink
from nfc.diffing.operations import Operation
from nfc.diffing.views import View
from nfc.ir.network import Shape
from nfc.locks.lock import FORMAT, Lock, LockedNetwork
from nfc.opening import DISK
from nfc.version import VERSION

LOCK_BYTES = 2**27
"""The largest lock that is read: some 600 000 layers."""

CORE = {"path", "op", "in", "input", "output", "params", "edges", "digest"}
"""Keys of a line that are no facts."""


class _DamagedError(Exception):
    """What is wrong with a lock."""


def read_lock(path: str, file: str, sink: Sink) -> Lock:
    """The lock at `path` of the file called `file`; a newer nfc than this one is a warning in `sink`.

    Raises:
        NfcError: NF702 where there is none, NF721 where it is damaged, NF722 for another format.
    """
    hint = f"`nfc lock {file}` writes it"
    with DISK.opened(path, path, lambda _: (hint,)) as (opened, size):
        data = opened.read(min(size, LOCK_BYTES) + 1)
    try:
        if len(data) > LOCK_BYTES:
            raise _DamagedError(f"it is larger than {LOCK_BYTES} bytes")
        found = tomllib.loads(data.decode("utf-8"))
        _check_versions(found, path, hint, sink)
        return _lock(found)
    except _DamagedError as error:
        raise _unreadable(path, str(error), hint) from None
    except (ValueError, RecursionError) as error:
        reason = str(error) if isinstance(error, tomllib.TOMLDecodeError) else type(error).__name__
        raise _unreadable(path, f"it is no TOML: {reason}", hint) from None


def _unreadable(path: str, why: str, hint: str) -> NfcError:
    hints = (f"{hint} anew, once its differences are looked at",)
    return NfcError([Diagnostic("NF721", f"`{path}` is damaged: {why}", None, hints=hints, file=path)])


def _check_versions(found: Mapping[str, Any], path: str, hint: str, sink: Sink) -> None:
    version, nfc = found.get("version"), found.get("nfc")
    if type(version) is not int or not isinstance(nfc, str):
        raise _DamagedError("it lacks `version` or `nfc`")
    if version != FORMAT:
        message = f"`{path}` has the format {version}, this nfc reads the format {FORMAT}"
        hints = (f"nfc {nfc} wrote it, this is nfc {VERSION}",) if nfc != VERSION else (hint,)
        raise NfcError([Diagnostic("NF722", message, None, hints=hints, file=path)])
    if _numbers(nfc) > _numbers(VERSION):
        message = f"`{path}` was written by nfc {nfc}, this is nfc {VERSION}"
        hints = ("the newer nfc may know operations that this one does not",)
        sink.add(Diagnostic("NF722", message, None, Severity.WARNING, hints=hints, file=path))


def _numbers(version: str) -> tuple[int, ...]:
    """The release of a version as numbers, `0.1.0` as (0, 1, 0)."""
    parts = version.split("+")[0].split(".")
    return tuple(int(part) for part in parts if part.isascii() and part.isdecimal() and len(part) < 9)


def _lock(found: Mapping[str, Any]) -> Lock:
    networks = _table(found.get("networks", {}), "networks")
    return Lock(
        source=_string(found, "source", "the lock"),
        parameters=_values(found, "parameters"),
        configured=_values(found, "configured"),
        networks={name: _network(name, _table(each, name)) for name, each in networks.items()},
        nfc=_string(found, "nfc", "the lock"),
    )


def _values(found: Mapping[str, Any], name: str) -> dict[str, str]:
    """A table of parameters' values, as texts; empty where there is none."""
    table = _table(found.get(name, {}), name)
    if not all(isinstance(given, str) for given in table.values()):
        raise _DamagedError(f"a value of `{name}` is no string")
    return dict(table)


def _network(name: str, found: Mapping[str, Any]) -> LockedNetwork:
    lines = found.get("layers")
    if not isinstance(lines, list):
        raise _DamagedError(f"`{name}` lacks `layers`")
    operations = tuple(_operation(_table(line, name), name) for line in lines)
    paths = [operation.path for operation in operations]
    if len(set(paths)) < len(paths):
        raise _DamagedError(f"`{name}` holds a path twice; a merge may have kept both sides")
    view = View(name, _shape(found, "input", name), _shape(found, "output", name), operations)
    network = LockedNetwork(view, _string(found, "digest", name))
    if found.get("params") != network.params:
        raise _DamagedError(f"the `params` of `{name}` are not the sum of its layers'")
    return network


def _operation(line: Mapping[str, Any], name: str) -> Operation:
    path = _string(line, "path", name)
    return Operation(
        path=path,
        kind=_string(line, "op", path),
        input=_shape(line, "input", path),
        output=_shape(line, "output", path),
        scope=_string(line, "in", path) if "in" in line else "",
        facts={key: _fact(value, path) for key, value in line.items() if key not in CORE},
        params=_integer(line, "params", path) if "params" in line else 0,
        digest=_string(line, "digest", path) if "digest" in line else None,
        edges=_integer(line, "edges", path) if "edges" in line else None,
    )


def _table(value: object, name: str) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise _DamagedError(f"`{name}` holds no table where one is expected")
    return value


def _string(table: Mapping[str, Any], key: str, name: str) -> str:
    value = table.get(key)
    if not isinstance(value, str):
        raise _DamagedError(f"`{name}` lacks the text `{key}`")
    return value


def _integer(table: Mapping[str, Any], key: str, name: str) -> int:
    value = table[key]
    if type(value) is not int or value < 0:
        raise _DamagedError(f"`{key}` of `{name}` is no count")
    return value


def _shape(table: Mapping[str, Any], key: str, name: str) -> Shape:
    value = table.get(key)
    if not isinstance(value, list) or not value or any(type(size) is not int or size < 1 for size in value):
        raise _DamagedError(f"`{key}` of `{name}` is no shape")
    return tuple(value)


def _fact(value: object, name: str) -> bool | int | float | str | Shape:
    if isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, list) and all(type(item) is int for item in value):
        return tuple(value)
    raise _DamagedError(f"`{name}` holds a value of no known sort")
