"""The default pipeline, and the one way to run passes: each is followed by the verifier."""

from __future__ import annotations

from collections.abc import Sequence

from nfc.diagnostics import Sink
from nfc.ir.network import Network
from nfc.ir.verify import VerifyError, verify
from nfc.passes.base import Pass
from nfc.passes.initialise import Initialise
from nfc.passes.tailor import Tailor

DEFAULT: tuple[Pass, ...] = (
    Tailor(),
    Initialise(),  # last: the numbers of factors are the streams of their draws, so none may come after
)


class PassError(Exception):
    """A pass broke the network, or passes stand in an impossible order: a fault of nfc, not of the input."""


def run_pipeline(network: Network, sink: Sink, passes: Sequence[Pass] = DEFAULT) -> Network:
    """The network after all passes.

    Raises:
        PassError: naming the pass, when the order is impossible or the verifier finds a fault.
    """
    check_order(passes)
    for each in passes:
        network = each.run(network, sink)
        try:
            verify(network)
        except VerifyError as error:
            raise PassError(f"after the pass `{each.name}`: {error}") from error
    return network


def check_order(passes: Sequence[Pass]) -> None:
    """Raise PassError where a pass stands before one that it has to follow."""
    names = [each.name for each in passes]
    for index, each in enumerate(passes):
        for earlier in each.after:
            if earlier in names[index:]:
                raise PassError(f"the pass `{each.name}` has to come after `{earlier}`")
