"""Which runtimes can be timed: those that are installed, and whose dense twin fits."""

from __future__ import annotations

from collections.abc import Sequence

from nfc.analysis.totals import dense_parameters
from nfc.api import Network
from nfc.bench.machine import machine
from nfc.bench.roofline import FLOAT
from nfc.bench.runtimes import RUNTIMES, Runtime, is_installed
from nfc.bench.twin import twin_memory
from nfc.diagnostics import Diagnostic, NfcError

MODEL_LIMIT = 2**31
"""Bytes of an ONNX file at most, protobuf's limit for a message."""

INSTALL = {
    "torch": "`pip install neurofabric[torch]` installs PyTorch",
    "onnxruntime": "`pip install neurofabric[runtime]` installs ONNX Runtime",
}


def installed_runtimes(asked: Sequence[str], threads: int) -> list[Runtime]:
    """The runtimes asked for, or without any all that are installed, for a number of threads.

    Raises:
        NfcError: NF630, one that is asked for is missing, or all are.
    """
    wanted = [name for name in RUNTIMES if name in (asked or RUNTIMES)]
    found = [name for name in wanted if is_installed(name)]
    if not found or (asked and found != wanted):
        raise NfcError([_not_installed(name) for name in wanted if name not in found])
    return [RUNTIMES[name](threads) for name in found]


def refusal(network: Network, runtime: str, batch: int) -> str | None:
    """Why a runtime cannot run the network's dense twin on a batch; None where it can."""
    needed, memory = twin_memory(network, batch), machine().memory
    if memory is not None and needed > memory:
        return f"its dense twin takes {_size(needed)} of memory, and the machine has {_size(memory)}"
    if runtime == "onnxruntime" and FLOAT * dense_parameters(network.ir) >= MODEL_LIMIT:
        return "its dense twin is larger than the 2 GiB that an ONNX file holds"
    return None


def refused(network: Network, runtimes: Sequence[str], reason: str) -> Diagnostic:
    """NF630, a network that cannot be timed in some runtimes, all for one reason."""
    hints = ("smaller sizes show the ratio too: `-D` overrides a parameter of the file",)
    message = f"`{network.name}` cannot be timed in {' or '.join(runtimes)}: {reason}"
    return Diagnostic("NF630", message, network.ir.span, hints=hints)


def _not_installed(name: str) -> Diagnostic:
    message = f"networks are timed in {name}, which is not installed"
    return Diagnostic("NF630", message, None, hints=(INSTALL[name],))


def _size(count: int) -> str:
    """Bytes for people."""
    return f"{count / 2**30:,.1f} GiB"
