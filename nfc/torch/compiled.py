"""One layer compiled in this process: its plan's product, its draws, and the modules that compute it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cache, lru_cache
from importlib import import_module
from operator import index
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from nfc.analysis.activations import gain as activation_gain
from nfc.backends.torch_layers import product_module
from nfc.backends.torch_library import SOURCES
from nfc.backends.torch_tables import tables
from nfc.defaults import BATCH
from nfc.diagnostics import Diagnostic, NfcError, Sink, did_you_mean
from nfc.files import text_source
from nfc.ir.convolutions import Conv, Pair
from nfc.ir.deviations import scaled
from nfc.ir.fabric import Cascade, Fabric, Sum, named_factors, part_place
from nfc.ir.initial_weights import initial_value
from nfc.ir.network import (
    ACTIVATIONS,
    SCHEMES,
    Activation,
    Linear,
    Network,
    WeightedLayer,
    weighted_layers,
)
from nfc.ir.parameters import weighted_parameters
from nfc.limits import Limits
from nfc.lowering import lower
from nfc.lowering.kernels import block_kernels
from nfc.lowering.learning_rates import Rate, learning_rates
from nfc.lowering.optimise import optimise
from nfc.lowering.plan import Convolution, Product
from nfc.lowering.target import Target
from nfc.opening import DataFiles, Folder
from nfc.passes.pipeline import run_pipeline
from nfc.sema.program import topology_fabric

PATH = "linear1"
"""The layer's path in the network that is compiled for it."""


@dataclass(frozen=True)
class Window:
    """How a convolution's kernel slides: its sizes, its steps and the zeros at each side, of height and width."""

    kernel: Pair
    stride: Pair = (1, 1)
    padding: Pair = (0, 0)

    @property
    def area(self) -> int:
        return self.kernel[0] * self.kernel[1]


@dataclass(frozen=True)
class Recipe:
    """What a layer is compiled from.

    Attributes:
        in_features, out_features: sizes of the fabric; channels where the layer is a convolution.
        via: the topology expression.
        label: what automatic seeds of random topologies hang on, beside the place in the expression.
        init: one of SCHEMES.
        batch: rows for which the kernels are chosen.
        backward: whether they are chosen by the time of forward and backward, or of forward alone.
        window: a convolution's; None for a linear layer.
    """

    in_features: int
    out_features: int
    via: str
    label: str
    init: str
    batch: int = BATCH
    backward: bool = True
    window: Window | None = None

    def __post_init__(self) -> None:
        """Makes NumPy's integers Python's; raises TypeError where a number or a text is something else."""
        for name in ("in_features", "out_features", "batch"):
            value: Any = getattr(self, name)
            if not hasattr(value, "__index__"):
                raise TypeError(f"expected {name} as a whole number, found {value!r}")
            object.__setattr__(self, name, index(value))
        for name in ("via", "label", "init"):
            value = getattr(self, name)
            if not isinstance(value, str):
                raise TypeError(f"expected {name} as text, found {value!r}")

    @property
    def target(self) -> Target:
        return Target(runtime="torch", batch=self.batch, backward=self.backward)


@dataclass(frozen=True, eq=False)
class Compiled:
    """A compiled layer.

    Attributes:
        layer: the layer with its draws; outputs have second moment 1 for inputs of second moment 1.
        product: the layer lowered, kernels chosen.
        topology_digest: that of a network with this layer alone.
        warnings: of the topology and of the initialisation.
    """

    layer: WeightedLayer
    product: Product
    topology_digest: str
    warnings: tuple[Diagnostic, ...]

    @property
    def weights(self) -> int:
        """Trainable weights: the edges, those with a kernel as often as it has entries."""
        return sum(each.count for each in weighted_parameters(self.layer) if each.factor is not None)

    def module(self) -> nn.Module:
        """The modules of the fabric, the same classes in the same tree as in an emitted network."""
        found = {name: table for kernel in block_kernels((self.product,)) for name, table in tables(kernel)}
        names = {"tables": {name: torch.tensor(table, device="cpu") for name, table in found.items()}}
        # The expression is what the PyTorch printer writes: class names, integers and keys of tables.
        built = eval(str(product_module(self.product, PATH)), {**helper_classes(), **names})
        trees = helper_classes()["FabricLinear"], helper_classes()["FabricConv2d"]
        return built.fabric if isinstance(built, trees) else built

    def initial_weights(self, seed: int, gain: float) -> Iterator[tuple[str, NDArray[np.float32]]]:
        """Each weight of `module()` by its name there, drawn from `seed`, outputs' second moment `gain`."""
        ends = output_places(self.layer.fabric)
        factors = (each for each in weighted_parameters(self.layer) if each.factor is not None)
        for (place, _), parameter in zip(named_factors(self.layer.fabric), factors, strict=True):
            draw = parameter.draw
            assert draw is not None
            if place in ends:
                draw = replace(draw, std=scaled(draw.std, gain))
            name = f"{place}.weight" if place else "weight"
            yield name, initial_value(replace(parameter, draw=draw), seed)

    def learning_rates(self) -> dict[str, Rate]:
        """The rate of each weight by its name in `module()`."""
        start = f"{PATH}.fabric." if isinstance(self.layer.fabric, Cascade | Sum) else f"{PATH}."
        return {name.removeprefix(start): rate for name, rate in learning_rates(self.product).items()}


