"""Generated changes of the repository's own specs: some change a topology, some keep the meaning.

Whether a topology changed is told from the edges themselves, layer by layer, not from digests.
`benchmarks/mutations.py` runs the study in full; the tests run a part of it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields, is_dataclass
from random import Random

import numpy as np

from nfc import NfcError, load
from nfc.api import Program
from nfc.diagnostics import Sink
from nfc.diffing.program import diff_programs, findings
from nfc.ir.fabric import Cascade, Fabric, Sum
from nfc.ir.network import weighted_layers
from nfc.limits import Limits
from nfc.locks.compare import compare
from nfc.locks.lock import lock_of
from nfc.source import Source
from nfc.syntax import ast, parse
from tests.documents import ROOT

Change = Callable[[str, Random], str | None]
"""Another text of a spec; None where there is nothing to change so."""

FOLDERS = ("tests/corpus", "examples", "examples/topologies")


def specs() -> dict[str, str]:
    """The repository's specs that read no other files, by name."""
    paths = [path for folder in FOLDERS for path in sorted((ROOT / folder).glob("*.nf"))]
    texts = {path.name: path.read_text("utf-8") for path in paths}
    return {name: text for name, text in texts.items() if not re.search(r"\bfile\(|^use ", text, re.M)}


@dataclass(frozen=True)
class Case:
    """A changed spec, and what lock and diff say of it."""

    spec: str
    kind: str
    text: str
    changed: bool
    lock: bool
    diff: bool


def cases(changes: dict[str, Change], count: int, seed: int, *, changing: bool) -> Iterator[Case]:
    """`count` changed specs, kinds in turn, whose edges changed or, unless `changing`, may not have."""
    random, texts = Random(seed), specs()
    originals = {name: elaborated(text) for name, text in texts.items()}
    seen: set[str] = set()
    kinds = list(changes)
    found = attempt = 0
    while found < count:
        attempt += 1
        assert attempt < 100 * count, "too few changes can be made"
        kind, name = kinds[attempt % len(kinds)], random.choice(list(texts))
        text = changes[kind](texts[name], random)
        if text is None or text in seen or text == texts[name]:
            continue
        seen.add(text)
        before, after = originals[name], elaborated(text)
        if before is None or after is None:
            assert changing or before is None, f"{name}, {kind}: it no longer compiles\n{text}"
            continue
        changed = topology(before) != topology(after)
        if changed is not changing and changing:
            continue
        found += 1
        yield Case(name, kind, text, changed, *alarms(before, after))


def elaborated(text: str) -> Program | None:
    """The program of a text; None where it has errors."""
    try:
        return load(Source("net.nf", text), limits=Limits(edges=2**22, seconds=10))
    except NfcError:
        return None


def topology(program: Program) -> object:
    """Every layer's edges, with its place and its tree: what must not change unseen."""
    return [
        (name, [(layer.path, tree(layer.fabric)) for layer in weighted_layers(network)])
        for name, network in program.elaborated.networks.items()
    ]


def tree(fabric: Fabric) -> object:
    """A fabric as nested tuples, its factors as the bytes of their coordinates."""
    if isinstance(fabric, Cascade | Sum):
        return (type(fabric).__name__, *(tree(part) for part in fabric.parts))
    matrix = fabric.csr().tocoo()
    return (*fabric.shape, np.sort(matrix.row.astype(np.int64) * fabric.cols + matrix.col).tobytes())


def alarms(before: Program, after: Program) -> tuple[bool, bool]:
    """Whether the lock of the one refuses the other, and whether their difference breaks something."""
    locked = compare(lock_of(before.elaborated, {}), lock_of(after.elaborated, {}))
    found = findings(diff_programs(before.elaborated, after.elaborated))
    return bool(locked.changes), bool(found)


# --- what changes a topology -------------------------------------------------------------------


def nodes(text: str, kind: type[ast.Node]) -> list[ast.Node]:
    """The nodes of a kind outside of check blocks, in order."""
    file = parse(Source("net.nf", text), Sink(), Limits())
    return [
        node for each in file.definitions if not isinstance(each, ast.Check) for node in _inside(each, kind)
    ]


def _inside(value: object, kind: type[ast.Node]) -> Iterator[ast.Node]:
    if isinstance(value, kind):
        yield value
    if isinstance(value, tuple):
        for item in value:
            yield from _inside(item, kind)
    elif is_dataclass(value):
        for field in fields(value):
            if field.name != "span" and not field.name.endswith("_span"):
                yield from _inside(getattr(value, field.name), kind)


