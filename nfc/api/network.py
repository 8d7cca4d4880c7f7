"""Networks and their weighted layers: properties, emitted code, weights."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nfc.analysis.properties import Properties, layer_properties, network_properties
from nfc.api.fabric import Fabric
from nfc.api.items import named
from nfc.defaults import BATCH
from nfc.diagnostics import Diagnostic, Sink
from nfc.ir import network as ir_network
from nfc.ir.parameters import Weights
from nfc.measured import Measured
from nfc.passes.pipeline import run_pipeline
from nfc.philox import check_seed

if TYPE_CHECKING:
    from torch import nn

    from nfc.atomic import Chunk
    from nfc.backends.torch_source import TorchSource
    from nfc.lowering import Target
    from nfc.lowering.plan import Plan


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
        return named(path, {layer.name: layer for layer in self.layers}, "layer")

    def torch_source(self, seed: int = 0, *, batch: int = BATCH, fuse: bool = True) -> TorchSource:
        """The emitted PyTorch module, as text, and its index tables.

        Args:
            seed: the default of the module's own `seed`.
            batch: samples at a time for which kernels are chosen; the module takes any number.
            fuse: whether stages of a cascade may be multiplied out.

        Raises:
            ValueError: the seed is not in 0..<2^64.
        """
        from nfc.backends.torch_source import emit_torch

        check_seed(seed)
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
            ValueError: the seed is not in 0..<2^64.
        """
        from nfc.backends.torch_module import build_module, fill_module

        check_seed(seed)
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
                check_seed(seed)
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
