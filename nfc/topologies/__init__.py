"""The standard topologies, one family a file, and the table of them all."""

from __future__ import annotations

from nfc.topologies import combinators as combinators
from nfc.topologies.band import BAND
from nfc.topologies.bernoulli import BERNOULLI
from nfc.topologies.block import BLOCK
from nfc.topologies.butterfly import BENES, BUTTERFLY, MONARCH
from nfc.topologies.clos import CLOS
from nfc.topologies.diagonal import DIAGONAL
from nfc.topologies.expander import EXPANDER
from nfc.topologies.family import Family
from nfc.topologies.fitting import Built as Built
from nfc.topologies.fitting import build as build
from nfc.topologies.full import DENSE, LOWRANK
from nfc.topologies.full import dense as dense
from nfc.topologies.n_of_m import N_OF_M
from nfc.topologies.pixelfly import PIXELFLY
from nfc.topologies.radix_net import RADIX_NET
from nfc.topologies.random import RANDOM
from nfc.topologies.shuffle_exchange import SHUFFLE_EXCHANGE
from nfc.topologies.small_world import SMALL_WORLD
from nfc.topologies.torus import HYPERCUBE, TORUS

FAMILIES: dict[str, Family] = {
    "dense": DENSE,
    "diagonal": DIAGONAL,
    "block": BLOCK,
    "band": BAND,
    "random": RANDOM,
    "bernoulli": BERNOULLI,
    "small_world": SMALL_WORLD,
    "n_of_m": N_OF_M,
    "torus": TORUS,
    "hypercube": HYPERCUBE,
    "butterfly": BUTTERFLY,
    "monarch": MONARCH,
    "clos": CLOS,
    "benes": BENES,
    "shuffle_exchange": SHUFFLE_EXCHANGE,
    "radix_net": RADIX_NET,
    "expander": EXPANDER,
    "lowrank": LOWRANK,
    "pixelfly": PIXELFLY,
}
"""The families by name, in the order of the language's table; `file` reads files and comes with masks."""
