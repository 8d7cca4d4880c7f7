"""One document that every renderer of checks is tested on, and one whose every text is hostile."""

from __future__ import annotations

from nfc.diagnostics import Diagnostic, Label, Severity
from nfc.render.document import Case, Document, Fault, Ignored
from nfc.source import Source, Span
from tests.render.fixtures import FIXTURES, at

CHECKED = Source(
    "specs/net.nf",
    'nf 1\ncheck net {\n    params <= 10 as "budget"\n    each linear { connected }\n    depth < most\n    depht < 3\n}\n',
)

FAILED = Diagnostic(
    "NF501",
    "`params <= 10` does not hold: params is 15 (budget)",
    at("params <= 10", CHECKED),
    hints=("`a` adds most: 12",),
)
UNKNOWN = Diagnostic(
    "NF502", "`depht` is no property", at("depht", CHECKED), hints=("did you mean `depth`?",)
)
KEPT_BACK = Diagnostic("NF501", "`connected` does not hold for `b`", at("connected", CHECKED))
WARNING = Diagnostic("NF421", "output 3 has no edge", at("net {", CHECKED), Severity.WARNING)


def case(text: str, *, ok: bool, source: Source = CHECKED, **fields: object) -> Case:
    values: dict[str, object] = {"network": "net", "layer": "", "assertion": text, "measured": "15", **fields}
    return Case(file=source.name, span=at(text, source), ok=ok, **values)  # type: ignore[arg-type]


DOCUMENT = Document(
    verb="check",
    diagnostics=(FAILED, UNKNOWN, WARNING, *FIXTURES.values()),
    ignored=(Ignored(KEPT_BACK, in_source=True), Ignored(WARNING, in_source=False)),
    files=("specs/net.nf", "specs/quiet.nf"),
    cases=(
        case("params <= 10", ok=False, evidence="`a` adds most: 12", reason="budget", diagnostic=FAILED),
        case("connected", ok=True, layer="a", measured="true"),
        case("connected", ok=False, layer="b", measured="false", ignored=True, diagnostic=KEPT_BACK),
        case("depth < most", ok=True, measured="2", bounds=("most is 4",)),
        case("depht < 3", ok=False, measured="not measured", diagnostic=UNKNOWN),
        case("connected", ok=True, layer="a", measured="true"),
    ),
    faults=(Fault("specs/odd.nf", "RuntimeError", "the wheels came off"),),
)

HOSTILE = (
    "\x1b[31m\x1b]0;title\x07 \r\n::error::stop\n::set-output name=a::b\n##[set-output name=a]b ##vso[task]x "
    "%0A::warning::x ]]> <a href='&'> --> \u202e\u2066 \x00\x08\x7f\x85\u2028 \ud800 \udcff \ufffe [text](http://evil)"
)


def hostile_document() -> Document:
    """Every name, message, hint, label and reason is `HOSTILE`."""
    source = Source(f"{HOSTILE}.nf", f"nf 1\n# {HOSTILE}\nparams <= 10\n")
    span = at("params <= 10", source)
    lines = Span(source, 0, len(source.text))
    found = tuple(
        Diagnostic(code, HOSTILE, place, severity, (Label(lines, HOSTILE),), (HOSTILE, HOSTILE), source.name)
        for code, place, severity in (
            ("NF501", span, Severity.ERROR),
            ("NF421", lines, Severity.WARNING),
            ("NF702", None, Severity.ERROR),
        )
    )
    texts = {"network": HOSTILE, "layer": HOSTILE, "evidence": HOSTILE, "reason": HOSTILE}
    return Document(
        verb="check",
        diagnostics=found,
        ignored=tuple(Ignored(each, in_source=True) for each in found),
        files=(source.name, f"./{HOSTILE}"),
        cases=tuple(
            case(
                "params <= 10",
                ok=ok,
                ignored=ignored,
                source=source,
                measured=HOSTILE,
                diagnostic=reported,
                **texts,
            )
            for ok, ignored, reported in (
                (True, False, None),
                (False, True, found[0]),
                (False, False, found[0]),
            )
        ),
        faults=(Fault(source.name, "Kind", HOSTILE),),
    )
