"""Code blocks of Markdown documents, and how they are run."""

from __future__ import annotations

import contextlib
import io
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from unittest.mock import patch

from nfc.cli import main

ROOT = Path(__file__).parents[1]

FENCE = re.compile(
    r"^(?P<indent> *)```(?P<language>[a-z]+)(?P<info>[^\n`]*)\n(?P<text>.*?)^(?P=indent)```$", re.M | re.S
)


@dataclass(frozen=True)
class Block:
    """A fenced block; `title` names the file that it shows, from its opening line, and `line` is where it opens."""

    language: str
    title: str | None
    text: str
    line: int


@dataclass(frozen=True)
class Run:
    """What a command did: its exit code and what it wrote to each stream."""

    code: int
    out: str
    err: str

    @property
    def shown(self) -> str:
        return self.out + self.err


def blocks(markdown: str) -> Iterator[Block]:
    for match in FENCE.finditer(markdown):
        title = re.search(r'title="([^"]+)"', match["info"])
        text = re.sub(rf"^{match['indent']}", "", match["text"], flags=re.M)
        line = markdown.count("\n", 0, match.start()) + 1
        yield Block(match["language"], title[1] if title else None, text, line)


def nfc(arguments: Sequence[str], standard_input: str = "") -> Run:
    """Run `nfc` in this process."""
    out, err = io.StringIO(), io.StringIO()
    stdin = io.TextIOWrapper(io.BytesIO(standard_input.encode()), encoding="utf-8")
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err), patch.object(sys, "stdin", stdin):
        code = main(list(arguments))
    return Run(code, out.getvalue(), err.getvalue())


def fresh(*arguments: str) -> str:
    """What `nfc` writes to standard output in a process of its own, whose libraries choose their threads."""
    environment = {name: value for name, value in os.environ.items() if not name.endswith("NUM_THREADS")}
    command = [sys.executable, "-m", "nfc", *arguments]
    done = subprocess.run(
        command, env={**environment, "PYTHONPATH": str(ROOT)}, capture_output=True, text=True, check=True
    )
    return done.stdout


def console(text: str) -> Iterator[tuple[list[str], str]]:
    """The commands of a console block with the output shown; `\\` at the end of a line continues it."""
    for part in re.split(r"^\$ ", text, flags=re.M)[1:]:
        command, _, output = part.replace("\\\n", " ").partition("\n")
        yield shlex.split(command, comments=True), output


def resembles(expected: str, found: str) -> bool:
    """Whether an output is as shown, where `…` in what is shown stands for anything."""
    pattern = re.escape(_trimmed(expected)).replace("…", r"[\s\S]*?")
    return re.fullmatch(pattern, _trimmed(found)) is not None


def _trimmed(text: str) -> str:
    return "\n".join(line.rstrip() for line in text.rstrip().splitlines())


INTERRUPTIBLE = (
    "import signal, sys; signal.signal(signal.SIGINT, signal.default_int_handler); "
    "from nfc.cli import main; sys.exit(main())"
)
"""For `python -c`: the command line, which an interrupt reaches even where the tests run in the background."""
