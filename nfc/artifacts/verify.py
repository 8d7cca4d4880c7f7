"""Does a compiled file hold the topology of a network?"""

from __future__ import annotations

from pathlib import Path

from nfc.api import Network
from nfc.artifacts.locate import Place, place_of
from nfc.artifacts.matching import Difference, Match
from nfc.artifacts.module import verify_module
from nfc.artifacts.onnx_file import OnnxGraph, read_onnx, unreadable
from nfc.artifacts.reference import constant, reference
from nfc.artifacts.tables import verify_tensors
from nfc.backends.onnx_weights.choices import Choices, choices
from nfc.diagnostics import Diagnostic, NfcError, Severity, did_you_mean
from nfc.diffing.views import heading
from nfc.ir.parameters import parameters
from nfc.version import VERSION

SUFFIXES = (".onnx", ".safetensors", ".py")

PROBES = (1.0, 0.5)
"""Weights of the two references; their powers, where stages are multiplied out, fit into float16."""


def verify(path: str, network: Network) -> tuple[Diagnostic, ...]:
    """What a file lacks of a network's topology: errors, and warnings where it cannot be told.

    An ONNX file is compared with the graphs that nfc writes for the network. That the metadata of
    a file name the right digest counts nothing.

    Raises:
        NfcError: NF702 or NF755, the file cannot be read.
    """
    match Path(path).suffix:
        case ".onnx":
            return _verify_onnx(path, network)
        case ".safetensors":
            return verify_tensors(path, network)
        case ".py":
            return verify_module(path, network)
        case suffix:
            known = ", ".join(SUFFIXES)
            hints = did_you_mean(suffix, SUFFIXES)
            message = f"cannot verify `{path}`: its suffix is none of {known}"
            raise NfcError([Diagnostic("NF755", message, None, hints=hints, file=path)])


def _verify_onnx(path: str, network: Network) -> tuple[Diagnostic, ...]:
    found = read_onnx(path)
    best: tuple[tuple[bool, int], Choices, Difference] | None = None
    for chosen in choices(found):
        try:
            first, second = (reference(network, chosen, constant(each)) for each in PROBES)
        except NfcError:
            continue  # a form that nfc does not write for this network
        match = Match(first, second, found, path)
        difference = match.difference()
        if difference is None:
            return _zero_weights(match, path, network, chosen)
        rank = difference.place is not None, difference.node
        if best is None or rank > best[0]:
            best = rank, chosen, difference
    if best is None:
        raise unreadable(path, "nfc writes no such file for this network")
    return (_finding(path, network, found, *best[1:]),)


def _finding(
    path: str, network: Network, found: OnnxGraph, chosen: Choices, difference: Difference
) -> Diagnostic:
    place = place_of(network, chosen, difference.name, difference.owner, difference.place)
    where = f" in `{place.op.path}`" if place.op else ""
    edge = _edge(place)
    message = f"`{path}` has not the topology of `{network.name}`{where}: {edge}{difference.what}"
    said = found.metadata.get("nfc.version", VERSION)
    hints = [f"`nfc compile --to onnx --network {network.name}` writes one that has it"]
    if said != VERSION:
        hints.append(f"the file says that nfc {said} wrote it; only files of nfc {VERSION} can be verified")
    span = place.op.span if place.op else heading(network.ir.span)
    return Diagnostic("NF513", message, span, hints=tuple(hints), file=None if span else path)


def _edge(place: Place) -> str:
    match place:
        case Place(output=int(output), input=int(input)):
            return f"the first difference is at the edge {input} → {output}; "
        case Place(output=int(output)):
            return f"the first difference is at output {output}; "
        case _:
            return ""


def _zero_weights(match: Match, path: str, network: Network, chosen: Choices) -> tuple[Diagnostic, ...]:
    """A warning for each factor with weights of 0: a file does not tell them from missing edges.

    The edge is looked for in the first one alone.
    """
    found: list[Diagnostic] = []
    for name, (count, first) in match.zeros.items():
        if _is_vector(network, name):
            continue
        place = place_of(network, chosen, name, "", None if found else first)
        if place.op is None:
            continue
        message = (
            f"{count} weight{'s are' if count > 1 else ' is'} 0 in `{name}` of `{path}`: "
            f"{_edge(place)}weights of 0 and missing edges look alike"
        )
        found.append(Diagnostic("NF513", message, place.op.span, Severity.WARNING))
    return tuple(found)


def _is_vector(network: Network, name: str) -> bool:
    """Whether a tensor is a bias or belongs to a norm, where 0 is ordinary."""
    return any(each.name == name and each.role != "factor" for each in parameters(network.ir))
