"""Every property by its language name (LANGUAGE, section 5): one visible table for each subject.

Definitions here are what `docs/properties.md`, hovers and messages say.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Generic, TypeVar

from nfc.analysis.bandwidth import bandwidth
from nfc.analysis.controllability import mean_controllability
from nfc.analysis.degrees import fan_in, fan_out
from nfc.analysis.errors import PropertyError
from nfc.analysis.freedom import freedom
from nfc.analysis.paths import paths, reach
from nfc.analysis.profile import backward_variance, correlation, forward_variance
from nfc.analysis.spectrum import ramanujan_gap, spectral_gap
from nfc.analysis.totals import (
    layer_flops,
    layer_parameters,
    network_density,
    network_depth,
    network_edges,
    network_flops,
    network_parameters,
)
from nfc.analysis.units import biregular, dead, degree_balance, duplicates
from nfc.diagnostics import did_you_mean
from nfc.ir.digest import fabric_digest, network_digest
from nfc.ir.fabric import Fabric, depth, edge_count, factors
from nfc.ir.network import Network, WeightedLayer

Measurement = int | float | bool | str
Subject = TypeVar("Subject")

INSTANT, EDGES, PAIRS = "instant", "edges", "edges × inputs, or structure"
ROUNDS, ELIMINATION = "edges × rounds of a solver, or structure", "weights³, or structure"
STEPS = "edges × inputs × steps of an optimiser, or structure"
"""What a property's time grows with."""


@dataclass(frozen=True)
class Property(Generic[Subject]):
    """A property of a subject.

    Attributes:
        name: its language name.
        definition: one line.
        cost: what its time grows with.
        measure: its value for a subject.
    """

    name: str
    definition: str
    cost: str
    measure: Callable[[Subject], Measurement]


def _table(*properties: Property[Subject]) -> dict[str, Property[Subject]]:
    return {entry.name: entry for entry in properties}


FABRIC_PROPERTIES: dict[str, Property[Fabric]] = _table(
    Property("edges", "weights of the factors", INSTANT, edge_count),
    Property("density", "edges / (rows · cols)", INSTANT, lambda f: edge_count(f) / (f.rows * f.cols)),
    Property("factors", "number of factors", INSTANT, lambda f: sum(1 for _ in factors(f))),
    Property("depth", "factors on the longest path", INSTANT, depth),
    Property("fan_in.min", "fewest edges into a neuron", EDGES, lambda f: fan_in(f).minimum),
    Property("fan_in.max", "most edges into a neuron", EDGES, lambda f: fan_in(f).maximum),
    Property("fan_in.mean", "edges over the neurons that read", EDGES, lambda f: fan_in(f).mean),
    Property("fan_out.min", "fewest edges out of a neuron", EDGES, lambda f: fan_out(f).minimum),
    Property("fan_out.max", "most edges out of a neuron", EDGES, lambda f: fan_out(f).maximum),
    Property("fan_out.mean", "edges over the neurons that are read", EDGES, lambda f: fan_out(f).mean),
    Property("connected", "every input has a path to every output", PAIRS, lambda f: reach(f).connected),
    Property("reach", "share of the input-output pairs with a path", PAIRS, lambda f: reach(f).share),
    Property("paths.min", "fewest paths of an input-output pair", PAIRS, lambda f: paths(f).minimum),
    Property("paths.max", "most paths of an input-output pair", PAIRS, lambda f: paths(f).maximum),
    Property("paths.mean", "paths over input-output pairs", PAIRS, lambda f: paths(f).mean),
    Property("paths.cv", "standard deviation of the path counts over their mean", PAIRS, lambda f: paths(f).variation),
    Property("bandwidth", "most vertex-disjoint input-output paths", ROUNDS, bandwidth),
    Property("spectral_gap", "1 − σ₂/σ₁ of the path counts scaled by row and column sums", ROUNDS, spectral_gap),
    Property("controllability", "how near the fabric's matrices come to any matrix, 0 to 1", STEPS, mean_controllability),
    Property("freedom", "rank of the Jacobian weights → matrix, over rows · cols", ELIMINATION, freedom),
    Property("ramanujan_gap", "least √(fan-in − 1) + √(fan-out − 1) − σ₂ of a factor", ROUNDS, ramanujan_gap),
    Property("biregular", "every factor has one fan-in and one fan-out", EDGES, biregular),
    Property("degree_balance", "least ratio of a neuron's fan-in and fan-out between factors, below 1", EDGES, degree_balance),
    Property("duplicates", "neurons between factors with the neighbours of an earlier one", EDGES, duplicates),
    Property("dead", "neurons on no input-output path", EDGES, dead),
    Property("digest", "`sha256:` of the fabric's normal form", EDGES, fabric_digest),
)  # fmt: skip
"""Properties of a wiring alone."""


