"""From a Plan and its weights to the bytes of an `.onnx` file."""

from __future__ import annotations

from nfc.atomic import Chunk
from nfc.backends.onnx_graph.blocks import Operations, batch_first
from nfc.backends.onnx_graph.graph import Graph, TooLargeError
from nfc.backends.onnx_graph.model import serialise
from nfc.backends.onnx_graph.neutral import decoded
from nfc.backends.onnx_graph.options import Options, check_options
from nfc.backends.onnx_graph.steps import layouts
from nfc.backends.onnx_graph.storage import Storage, report_stored_dense
from nfc.backends.onnx_graph.values import whole
from nfc.defaults import BATCH
from nfc.diagnostics import NfcError, Sink
from nfc.ir.parameters import Weights
from nfc.ir.sequences import vocabulary
from nfc.lowering.plan import Plan
from nfc.version import VERSION


def emit_onnx(
    plan: Plan,
    weights: Weights,
    *,
    sparse: str = "delta",
    dtype: str = "float32",
    opset: int = 18,
    batch: int = BATCH,
    optimised: bool = False,
    sink: Sink,
) -> bytes:
    """The network as an ONNX model: `input` [batch, *plan.input] → `output` [batch, *plan.output], float32; int64 where the input is token ids.

    The same arguments give the same bytes. `sink` gets a warning (NF621) for each layer too dense
    to be smaller in the form asked for.

    Args:
        weights: every parameter and buffer of the plan, as `nfc.ir.parameters` names and shapes them.
        sparse: how weights without structure are stored: `delta`, `constant`, `initializer` or `dense`.
        dtype: what factors' weights are stored in, `float32` or `float16`; all is computed in float32.
        opset: the operator set, 18 to 26.
        batch: samples that run at once, for which layouts and forms are chosen.
        optimised: whether the plan's kernels are choices, as `nfc.lowering.optimise` makes them.

    Raises:
        NfcError: NF620, for an option that is not offered, weights beyond float16, or a model beyond
            protobuf's 2 GiB. It holds all that was found; `sink` is then left as it was.
    """
    options = Options(sparse=sparse, dtype=dtype, opset=opset, batch=batch, optimised=optimised)
    return b"".join(emit_chunks(plan, weights, options, sink))


def emit_chunks(plan: Plan, weights: Weights, options: Options, sink: Sink) -> tuple[Chunk, ...]:
    """As `emit_onnx`, with the bounds of storage open, in pieces that share the weights' memory.

    A large file then needs no second copy.
    """
    found = Sink()
    check_options(options, found)
    _raise_errors(found)
    storage = Storage(new_graph(weights, options), weights, options, found)
    try:
        model = _model(plan if options.optimised else decoded(plan, options), storage)
    except TooLargeError as error:
        message = f"an ONNX file holds up to 2 GiB, and `{error.name}` takes this one past them"
        hints = ("store the weights as float16", "compile to torch, whose weight files have no such limit")
        found.error("NF620", message, None, hints=hints)
        model = ()
    report_stored_dense(storage)
    _raise_errors(found)
    for warning in found.diagnostics:
        sink.add(warning)
    return model


def new_graph(weights: Weights, options: Options) -> Graph:
    """An empty graph: operations that are called like a tensor, the input or the output get numbers."""
    return Graph(options.file_limit, taken={"input", "output", *weights})


def build_graph(plan: Plan, storage: Storage) -> Graph:
    """Prints the plan into the graph of `storage`, and returns it finished."""
    graph = storage.graph
    chosen = layouts(plan, storage.options.batch)
    value = Operations(graph, storage, chosen).block(plan.body, whole("input", plan.input))
    result = batch_first(graph, value, plan.body[-1].path if plan.body else "output")
    if graph.makes(result):
        graph.rename(result, "output")
    else:
        graph.taken.remove("output")
        graph.node("Identity", (result,), "output")
    return graph


def _model(plan: Plan, storage: Storage) -> tuple[Chunk, ...]:
    return serialise(
        build_graph(plan, storage),
        name=plan.name,
        inputs={"input": ("batch", *plan.input)},
        outputs={"output": ("batch", *plan.output)},
        tokens=vocabulary(plan.body) is not None,
        opset=storage.options.opset,
        producer_version=VERSION,
        metadata={
            "nfc.batch": str(storage.options.batch),
            "nfc.network": plan.name,
            "nfc.source": _encodable(plan.source_name),
            "nfc.source_digest": plan.source_digest,
            "nfc.topology_digest": plan.topology_digest,
            "nfc.version": VERSION,
        },
    )


def _encodable(name: str) -> str:
    """A file name as protobuf holds it, in UTF-8: bytes that are not are escaped."""
    return name.encode(errors="backslashreplace").decode()


def _raise_errors(sink: Sink) -> None:
    if sink.failed:
        raise NfcError(sink.diagnostics)
