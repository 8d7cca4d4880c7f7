"""Every property by its language name (LANGUAGE, section 5): one visible table for each subject.

Definitions here are what `docs/properties.md`, hovers and messages say. A `measure` of None is a
property that comes with a later version.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Generic, TypeVar

from nfc.analysis.degrees import fan_in, fan_out
from nfc.analysis.errors import PropertyError
from nfc.analysis.paths import paths, reach
from nfc.analysis.profile import backward_variance, correlation, forward_variance
from nfc.analysis.totals import (
    layer_flops,
    layer_parameters,
    network_density,
    network_depth,
    network_edges,
    network_flops,
    network_parameters,
)
from nfc.diagnostics import did_you_mean
from nfc.ir.digest import fabric_digest, network_digest
from nfc.ir.fabric import Fabric, depth, edge_count, factors
from nfc.ir.network import Network, WeightedLayer

Measurement = int | float | bool | str
Subject = TypeVar("Subject")

INSTANT, EDGES, PAIRS, LATER = "instant", "edges", "edges × inputs, or structure", "later version"
"""What a property's time grows with; those of the last kind cannot be asked yet."""


@dataclass(frozen=True)
class Property(Generic[Subject]):
    """A property of a subject.

    Attributes:
        name: its language name.
        definition: one line.
        cost: what its time grows with.
        measure: None where it comes with a later version.
    """

    name: str
    definition: str
    cost: str
    measure: Callable[[Subject], Measurement] | None


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
    Property("bandwidth", "most vertex-disjoint input-output paths", LATER, None),
    Property("spectral_gap", "1 − σ₂/σ₁ of the path counts scaled by row and column sums", LATER, None),
    Property("controllability", "how near the fabric's matrices come to any matrix, 0 to 1", LATER, None),
    Property("freedom", "rank of the Jacobian weights → matrix, over rows · cols", LATER, None),
    Property("digest", "`sha256:` of the fabric's normal form", EDGES, fabric_digest),
)  # fmt: skip
"""Properties of a wiring alone."""


def _of_layer(entry: Property[Fabric]) -> Property[WeightedLayer]:
    measure = entry.measure
    lifted = None if measure is None else lambda layer: measure(layer.fabric)
    return Property(entry.name, entry.definition, entry.cost, lifted)


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

    Iteration leaves out those that come with a later version. A name that is unknown, comes later
    or costs too much raises PropertyError.
    """

    def __init__(self, subject: Subject, table: Mapping[str, Property[Subject]]) -> None:
        self._subject = subject
        self._table = table

    def __getitem__(self, name: str) -> Measurement:
        return known(name, self._table)(self._subject)

    def __contains__(self, name: object) -> bool:
        return name in self._table

    def __iter__(self) -> Iterator[str]:
        return (name for name, entry in self._table.items() if entry.measure is not None)

    def __len__(self) -> int:
        return sum(1 for _ in self)

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
        PropertyError: the name is unknown (NF502), or comes with a later version (NF603).
    """
    if name not in table:
        message = f"there is no property `{name}`"
        raise PropertyError("NF502", message, hints=did_you_mean(name, table))
    measure = table[name].measure
    if measure is None:
        message = f"the property `{name}` comes with a later version"
        hint = "`connected`, `reach` and `paths.cv` are measured today"
        raise PropertyError("NF603", message, hints=(hint,))
    return measure


def is_property(name: str) -> bool:
    """Whether a network or a layer has a property of this name."""
    return name in NETWORK_PROPERTIES or name in LAYER_PROPERTIES
