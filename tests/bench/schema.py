"""The JSON document of `nfc bench`, as a schema."""

from __future__ import annotations

from tests.cli.schemas import (
    BOOLEAN,
    DIAGNOSTICS,
    INTEGER,
    MAYBE_INTEGER,
    MAYBE_TEXT,
    TEXT,
    VERSION,
    Schema,
    array,
    record,
)

POSITIVE = {"type": "number", "exclusiveMinimum": 0}
COUNT = {"type": "integer", "minimum": 0}
SHARE = {"type": "number", "minimum": 0}
RUNTIME = {"enum": ["torch", "onnxruntime"]}

TIMES = record(median=POSITIVE, q1=POSITIVE, q3=POSITIVE, count={"type": "integer", "minimum": 3})
ROOFLINE = record(flops=COUNT, bytes=COUNT, seconds=SHARE, share=SHARE)
RESULT = record(
    network=TEXT,
    runtime=RUNTIME,
    mode={"enum": ["forward", "forward+backward"]},
    batch=INTEGER,
    threads=INTEGER,
    sparse=TIMES,
    dense=TIMES,
    ratio=POSITIVE,
    predicted_ratio={"type": ["number", "null"], "exclusiveMinimum": 0},
    roofline=record(sparse=ROOFLINE, dense=ROOFLINE),
)
MACHINE = record(
    processor=TEXT,
    cores=INTEGER,
    memory=MAYBE_INTEGER,
    system=TEXT,
    python=TEXT,
    numpy=MAYBE_TEXT,
    torch=MAYBE_TEXT,
    onnxruntime=MAYBE_TEXT,
)
PEAK = {
    "oneOf": [
        {"type": "null"},
        record(flops_per_second=POSITIVE, bytes_per_second=POSITIVE),
    ]
}
DOCUMENT: Schema = record(
    version=VERSION,
    ok=BOOLEAN,
    diagnostics=DIAGNOSTICS,
    machine=MACHINE,
    peak=PEAK,
    results=array(RESULT),
    skipped=array(record(network=MAYBE_TEXT, runtime=RUNTIME, reason=TEXT)),
)
