"""One set of diagnostics that every renderer is tested on."""

from __future__ import annotations

from nfc.diagnostics import Diagnostic, Label, Severity
from nfc.source import Source, Span

SOURCE = Source(
    "specs/mixer.nf",
    "nf 1\n"
    "network m {\n"
    "\tlinear 漢字漢 via block(size=3)\n"
    "    sum {\n"
    "        { linear 3 }\n"
    "\n"
    "        { linear 4 }\n"
    "    }\n"
    "    pad 3  # e\u0301 \x1b[31mred\x07 \u202elive\r\n"
    "    norm " + "long " * 60 + "BAD " + "tail " * 60 + "\n"
    "}\n",
)
OTHER = Source("blocks.nf", "nf 1\nmask m[o, i] = o == i\n")


def at(text: str, source: Source = SOURCE) -> Span:
    start = source.text.index(text)
    return Span(source, start, start + len(text))


END = Span(SOURCE, len(SOURCE.text), len(SOURCE.text))

FIXTURES = {
    "hints": Diagnostic(
        "NF301",
        "sizes do not fit: expected 3, found 4",
        at("linear 3"),
        hints=("pad the input first", "did you mean `crop`?"),
    ),
    "tab and wide characters": Diagnostic("NF201", "no constant `字漢`", at("字漢")),
    "several lines": Diagnostic(
        "NF302",
        "the branches of a sum differ in shape",
        at("sum {").to(at("linear 4 }\n    }")),
        labels=(Label(at("linear 3"), "this one gives 3"), Label(at("linear 4"), "this one gives 4")),
    ),
    "same line": Diagnostic(
        "NF205",
        "`width` is given twice",
        at("size=3"),
        labels=(Label(at("block"), "in this call"),),
    ),
    "other file": Diagnostic(
        "NF203", "`m` is defined twice", at("m {"), labels=(Label(at("m[o", OTHER), "first here"),)
    ),
    "control characters": Diagnostic("NF101", "stray \x1b[2J\u202e here", at("red")),
    "long line": Diagnostic("NF101", "unexpected BAD", at("BAD")),
    "end of file": Diagnostic("NF102", "unexpected end of file", END, Severity.WARNING),
    "newline": Diagnostic("NF102", "unexpected end of line", Span(SOURCE, 4, 5)),
    "no place": Diagnostic("NF701", "cannot read `x.nf`: no such file", None, hints=("name a file",)),
}