@lru_cache(maxsize=8)
def compile_layer(recipe: Recipe) -> Compiled:
    """The layer of a recipe.

    Raises:
        NfcError: the topology is wrong, or does not take these sizes; the scheme is unknown.
        ValueError: a size is not positive.
    """
    sink = Sink()
    fabric = _fabric(recipe, sink)
    if recipe.init not in SCHEMES:
        raise unknown("scheme of initialisation", recipe.init, SCHEMES)
    network = run_pipeline(_network(_layer(recipe, fabric)), sink)
    plan = optimise(lower(network), recipe.target)
    (initialised,) = weighted_layers(network)
    (product,) = plan.body
    assert isinstance(product, Product)
    if recipe.window is not None:
        assert isinstance(product, Convolution)
        product = replace(product, stride=recipe.window.stride, padding=recipe.window.padding)
    return Compiled(initialised, product, plan.topology_digest, tuple(sink.diagnostics))


def unknown(kind: str, name: str, known: tuple[str, ...]) -> ValueError:
    hints = " ".join(did_you_mean(name, known)) or f"expected one of {', '.join(known)}"
    return ValueError(f"no {kind} is called `{name}`; {hints}")


def gain_before(activation: str | None) -> float:
    """The second moment that an activation wants before it, as in docs/initialisation.md; 1 for none."""
    if activation is None:
        return 1.0
    if not isinstance(activation, str):
        raise TypeError(f"expected an activation by its name, such as `relu`, found {activation!r}")
    if activation not in ACTIVATIONS:
        raise unknown("activation", activation, ACTIVATIONS)
    return activation_gain(Activation(path="", input=(), output=(), function=activation))


def output_places(fabric: Fabric, place: str = "") -> frozenset[str]:
    """The places of the factors whose outputs are the fabric's own, or add up to them."""
    match fabric:
        case Cascade(parts=parts):
            ends = [(len(parts) - 1, parts[-1])]
        case Sum(parts=parts):
            ends = list(enumerate(parts))
        case _:
            return frozenset([place])
    return frozenset().union(*(output_places(part, part_place(place, index)) for index, part in ends))


@cache
def helper_classes() -> dict[str, Any]:
    """The names that the PyTorch printer's expressions use: `nn`, and the classes of emitted modules."""
    modules = [import_module(f"nfc.backends.{name.removesuffix('.py')}") for name in SOURCES]
    return {name: value for module in modules for name, value in vars(module).items()}


def _fabric(recipe: Recipe, sink: Sink) -> Fabric:
    rows, cols = recipe.out_features, recipe.in_features
    if rows < 1 or cols < 1:
        raise ValueError(f"sizes are positive, found {cols} → {rows}")
    text = text_source(recipe.via, "<topology>").text
    data = DataFiles(Folder.of("<topology>"))
    fabric = topology_fabric(text, rows, cols, sink, Limits(), path=recipe.label, data=data)
    if fabric is None or sink.failed:
        raise NfcError(sink.diagnostics)
    return fabric


def _layer(recipe: Recipe, fabric: Fabric) -> WeightedLayer:
    """The layer to be compiled; a convolution on a single place of its window, as its image is not known."""
    fields: dict[str, Any] = {
        "path": PATH,
        "fabric": fabric,
        "bias": False,
        "scheme": recipe.init,
        "topology": recipe.via,
    }
    if recipe.window is None:
        return Linear(input=(recipe.in_features,), output=(recipe.out_features,), **fields)
    kernel = recipe.window.kernel
    return Conv(
        input=(recipe.in_features, *kernel),
        output=(recipe.out_features, 1, 1),
        kernel=kernel,
        stride=(1, 1),
        padding=(0, 0),
        **fields,
    )


def _network(layer: WeightedLayer) -> Network:
    return Network(
        name="layer",
        input=layer.input,
        output=layer.output,
        body=(layer,),
        source_name="<topology>",
        source_digest="",
    )
