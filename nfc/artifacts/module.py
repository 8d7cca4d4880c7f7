"""Emitted PyTorch modules: their text against what nfc writes. Nothing of a module is run."""

from __future__ import annotations

import io
import re
import tokenize
from collections.abc import Iterator
from itertools import dropwhile, zip_longest
from pathlib import Path

from nfc.api import Network
from nfc.artifacts.onnx_file import unreadable
from nfc.artifacts.tables import verify_tensors
from nfc.backends.torch_source import TorchSource
from nfc.defaults import BATCH
from nfc.diagnostics import Diagnostic
from nfc.diffing.views import heading
from nfc.opening import DISK

MODULE_BYTES = 2**26
"""The longest module that is read."""

BATCHES = (BATCH, 1, 8, 512)
"""Batches that modules are compiled for; their texts depend on it less than graphs do."""

ENCODINGS = ("utf-8", "utf-8-sig")
"""As `tokenize.detect_encoding` names UTF-8, without and with a byte-order mark."""

NEWLINES = re.compile(r"\r\n|\r|\n")
"""Line ends as Python reads them; `str.splitlines` knows more, at which a comment goes on."""

WRITTEN_TOPOLOGY = "# topology: "
"""How comments start that show a topology as the spec words it."""

_SEED = re.compile(r"^    def __init__\(self, seed: int = (\d{1,20})\b", re.M)


def verify_module(path: str, network: Network) -> tuple[Diagnostic, ...]:
    """What a module lacks of a network's topology; its index tables, where it has some, lie beside it.

    Its text is compared line by line, but for comments that say how the spec is worded.

    Raises:
        NfcError: NF702 or NF755, a file cannot be read.
    """
    text = _read(path)
    seed = _SEED.search(text)
    found = _body(text)
    likeliest: list[str] | None = None
    for source in _modules(network, int(seed[1]) if seed else 0):
        wanted = _body(source.text)
        if wanted == found:
            index = str(Path(path).with_name(source.index_name))
            return verify_tensors(index, network, source.tables) if source.tables else ()
        likeliest = likeliest or wanted
    return (_difference(path, network, found, likeliest or []),)


def _read(path: str) -> str:
    with DISK.opened(path, path, lambda _: ()) as (file, _):
        data = file.read(MODULE_BYTES + 1)
    if len(data) > MODULE_BYTES:
        raise unreadable(path, f"it is larger than {MODULE_BYTES} bytes")
    try:
        encoding, _ = tokenize.detect_encoding(io.BytesIO(data).readline)
        if encoding not in ENCODINGS:
            raise unreadable(path, f"it declares the encoding {encoding}, in which comments can be code")
        return data.decode(encoding)
    except (SyntaxError, UnicodeDecodeError):
        raise unreadable(path, "it is not UTF-8") from None


def _modules(network: Network, seed: int) -> Iterator[TorchSource]:
    """What nfc writes for the network, the likeliest first."""
    for batch in BATCHES:
        for fuse in (True, False):
            yield network.torch_source(seed, batch=batch, fuse=fuse)


def _body(text: str) -> list[str]:
    """The lines behind the comments at the head, without those that show a topology."""
    lines = dropwhile(lambda line: line.startswith("#"), NEWLINES.split(text))
    return [line for line in lines if not line.lstrip(" ").startswith(WRITTEN_TOPOLOGY)]


def _difference(path: str, network: Network, found: list[str], wanted: list[str]) -> Diagnostic:
    pairs = zip_longest(found, wanted)
    one, other = next((one, other) for one, other in pairs if one != other)
    shown = ["nothing" if line is None else f"`{line.strip()}`" for line in (one, other)]
    message = f"`{path}` has not the topology of `{network.name}`: it has {shown[0]}, expected {shown[1]}"
    hints = (f"`nfc compile --to torch --network {network.name}` writes one that has it",)
    span = heading(network.ir.span)
    return Diagnostic("NF513", message, span, hints=hints, file=None if span else path)
