"""The command line, one file a verb. `main` holds the policy of exits; verbs return an exit code.

0: all is well. 1: the spec has errors, cannot be read, or a check failed. 2: wrong usage, results
that cannot be written, too little memory, or an internal fault. 130 and 141, as shells report it:
interrupted, and the reader of a pipe went away.
"""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress

OK, FAILED, FAULT = 0, 1, 2
INTERRUPTED, BROKEN_PIPE = 130, 141

RECURSION_LIMIT = 10_000
"""Python calls in each other: a few dozen for each level that the language's limits let blocks nest."""

GARBAGE_THRESHOLD = 100_000
"""New objects between two collections: imports and trees make many and leave no cycles. A tenth of a short run."""

FAULT_MESSAGE = """\
nfc: internal fault: {kind}: {fault}
This is a mistake in nfc, not in {file}. Please report it to its authors with the file, the command,
and the traceback, which NFC_DEBUG=1 shows.
"""

MEMORY_MESSAGE = """\
nfc: the memory does not suffice
Smaller sizes need less; --max-edges and --max-width refuse a file before it takes too much.
"""

OUTPUT_MESSAGE = "nfc: standard output cannot be written: {reason}\n"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run nfc and return its exit code; nothing but the code leaves, whatever happens inside."""
    if sys.stderr is None:
        sys.stderr = open(os.devnull, "w")  # noqa: PTH123, SIM115
    if sys.stdout is None:
        sys.stderr.write(OUTPUT_MESSAGE.format(reason="it is closed"))
        return FAULT
    _survive_narrow_encodings()
    gc.set_threshold(GARBAGE_THRESHOLD)
    with deep_recursion():
        return _run(arguments)


def _run(arguments: Sequence[str] | None) -> int:
    import click

    from nfc.cli.verbs import nfc
    from nfc.render.visible import harmless, visible

    try:
        code = nfc.main(arguments, prog_name="nfc", standalone_mode=False)
    except click.ClickException as usage:
        message = harmless("\n".join(map(visible, usage.format_message().split("\n"))))
        click.UsageError(message, getattr(usage, "ctx", None)).show()
        return FAULT
    except (click.Abort, KeyboardInterrupt):
        return INTERRUPTED
    except MemoryError:
        sys.stderr.write(MEMORY_MESSAGE)
        return FAULT
    except Exception as fault:
        if os.environ.get("NFC_DEBUG"):
            raise
        if isinstance(fault, OSError) and fault.errno is not None and fault.filename is None:
            _report_unwritable(fault)
            return FAULT
        report_fault(type(fault).__name__, str(fault).partition("\n")[0])
        return FAULT
    return code if isinstance(code, int) else OK


def report_fault(kind: str, message: str, file: str | None = None) -> None:
    """Say on standard error that nfc made a mistake, or that the memory does not suffice."""
    from nfc.render.visible import visible

    shown = f"`{visible(file)}`" if file else "the file"
    if kind == MemoryError.__name__:
        sys.stderr.write(MEMORY_MESSAGE)
    else:
        sys.stderr.write(FAULT_MESSAGE.format(kind=kind, fault=visible(message), file=shown))


def _report_unwritable(fault: OSError) -> None:
    """Say why a stream failed: files that fail are diagnostics, and their errors name them."""
    with suppress(OSError):
        sys.stderr.write(OUTPUT_MESSAGE.format(reason=(fault.strerror or str(fault)).lower()))
    discard_output()


def discard_output() -> None:
    """Lead standard output nowhere, or Python's flush at exit fails on what is left."""
    with suppress(OSError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


@contextmanager
def deep_recursion() -> Iterator[None]:
    """Let Python recurse as deep as the language lets blocks nest."""
    before = sys.getrecursionlimit()
    sys.setrecursionlimit(max(before, RECURSION_LIMIT))
    try:
        yield
    finally:
        sys.setrecursionlimit(before)


def _survive_narrow_encodings() -> None:
    """Escape what a terminal's encoding lacks instead of failing on it."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")
