"""The table of goals: every case against dense PyTorch and dense ONNX Runtime, in one run.

One thread, batch-first in and out, warm allocator, rivals in turns, medians. The bounds are rooflines,
relative to dense as the figures are: the layer's operations as written at the peak of this run's matrix
product; its bytes at the bandwidth of this run's copy of memory; and the kernels that are run, stage by
stage, fused stages at their fused cost (see bounds.py).

Run: python benchmarks/targets.py [--only TEXT] [--seconds 3] [--json FILE]
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import torch

import nfc
from benchmarks.bounds import cache_bandwidth, plan_bound
from benchmarks.cases import CASES, ONNX, Case
from benchmarks.report import described, markdown, milliseconds, ratio
from benchmarks.steps import Step, dense_layer, dense_onnx, forward_step, onnx_step, training_step
from nfc.bench.machine import machine
from nfc.bench.roofline import Peak, layer_work, measure_peak
from nfc.bench.runtimes import FORWARD, TRAINING, TorchRuntime
from nfc.bench.timing import interleaved, warm_allocator
from nfc.ir.network import weighted_layers
from nfc.lowering import Target


@dataclass(frozen=True)
class Row:
    """One case in one mode; times in seconds, bounds too."""

    case: str
    mode: str
    goal: float
    dense: float
    own: float
    operations_bound: float
    bytes_bound: float
    kernels_bound: float

    @property
    def reached(self) -> float:
        return self.own / self.dense

    @property
    def met(self) -> bool:
        return round(self.reached, 3) <= self.goal


def main() -> None:
    arguments = parse_arguments()
    torch.set_num_threads(1)
    torch.manual_seed(0)
    warm_allocator()
    peak, cache = measure_peak((TorchRuntime(1),), threads=1, seconds=0.5), cache_bandwidth()
    rows: list[Row] = []
    for case in CASES:
        if arguments.only.lower() in case.name.lower():
            rows += measured(case, peak, cache, arguments.seconds)
    speeds = f"{peak.flops / 1e9:.0f} GFLOP/s, copies {peak.bandwidth / 1e9:.0f} GB/s, in cache {cache / 1e9:.0f} GB/s"
    print(f"{described(machine())}\none thread: {speeds}\n")
    print(table(rows))
    if arguments.json:
        document = {"machine": asdict(machine()), "peak": asdict(peak), "rows": [asdict(row) for row in rows]}
        arguments.json.write_text(json.dumps(document, indent=2) + "\n")


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--only", default="", metavar="TEXT", help="cases whose names hold this")
    parser.add_argument("--seconds", type=float, default=3, help="for each case and mode")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures here as well")
    return parser.parse_args()


def measured(case: Case, peak: Peak, cache: float, seconds: float) -> Iterator[Row]:
    network = case.network()
    inputs = torch.randn(case.batch, case.cols)
    for mode, goal in case.goals.items():
        steps = {"dense": dense_step(case, mode, inputs), "own": own_step(network, mode, inputs)}
        times = interleaved(steps, seconds=seconds)
        training = mode == TRAINING
        layers = weighted_layers(network.ir)
        work = [layer_work(layer, case.batch, TRAINING if training else FORWARD) for layer in layers]
        runtime = ONNX if mode == ONNX else "torch"
        plan = network.plan_for(Target(runtime=runtime, batch=case.batch))
        yield Row(
            case.name, mode, goal, times["dense"].median, times["own"].median,
            sum(each.flops for each in work) / peak.flops, sum(each.bytes for each in work) / peak.bandwidth,
            plan_bound(plan, case.batch, peak, cache, training=training),
        )  # fmt: skip


def dense_step(case: Case, mode: str, inputs: torch.Tensor) -> Step:
    if mode == ONNX:
        return onnx_step(dense_onnx(case.rows, case.cols, case.layers, deep=case.deep), inputs)
    return torch_step(dense_layer(case.rows, case.cols), mode, inputs)


def own_step(network: nfc.Network, mode: str, inputs: torch.Tensor) -> Step:
    if mode == ONNX:
        return onnx_step(network.onnx(batch=len(inputs)), inputs)
    return torch_step(network.torch(batch=len(inputs)), mode, inputs)


def torch_step(module: torch.nn.Module, mode: str, inputs: torch.Tensor) -> Step:
    if mode == TRAINING:
        return training_step(module.train(), module.parameters(), inputs)
    return forward_step(module.eval(), inputs)


def table(rows: list[Row]) -> str:
    bounds = ("bound: operations", "bound: bytes", "bound: kernels")
    titles = ("case", "mode", "goal", "reached", "", "nfc, ms", "dense, ms", *bounds)
    return markdown(titles, [
        (
            row.case, row.mode, f"≤ {ratio(row.goal)}", ratio(row.reached), "✓" if row.met else "✗",
            milliseconds(row.own), milliseconds(row.dense),
            *(ratio(bound / row.dense) for bound in (row.operations_bound, row.bytes_bound, row.kernels_bound)),
        )
        for row in rows
    ])  # fmt: skip


if __name__ == "__main__":
    main()
