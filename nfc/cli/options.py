"""Options that several verbs share, each a decorator."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, TypeVar

import click

from nfc.cli.output import Output
from nfc.cli.programs import Opening
from nfc.limits import Limits

Verb = TypeVar("Verb", bound=Callable[..., Any])

SUFFIXES = {"k": 10**3, "M": 10**6, "G": 10**9}


def count(text: str) -> int:
    """A positive integer, with the suffixes of the language: `64k`, `2M`, `1G`."""
    digits, scale = (text[:-1], SUFFIXES[text[-1]]) if text[-1:] in SUFFIXES else (text, 1)
    if not digits.replace("_", "").isdecimal() or int(digits) == 0:
        raise click.BadParameter(f"expected a positive integer such as 4096 or 64k, found `{text}`")
    return int(digits) * scale


def definition(text: str) -> tuple[str, str]:
    """`NAME=VALUE`, the value as written in `.nf`."""
    name, equals, value = text.partition("=")
    if not (equals and value.strip() and name.strip().isidentifier()):
        raise click.BadParameter(f"expected NAME=VALUE, found `{text}`")
    return name.strip(), value.strip()


def output_options(verb: Verb) -> Verb:
    """`--format`, `--quiet`, `--color`, handed on as `output`."""

    @click.option("--format", type=click.Choice(["text", "json"]), default="text", show_default=True)
    @click.option("--quiet", "-q", is_flag=True, help="Print diagnostics only.")
    @click.option(
        "--color", type=click.Choice(["auto", "always", "never"]), default="auto", show_default=True
    )
    @functools.wraps(verb)
    def wrapped(*args: Any, format: str, quiet: bool, color: str, **options: Any) -> Any:
        return verb(*args, output=Output(format, color, quiet), **options)

    return wrapped  # type: ignore[return-value]


LIMITS = {
    "nesting": "depth of blocks, brackets and calls",
    "integer_bits": "bits of an integer",
    "operations": "operations after expansion",
    "width": "features of a layer",
    "edges": "edges of a network",
    "file_bytes": "bytes of a source file",
    "seconds": "seconds that elaboration may take",
}
"""What each field of `Limits` bounds, as `--help` says it."""


def program_options(verb: Verb) -> Verb:
    """How files are read and elaborated, handed on as `opening`, and `--network`."""

    @click.option(
        "-D",
        "defines",
        type=definition,
        multiple=True,
        metavar="NAME=VALUE",
        help="Override a parameter of the file; repeatable.",
    )
    @click.option("--network", metavar="NAME", help="The network, where a file holds several.")
    @click.option(
        "--allow-outside", is_flag=True, help="Let `use` and `file` reach files outside of FILE's folder."
    )
    @limit_options
    @functools.wraps(verb)
    def wrapped(
        *args: Any, defines: tuple[tuple[str, str], ...], allow_outside: bool, limits: Limits, **options: Any
    ) -> Any:
        return verb(*args, opening=Opening(dict(defines), limits, allow_outside), **options)

    return wrapped  # type: ignore[return-value]


def seed_option(meaning: str) -> Callable[[Verb], Verb]:
    """`--seed`, which every verb with weights takes; `meaning` says what it does there."""
    return click.option("--seed", type=click.IntRange(0, 2**64 - 1), default=0, metavar="N", help=meaning)


def limit_options(verb: Verb) -> Verb:
    """A `--max-…` option for each of the language's limits, handed on as `limits`."""

    @functools.wraps(verb)
    def wrapped(*args: Any, **options: Any) -> Any:
        chosen = {name: options.pop(f"max_{name}") for name in LIMITS}
        limits = Limits(**{name: value for name, value in chosen.items() if value is not None})
        return verb(*args, limits=limits, **options)

    decorated: Any = wrapped
    defaults = Limits()
    for name, meaning in reversed(LIMITS.items()):
        flag = f"--max-{name.replace('_', '-')}"
        kind = click.FloatRange(min=0, min_open=True) if name == "seconds" else count
        note = f"Limit: {meaning}; default {getattr(defaults, name):,.0f}."
        decorated = click.option(flag, type=kind, metavar="N", help=note)(decorated)
    return decorated  # type: ignore[no-any-return]