def _of_layer(entry: Property[Fabric]) -> Property[WeightedLayer]:
    return Property(entry.name, entry.definition, entry.cost, lambda layer: entry.measure(layer.fabric))


LAYER_PROPERTIES: dict[str, Property[WeightedLayer]] = _table(
    Property("params", "trainable numbers: weights and biases", INSTANT, layer_parameters),
    Property("flops", "for one sample: 2 · weights · positions", INSTANT, layer_flops),
    *(_of_layer(entry) for entry in FABRIC_PROPERTIES.values()),
)
"""Properties of a weighted layer."""

NETWORK_PROPERTIES: dict[str, Property[Network]] = _table(
    Property("params", "trainable numbers: weights, biases, norms' scales and shifts, embeddings, positions", INSTANT, network_parameters),
    Property("edges", "weights of all fabrics", INSTANT, network_edges),
    Property("flops", "for one sample: the sum over the weighted layers, and 4 · T² · D of each attention", INSTANT, network_flops),
    Property("density", "edges over the sum of the weighted layers' rows · cols", INSTANT, network_density),
    Property("depth", "weighted factors on the longest path", INSTANT, network_depth),
    Property("bytes", "4 · params", INSTANT, lambda network: 4 * network_parameters(network)),
    Property("variance.forward", "second moment at the output over the input's, at initialisation", EDGES, forward_variance),
    Property("variance.backward", "total second moment of the input's gradient over the output's", EDGES, backward_variance),
    Property("correlation", "cosine between the outputs at two inputs at right angles, at initialisation", EDGES, correlation),
    Property("digest", "`sha256:` of all weighted layers' normal forms", EDGES, network_digest),
)  # fmt: skip
"""Properties of a network."""


class Properties(Mapping[str, Measurement], Generic[Subject]):
    """A subject's properties by name, measured when asked for.

    A name that is unknown or costs too much raises PropertyError.
    """

    def __init__(self, subject: Subject, table: Mapping[str, Property[Subject]]) -> None:
        self._subject = subject
        self._table = table

    def __getitem__(self, name: str) -> Measurement:
        return known(name, self._table)(self._subject)

    def __contains__(self, name: object) -> bool:
        return name in self._table

    def __iter__(self) -> Iterator[str]:
        return iter(self._table)

    def __len__(self) -> int:
        return len(self._table)

    def group(self, name: str) -> dict[str, Measurement]:
        """The properties `name.…` by what follows the point: `group("paths")["cv"]`."""
        members = [member for member in self if member.startswith(f"{name}.")]
        return {member.removeprefix(f"{name}."): self[member] for member in members}


def fabric_properties(fabric: Fabric) -> Properties[Fabric]:
    """The properties of a wiring."""
    return Properties(fabric, FABRIC_PROPERTIES)


def layer_properties(layer: WeightedLayer) -> Properties[WeightedLayer]:
    """The properties of a weighted layer."""
    return Properties(layer, LAYER_PROPERTIES)


def network_properties(network: Network) -> Properties[Network]:
    """The properties of an initialised network."""
    return Properties(network, NETWORK_PROPERTIES)


def known(name: str, table: Mapping[str, Property[Subject]]) -> Callable[[Subject], Measurement]:
    """How a property is measured.

    Raises:
        PropertyError: the name is unknown (NF502).
    """
    if name not in table:
        message = f"there is no property `{name}`"
        raise PropertyError("NF502", message, hints=did_you_mean(name, table))
    return table[name].measure


def is_property(name: str) -> bool:
    """Whether a network or a layer has a property of this name."""
    return name in NETWORK_PROPERTIES or name in LAYER_PROPERTIES
