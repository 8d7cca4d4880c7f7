"""What changed between two files as text: a line a change, totals, and what checkpoints are still good for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from nfc.render.style import PLAIN, Style
from nfc.render.visible import visible
from nfc.subjects import subject

COUNTS = ("params", "edges", "flops", "depth")
"""Totals that are shown as whole numbers, with their difference."""

LOADING = {
    "loads": "load",
    "loads_after_renaming": "load after renaming",
    "does_not_load": "do not load",
}


def render_diff(record: Mapping[str, Any], style: Style = PLAIN) -> str:
    """The changes of `nfc diff`'s record, without a newline at the end; `!` marks what breaks something."""
    parts = [list(_network(network, style)) for network in record["networks"]]
    for title, changes in (("params", record["params"]), ("checks", record["checks"])):
        if changes:
            parts.append([style.paint("message", title), *_changes(changes, style)])
    lines = [line for part in parts for line in part]
    return "\n".join(lines) or "no networks"


def _network(network: Mapping[str, Any], style: Style) -> Iterator[str]:
    title = visible(network["name"])
    if network["status"] == "renamed":
        title = f"{visible(network['old_name'])} → {title}"
    yield f"{style.paint('message', title)}: {network['status']}"
    yield from _changes(network["changes"], style)
    if network["status"] != "unchanged":
        yield f"    {_totals(network['old'], network['new'])}"
    if network["checkpoints"] and network["status"] != "unchanged":
        yield f"    {_checkpoints(network['checkpoints'])}"


def _changes(changes: Sequence[Mapping[str, Any]], style: Style) -> Iterator[str]:
    """A line for each change; copies of a repeat share one."""
    groups: dict[tuple[object, ...], list[Mapping[str, Any]]] = {}
    for change in changes:
        place = (change["file"], change["line"]) if change["path"] and change["line"] else change["message"]
        groups.setdefault((change["rule"], place, subject(change["message"])), []).append(change)
    for first, *others in groups.values():
        mark = " " if first["breaks"] == "nothing" else style.paint("error", "!")
        also = f" (and so {len(others)} more of its copies)" if others else ""
        yield f"  {mark} {first['rule']:<17}  {visible(first['message'])}{also}"
        yield from (f"      {line}" for line in _edges(first["edges"]))


def _edges(edges: Mapping[str, Any] | None) -> Iterator[str]:
    """Counts, and the first few edges of each sort."""
    if edges is None or not edges["added"] + edges["removed"]:
        return
    for sign, what in (("+", "added"), ("-", "removed")):
        if edges[what]:
            shown = ", ".join(map(_edge, edges[f"first_{what}"]))
            more = ", …" if edges[what] > len(edges[f"first_{what}"]) else ""
            yield f"{sign}{edges[what]:,} edges: {shown}{more}"


def _edge(edge: Mapping[str, Any]) -> str:
    place = f"factor {edge['factor']}: " if edge["factor"] else ""
    return f"{place}{edge['input']} → {edge['output']}"


def _totals(old: Mapping[str, Any] | None, new: Mapping[str, Any] | None) -> str:
    known = new or old
    assert known is not None
    if old is None or new is None:
        shown = [f"{name} {known[name]:,}" for name in COUNTS]
        return f"{', '.join(shown)}, density {known['density']:.2%}, {known['digest'][:19]}…"
    shown = [_count(name, old[name], new[name]) for name in COUNTS]
    digests = [each["digest"][:19] for each in (old, new)]
    digest = f"{digests[0]}… → {digests[1]}…" if digests[0] != digests[1] else f"{digests[0]}…"
    density = f"density {old['density']:.2%} → {new['density']:.2%}"
    if old["density"] == new["density"]:
        density = f"density {new['density']:.2%}"
    return ", ".join([*shown, density, digest])


def _count(name: str, old: int, new: int) -> str:
    return f"{name} {new:,}" if old == new else f"{name} {old:,} → {new:,} ({new - old:+,})"


def _checkpoints(found: Mapping[str, Any]) -> str:
    loading = LOADING[found["loading"]]
    if found["loading"] == "does_not_load":
        return f"checkpoints {loading}; {found['kept']} of {found['tensors']} tensors keep their meaning"
    renamed = f" of {len(found['renamed'])} tensors" if found["renamed"] else ""
    function = "" if found["same_function"] else ", and compute something else"
    return f"checkpoints {loading}{renamed}{function}"
