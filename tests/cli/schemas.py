"""The JSON documents of the verbs, as schemas."""

from __future__ import annotations

from typing import Any

Schema = dict[str, Any]


def record(optional: tuple[str, ...] = (), **properties: object) -> Schema:
    required = [name for name in properties if name not in optional]
    return {"type": "object", "properties": properties, "required": required, "additionalProperties": False}


def array(items: object) -> Schema:
    return {"type": "array", "items": items}


TEXT, INTEGER, NUMBER, BOOLEAN = ({"type": name} for name in ("string", "integer", "number", "boolean"))
MAYBE_TEXT, MAYBE_INTEGER, MAYBE_NUMBER = (
    {"type": [name, "null"]} for name in ("string", "integer", "number")
)
VERSION = {"const": 1}
DIGEST = {"type": ["string", "null"], "pattern": "^sha256:[0-9a-f]{64}$"}

DIAGNOSTICS = array(
    record(
        code={"type": "string", "pattern": "^NF[1-7][0-9]{2}$"},
        severity={"enum": ["error", "warning"]},
        message=TEXT,
        file=MAYBE_TEXT,
        line=MAYBE_INTEGER,
        column=MAYBE_INTEGER,
        end_line=MAYBE_INTEGER,
        end_column=MAYBE_INTEGER,
        hints=array(TEXT),
    )
)

DEGREES = record(min=INTEGER, max=INTEGER, mean=NUMBER)

PAIR = {"type": "array", "items": INTEGER, "minItems": 2, "maxItems": 2}
WINDOWS = {"anyOf": [{"type": "null"}, record(kernel=PAIR, stride=PAIR, padding=PAIR)]}

LAYER = record(
    name=TEXT,
    op={"enum": ["linear", "conv", "depthwise", "attention"]},
    rows=INTEGER,
    cols=INTEGER,
    windows=WINDOWS,
    topology=TEXT,
    edges=INTEGER,
    density=NUMBER,
    fan_in=DEGREES,
    fan_out=DEGREES,
    factors=array(
        record(
            rows=INTEGER,
            cols=INTEGER,
            kind=TEXT,
            structure=TEXT,
            edges=INTEGER,
            fan_in=DEGREES,
            fan_out=DEGREES,
        )
    ),
    paths=record(min=INTEGER, max=INTEGER, mean=NUMBER, cv=NUMBER),
    connected=BOOLEAN,
    reach=NUMBER,
    init=record(scheme=TEXT, std_min=NUMBER, std_max=NUMBER),
    fitted=MAYBE_INTEGER,
    recognised=MAYBE_TEXT,
    kernel=TEXT,
    speedup=NUMBER,
    digest=DIGEST,
)

TABLE = record(
    name=TEXT, op={"enum": ["embed", "position"]}, rows=INTEGER, cols=INTEGER, params=INTEGER, std=NUMBER
)

PLACE = record(
    name=TEXT,
    op=TEXT,
    slope=MAYBE_NUMBER,
    scheme=MAYBE_TEXT,
    std_min=MAYBE_NUMBER,
    std_max=MAYBE_NUMBER,
    forward=record(min=MAYBE_NUMBER, max=MAYBE_NUMBER, mean=MAYBE_NUMBER),
    backward=MAYBE_NUMBER,
    correlation=NUMBER,
)

NETWORK = record(
    name=TEXT,
    input=array(INTEGER),
    output=array(INTEGER),
    params=INTEGER,
    edges=INTEGER,
    flops=INTEGER,
    density=NUMBER,
    depth=INTEGER,
    digest=DIGEST,
    variance=record(forward=MAYBE_NUMBER, backward=MAYBE_NUMBER),
    correlation=NUMBER,
    profile={"anyOf": [array(PLACE), {"type": "null"}]},
    tables=array(TABLE),
    layers=array(LAYER),
)

SCHEMAS: dict[str, Schema] = {
    "check": record(
        version=VERSION,
        ok=BOOLEAN,
        diagnostics=DIAGNOSTICS,
        checks=array(
            record(
                network=TEXT,
                layer=MAYBE_TEXT,
                assertion=TEXT,
                file=TEXT,
                line=INTEGER,
                ok=BOOLEAN,
                measured={"type": ["number", "boolean", "string", "null"]},
            )
        ),
    ),
    "show": record(version=VERSION, networks=array(NETWORK), diagnostics=DIAGNOSTICS),
    "compile": record(
        optional=("params", "dense_params", "digest"),
        version=VERSION,
        ok=BOOLEAN,
        network=MAYBE_TEXT,
        files=array(record(path=TEXT, bytes=INTEGER)),
        params=INTEGER,
        dense_params=INTEGER,
        digest=DIGEST,
        diagnostics=DIAGNOSTICS,
    ),
    "new": record(version=VERSION, ok=BOOLEAN, file=MAYBE_TEXT, diagnostics=DIAGNOSTICS),
    "explain": record(
        optional=("codes", "code", "title", "page"),
        version=VERSION,
        codes=array(record(code=TEXT, title=TEXT)),
        code=TEXT,
        title=TEXT,
        page=TEXT,
    ),
}
