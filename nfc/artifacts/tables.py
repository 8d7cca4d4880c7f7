"""`.safetensors` files: state dicts, and the index tables of emitted PyTorch modules."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nfc.api import Network
from nfc.artifacts.onnx_file import unreadable
from nfc.diagnostics import Diagnostic, NfcError
from nfc.diffing.views import heading
from nfc.ir.network import Op
from nfc.ir.parameters import parameters
from nfc.opening import DISK
from nfc.weights import read_weights

DIGEST = "digest"
"""The metadata of an index file that name its tables' digest."""


Tables = Mapping[str, NDArray[Any]]


def verify_tensors(path: str, network: Network, expected: Tables | None = None) -> tuple[Diagnostic, ...]:
    """What a state dict or an index file lacks of a network's topology.

    A state dict holds no edges: its names, shapes and digest are compared, which all have to fit.
    Index tables are compared number by number.

    Args:
        expected: the tables that the module beside an index file reads, by default those of the
            network's module as it is compiled without options.

    Raises:
        NfcError: NF702 or NF755, the file cannot be read.
    """
    tables = _index_tables(path)
    if tables is not None:
        wanted = network.torch_source().tables if expected is None else expected
        return _verify_tables(path, tables, wanted, network)
    try:
        read_weights(path, network.ir)
    except NfcError as error:
        return error.diagnostics
    return ()


def _index_tables(path: str) -> Tables | None:
    """The tables of an index file; None where the file is another."""
    from safetensors import SafetensorError, safe_open

    with DISK.opened(path, path, lambda _: ()):
        pass
    try:
        with safe_open(path, framework="np") as file:
            if DIGEST not in (file.metadata() or {}):
                return None
            return {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except (SafetensorError, OSError, ValueError, TypeError) as error:
        raise unreadable(path, f"it is no whole safetensors file ({error})") from None


def _verify_tables(path: str, tables: Tables, expected: Tables, network: Network) -> tuple[Diagnostic, ...]:
    for name in sorted({*expected, *tables}):
        what = _table_difference(expected.get(name), tables.get(name))
        if what is not None:
            op = _operation(network, name)
            where = f" in `{op.path}`" if op else ""
            message = f"`{path}` has not the topology of `{network.name}`{where}: the table `{name}` {what}"
            hints = (f"`nfc compile --to torch --network {network.name}` writes one that has it",)
            span = op.span if op else heading(network.ir.span)
            return (Diagnostic("NF513", message, span, hints=hints, file=None if span else path),)
    return ()


def _table_difference(wanted: NDArray[Any] | None, found: NDArray[Any] | None) -> str | None:
    if wanted is None:
        return "is none of that network"
    if found is None:
        return "is missing"
    if (wanted.dtype, wanted.shape) != (found.dtype, found.shape):
        return f"is {found.dtype} {list(found.shape)}, expected {wanted.dtype} {list(wanted.shape)}"
    wrong = np.flatnonzero((wanted != found).reshape(-1))
    if not len(wrong):
        return None
    index = [int(place) for place in np.unravel_index(wrong[0], wanted.shape)]
    values = found.reshape(-1)[wrong[0]], wanted.reshape(-1)[wrong[0]]
    return f"holds {values[0]} at {index}, expected {values[1]}"


def _operation(network: Network, table: str) -> Op | None:
    """The layer that a table belongs to: names of tables start as those of the weights do."""
    stems = {each.name.removesuffix("weight"): each.op for each in parameters(network.ir) if each.factor}
    return next((op for stem, op in stems.items() if table.startswith(stem)), None)
