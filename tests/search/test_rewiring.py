import pytest

from nfc.api import load
from nfc.search.rewiring import rewired
from nfc.search.slots import slots
from nfc.source import Source

TEXT = """nf 1
topology hop(via_size=2) = butterfly(radix=via_size)   # via hop
network n {  # linear 3 via nothing
    input 16
    first: linear (4 * 4) bias=false via (hop(2)
        >> hop(4))   # kept
    relu
    repeat 3 { linear 16; relu; }
    head: linear 4 init=xavier
}
check n { head.connected }
"""


def test_only_topologies_change() -> None:
    program = load(Source("x.nf", TEXT))
    found, fixed = slots(program["n"].ir, program.elaborated.source)
    assert fixed == 0
    assert [(each.layers, each.rows, each.cols) for each in found] == [
        (("first",), 16, 16),
        (("repeat1.0.linear1", "repeat1.1.linear1", "repeat1.2.linear1"), 16, 16),
        (("head",), 4, 16),
    ]
    names = ("monarch", "random(fan_in=4, seed=1)", "lowrank(rank=2)")
    text = rewired(TEXT, {each.span: name for each, name in zip(found, names, strict=True)})
    expected = TEXT.replace("via (hop(2)\n        >> hop(4))", "via monarch")
    expected = expected.replace("linear 16;", "linear 16 via random(fan_in=4, seed=1);")
    expected = expected.replace("init=xavier", "init=xavier via lowrank(rank=2)")
    assert text == expected
    layers = load(Source("x.nf", text))["n"].layers
    assert [layer.topology for layer in layers] == [names[0], *[names[1]] * 3, names[2]]


@pytest.mark.parametrize(
    "statement",
    ['linear 16 via random(4, seed=1) # "via"', "linear 16", "a: linear (len([1, 2]))", "linear 16; relu"],
)
def test_statements_with_brackets_and_comments(statement: str) -> None:
    text = f"nf 1\nnetwork n {{\n    input 16\n    {statement}\n}}\n"
    program = load(Source("x.nf", text))
    (only,), _ = slots(program["n"].ir, program.elaborated.source)
    changed = load(Source("x.nf", rewired(text, {only.span: "lowrank(rank=1)"})))
    assert changed["n"].layers[0].topology == "lowrank(rank=1)"


def test_comments_within_a_via_go_above_the_line() -> None:
    text = (
        "nf 1\nnetwork n {\n    input 16\n    repeat 2 { linear 16 via random(  # few\n"
        "        fan_in=2,\n        # drawn once\n        seed=1); linear 16 via # after\n"
        "            butterfly; }  # kept\n}\n"
    )
    program = load(Source("x.nf", text))
    found, _ = slots(program["n"].ir, program.elaborated.source)
    changed = rewired(text, {each.span: "dense" for each in found})
    assert changed == (
        "nf 1\nnetwork n {\n    input 16\n    # few\n    # drawn once\n        # after\n"
        "    repeat 2 { linear 16 via dense; linear 16 via dense; }  # kept\n}\n"
    )
    assert [layer.topology for layer in load(Source("x.nf", changed))["n"].layers] == ["dense"] * 4


def test_convolutions_are_paid_with_all_positions_of_their_kernels() -> None:
    text = "nf 1\nnetwork n { input [1, 4, 4]; conv 2 kernel=3; depthwise; flatten; linear 8; }\n"
    program = load(Source("x.nf", text))
    found, fixed = slots(program["n"].ir, program.elaborated.source)
    assert [each.layers for each in found] == [("linear1",)]
    assert fixed == 2 * 9 + 2 * 9


def test_layers_of_other_places_keep_theirs() -> None:
    text = (
        "nf 1\nnetwork part { input 8; linear 4; }\nnetwork n { input 8; part; linear 16; linear 8; part; }\n"
    )
    program = load(Source("x.nf", text))
    found, fixed = slots(program["n"].ir, program.elaborated.source)
    assert [each.copies for each in found] == [2, 1, 1]
    assert fixed == 0
    found, fixed = slots(program["n"].ir, Source("other.nf", text))
    assert (found, fixed) == ((), program["n"].edges)
