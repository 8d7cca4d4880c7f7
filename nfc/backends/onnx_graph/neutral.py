"""A plan that no cost model has seen: kernels without structure are dense matrices, unless those are too large."""

from __future__ import annotations

from dataclasses import replace

from nfc.backends.onnx_graph.options import Options
from nfc.ir.network import Op
from nfc.lowering.kernels import edge_count, shape_of
from nfc.lowering.plan import Add, Chain, Kernel, Neighbours, Plan, Product, Scattered, Sparse, Unstructured
from nfc.passes.rewrite import rewrite


def decoded(plan: Plan, options: Options) -> Plan:
    """The plan with each kernel without structure scattered, where its matrix is within the limit."""

    def without_choices(op: Op) -> Op:
        return replace(op, kernel=_kernel(op.kernel, options)) if isinstance(op, Product) else op

    return replace(plan, body=rewrite(plan.body, without_choices))


def _kernel(kernel: Kernel, options: Options) -> Kernel:
    match kernel:
        case Chain(parts=parts) | Add(parts=parts):
            return replace(kernel, parts=tuple(_kernel(part, options) for part in parts))
        case Neighbours() | Sparse() if not _gathers(kernel, options):
            return Scattered(kernel)
        case _:
            return kernel


def _gathers(kernel: Unstructured, options: Options) -> bool:
    """Whether a product gathers its inputs, since its matrix would be too large to decode.

    Not where gathering would store more than the matrix: an int32 and a weight an edge, and as
    much again for padded rows.
    """
    rows, cols = shape_of(kernel)
    weight_bytes = 2 if options.half else 4
    stored = 2 * edge_count(kernel) * (weight_bytes + 4)
    return 4 * rows * cols > options.dense_limit and stored < weight_bytes * rows * cols
