"""What `nfc show` tells of a network's initialisation, as records of its JSON document."""

from __future__ import annotations

from math import inf, sqrt

import numpy as np

from nfc.analysis.profile import Place, profile
from nfc.analysis.variance import edge_variances
from nfc.api import Network
from nfc.ir.fabric import factors
from nfc.ir.factors import Factor
from nfc.ir.network import Activation, Draw, Linear
from nfc.render.json import Record


def profile_records(network: Network) -> list[Record]:
    """The signal behind every weighted layer and activation, in order of execution."""
    return [_place_record(place) for place in profile(network.ir).places]


def _place_record(place: Place) -> Record:
    op, forward = place.op, place.forward
    init = init_record(op) if isinstance(op, Linear) else {"scheme": None, "std_min": None, "std_max": None}
    return {
        "name": op.path,
        "op": op.function if isinstance(op, Activation) else "linear",
        "slope": op.slope if isinstance(op, Activation) else None,
        **init,
        "forward": {"min": forward.least, "max": forward.greatest, "mean": forward.mean},
        "backward": place.backward,
        "correlation": place.correlation,
    }


def init_record(layer: Linear) -> Record:
    """The scheme, and the least and greatest standard deviation of a weight."""
    pairs = zip(factors(layer.fabric), layer.draws or (), strict=True)
    bounds = [bound for factor, draw in pairs for bound in weight_std(factor, draw)]
    return {
        "scheme": layer.scheme,
        "std_min": min(bounds, default=None),
        "std_max": max(bounds, default=None),
    }


def weight_std(factor: Factor, draw: Draw) -> tuple[float, float]:
    """The least and the greatest standard deviation of the factor's weights."""
    variances = np.asarray(edge_variances(factor, draw))
    return sqrt(variances.min(initial=inf)), sqrt(variances.max(initial=0.0))
