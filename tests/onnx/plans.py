"""Plans made by the plainest lowering, one kernel a factor, so that the printer is tested on its own."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from nfc.backends.onnx_graph.kernels import csr, shape_of
from nfc.ir.fabric import Cascade, Fabric
from nfc.ir.factors import Blocks, Edges, Factor, FanIn, Kron, Restricted, Shifts
from nfc.ir.names import attribute_path
from nfc.ir.network import Block, Concat, Draw, Inline, Linear, Network, Op, Repeat, Residual
from nfc.ir.network import Sum as SumOp
from nfc.ir.parameters import Weights, factor_name, parameters
from nfc.lowering.fuse import digits, fused, is_stage, nested
from nfc.lowering.plan import (
    Add,
    Blocked,
    BlockSets,
    Chain,
    Clustered,
    CropFeatures,
    Dense,
    Kernel,
    Neighbours,
    PadFeatures,
    Plan,
    Product,
    Scattered,
    Sparse,
    Weight,
)

DRAW = Draw("uniform", 1.0, 0)


def plan_of(network: Network) -> Plan:
    return Plan(
        name=network.name,
        input=network.input,
        output=network.output,
        body=lowered_block(network.body),
        source_name=network.source_name,
        source_digest=network.source_digest,
        topology_digest="sha256:" + "1" * 64,
    )


def with_kernels(choose: Callable[[Kernel], Kernel]) -> Callable[[Plan], Plan]:
    """A choice for the kernels of each product, parts of chains and sums first."""

    def kernel(found: Kernel) -> Kernel:
        if isinstance(found, Chain | Add):
            found = type(found)(tuple(kernel(part) for part in found.parts))
        return choose(found)

    def block(ops: Block) -> Block:
        return tuple(replace(op, kernel=kernel(op.kernel)) if isinstance(op, Product) else op for op in ops)

    return lambda plan: replace(plan, body=block(plan.body))


def scattered(kernel: Kernel) -> Kernel:
    return Scattered(kernel) if isinstance(kernel, Sparse | Neighbours) else kernel


def in_pairs(kernel: Kernel) -> Kernel:
    """Neighbouring stages of chains fused two by two where they nest."""
    if not isinstance(kernel, Chain):
        return kernel
    parts: list[Kernel] = []
    for part in kernel.parts:
        before = parts[-1] if parts else None
        if is_stage(part) and before and is_stage(before) and nested(digits(before), digits(part)):
            parts[-1] = fused((before, part))
        else:
            parts.append(part)
    return Chain(tuple(parts))


def in_clusters(height: int) -> Callable[[Kernel], Kernel]:
    """Rows in clusters of `height`, every other row of a sparse matrix first."""

    def choose(kernel: Kernel) -> Kernel:
        if not isinstance(kernel, Sparse | Neighbours):
            return kernel
        rows, cols = shape_of(kernel)
        indptr, indices = csr(kernel)
        sequence = np.concatenate([np.arange(0, rows, 2), np.arange(1, rows, 2)])
        padded = np.append(sequence, np.full(-rows % height, rows))
        row_sets = np.sort(padded.reshape(-1, height), axis=1)
        inputs = [
            np.unique(np.concatenate([indices[indptr[row] : indptr[row + 1]] for row in held if row < rows]))
            for held in row_sets
        ]
        width = max(1, *(len(found) for found in inputs))
        col_sets = np.array([np.append(found, np.full(width - len(found), cols - 1)) for found in inputs])
        return Clustered(kernel, row_sets.astype(np.int64), col_sets.astype(np.int64))

    return choose


def weights_of(network: Network, seed: int = 0) -> Weights:
    """Weights off every special value."""
    generator = np.random.default_rng(seed)
    weights = {}
    for parameter in parameters(network):
        values = generator.standard_normal(parameter.shape).astype(np.float32)
        weights[parameter.name] = np.abs(values) + 0.1 if parameter.role == "variance" else values
    return {name: values.astype(np.float32) for name, values in weights.items()}


def lowered_block(block: Block) -> Block:
    return tuple(lowered(op) for op in block)


def lowered(op: Op) -> Op:
    match op:
        case Linear():
            return Product(
                path=op.path,
                input=op.input,
                output=op.output,
                kernel=kernel_of(op.fabric, op.path),
                bias=f"{attribute_path(op.path)}.bias" if op.bias else None,
                topology=op.topology,
                span=op.span,
            )
        case Repeat(copies=copies):
            return replace(op, copies=tuple(lowered_block(copy) for copy in copies))
        case SumOp(branches=branches) | Concat(branches=branches):
            return replace(op, branches=tuple(lowered_block(branch) for branch in branches))
        case Residual(body=body, project=project):
            return replace(op, body=lowered_block(body), project=project and lowered(project))
        case Inline(body=body):
            return replace(op, body=lowered_block(body))
        case _:
            return op


def kernel_of(fabric: Fabric, path: str, place: str = "") -> Kernel:
    if isinstance(fabric, Factor):
        return factor_kernel(fabric, factor_name(path, place))
    parts = tuple(
        kernel_of(part, path, f"{place}.{index}" if place else str(index))
        for index, part in enumerate(fabric.parts)
    )
    return Chain(parts) if isinstance(fabric, Cascade) else Add(parts)


def factor_kernel(factor: Factor, name: str) -> Kernel:
    weight = Weight(name, factor.weight_shape, DRAW)
    match factor:
        case Kron(a=1, b=b, c=c, d=1):
            return Dense(weight, b, c)
        case Kron(a=a, b=b, c=c, d=d):
            return Blocked(weight, a, b, c, d)
        case Restricted(base=base):
            blocked = Blocked(weight, base.a, base.b, base.c, base.d, factor.block_positions())
            return Chain((PadFeatures(base.cols), blocked, CropFeatures(factor.rows)))
        case Blocks(row_sets=row_sets, col_sets=col_sets):
            return BlockSets(weight, row_sets, col_sets)
        case Shifts(dims=dims, offsets=offsets):
            return Neighbours(weight, factor.cols, factor.table, (dims, offsets))
        case FanIn(table=table):
            return Neighbours(weight, factor.cols, table)
        case Edges(indptr=indptr, indices=indices):
            return Sparse(weight, factor.rows, factor.cols, indptr, indices)
    raise AssertionError(factor)