def replaced(text: str, node: ast.Node, other: str) -> str:
    return text[: node.span.start] + other + text[node.span.end :]


def another_number(text: str, random: Random) -> str | None:
    numbers = [node for node in nodes(text, ast.Number) if isinstance(node.value, int)]  # type: ignore[attr-defined]
    if not numbers:
        return None
    node = random.choice(numbers)
    value = node.value  # type: ignore[attr-defined]
    return replaced(text, node, str(random.choice([value + 1, value * 2, max(value - 1, 0), value // 2])))


TOPOLOGIES = (
    "dense", "diagonal", "band", "hypercube", "butterfly", "monarch", "torus", "shuffle_exchange", "benes",
    "block(size=2)", "random(fan_in=2)", "bernoulli(density=50%, seed=3)", "lowrank(rank=1)", "pixelfly(block=1)",
)  # fmt: skip


def another_topology(text: str, random: Random) -> str | None:
    found = [node for node in nodes(text, ast.Operation) if node.via is not None]  # type: ignore[attr-defined]
    if not found:
        return None
    via = random.choice(found).via  # type: ignore[attr-defined]
    return replaced(text, via, random.choice(TOPOLOGIES))


def without_topology(text: str, random: Random) -> str | None:
    return _changed_match(text, random, r" via [^\n;}]+", lambda _: "")


def another_operator(text: str, random: Random) -> str | None:
    swapped = {
        " >> ": " + ",
        " + ": " >> ",
        " | ": " & ",
        " & ": " | ",
        "<=": "<",
        " xor ": " + ",
        " - ": " | ",
    }
    operators = r" >> | \+ | \| | & |<=| xor | - "
    return _changed_match(text, random, operators, lambda match: swapped[match[0]])


def another_label(text: str, random: Random) -> str | None:
    return _changed_match(text, random, r"^( *)(\w+): (?=linear)", lambda match: f"{match[1]}{match[2]}_b: ")


def without_line(text: str, random: Random) -> str | None:
    return _changed_match(text, random, r"^ *(?:\w+: )?linear [^\n{}]*\n", lambda _: "")


def doubled_line(text: str, random: Random) -> str | None:
    return _changed_match(text, random, r"^ *linear [^\n{}]*\n", lambda match: match[0] * 2)


def another_call(text: str, random: Random) -> str | None:
    wrapped = ("transpose({})", "parallel(2, {})", "cascade(2, {})", 'permute("reverse") >> ({})')
    chosen = random.choice(wrapped)
    return _changed_match(
        text, random, r"(?<= via )[a-z_]+(?:\([^()\n]*\))?(?=[\n;])", lambda match: chosen.format(match[0])
    )


def _changed_match(
    text: str, random: Random, pattern: str, change: Callable[[re.Match[str]], str]
) -> str | None:
    head = text.partition("\ncheck ")[0]
    matches = list(re.finditer(pattern, head, re.M))
    if not matches:
        return None
    match = random.choice(matches)
    return text[: match.start()] + change(match) + text[match.end() :]


MUTATIONS: dict[str, Change] = {
    "number": another_number,
    "topology": another_topology,
    "via left out": without_topology,
    "operator": another_operator,
    "label": another_label,
    "layer left out": without_line,
    "layer doubled": doubled_line,
    "topology wrapped": another_call,
}

# --- what keeps the meaning --------------------------------------------------------------------


def renamed_definition(text: str, random: Random) -> str | None:
    names = re.findall(r"^(?:mask|topology|let) +(\w+)", text, re.M)
    if not names:
        return None
    name, other = random.choice(names), f"other_{random.randrange(999)}"
    code = _code(text)
    for match in reversed(list(re.finditer(rf"\b{name}\b", code))):
        defines = re.search(r"(?:mask|topology|let) +$", code[: match.start()])
        is_key = re.match(r" *=(?!=)", code[match.end() :])
        is_label = re.search(r"[\n{;] *$", code[: match.start()]) and code[match.end() :].startswith(":")
        if defines or not (is_key or is_label):
            text = text[: match.start()] + other + text[match.end() :]
    return text


def laid_out(text: str, random: Random) -> str:
    """Other indentation, comments, empty lines and line ends."""
    lines = []
    for line in text.splitlines():
        indent = " " * random.randrange(9) if line.startswith(" ") else ""
        remark = f"  # {random.choice(['see below', 'α', '{', 'linear 9'])}" if random.random() < 0.3 else ""
        lines += [f"{indent}{line.strip()}{remark}", *([""] * random.randrange(3))]
    return random.choice(["\n", "\r\n"]).join(lines) + "\n"


def folded(text: str, random: Random) -> str | None:
    """Some integers as expressions, or as constants of their own."""
    numbers = [node for node in nodes(text, ast.Number) if isinstance(node.value, int)]  # type: ignore[attr-defined]
    operations = nodes(text, ast.Operation)
    written = {each.span for op in operations for each in op.positionals[1:]}  # type: ignore[attr-defined]
    for node in reversed(numbers):
        if node.span not in written and random.random() < 0.5:
            value = node.value  # type: ignore[attr-defined]
            by = random.randrange(1, 9)
            text = replaced(text, node, random.choice([f"({value - by} + {by})", f"({value * by} // {by})"]))
    return text if numbers else None


def named(text: str, random: Random) -> str | None:
    """A number gets a name."""
    numbers = [node for node in nodes(text, ast.Number) if isinstance(node.value, int)]  # type: ignore[attr-defined]
    if not numbers:
        return None
    node, name = random.choice(numbers), f"number_{random.randrange(999)}"
    value = node.value  # type: ignore[attr-defined]
    return replaced(text, node, name) + f"\nlet {name} = {value}\n"


AS_MASKS = (
    (r"\bdiagonal\b(?!\()", "{name}", "mask {name}[o, i] allow_empty = o == i"),
    (r"\bdense\b(?!\()", "{name}", "mask {name}[o, i] = o >= 0 and i >= 0"),
    (r"\bblock\(size=(\w+)\)", "{name}({0})", "mask {name}(s)[o, i] allow_empty = o // s == i // s"),
    (r"\bblock\(count=(\w+)\)", "{name}({0})", "mask {name}(n)[o, i] = o * n // rows == i * n // cols"),
    (r"\bband\(width=(\w+)\)", "{name}({0})", "mask {name}(w)[o, i] allow_empty = abs(o - i) <= w"),
)
"""Standard topologies that take any sizes, and masks with the same edges (LANGUAGE, section 2)."""


def as_mask(text: str, random: Random) -> str | None:
    found = [
        (match, call, mask) for pattern, call, mask in AS_MASKS for match in re.finditer(pattern, _code(text))
    ]
    if not found:
        return None
    match, call, mask = random.choice(found)
    name = f"mask_{random.randrange(999)}"
    written = call.format(*match.groups(), name=name)
    return text[: match.start()] + written + text[match.end() :] + f"\n{mask.format(name=name)}\n"


def _code(text: str) -> str:
    """The text with comments and strings blanked, every place kept."""
    return re.sub(r'#[^\n]*|"[^"\n]*"', lambda match: " " * len(match[0]), text)


def as_topology(text: str, random: Random) -> str | None:
    """A wiring gets a name."""
    found = [node for node in nodes(text, ast.Operation) if node.via is not None]  # type: ignore[attr-defined]
    if not found:
        return None
    via, name = random.choice(found).via, f"wiring_{random.randrange(999)}"  # type: ignore[attr-defined]
    return replaced(text, via, name) + f"\ntopology {name} = {via.span.text}\n"


def with_idle_definitions(text: str, random: Random) -> str:
    number = random.randrange(999)
    idle = (
        f"let idle_{number} = {number}\n",
        f"mask idle_{number}[o] = {{ o }}\n",
        f"topology idle_{number}(r) = butterfly(radix=r) >> dense\n",
    )
    return (
        text.replace("\n", f"\n{random.choice(idle)}", 1)
        if random.random() < 0.5
        else text + random.choice(idle)
    )


def in_one_branch(text: str, random: Random) -> str | None:
    """An activation as the only branch of a sum or of a concatenation, of which the spec has no other."""
    free = [word for word in ("sum", "concat") if not re.search(rf"\b{word}\b", text)]
    if not free:
        return None
    word = random.choice(free)
    activations = r"(?<=\n)( +)(relu|gelu|silu|tanh|sigmoid)(?=\n)"
    return _changed_match(text, random, activations, lambda match: f"{match[1]}{word} {{ {{ {match[2]} }} }}")


REWRITES: dict[str, Change] = {
    "definition renamed": renamed_definition,
    "layout": laid_out,
    "constants folded": folded,
    "number named": named,
    "topology as a mask": as_mask,
    "wiring named": as_topology,
    "idle definition": with_idle_definitions,
    "one branch": in_one_branch,
}
