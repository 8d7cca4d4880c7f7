"""`nfc fmt`: files in their canonical layout."""

from __future__ import annotations

import difflib
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import zip_longest

import click

from nfc.cli import FAILED, FAULT, OK, report_fault
from nfc.cli.completion import complete_file
from nfc.cli.configuration import current_settings
from nfc.cli.options import output_options
from nfc.cli.output import Output
from nfc.diagnostics import Diagnostic, NfcError, Sink
from nfc.formatting import LINE_LENGTH, FormattingError, format_source
from nfc.limits import Limits
from nfc.render.visible import visible
from nfc.source import Source, Span

STANDARD_INPUT = "-"


@dataclass(frozen=True)
class Outcome:
    """A file that parses, before and after.

    Attributes:
        source: as it is, with newlines for line ends.
        after: its text in canonical layout.
        changes: whether its bytes are others then; line ends and a byte-order mark count.
    """

    source: Source
    after: str
    changes: bool

    @property
    def name(self) -> str:
        return self.source.name

    @property
    def before(self) -> str:
        return self.source.text

    @property
    def finding(self) -> Diagnostic:
        """What `--check` says of a file that would change, at the first line of it that would."""
        lines = zip_longest(self.before.split("\n"), self.after.split("\n"))
        changed = next((number for number, (old, new) in enumerate(lines) if old != new), None)
        hints = (f"`nfc fmt {self.name}` lays it out",)
        if changed is None:
            message = "line ends or a byte-order mark are not canonical"
            return Diagnostic("NF114", message, None, hints=hints, file=self.name)
        number = min(changed + 1, len(self.source.line_starts))
        start = self.source.line_starts[number - 1]
        span = Span(self.source, start, start + len(self.source.line(number)))
        return Diagnostic("NF114", "the layout is not canonical", span, hints=hints)


@click.command()
@click.argument("files", metavar="FILE...", nargs=-1, required=True, shell_complete=complete_file)
@click.option("--check", is_flag=True, help="Write nothing; exit with 1 if a file would change.")
@click.option("--diff", is_flag=True, help="Write nothing; print what would change.")
@click.option(
    "--line-length",
    type=click.IntRange(min=1),
    default=LINE_LENGTH,
    show_default=True,
    metavar="N",
    help="Characters of a line.",
)
@output_options
def fmt(files: tuple[str, ...], check: bool, diff: bool, line_length: int, output: Output) -> int:
    """Put each FILE into its canonical layout, in place; comments stay, and so does what the file means.

    A folder stands for the .nf files in it. `-` reads standard input and writes standard output.
    A file with syntax errors is left as it is.
    """
    from nfc.discovery import discover

    found = discover(files, current_settings())
    sink = Sink(found.diagnostics)
    run = _Run(line_length, output, writes=not (check or diff), sink=sink)
    for each in found.files:
        run.format(each.name)
    changed = [outcome for outcome in run.outcomes if outcome.changes]
    if check:
        for outcome in changed:
            sink.add(outcome.finding)
    records = [{"file": outcome.name, "changed": outcome.changes} for outcome in run.outcomes]
    text = _text(run.outcomes, check=check, diff=diff, to_standard_output=STANDARD_INPUT in files)
    output.result({"ok": not sink.failed, "files": records}, text, sink.diagnostics)
    for file, fault in run.faults:
        report_fault(type(fault).__name__, f"{fault}; the file is left as it is", file)
    return FAULT if run.faults else FAILED if sink.failed else OK


@dataclass
class _Run:
    """What formatting files has come to: those that parse, and those whose layout was wrong.

    Attributes:
        writes: whether files are written.
        sink: gets what is wrong with files.
    """

    line_length: int
    output: Output
    writes: bool
    sink: Sink
    outcomes: list[Outcome] = field(default_factory=list)
    faults: list[tuple[str, FormattingError]] = field(default_factory=list)

    def format(self, file: str) -> None:
        try:
            outcome = _formatted(file, self.line_length)
            if self.writes:
                _write(file, outcome, self.output)
        except NfcError as error:
            for diagnostic in error.diagnostics:
                self.sink.add(diagnostic)
        except FormattingError as fault:
            self.faults.append((file, fault))
        else:
            self.outcomes.append(outcome)


def _formatted(file: str, line_length: int) -> Outcome:
    """Raises NfcError where a file cannot be read or parsed, FormattingError where its layout is wrong."""
    from nfc.files import read_source_and_bytes

    source, data = read_source_and_bytes(file, Limits())
    text = format_source(source, line_length=line_length)
    return Outcome(source, text, text.encode() != data)


def _write(file: str, outcome: Outcome, output: Output) -> None:
    from nfc.atomic import write_text

    if file != STANDARD_INPUT:
        if outcome.changes:
            write_text(file, outcome.after)
    elif output.format == "text":
        _print_exactly(outcome.after)


def _print_exactly(text: str) -> None:
    """Print a text in UTF-8 with its newlines, whatever the terminal's encoding and line ends are."""
    sys.stdout.flush()
    binary = getattr(sys.stdout, "buffer", None)
    if binary is None:
        sys.stdout.write(text)
    else:
        binary.write(text.encode())


def _text(outcomes: list[Outcome], *, check: bool, diff: bool, to_standard_output: bool) -> str:
    changed = [outcome for outcome in outcomes if outcome.changes]
    if diff:
        return "\n".join(line for outcome in changed for line in _difference(outcome))
    if not check and to_standard_output:
        return ""
    verb = "would be reformatted" if check else "reformatted"
    lines = [f"{'would reformat' if check else 'reformatted'} {visible(each.name)}" for each in changed]
    counts = [(len(changed), verb), (len(outcomes) - len(changed), "unchanged")]
    lines.append(", ".join(f"{_files(count)} {what}" for count, what in counts if count))
    return "\n".join(line for line in lines if line)


def _files(count: int) -> str:
    return "1 file" if count == 1 else f"{count} files"


def _difference(outcome: Outcome) -> Iterator[str]:
    """A unified diff without its newlines; of a file that differs in line ends alone, a note."""
    name = visible(outcome.name)
    if outcome.before == outcome.after:
        yield f"{name}: only line ends or the byte-order mark would change"
        return
    lines = difflib.unified_diff(_lines(outcome.before), _lines(outcome.after), name, name, lineterm="")
    for line in "\n".join(lines).split("\n"):
        yield "\t".join(map(visible, line.split("\t")))


def _lines(text: str) -> list[str]:
    """The lines of a text, the last one marked as diffs mark it where no newline ends it."""
    *lines, last = text.split("\n")
    return [*lines, f"{last}\n\\ No newline at end of file"] if last else lines
