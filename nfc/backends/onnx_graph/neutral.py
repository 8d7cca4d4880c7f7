"""A plan that no cost model has seen: kernels without structure are dense matrices, unless those are too large."""

from __future__ import annotations

from dataclasses import replace

from nfc.backends.onnx_graph.kernels import csr, shape_of
from nfc.backends.onnx_graph.options import Options
from nfc.ir.network import Block, Concat, Inline, Op, Repeat, Residual, Sum
from nfc.lowering.plan import Add, Chain, Kernel, Neighbours, Plan, Product, Scattered, Sparse


def decoded(plan: Plan, options: Options) -> Plan:
    """The plan with each kernel without structure scattered, where its matrix is within the limit."""
    return replace(plan, body=_block(plan.body, options))


def _block(block: Block, options: Options) -> Block:
    return tuple(_operation(op, options) for op in block)


def _operation(op: Op, options: Options) -> Op:
    match op:
        case Product(kernel=kernel):
            return replace(op, kernel=_kernel(kernel, options))
        case Repeat(copies=copies):
            return replace(op, copies=tuple(_block(copy, options) for copy in copies))
        case Sum(branches=branches) | Concat(branches=branches):
            return replace(op, branches=tuple(_block(branch, options) for branch in branches))
        case Residual(body=body, project=project):
            # a plan holds a Product in this place
            shortcut = _operation(project, options) if project else None
            return replace(op, body=_block(body, options), project=shortcut)  # type: ignore[arg-type]
        case Inline(body=body):
            return replace(op, body=_block(body, options))
        case _:
            return op


def _kernel(kernel: Kernel, options: Options) -> Kernel:
    match kernel:
        case Chain(parts=parts) | Add(parts=parts):
            return replace(kernel, parts=tuple(_kernel(part, options) for part in parts))
        case Neighbours() | Sparse() if not _gathers(kernel, options):
            return Scattered(kernel)
        case _:
            return kernel


def _gathers(kernel: Neighbours | Sparse, options: Options) -> bool:
    """Whether a product gathers its inputs, since its matrix would be too large to decode.

    Not where gathering would store more than the matrix: an int32 and a weight an edge, and as
    much again for padded rows.
    """
    rows, cols = shape_of(kernel)
    weight_bytes = 2 if options.half else 4
    stored = 2 * len(csr(kernel)[1]) * (weight_bytes + 4)
    return 4 * rows * cols > options.dense_limit and stored < weight_bytes * rows * cols
