"""What `nfc diff` says of pairs of specs, each pair a list of the rules that it has to find."""

from __future__ import annotations

import re
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nfc import NfcError, load
from nfc.diffing.alignment import align
from nfc.diffing.checkpoints import FUNCTION_RULES, Loading
from nfc.diffing.edges import edge_change
from nfc.diffing.operations import operations
from nfc.diffing.program import ProgramDiff, diff_programs, findings
from nfc.diffing.rules import RULES, Breaks, breaks
from nfc.ir.digest import network_digest
from nfc.ir.fabric import named_factors
from nfc.ir.initial_weights import initial_weights
from nfc.source import Source
from nfc.weights import DIGEST_KEY, digest_tensor, from_state_dict
from tests.documents import ROOT
from tests.programs import programs
from tests.strategies import networks

BASE = """\
nf 1

param width = 16
param depth = 2

topology mixer(r) = parallel(2, butterfly(radix=r))

network net {
    input [4, 4]
    flatten
    enter: linear width via random(fan_in=3, seed=1)
    norm layer
    repeat depth {
        linear width via mixer(4)
        relu
        dropout 10%
    }
    residual {
        inner: linear width via random(fan_in=2, seed=2)
        tanh
    }
    sum {
        { left: linear 8 via block(count=2) }
        { right: linear 8 }
    }
    head: linear 5
    softmax
}

check net {
    params <= 4k
    depth <= 20
    each linear { fan_out.max <= 16 }
    variance.forward in 0.1..2
}
"""

CASES = {
    "nothing": ("", "", ()),
    "comment": ("nf 1", "nf 1   # a remark", ()),
    "topology_renamed": ("mixer", "blend", ()),
    "constant_folded": ("count=2", "count=1 + 1", ()),
    "formula": ("block(count=2)", "direct_sum(dense, dense)", ()),
    "seed": ("seed=2", "seed=3", ("LAYER_REWIRED",)),
    "topology": ("butterfly(radix=r)", "hypercube", ("LAYER_REWIRED", "LAYER_REWIRED")),
    "label": ("head:", "out:", ("LAYER_RENAMED",)),
    "bias": ("linear 5", "linear 5 bias=false", ("LAYER_BIAS",)),
    "init": ("linear 5", "linear 5 init=xavier", ("INIT_SCHEME",)),
    "activation": ("tanh", "gelu", ("OPERATION_CHANGED",)),
    "dropout": ("10%", "20%", ("DROPOUT", "DROPOUT")),
    "dropout_gone": ("        dropout 10%\n", "", ("DROPOUT", "DROPOUT")),
    "norm": ("norm layer", "norm rms", ("NORM_KIND",)),
    "norm_gone": ("    norm layer\n", "", ("LAYER_REMOVED",)),
    "output": ("linear 5", "linear 6", ("OUTPUT_SHAPE", "LAYER_RESIZED")),
    "operation_gone": ("        tanh\n", "", ("OPERATION_REMOVED",)),
    "operation_new": ("    head: linear 5\n", "    gelu\n    head: linear 5\n", ("OPERATION_ADDED",)),
    "operation_label": ("    softmax\n", "    last: softmax\n", ("OPERATION_RENAMED",)),
    "layer_new": ("    head:", "    more: linear 8\n    head:", ("LAYER_ADDED",)),
    "block_left": (
        "via random(fan_in=2, seed=2)\n        tanh\n    }\n",
        "via random(fan_in=2, seed=2)\n    }\n    tanh\n",
        ("OPERATION_MOVED", "OPERATION_RENAMED"),
    ),
    "axis": ("    softmax\n", "    log_softmax\n", ("OPERATION_CHANGED",)),
    "input": ("[4, 4]", "[2, 8]", ("INPUT_SHAPE",)),
    "copies": ("param depth = 2", "param depth = 1", ("LAYER_REMOVED", "OPERATION_REMOVED", "DROPOUT", "PARAM_DEFAULT")),
    "param_gone": ("param depth", "let depth", ("PARAM_REMOVED",)),
    "param_new": ("param width", "param spare = 1\nparam width", ("PARAM_ADDED",)),
    "network_new": ("check net", "network other {\n input 3\n}\n\ncheck net", ("NETWORK_ADDED",)),
    "network_renamed": ("net {", "mesh {", ("NETWORK_RENAMED",)),
    "looser": ("params <= 4k", "params <= 5k", ("CHECK_LOOSENED",)),
    "tighter": ("depth <= 20", "depth <= 16 + 1", ("CHECK_TIGHTENED",)),
    "same_bound": ("4k", "4000", ()),
    "range": ("0.1..2", "0.1..3", ("CHECK_LOOSENED",)),
    "other_range": ("0.1..2", "0.2..3", ("CHECK_CHANGED",)),
    "check_gone": ("    depth <= 20\n", "", ("CHECK_REMOVED",)),
    "check_new": ("    depth <= 20\n", "    depth <= 20\n    edges > 3\n", ("CHECK_ADDED",)),
}  # fmt: skip


