"""Deep networks without norms or residuals, one mask family each: what initialisation is measured on."""

from __future__ import annotations

from dataclasses import dataclass

import nfc

WIDTH = 256
PIXELS = 784
CLASSES = 10

MASKS = """\
mask causal[o, i] = i <= o

# Twelve inputs by a fixed hash, most of them low: fan-outs fall as a power. Odd outputs share what
# others read too, so that no perfect matching of outputs to inputs is promised.
mask power_law[o] = { floor(cols * ((o * 389 + d * 173 + o * o * d * 7) % 1021 / 1021) ** 2.5) for d in 0..<12 } +
                    { o + d for d in 0..1 if o % 2 == 0 }
"""


@dataclass(frozen=True)
class Family:
    """A way to wire a square layer; `blocks` where all its factors are equal dense blocks."""

    name: str
    via: str
    blocks: bool = False


FAMILIES = (
    Family("butterfly", "butterfly(radix=16)", blocks=True),
    Family("parallel butterfly", "parallel(2, butterfly(radix=16))", blocks=True),
    Family("hypercube", "hypercube"),
    Family("torus", "torus"),
    Family("random", "random(fan_in=16)"),
    Family("Bernoulli", "bernoulli(density=6%)"),
    Family("small world", "small_world(fan_in=16)"),
    Family("power law", "power_law"),
    Family("causal", "causal"),
)


def family(name: str) -> Family:
    return next(each for each in FAMILIES if each.name == name)


def classifier(via: str, layers: int, scheme: str, activation: str, width: int = WIDTH) -> nfc.Network:
    """`layers` weighted layers, the first and the last of them dense, from pixels to classes."""
    hidden = f"linear {width} via {via}; {activation}"
    return _network(
        f"init {scheme}; input {PIXELS}; linear {width}; {activation}",
        f"repeat {layers - 2} {{ {hidden} }}",
        f"head: linear {CLASSES}",
    )


def square(via: str, layers: int, scheme: str, activation: str | None, width: int = WIDTH) -> nfc.Network:
    """`layers` layers of one width, each followed by the activation unless the network is linear."""
    behind = f"; {activation}" if activation else ""
    return _network(
        f"init {scheme}; input {width}",
        f"repeat {layers} {{ linear {width} bias=false via {via}{behind} }}",
    )


def _network(*statements: str) -> nfc.Network:
    body = "\n".join(f"    {statement}" for statement in statements)
    return nfc.load(nfc.Source("deep.nf", f"nf 1\n{MASKS}\nnetwork deep {{\n{body}\n}}\n")).network
