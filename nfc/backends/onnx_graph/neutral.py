"""A plan that no cost model has seen: kernels without structure are dense matrices, unless those are too large."""

from __future__ import annotations

from dataclasses import replace

from nfc.backends.onnx_graph.options import Options
from nfc.ir.network import Op
from nfc.lowering.plan import Add, Chain, Kernel, Neighbours, Plan, Product, Scattered, Sparse
from nfc.lowering.target import Target
from nfc.lowering.unstructured import may_be_dense
from nfc.passes.rewrite import rewrite


def decoded(plan: Plan, options: Options) -> Plan:
    """The plan with each kernel without structure scattered, where its matrix is within the limit."""
    target = Target(runtime="onnxruntime", dense_limit=options.dense_limit, weight_bytes=options.weight_bytes)

    def without_choices(op: Op) -> Op:
        return replace(op, kernel=_kernel(op.kernel, target)) if isinstance(op, Product) else op

    return replace(plan, body=rewrite(plan.body, without_choices))


def _kernel(kernel: Kernel, target: Target) -> Kernel:
    match kernel:
        case Chain(parts=parts) | Add(parts=parts):
            return replace(kernel, parts=tuple(_kernel(part, target) for part in parts))
        case Neighbours() | Sparse() if may_be_dense(kernel, target):
            return Scattered(kernel)
        case _:
            return kernel