def diff(old: str, new: str) -> ProgramDiff:
    before, after = (load(Source(name, text)) for name, text in (("old.nf", old), ("new.nf", new)))
    return diff_programs(before.elaborated, after.elaborated)


def rules(found: ProgramDiff) -> list[str]:
    return [change.rule for change in found.changes]


@pytest.mark.parametrize(("old", "new", "expected"), CASES.values(), ids=CASES)
def test_rules(old: str, new: str, expected: tuple[str, ...]) -> None:
    found = rules(diff(BASE, BASE.replace(old, new) if old else BASE))
    # a check block follows its network under another name, so its assertions count as others
    kept = [rule for rule in found if not (rule.startswith("CHECK") and "NETWORK_RENAMED" in expected)]
    assert sorted(kept) == sorted(expected)


def test_every_rule_is_shown_by_a_case() -> None:
    shown = {rule for *_, expected in CASES.values() for rule in expected}
    assert set(RULES) - shown == {"NETWORK_REMOVED", "LAYER_MOVED"}


def test_a_network_that_is_gone_and_layers_that_changed_places() -> None:
    text = (
        "nf 1\nnetwork one {\n input 4\n a: linear 4 via diagonal\n b: linear 4\n c: linear 4 via band\n}\n"
    )
    moved = text.replace(" a: linear 4 via diagonal\n", "").replace(
        "band\n", "band\n a: linear 4 via diagonal\n"
    )
    assert rules(diff(text, moved)) == ["LAYER_MOVED"]
    assert rules(diff(text + "network two { input 3; linear 2 }\n", text)) == ["NETWORK_REMOVED"]


def test_a_sum_and_a_concatenation_of_one_branch_are_equal() -> None:
    """The edges agree, and one summand is what one part is; two branches are something else."""
    one = (
        "nf 1\nnetwork net { input 8; s: sum { { linear 8 via random(fan_in=2); relu } }; head: linear 3 }\n"
    )
    same = one.replace("sum", "concat")
    old, new = (load(Source("net.nf", text)).network for text in (one, same))
    assert (old["s.0.linear1"].digest, old.output) == (new["s.0.linear1"].digest, new.output)
    assert rules(diff(one, same)) == rules(diff(same, one)) == []
    assert "OPERATION_ADDED" in rules(diff(one, one.replace("sum { {", "sum { {} {")))


def test_inserting_a_layer_renames_those_after_it() -> None:
    """Labels are numbered, so a layer in front shifts them; they are found again by their edges."""
    lines = ["linear 16", "linear 12 via random(fan_in=2, seed=1)", "linear 9 via random(fan_in=3, seed=2)"]

    def text(body: list[str]) -> str:
        return "nf 1\nnetwork net {\n input 16\n" + "\n".join(body) + "\n}\n"

    found = diff(text(lines), text(["linear 16 via diagonal", *lines]))
    assert rules(found) == ["LAYER_ADDED", "LAYER_RENAMED", "LAYER_RENAMED", "LAYER_RENAMED"]
    names = [(change.old, change.new) for change in found.changes][1:]
    assert names == [(f"linear{number}", f"linear{number + 1}") for number in (1, 2, 3)]


@pytest.mark.parametrize(("old", "new"), [case[:2] for case in CASES.values()], ids=CASES)
def test_checkpoints_are_what_loading_says(old: str, new: str) -> None:
    """A state dict of the old network, loaded as weight files are, decides."""
    before, after = (load(Source("net.nf", text)) for text in (BASE, BASE.replace(old, new) if old else BASE))
    found = diff_programs(before.elaborated, after.elaborated).networks[0]
    one, other = (next(iter(program.networks.values())).ir for program in (before, after))
    state = {**initial_weights(one, 0), DIGEST_KEY: digest_tensor(network_digest(one))}
    assert found.checkpoints is not None
    assert (found.checkpoints.loading is Loading.LOADS) == loads(state, other)
    if found.checkpoints.loading is Loading.AFTER_RENAMING:
        names = dict(found.checkpoints.renamed)
        assert loads({names.get(name, name): value for name, value in state.items()}, other)


def loads(state: dict[str, np.ndarray], network: object) -> bool:
    try:
        from_state_dict(state, network)  # type: ignore[arg-type]
    except NfcError:
        return False
    return True


@pytest.mark.parametrize("case", CASES)
def test_breaking_rules_and_invalid_checkpoints_go_together(case: str) -> None:
    old, new, _ = CASES[case]
    found = diff(BASE, BASE.replace(old, new) if old else BASE).networks[0]
    broken = any(breaks(change.rule) is Breaks.CHECKPOINTS for change in found.changes)
    assert found.checkpoints is not None
    assert broken == (not found.checkpoints.valid)


def test_findings_stand_where_the_change_is() -> None:
    found = findings(diff(BASE, BASE.replace("seed=2", "seed=9").replace("    softmax\n", "")))
    places = [(each.code, each.span.source.name, each.span.line) for each in found if each.span]
    assert places == [("NF510", "new.nf", 19), ("NF510", "old.nf", 27)]
    copies = findings(diff(BASE, BASE.replace("mixer(4)", "mixer(2)")))
    assert [each.message.endswith("(and so 1 more of its copies)") for each in copies] == [True]


