"""The winner of a search as a `.nf` file that passes its own checks."""

from __future__ import annotations

import os
from collections.abc import Iterable

from nfc.diagnostics import Diagnostic, NfcError
from nfc.search.facts import Facts
from nfc.search.measure import Scores

TEMPLATE = """\
nf 1

{use}# {account}
network {name} {{
    input {cols}
    linear {rows} bias=false via {topology}
}}

check {name} {{
{assertions}
}}
"""


def winner_text(
    facts: Facts, scores: Scores, rows: int, cols: int, *, use: str | None = None, taken: Iterable[str] = ()
) -> str:
    """A network of one layer with the topology, and checks of what was measured of it.

    Args:
        use: the path of the file whose definitions the topology names, as `use` writes it.
        taken: names that the network cannot have.
    """
    assertions = [f"params == {facts.params}", f"depth == {facts.depth}"]
    assertions.append(f"linear1.fan_in.max == {facts.fan_in}")
    if facts.connected is not None:
        assertions.append("linear1.connected" if facts.connected else "not linear1.connected")
    assertions.append(f'linear1.digest == "{facts.digest}"')
    account = f"score {scores['score']:.4f}"
    if "controllability" in scores:
        account += f", controllability {scores['controllability']:.4f} ± {scores['stderr']:.4f}"
    return TEMPLATE.format(
        use=f'use "{use}"\n\n' if use else "",
        account=account,
        name=_free("found", frozenset(taken)),
        rows=rows,
        cols=cols,
        topology=facts.topology,
        assertions="\n".join(f"    {each}" for each in assertions),
    )


def use_path(file: str, target: str) -> str:
    """How a file at `target` names `file` in its `use`.

    Raises:
        NfcError: NF705, `file` does not lie beside the target or below.
    """
    folder = os.path.dirname(os.path.realpath(target))  # noqa: PTH120
    path = os.path.relpath(os.path.realpath(file), folder)
    if path.startswith(os.pardir) or '"' in path:
        message = f"`{file}` lies outside of the folder of `{target}`, which would use it"
        hint = "used files lie beside the file that uses them, or in folders below it"
        raise NfcError([Diagnostic("NF705", message, None, hints=(hint,), file=target)])
    return path.replace(os.sep, "/")


def _free(name: str, taken: frozenset[str]) -> str:
    """The name, or the first with a number that is not taken."""
    options = (name, *(f"{name}_{number}" for number in range(2, len(taken) + 3)))
    return next(each for each in options if each not in taken)
