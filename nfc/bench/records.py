"""Results as the records of `nfc bench`'s JSON document."""

from __future__ import annotations

from dataclasses import asdict

from nfc.bench.machine import Machine
from nfc.bench.measure import Result, Side
from nfc.bench.roofline import Peak

Record = dict[str, object]


def result_record(result: Result) -> Record:
    """One comparison; times in seconds, `ratio` the network's median over the twin's."""
    return {
        "network": result.network,
        "runtime": result.runtime,
        "mode": result.mode,
        "batch": result.batch,
        "threads": result.threads,
        "sparse": _times(result.sparse),
        "dense": _times(result.dense),
        "ratio": result.ratio,
        "predicted_ratio": result.predicted,
        "roofline": {"sparse": _roofline(result.sparse), "dense": _roofline(result.dense)},
    }


def machine_record(machine: Machine) -> Record:
    return asdict(machine)


def peak_record(peak: Peak) -> Record:
    return {"flops_per_second": peak.flops, "bytes_per_second": peak.bandwidth}


def _times(side: Side) -> Record:
    timing = side.timing
    return {"median": timing.median, "q1": timing.q1, "q3": timing.q3, "count": timing.count}


def _roofline(side: Side) -> Record:
    return {"flops": side.flops, "bytes": side.bytes, "seconds": side.least, "share": side.share}
