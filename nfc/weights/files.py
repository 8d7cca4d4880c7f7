"""Weight files: `.safetensors`, and `.pt`/`.pth` read without unpickling any object."""

from __future__ import annotations

import io
import json
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nfc.atomic import write_bytes
from nfc.diagnostics import Diagnostic, NfcError, did_you_mean
from nfc.ir.digest import network_digest
from nfc.ir.network import Network
from nfc.ir.parameters import Weights, parameters
from nfc.weights.state import DIGEST_KEY, Entry, digest_tensor, entries_of, weights_from

SAFETENSORS = ".safetensors"
TORCH = (".pt", ".pth")
ONNX = ".onnx"
"""Read by `nfc.backends.onnx_weights`, which knows how nfc writes such files."""

_DTYPES = {
    "F64": "float64", "F32": "float32", "F16": "float16", "BF16": "bfloat16",
    "I64": "int64", "I32": "int32", "I16": "int16", "I8": "int8",
    "U64": "uint64", "U32": "uint32", "U16": "uint16", "U8": "uint8", "BOOL": "bool",
}  # fmt: skip


def read_weights(path: str | Path, network: Network) -> Weights:
    """The weights in a file, checked against the network, as float32 arrays by name.

    Raises:
        NfcError: NF751 when the file cannot be read as weights, or PyTorch is needed for it and
            missing, and the codes of `from_state_dict`.
    """
    file = Path(path)
    shown = f"`{path}`"
    _check_readable(file, shown)
    entries = _safetensors_entries(file, shown) if file.suffix == SAFETENSORS else _torch_entries(file, shown)
    try:
        return weights_from(entries, network, shown)
    except OSError as error:
        raise _unreadable(shown, (error.strerror or str(error)).lower()) from None


def write_weights(path: str | Path, weights: Weights, network: Network) -> None:
    """Write weights with the network's digest, as the suffix says.

    Raises:
        NfcError: NF750 when the target cannot be written, NF751 for another suffix or when PyTorch
            is needed and missing.
    """
    file = Path(path)
    arrays: dict[str, NDArray[Any]] = {
        p.name: np.ascontiguousarray(weights[p.name]) for p in parameters(network)
    }
    arrays[DIGEST_KEY] = digest_tensor(network_digest(network))
    if file.suffix == SAFETENSORS:
        from safetensors.numpy import save

        write_bytes(file, save(arrays))
    elif file.suffix in TORCH:
        torch, buffer = _torch(f"`{path}`"), io.BytesIO()
        torch.save({name: torch.from_numpy(value.copy()) for name, value in arrays.items()}, buffer)
        write_bytes(file, buffer.getvalue())
    else:
        raise _unknown_suffix(file, f"`{path}`", (SAFETENSORS, *TORCH))


def _check_readable(file: Path, shown: str) -> None:
    if file.suffix != SAFETENSORS and file.suffix not in TORCH:
        raise _unknown_suffix(file, shown, (SAFETENSORS, *TORCH, ONNX))
    if file.is_dir():
        raise _unreadable(shown, "it is a folder")
    try:
        with file.open("rb"):
            pass
    except OSError as error:
        raise _unreadable(shown, (error.strerror or str(error)).lower()) from None


def _safetensors_entries(file: Path, shown: str) -> dict[str, Entry]:
    from safetensors import SafetensorError, safe_open

    try:
        # Opening checks the header, that the tensors tile the file, and that the file is whole.
        with safe_open(str(file), framework="np"):
            pass
        with file.open("rb") as opened:
            length = int.from_bytes(opened.read(8), "little")
            header = json.loads(opened.read(length))
    except (SafetensorError, OSError, ValueError) as error:
        raise _unreadable(shown, f"it is no whole safetensors file ({error})") from None
    header.pop("__metadata__", None)
    return {name: _safetensors_entry(file, 8 + length, item) for name, item in header.items()}


def _safetensors_entry(file: Path, start: int, item: Mapping[str, Any]) -> Entry:
    first, end = item["data_offsets"]
    shape = tuple(item["shape"])
    dtype = _DTYPES.get(item["dtype"], item["dtype"].lower())

    def load() -> NDArray[Any]:
        with file.open("rb") as opened:
            opened.seek(start + first)
            data = opened.read(end - first)
        if dtype == "bfloat16":
            # bfloat16 is the upper half of float32.
            return (np.frombuffer(data, "<u2").astype(np.uint32) << 16).view(np.float32).reshape(shape)
        return np.frombuffer(data, np.dtype(dtype).newbyteorder("<")).reshape(shape)

    return Entry(shape, dtype, load)


def _torch_entries(file: Path, shown: str) -> dict[str, Entry]:
    import pickle

    torch = _torch(shown)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            state = torch.load(str(file), map_location="cpu", weights_only=True)
    except pickle.UnpicklingError:
        hint = "`torch.save(model.state_dict(), …)` writes tensors alone"
        raise _unreadable(shown, "it holds Python objects other than tensors, or is damaged", hint) from None
    except Exception as error:  # a damaged file fails anywhere in PyTorch's reader, in many ways
        lines = str(error).splitlines()
        reason = f"PyTorch cannot load it ({lines[0] if lines else type(error).__name__})"
        raise _unreadable(shown, reason) from None
    if not isinstance(state, Mapping):
        raise _unreadable(shown, f"it holds a {type(state).__name__}, expected a state dict")
    return entries_of(state)


def _torch(shown: str) -> Any:
    try:
        import torch
    except ImportError:
        message = f"PyTorch is needed for {shown} and is not installed"
        hint = "`pip install 'neurofabric[torch]'` installs it, and `.safetensors` files need no PyTorch"
        raise NfcError([Diagnostic("NF751", message, None, hints=(hint,))]) from None
    return torch


def _unknown_suffix(file: Path, shown: str, known: tuple[str, ...]) -> NfcError:
    message = f"{shown} has a suffix of no weight file, expected {', '.join(known)}"
    return NfcError([Diagnostic("NF751", message, None, hints=did_you_mean(file.suffix, known))])


def _unreadable(shown: str, reason: str, *hints: str) -> NfcError:
    return NfcError([Diagnostic("NF751", f"cannot read weights from {shown}: {reason}", None, hints=hints)])
