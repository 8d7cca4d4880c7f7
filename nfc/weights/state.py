"""Checking named tensors against a network, whatever holds them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nfc.diagnostics import Diagnostic, NfcError, did_you_mean
from nfc.ir.digest import network_digest
from nfc.ir.network import Network
from nfc.ir.parameters import Parameter, Weights, parameters

DIGEST_KEY = "_extra_state"
"""Where a module of PyTorch keeps its extra state, and so the name of the digest in every file."""

FLOATS = ("float32", "float16", "bfloat16", "float64")
_LONGEST_DIGEST = 200
_MOST_SHOWN = 10
_WRAPPERS = ("module.", "_orig_mod.")
_IGNORED = ".num_batches_tracked"


@dataclass(frozen=True)
class Entry:
    """A tensor that has not been read yet; `load` gives it as an array, bfloat16 as float32."""

    shape: tuple[int, ...]
    dtype: str
    load: Callable[[], NDArray[Any]]


def digest_tensor(digest: str) -> NDArray[np.uint8]:
    """A digest as it stands in weight files: the UTF-8 bytes of its string."""
    return np.frombuffer(digest.encode(), np.uint8).copy()


def from_state_dict(source: Any, network: Network) -> Weights:
    """The weights in a state dict of tensors or arrays, or in a module, as float32 arrays by name.

    Raises:
        NfcError: NF752 for another topology's weights or none named, NF753 for names, shapes and
            types that do not fit, NF754 for values that are not finite.
    """
    state = source.state_dict() if hasattr(source, "state_dict") else source
    if not isinstance(state, Mapping):
        message = f"expected a state dict or a module, found {type(source).__name__}"
        raise NfcError([Diagnostic("NF753", message, None)])
    return weights_from(entries_of(state), network, "the state dict")


def entries_of(state: Mapping[Any, Any]) -> dict[str, Entry]:
    """The tensors and arrays of a state dict; other values are left out, and so count as missing."""
    return {str(name): _entry(value) for name, value in state.items() if hasattr(value, "dtype")}


def _entry(value: Any) -> Entry:
    def load() -> NDArray[Any]:
        if isinstance(value, np.ndarray):
            return value.astype(np.float32) if value.dtype.name == "bfloat16" else value
        tensor = value.detach().cpu()
        array: NDArray[Any] = (tensor.float() if dtype == "bfloat16" else tensor).numpy()
        return array

    dtype = str(value.dtype).removeprefix("torch.")
    return Entry(tuple(value.shape), dtype, load)


def weights_from(entries: Mapping[str, Entry], network: Network, origin: str) -> Weights:
    """Every parameter and buffer of the network out of `entries`; `origin` names them in messages.

    Padding comes back as zeros whatever it holds. Raises NfcError as `from_state_dict`.
    """
    expected = list(parameters(network))
    _check_topology(entries, network, expected, origin)
    findings = [
        *_missing(entries, expected, origin),
        *_unexpected(entries, expected, origin),
        *(finding for parameter in expected for finding in _misfit(entries, parameter, origin)),
    ]
    if findings:
        raise NfcError(_first(findings))
    weights = {parameter.name: _value(entries[parameter.name]) for parameter in expected}
    faults = [fault for name, value in weights.items() for fault in _not_finite(name, value, origin)]
    if faults:
        raise NfcError(_first(faults))
    return weights


def _check_topology(
    entries: Mapping[str, Entry], network: Network, expected: list[Parameter], origin: str
) -> None:
    wanted = network_digest(network)
    found = _digest(entries.get(DIGEST_KEY))
    if found == wanted:
        return
    if found is None:
        message = f"{origin} does not say which topology it belongs to: no digest under `{DIGEST_KEY}`"
        raise NfcError([Diagnostic("NF752", message, None, hints=(_wrapper_hint(entries),))])
    message = (
        f"{origin} belongs to another topology: its digest is {found}, that of `{network.name}` is {wanted}; "
        f"{_first_difference(entries, expected)}"
    )
    hint = "the file goes with the `.nf` source and the parameters that it was trained with"
    raise NfcError([Diagnostic("NF752", message, None, hints=(hint,))])


def _digest(entry: Entry | None) -> str | None:
    if entry is None or entry.dtype != "uint8" or len(entry.shape) != 1 or entry.shape[0] > _LONGEST_DIGEST:
        return None
    text = bytes(entry.load()).decode("utf-8", "replace")
    return text if text.isprintable() and text else None


def _wrapper_hint(entries: Mapping[str, Entry]) -> str:
    for prefix in _WRAPPERS:
        if prefix + DIGEST_KEY in entries:
            return (
                f"its names start with `{prefix}`: the state dict of the module inside the wrapper is needed"
            )
    return "the whole state dict of an emitted module, as `torch.save(model.state_dict(), …)`, holds it"


def _first_difference(entries: Mapping[str, Entry], expected: list[Parameter]) -> str:
    for parameter in expected:
        if parameter.name not in entries:
            return f"the first difference is `{parameter.name}`, which it lacks"
        if entries[parameter.name].shape != parameter.shape:
            shape = _shape(entries[parameter.name].shape)
            return (
                f"the first difference is `{parameter.name}`: {shape} there, {_shape(parameter.shape)} needed"
            )
    names = {parameter.name for parameter in expected}
    for name in entries:
        if name not in names and name != DIGEST_KEY and not name.endswith(_IGNORED):
            return f"the first difference is `{name}`, which the network lacks"
    return "all names and shapes agree, the edges differ"


def _missing(entries: Mapping[str, Entry], expected: list[Parameter], origin: str) -> list[Diagnostic]:
    spare = set(entries) - {parameter.name for parameter in expected}
    return [
        Diagnostic("NF753", f"{origin} lacks `{p.name}`", None, hints=did_you_mean(p.name, spare))
        for p in expected
        if p.name not in entries
    ]


def _unexpected(entries: Mapping[str, Entry], expected: list[Parameter], origin: str) -> list[Diagnostic]:
    names = {parameter.name for parameter in expected}
    batch_norms = {p.name.removesuffix(".running_mean") + _IGNORED for p in expected if p.role == "mean"}
    lacking = names - set(entries)
    return [
        Diagnostic(
            "NF753",
            f"{origin} holds `{name}`, which the network lacks",
            None,
            hints=did_you_mean(name, lacking),
        )
        for name in entries
        if name not in names and name not in batch_norms and name != DIGEST_KEY
    ]


def _misfit(entries: Mapping[str, Entry], parameter: Parameter, origin: str) -> list[Diagnostic]:
    entry = entries.get(parameter.name)
    if entry is None:
        return []
    if entry.shape != parameter.shape:
        found, wanted = _shape(entry.shape), _shape(parameter.shape)
        message = f"`{parameter.name}` has the shape {found} in {origin}, expected {wanted}"
    elif entry.dtype not in FLOATS:
        message = f"`{parameter.name}` is {entry.dtype} in {origin}, expected one of {', '.join(FLOATS)}"
    else:
        return []
    return [Diagnostic("NF753", message, None)]


def _value(entry: Entry) -> NDArray[np.float32]:
    with np.errstate(over="ignore"):
        return entry.load().astype(np.float32)


def _not_finite(name: str, value: NDArray[np.float32], origin: str) -> list[Diagnostic]:
    wrong = np.flatnonzero(~np.isfinite(value))
    if not len(wrong):
        return []
    first = ", ".join(str(int(index)) for index in np.unravel_index(wrong[0], value.shape))
    found = value.reshape(-1)[wrong[0]]
    share = f"{len(wrong)} of {value.size} are not finite in float32"
    message = f"`{name}` in {origin} holds {found} at [{first}]; {share}"
    return [Diagnostic("NF754", message, None, hints=("a checkpoint from before the divergence is needed",))]


def _first(findings: list[Diagnostic]) -> list[Diagnostic]:
    left = len(findings) - _MOST_SHOWN
    if left <= 0:
        return findings
    more = Diagnostic(findings[0].code, f"{left} more findings of this kind are not shown", None)
    return [*findings[:_MOST_SHOWN], more]


def _shape(shape: tuple[int, ...]) -> str:
    return f"[{', '.join(str(size) for size in shape)}]"