@settings(max_examples=40)
@given(networks(), networks())
def test_edges_are_counted_as_sets(old: object, new: object) -> None:
    """Against sets of pairs, factor by factor."""
    layers = [
        next((each for each in operations(network) if each.fabric), None)
        for network in (old, new)  # type: ignore[arg-type]
    ]
    if None in layers:
        return
    sets = [
        {
            (place, int(row), int(col))
            for place, factor in named_factors(layer.fabric)  # type: ignore[union-attr, arg-type]
            for row, col in zip(factor.csr().tocoo().row, factor.csr().tocoo().col, strict=True)
        }
        for layer in layers
    ]
    found = edge_change(layers[0].fabric, layers[1].fabric)  # type: ignore[union-attr, arg-type]
    assert (found.added, found.removed) == (len(sets[1] - sets[0]), len(sets[0] - sets[1]))
    for named, all_of in ((found.first_added, sets[1] - sets[0]), (found.first_removed, sets[0] - sets[1])):
        assert [(each.place, each.output, each.input) for each in named] == sorted(all_of, key=in_order)[:3]


def in_order(edge: tuple[str, int, int]) -> tuple[object, ...]:
    return ([int(part) for part in edge[0].split(".")] if edge[0] else []), edge[1], edge[2]


@settings(max_examples=40)
@given(networks())
def test_a_network_is_equal_to_itself(network: object) -> None:
    found = operations(network)  # type: ignore[arg-type]
    aligned = align(found, found)
    assert aligned.pairs == tuple((place, place) for place in range(len(found)))
    assert (aligned.added, aligned.removed, aligned.moved) == ((), (), frozenset())


@settings(max_examples=25)
@given(programs(), programs())
def test_any_two_programs_are_compared_and_the_verdict_is_true(old: str, new: str) -> None:
    before, after = (load(Source("net.nf", text)) for text in (old, new))
    (found,) = diff_programs(before.elaborated, after.elaborated).networks
    assert found.checkpoints is not None
    one, other = before.network.ir, after.network.ir
    state = {**initial_weights(one, 0), DIGEST_KEY: digest_tensor(network_digest(one))}
    assert (found.checkpoints.loading is Loading.LOADS) == loads(state, other)
    broken = any(breaks(change.rule) is Breaks.CHECKPOINTS for change in found.changes)
    assert broken == (not found.checkpoints.valid)


@settings(max_examples=25)
@given(st.permutations(range(8)), st.integers(0, 7))
def test_alignment_is_a_matching(order: list[int], gone: int) -> None:
    def text(sizes: list[int]) -> str:
        body = "".join(f" l{size}: linear 4 via random(fan_in=2, seed={size})\n" for size in sizes)
        return f"nf 1\nnetwork net {{\n input 4\n{body}}}\n"

    old, new = list(range(8)), [size for size in order if size != gone]
    found = [
        operations(load(Source("net.nf", text(sizes))).elaborated.networks["net"]) for sizes in (old, new)
    ]
    aligned = align(*found)
    assert all(found[0][one].path == found[1][other].path for one, other in aligned.pairs)
    assert [found[0][place].path for place in aligned.removed] == [f"l{gone}"]
    kept = [one for one, other in aligned.pairs if (one, other) not in aligned.moved]
    assert all(one < other for one, other in pairwise(kept))


def test_long_networks_are_cut_where_equal_layers_stand() -> None:
    """Hundreds of layers, a stretch of them gone and one put in front."""
    layers = [f"linear 4 via random(fan_in=2, seed={seed})" for seed in range(600)]

    def text(body: list[str]) -> str:
        return (
            "nf 1\nnetwork net {\n input 4\n"
            + "\n".join(f"l{seed_of(each)}: {each}" for each in body)
            + "\n}\n"
        )

    def seed_of(line: str) -> str:
        return line.rpartition("=")[2].rstrip(")")

    first, others = "linear 4 via random(fan_in=1, seed=5000)", layers[:300] + layers[310:]
    before = load(Source("old.nf", text(layers))).elaborated.networks["net"]
    after = load(Source("new.nf", text([first, *others]))).elaborated.networks["net"]
    aligned = align(operations(before), operations(after))
    assert aligned.removed == tuple(range(300, 310))
    assert aligned.added == (0,)
    assert aligned.moved == frozenset()


def test_the_document_prints_the_table() -> None:
    rows = [f"| `{rule.name}` | {rule.purpose} | {rule.breaks.value} |" for rule in RULES.values()]
    text = (ROOT / "docs" / "diff.md").read_text("utf-8")
    assert re.findall(r"^\| `[A-Z_]+` \|.*$", text, re.M) == rows


def test_function_rules_are_rules() -> None:
    assert set(RULES) >= FUNCTION_RULES
