"""What `nfc show` tells of a network's initialisation, as records of its JSON document."""

from __future__ import annotations

from math import inf, prod, sqrt

import numpy as np

from nfc.analysis.profile import Place, profile
from nfc.analysis.variance import edge_variances
from nfc.api import Network
from nfc.ir.fabric import factors, reads_input
from nfc.ir.factors import Factor
from nfc.ir.network import Activation, Draw, Op, WeightedLayer
from nfc.ir.sequences import attention_layers
from nfc.render.json import Record


def profile_records(network: Network) -> list[Record]:
    """The signal behind every weighted layer, table and activation, in order of execution."""
    attention = attention_layers(network.ir)
    return [_place_record(place, held=place.op.path in attention) for place in profile(network.ir).places]


def operation_name(op: Op, *, held: bool) -> str:
    """What an operation is called; `held` says that it is one of an attention's layers."""
    if isinstance(op, Activation):
        return op.function
    return "attention" if held else type(op).__name__.lower()


def _place_record(place: Place, *, held: bool) -> Record:
    op, forward = place.op, place.forward
    nothing = {"scheme": None, "std_min": None, "std_max": None}
    init = init_record(op) if isinstance(op, WeightedLayer) else nothing
    return {
        "name": op.path,
        "op": operation_name(op, held=held),
        "slope": op.slope if isinstance(op, Activation) else None,
        **init,
        "forward": {"min": forward.least, "max": forward.greatest, "mean": forward.mean},
        "backward": place.backward,
        "correlation": place.correlation,
    }


def init_record(layer: WeightedLayer) -> Record:
    """The scheme, and the least and greatest standard deviation of a weight."""
    areas = (prod(layer.window) if reads else 1 for reads in reads_input(layer.fabric))
    drawn = zip(factors(layer.fabric), layer.draws or (), areas, strict=True)
    bounds = [bound for each in drawn for bound in weight_std(*each)]
    return {
        "scheme": layer.scheme,
        "std_min": min(bounds, default=None),
        "std_max": max(bounds, default=None),
    }


def weight_std(factor: Factor, draw: Draw, area: int = 1) -> tuple[float, float]:
    """The least and the greatest standard deviation of the factor's weights."""
    variances = np.asarray(edge_variances(factor, draw, area))
    return sqrt(variances.min(initial=inf)), sqrt(variances.max(initial=0.0))
