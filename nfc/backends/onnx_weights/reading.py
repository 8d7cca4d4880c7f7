"""Weights out of an ONNX file: its graph is compared with the one that nfc writes for the network.

A file holds weights as its operators want them: in blocks, turned, padded, without the names of their
places. So the network is printed once more with each weight's number for the weight, and the numbers
of the file are read where those of the weights lie. All else in the two graphs has to agree.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from nfc.backends.onnx_weights.choices import Choices, choices
from nfc.backends.onnx_weights.contents import Contents, OnnxFile, read_file, unreadable
from nfc.backends.onnx_weights.difference import Difference, first_difference
from nfc.backends.onnx_weights.reference import PlanFor, numbered, ones, printed
from nfc.diagnostics import Diagnostic, NfcError
from nfc.ir.digest import network_digest
from nfc.ir.network import Network
from nfc.ir.parameters import Parameter, Weights, parameters
from nfc.version import VERSION
from nfc.weights.state import DIGEST_KEY, Entry, digest_tensor, weights_from

FOLDED = "/folded"

Numbers = NDArray[np.int64]


def read_onnx_weights(path: Path, network: Network, plan_for: PlanFor) -> Weights:
    """The weights in an ONNX file that nfc wrote for the network, as float32 arrays by name.

    Args:
        plan_for: lowers the network.

    Raises:
        NfcError: NF751 when the file is none of nfc's, is damaged, or holds products of factors in the
            place of factors; NF752 for another topology, NF753 for parameters that do not fit, NF754 for
            values that are not finite.
    """
    shown = f"`{path}`"
    file = read_file(path, shown)
    every = list(parameters(network))
    chosen, reference, difference = _nearest(file, network, plan_for, every)
    _check_digest(file, network, difference, shown)
    if difference is not None:
        raise _misfit(file, network, difference, shown)
    _refuse_folded(reference, every, shown)
    entries = _entries(file.contents, network, plan_for, chosen, every, shown)
    entries[DIGEST_KEY] = _entry(digest_tensor(network_digest(network)))
    return weights_from(entries, network, shown)


def _nearest(
    file: OnnxFile, network: Network, plan_for: PlanFor, every: list[Parameter]
) -> tuple[Choices, Contents, Difference | None]:
    """The graph that nfc writes and that agrees with the file, or else the one that does for longest."""
    best: tuple[Choices, Contents, Difference] | None = None
    weights = ones(network)
    names = {each.name for each in every}
    for chosen in choices(file):
        reference = printed(network, plan_for(chosen.target), chosen, weights)
        if reference is None:
            continue
        difference = first_difference(file.contents, reference, names)
        if difference is None:
            return chosen, reference, None
        if best is None or difference.rank > best[2].rank:
            best = chosen, reference, difference
    assert best is not None, "a network is printed densely, if not otherwise"
    return best


def _check_digest(file: OnnxFile, network: Network, difference: Difference | None, shown: str) -> None:
    wanted, found = network_digest(network), file.metadata.get("nfc.topology_digest")
    if found == wanted:
        return
    if found is None:
        message = (
            f"{shown} does not say which topology it belongs to: no `nfc.topology_digest` in its metadata"
        )
        raise NfcError(
            [Diagnostic("NF752", message, None, hints=("a file that no other tool has rewritten",))]
        )
    what = f"the first difference is {difference.what}" if difference else "apart from that the graphs agree"
    message = (
        f"{shown} belongs to another topology: its digest is {found}, that of `{network.name}` is {wanted}; "
        f"{what}"
    )
    hint = "the file goes with the `.nf` source and the parameters that it was compiled from"
    raise NfcError([Diagnostic("NF752", message, None, hints=(hint,))])


def _misfit(file: OnnxFile, network: Network, difference: Difference, shown: str) -> NfcError:
    """The error of a file with the right digest whose graph is another."""
    hints = ["a file of nfc that other tools have not rewritten"]
    said = file.metadata.get("nfc.version", VERSION)
    if said != VERSION:
        hints = [f"nfc {said} wrote the file, and can read it; this is nfc {VERSION}"]
    message = (
        f"{shown} is not what nfc writes for `{network.name}`; the first difference is {difference.what}"
    )
    return NfcError([Diagnostic(difference.code, message, None, hints=tuple(hints))])


def _refuse_folded(reference: Contents, every: list[Parameter], shown: str) -> None:
    """NF751 where factors were multiplied out."""
    paths = {each.name: each.op.path for each in every}
    folded = [name.removesuffix(FOLDED) for name in reference.arrays if name.endswith(FOLDED)]
    if not folded:
        return
    layers = ", ".join(f"`{path}`" for path in dict.fromkeys(paths[name] for name in folded))
    reason = (
        f"it holds products of factors of {layers}, multiplied out when it was compiled, "
        "and the factors cannot be recovered from them"
    )
    hint = "`nfc compile --no-fuse` (`fuse=False`) writes a file that keeps factors apart"
    raise unreadable(shown, reason, hint)


def _entries(
    contents: Contents,
    network: Network,
    plan_for: PlanFor,
    chosen: Choices,
    every: list[Parameter],
    shown: str,
) -> dict[str, Entry]:
    """Each parameter's numbers in the file."""
    sizes = [int(np.prod(each.shape, dtype=np.int64)) for each in every]
    values = np.zeros(sum(sizes), np.float32)
    found = np.zeros(len(values), np.bool_)
    for name, numbers in _places(network, plan_for, chosen).items():
        held = numbers >= 0
        values[numbers[held]] = contents.arrays[name][held].astype(np.float32)
        found[numbers[held]] = True
    entries = {}
    for each, start in zip(every, np.cumsum([0, *sizes]), strict=False):
        part = slice(int(start), int(start) + int(np.prod(each.shape, dtype=np.int64)))
        if not found[part].all():
            raise unreadable(shown, f"it does not hold all of `{each.name}`")
        entries[each.name] = _entry(values[part].reshape(each.shape))
    return entries


def _places(network: Network, plan_for: PlanFor, chosen: Choices) -> dict[str, Numbers]:
    """The number of the weight at each place of each array that holds weights; -1 where there is none."""
    plan, names = plan_for(chosen.target), {each.name for each in parameters(network)}
    places: dict[str, Numbers] = {}
    for unit, weights in numbered(network, chosen.dtype):
        reference = printed(network, plan, chosen, weights)
        assert reference is not None, "the same graph was printed with other weights before"
        for name, digits in reference.arrays.items():
            if name.partition("/")[0] in names and digits.dtype.kind == "f":
                numbers = digits.astype(np.int64) - 1
                places[name] = np.where(numbers < 0, -1, places.get(name, 0) + numbers * unit)
    return places


def _entry(array: NDArray[np.float32] | NDArray[np.uint8]) -> Entry:
    return Entry(array.shape, array.dtype.name, lambda: array)
