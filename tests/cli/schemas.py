"""The JSON documents of the verbs, as schemas."""

from __future__ import annotations

from typing import Any

Schema = dict[str, Any]


def record(optional: tuple[str, ...] = (), **properties: object) -> Schema:
    required = [name for name in properties if name not in optional]
    return {"type": "object", "properties": properties, "required": required, "additionalProperties": False}


def array(items: object) -> Schema:
    return {"type": "array", "items": items}


def maybe(schema: Schema) -> Schema:
    return {"anyOf": [schema, {"type": "null"}]}


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

CHANGES = array(
    record(
        rule={"type": "string", "pattern": "^[A-Z_]+$"},
        breaks={"enum": ["nothing", "checkpoints", "interface"]},
        path=MAYBE_TEXT,
        message=TEXT,
        old=MAYBE_TEXT,
        new=MAYBE_TEXT,
        edges=maybe(
            record(
                added=INTEGER,
                removed=INTEGER,
                first_added=array(record(factor=TEXT, output=INTEGER, input=INTEGER)),
                first_removed=array(record(factor=TEXT, output=INTEGER, input=INTEGER)),
            )
        ),
        file=MAYBE_TEXT,
        line=MAYBE_INTEGER,
    )
)
TOTALS = maybe(
    record(params=INTEGER, edges=INTEGER, flops=INTEGER, density=NUMBER, depth=INTEGER, digest=DIGEST)
)

SCHEMAS: dict[str, Schema] = {
    "diff": record(
        version=VERSION,
        ok=BOOLEAN,
        old=TEXT,
        new=TEXT,
        networks=array(
            record(
                name=TEXT,
                old_name=MAYBE_TEXT,
                status={"enum": ["added", "removed", "renamed", "changed", "unchanged"]},
                old=TOTALS,
                new=TOTALS,
                checkpoints=maybe(
                    record(
                        loading={"enum": ["loads", "loads_after_renaming", "does_not_load"]},
                        same_function=BOOLEAN,
                        tensors=INTEGER,
                        kept=INTEGER,
                        renamed=array(record(old=TEXT, new=TEXT)),
                    )
                ),
                changes=CHANGES,
            )
        ),
        params=CHANGES,
        checks=CHANGES,
        diagnostics=DIAGNOSTICS,
    ),
    "fmt": record(
        version=VERSION, ok=BOOLEAN, files=array(record(file=TEXT, changed=BOOLEAN)), diagnostics=DIAGNOSTICS
    ),
    "lock": record(
        version=VERSION,
        ok=BOOLEAN,
        files=array(
            record(
                file=TEXT,
                lock=TEXT,
                ok=BOOLEAN,
                source_changed={"type": ["boolean", "null"]},
                changes=CHANGES,
            )
        ),
        diagnostics=DIAGNOSTICS,
    ),
    "check": record(
        optional=("artifacts",),
        artifacts=array(record(file=TEXT, network=TEXT, ok=BOOLEAN)),
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
                ignored=BOOLEAN,
                measured={"type": ["number", "boolean", "string", "null"]},
                bounds=array(TEXT),
                evidence=MAYBE_TEXT,
                reason=MAYBE_TEXT,
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
