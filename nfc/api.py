"""What `import nfc` gives: programs, networks, layers and fabrics, with properties by their language names.

Everything wrong with an input is an `NfcError` whose `diagnostics` say where and how to mend it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from nfc.analysis.errors import PropertyError
from nfc.analysis.properties import (
    EDGES,
    FABRIC_PROPERTIES,
    INSTANT,
    Measurement,
    Properties,
    fabric_properties,
    layer_properties,
    network_properties,
)
from nfc.defaults import BATCH
from nfc.diagnostics import Diagnostic, NfcError, Severity, Sink, did_you_mean
from nfc.ir import fabric as ir_fabric
from nfc.ir import network as ir_network
from nfc.ir.factors import Factor
from nfc.ir.parameters import Weights
from nfc.limits import Limits
from nfc.measured import Measured, measure, members_of
from nfc.passes.pipeline import run_pipeline
from nfc.source import Source

if TYPE_CHECKING:
    from torch import nn

    from nfc.atomic import Chunk
    from nfc.backends.torch_source import TorchSource
    from nfc.checks import Result
    from nfc.lowering import Target
    from nfc.lowering.plan import Plan
    from nfc.revision import RevisionFile
    from nfc.score import Score
    from nfc.sema.program import Program as Elaborated

__all__ = ["Fabric", "Layer", "Network", "Program", "Report", "load", "topology"]


def load(
    file: str | PathLike[str] | Source,
    /,
    *,
    limits: Limits | None = None,
    allow_outside: bool = False,
    **parameters: object,
) -> Program:
    """The program of a `.nf` file.

    Args:
        file: its path, `-` for standard input, or a `Source` that holds the text.
        limits: bounds on sizes, edges, time; the language's by default.
        allow_outside: whether `use` and `file` may reach files outside of the file's folder.
        parameters: new values of the file's `param`s; text is read as an expression.

    Raises:
        NfcError: the file cannot be read or is wrong.
    """
    return read_program(file, parameters, limits or Limits(), allow_outside=allow_outside)


def read_program(
    file: str | PathLike[str] | Source | RevisionFile,
    parameters: Mapping[str, object],
    limits: Limits,
    *,
    allow_outside: bool = False,
    defaults: Mapping[str, object] | None = None,
) -> Program:
    """As `load`, with parameters of any name, also of a file in a git revision.

    Args:
        defaults: new values of those `param`s that the file, or one that it uses, has.
    """
    from nfc.files import load as load_files
    from nfc.sema.program import elaborate

    sink = Sink()
    overrides = {name: _value(value, name) for name, value in parameters.items()}
    files = load_files(file, sink, limits, allow_outside=allow_outside)
    for name, value in (defaults or {}).items():
        if name in files.parameters:
            overrides.setdefault(name, _value(value, name))
    elaborated = elaborate(files, overrides=overrides, sink=sink, limits=limits)
    if sink.failed:
        raise NfcError(sink.diagnostics)
    return Program(elaborated, limits, tuple(sink.diagnostics))


def topology(
    text: str, rows: int, cols: int, *, limits: Limits | None = None, allow_outside: bool = False
) -> Fabric:
    """The fabric of a topology expression such as `butterfly(radix=4)`, cols inputs → rows outputs.

    Args:
        limits: bounds on sizes, edges, time; the language's by default.
        allow_outside: whether `file` may reach files outside of the working directory, where paths start.

    Raises:
        NfcError: the expression is wrong, or does not take these sizes.
        ValueError: a size is not positive.
    """
    from nfc.files import text_source
    from nfc.opening import DataFiles, Folder
    from nfc.sema.program import topology_fabric
    from nfc.sema.resizing import resized

    if rows < 1 or cols < 1:
        raise ValueError(f"sizes are positive, found {cols} → {rows}")
    sink = Sink()
    expression = text_source(text, "<topology>").text
    data = DataFiles(Folder.of("<topology>", allow_outside=allow_outside))
    bounds = limits or Limits()
    fabric = topology_fabric(expression, rows, cols, sink, bounds, data=data)
    if fabric is None or sink.failed:
        raise NfcError(sink.diagnostics)

    def smaller(other_rows: int, other_cols: int) -> ir_fabric.Fabric:
        found = Sink()
        other = resized(expression, other_cols / cols, bounds)
        built = topology_fabric(other, other_rows, other_cols, found, bounds, data=data)
        if built is None or found.failed:
            raise NfcError(found.diagnostics)
        return built

    return Fabric(fabric, smaller)


@dataclass(frozen=True)
class Report:
    """The outcome of a program's check blocks.

    Attributes:
        results: one an assertion, with its network, text, whether it holds, and the measured value.
        diagnostics: an error for each that fails or cannot be measured.
        ignored: those of them that comments of the file say do not count.
    """

    results: tuple[Result, ...]
    diagnostics: tuple[Diagnostic, ...]
    ignored: tuple[Diagnostic, ...] = ()

    @property
    def ok(self) -> bool:
        return all(each.severity is not Severity.ERROR for each in self.diagnostics)


class Program:
    """An elaborated file: its networks by name, and its check blocks.

    Attributes:
        networks: in the order of the file.
        diagnostics: the warnings of elaboration.
    """

    def __init__(self, elaborated: Elaborated, limits: Limits, diagnostics: tuple[Diagnostic, ...]) -> None:
        self._elaborated = elaborated
        self._limits = limits
        self.diagnostics = diagnostics
        self.networks = {name: Network(network) for name, network in elaborated.networks.items()}

    @property
    def elaborated(self) -> Elaborated:
        """What the file means, its networks not yet initialised."""
        return self._elaborated

    def __getitem__(self, name: str) -> Network:
        """A network by name; KeyError where there is none."""
        return _named(name, self.networks, "network")

    @property
    def network(self) -> Network:
        """The only network; ValueError where there are none or several."""
        if len(self.networks) != 1:
            names = ", ".join(self.networks) or "none"
            raise ValueError(f"expected a program with one network, found {names}; name it: program[…]")
        return next(iter(self.networks.values()))

    def check(self, *names: str) -> Report:
        """Run the check blocks, of the networks named or of all."""
        from nfc.checks import run
        from nfc.suppressions import sift

        chosen = {name: self[name] for name in names or self.networks}
        sink = Sink()
        results = run(self._elaborated, {name: each.ir for name, each in chosen.items()}, sink, self._limits)
        sifted = sift(sink.diagnostics)
        marked = (replace(each, ignored=each.diagnostic in sifted.ignored) for each in results)
        return Report(tuple(marked), sifted.kept, sifted.ignored)

    def __repr__(self) -> str:
        return f"<nfc.Program with {', '.join(self.networks) or 'no network'}>"


class Network(Measured):
    """A network of a program, initialised when that is first needed.

    Attributes:
        name: as in the file.
        input, output: shapes of one sample.
        properties of LANGUAGE's section 5 for networks: `params`, `edges`, `flops`, `density`,
            `depth`, `bytes`, `variance.forward`, `variance.backward`, `digest`.
    """

    def __init__(self, elaborated: ir_network.Network) -> None:
        self._elaborated = elaborated
        self.name = elaborated.name
        self.input = elaborated.input
        self.output = elaborated.output

    @cached_property
    def _initialised(self) -> tuple[ir_network.Network, tuple[Diagnostic, ...]]:
        sink = Sink()
        return run_pipeline(self._elaborated, sink), tuple(sink.diagnostics)

    @property
    def ir(self) -> ir_network.Network:
        """The intermediate representation, with the draws of its initial weights."""
        return self._initialised[0]

    @property
    def diagnostics(self) -> tuple[Diagnostic, ...]:
        """The warnings of initialisation."""
        return self._initialised[1]

    @cached_property
    def plan(self) -> Plan:
        """The lowered network: a kernel for every factor."""
        from nfc.lowering import lower

        return lower(self.ir)

    def plan_for(self, target: Target) -> Plan:
        """The lowered network with the kernels that the cost model chooses for a target."""
        from nfc.lowering import optimise

        return optimise(self.plan, target)

    @cached_property
    def _properties(self) -> Properties[ir_network.Network]:  # type: ignore[override]
        return network_properties(self.ir)

    @cached_property
    def layers(self) -> tuple[Layer, ...]:
        """The weighted layers in order of execution."""
        return tuple(map(Layer, ir_network.weighted_layers(self.ir)))

    def __getitem__(self, path: str) -> Layer:
        """A weighted layer by its path, `head` or `repeat1.0.linear1`; KeyError where there is none."""
        return _named(path, {layer.name: layer for layer in self.layers}, "layer")

    def torch_source(self, seed: int = 0, *, batch: int = BATCH, fuse: bool = True) -> TorchSource:
        """The emitted PyTorch module, as text, and its index tables.

        Args:
            seed: the default of the module's own `seed`.
            batch: samples at a time for which kernels are chosen; the module takes any number.
            fuse: whether stages of a cascade may be multiplied out.
        """
        from nfc.backends.torch_source import emit_torch

        return emit_torch(self._torch_plan(batch, fuse), seed)

    def torch(
        self, seed: int = 0, *, weights: object = None, batch: int = BATCH, fuse: bool = True
    ) -> nn.Module:
        """The emitted module in this process; the rest as for `torch_source`.

        Args:
            seed: what its weights are drawn from.
            weights: a module, a state dict, or the path of a weight file, to have its weights instead.

        Raises:
            NfcError: the weights do not fit the network.
        """
        from nfc.backends.torch_module import build_module, fill_module

        module = build_module(self._torch_plan(batch, fuse), seed)
        if weights is not None:
            fill_module(module, self._weights(weights, seed))
        return module

    def _torch_plan(self, batch: int, fuse: bool) -> Plan:
        from nfc.lowering import Target

        return self.plan_for(Target(runtime="torch", batch=batch, fuse=fuse))

    def onnx(
        self, weights: object = None, *, seed: int = 0, sink: Sink | None = None, **options: Any
    ) -> bytes:
        """The network as an ONNX file's bytes.

        Args:
            weights: a module, a state dict, or the path of a weight file; None draws them from `seed`.
            sink: gets warnings, such as of a layer that is smaller stored dense.
            batch: samples at a time for which the graph is made; it takes any number.
            fuse: whether stages of a cascade may be multiplied out.
            options: `sparse` (`delta`, `constant`, `initializer`, `dense`), which also keeps every
                matrix without structure whole, `dtype` (`float32`, `float16`) and `opset`.

        Raises:
            NfcError: the weights do not fit the network, or an option is not offered.
        """
        return b"".join(self.onnx_chunks(weights, seed=seed, sink=sink, **options))

    def onnx_chunks(
        self,
        weights: object = None,
        *,
        seed: int = 0,
        sink: Sink | None = None,
        batch: int = BATCH,
        fuse: bool = True,
        **options: Any,
    ) -> tuple[Chunk, ...]:
        """As `onnx`, in pieces: a large file is written without a second copy of its weights."""
        from nfc.backends.onnx_graph import Options, emit_chunks
        from nfc.lowering import Target

        chosen = Options(batch=batch, optimised=True, **options)
        target = Target(
            runtime="onnxruntime",
            batch=batch,
            fuse=fuse,
            gathers="sparse" not in options,
            weight_bytes=chosen.weight_bytes,
        )
        return emit_chunks(self.plan_for(target), self._weights(weights, seed), chosen, sink or Sink())

    def export_onnx(
        self, path: str | PathLike[str], weights: object = None, *, seed: int = 0, **options: Any
    ) -> tuple[Diagnostic, ...]:
        """Write the network as an ONNX file and return the warnings; arguments as for `onnx`."""
        from nfc.atomic import write_chunks

        sink = Sink()
        write_chunks(Path(path), self.onnx_chunks(weights, seed=seed, sink=sink, **options))
        return tuple(sink.diagnostics)

    def read_weights(self, path: str | PathLike[str]) -> Weights:
        """The weights in a file, checked against the network, as float32 arrays by their names in state dicts.

        Args:
            path: `.safetensors`, `.pt` or `.pth` (a state dict, read without unpickling objects), or
                `.onnx`: a file that nfc wrote, in any of its forms.

        Raises:
            NfcError: NF751 when the file cannot be read as weights, among them an ONNX file of others,
                or one in which factors were multiplied out; NF752 for another topology, NF753 for names,
                shapes and types that do not fit, NF754 for values that are not finite.
        """
        from nfc.backends.onnx_weights import read_onnx_weights
        from nfc.weights import read_weights
        from nfc.weights.files import ONNX

        file = Path(path)
        if file.suffix == ONNX:
            return read_onnx_weights(file, self.ir, self.plan_for)
        return read_weights(file, self.ir)

    def write_weights(self, path: str | PathLike[str], weights: object = None, *, seed: int = 0) -> None:
        """Write weights with the topology's digest as `.safetensors`, `.pt` or `.pth`.

        Args:
            weights: a module, a state dict, or the path of a weight file; None draws them from `seed`.

        Raises:
            NfcError: NF750 when the file cannot be written, NF751 for another suffix, and the errors
                of `read_weights`.
        """
        from nfc.weights import write_weights

        write_weights(Path(path), self._weights(weights, seed), self.ir)

    def _weights(self, weights: object, seed: int) -> Weights:
        from nfc.ir.initial_weights import initial_weights
        from nfc.weights import from_state_dict

        match weights:
            case None:
                return initial_weights(self.ir, seed)
            case str() | PathLike():
                return self.read_weights(weights)
            case Mapping():
                return from_state_dict(weights, self.ir)
            case _ if hasattr(weights, "state_dict"):
                return from_state_dict(weights.state_dict(), self.ir)
            case _:
                raise TypeError(f"weights are a module, a state dict or a path, not {type(weights).__name__}")

    def __repr__(self) -> str:
        return f"<nfc.Network {self.name}: {list(self.input)} → {list(self.output)}>"


class Layer(Measured):
    """A weighted layer.

    Attributes:
        name: its path, copies and branches numbered.
        topology: its wiring as written.
        fabric: its wiring as built.
        properties of LANGUAGE's section 5 for layers: `params`, `density`, `fan_in.max`, `connected` …
    """

    def __init__(self, ir: ir_network.WeightedLayer) -> None:
        self.ir = ir
        self.name = ir.path
        self.topology = ir.topology
        self.fabric = Fabric(ir.fabric)
        self._properties = layer_properties(ir)

    def __repr__(self) -> str:
        return f"<nfc.Layer {self.name}: {self.fabric.cols} → {self.fabric.rows} via {self.topology}>"


class Fabric(Measured):
    """A wiring: a tree of cascades and sums over factors.

    Attributes:
        rows, cols: outputs and inputs; `shape` is both.
        factors: in written order, each with `shape`, `edges` and `csr()`.
        properties of LANGUAGE's section 5 for wirings: `edges`, `density`, `connected`, `digest` …
    """

    def __init__(
        self, ir: ir_fabric.Fabric, smaller: Callable[[int, int], ir_fabric.Fabric] | None = None
    ) -> None:
        self.ir = ir
        self._smaller = smaller
        self.rows, self.cols = self.shape = (ir.rows, ir.cols)
        self.factors: tuple[Factor, ...] = tuple(ir_fabric.factors(ir))
        self._properties = fabric_properties(ir)

    def properties(self, *names: str) -> dict[str, Measurement | dict[str, Measurement]]:
        """The properties named, a group such as `paths` as a dictionary.

        Without names: all whose time is at most linear in the edges, and `connected` and `reach`
        unless those would cost too much.

        Raises:
            NfcError: a name is unknown, or would cost too much.
        """
        return {name: self._property(name) for name in names or self._affordable()}

    def score(self, *, targets: int = 3, seed: int = 0) -> Score:
        """How well a layer of this wiring will train, without data; the same for the same seed.

        Args:
            targets: random matrices that controllability is measured on.
            seed: of all that is drawn.

        Raises:
            NfcError: it would cost too much (NF506).
            ValueError: there is no target, or the seed is not in 0..<2^64.
        """
        from nfc.score import score

        try:
            return score(self.ir, targets=targets, seed=seed, smaller=self._smaller)
        except PropertyError as error:
            raise NfcError([Diagnostic(error.code, error.message, None, hints=error.hints)]) from None

    def _property(self, name: str) -> Measurement | dict[str, Measurement]:
        members = members_of(self._properties, name)
        if members:
            return {member.partition(".")[2]: measure(self._properties, member) for member in members}
        return measure(self._properties, name)

    def _affordable(self) -> Iterator[str]:
        for name in self._properties:
            if FABRIC_PROPERTIES[name].cost in (INSTANT, EDGES):
                yield name
        try:
            measure(self._properties, "connected")
        except NfcError:
            return
        yield from ("connected", "reach")

    def __repr__(self) -> str:
        return f"<nfc.Fabric {self.cols} → {self.rows}, {len(self.factors)} factors>"


Item = TypeVar("Item")


def _named(name: str, items: Mapping[str, Item], kind: str) -> Item:
    """KeyError says what there is."""
    if name not in items:
        hint = " ".join(did_you_mean(name, items)) or f"there are {', '.join(items) or 'none'}"
        raise KeyError(f"no {kind} `{name}`; {hint}")
    return items[name]


def _value(value: object, name: str) -> Any:
    """A parameter's value as the language has it: lists are tuples, NumPy's numbers Python's.

    Raises:
        NfcError: NF208, for what the language has no value for.
    """
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, list | tuple):
        return tuple(_value(item, name) for item in value)
    if isinstance(value, int | float | str):
        return value
    message = f"`{name}` takes a number, a string, true, false or a list; found {type(value).__name__}"
    raise NfcError([Diagnostic("NF208", message, None)])
