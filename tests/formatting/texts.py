"""Texts to lay out: the files of the repository, comments in any place that takes one, random programs."""

from __future__ import annotations

import random
from collections.abc import Iterator
from functools import cache

from hypothesis import strategies as st

from nfc.syntax.driver import Driver
from nfc.syntax.words import CONTINUING
from tests.documents import ROOT, blocks

FILES = sorted([*ROOT.glob("examples/**/*.nf"), *ROOT.glob("tests/corpus/*.nf")])


@cache
def sound_texts() -> dict[str, str]:
    """Every file of the repository, and every file that a page or a document shows and that parses."""
    from tests.syntax.trees import parsed

    texts = {path.relative_to(ROOT).as_posix(): path.read_text("utf-8") for path in FILES}
    for page in sorted([*ROOT.glob("nfc/codes/pages/*.md"), *ROOT.glob("docs/*.md")]):
        for block in blocks(page.read_text("utf-8")):
            if block.language == "nf" and not parsed(block.text)[1]:
                texts[f"{page.name}:{block.line}"] = block.text
    return texts


def comment_places(text: str) -> Iterator[int]:
    """Offsets at which a newline, and so a comment, ends nothing, or ends what ends there anyway."""
    driver = Driver(text, "file", 200)
    for token in driver.tokens:
        innermost = driver.tokens.stack[-1] if driver.tokens.stack else "BLOCK_OPEN"
        if token.type == "_SEP":
            yield token.start_pos or 0
        elif innermost != "BLOCK_OPEN" or token.type in CONTINUING or token.type == "BLOCK_OPEN":
            yield token.end_pos or 0
        driver.feed(token)


def commented(text: str, seed: int, share: float) -> str:
    """The text with comments in a random share of the places that take one, both kinds of them."""
    draw = random.Random(seed)
    pieces, last = [], 0
    for number, place in enumerate(comment_places(text)):
        if draw.random() >= share:
            continue
        kinds = [
            f" # after {number}\n",
            " # nfc: a remark\n",
            f"\n# alone {number}\n",
            f"#a{number}\n\n\n  # b{number} \n#c\n",
        ]
        pieces += [text[last:place], draw.choice(kinds)]
        last = place
    return "".join([*pieces, text[last:]])


# --- random programs: any that parse, whatever they mean -------------------------------------

NAMES = st.sampled_from(["a", "o", "long_name_of_something", "x1", "network", "init", "sum", "nf"])
ATOMS = st.one_of(
    NAMES,
    st.sampled_from(
        ["1", "2.5", "310k", "1_000", "5%", ".5", "1e-3", "true", '"text # not a comment"', "[]"]
    ),
    st.sampled_from(["a.b.c", "sum1.1.linear1.fan_in.max"]),
)
ASSOCIATIVE = st.sampled_from(["or", "and", "xor", "+", "-", "*", "/", "//", "%", "**", ">>", "|", "&"])
OTHERS = st.sampled_from(["==", "<=", "in", "..", "..<"])


def _in_brackets(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    gaps = st.sampled_from(["", " ", "\n", " # c\n", "\n# own\n\n"])
    items = st.lists(st.tuples(gaps, inner, gaps).map("".join), min_size=1, max_size=4)
    lists = st.tuples(items, st.sampled_from(["", ",", " ,\n"])).map(lambda each: ",".join(each[0]) + each[1])
    named = st.tuples(NAMES, gaps, inner).map(lambda each: f"{each[0]}={each[1]}{each[2]}")
    return st.one_of(
        st.tuples(gaps, inner, gaps).map(lambda each: f"({''.join(each)})"),
        lists.map(lambda text: f"[{text}]"),
        st.tuples(NAMES, lists).map(lambda each: f"{each[0]}({each[1]})"),
        st.tuples(NAMES, st.lists(named, max_size=3)).map(lambda each: f"{each[0]}({', '.join(each[1])})"),
        st.tuples(inner, inner).map(lambda each: f"cascade(s in ({each[0]}): {each[1]})"),
    )


def _operators(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    spaces = st.sampled_from([" ", "\n", " # c\n", "\n\n# own\n"])
    closed = inner.map(lambda text: text if text.replace("_", "").isalnum() else f"({text})")
    return st.one_of(
        st.lists(st.tuples(closed, ASSOCIATIVE, spaces), min_size=1, max_size=4).map(
            lambda links: "".join(f"{operand} {operator}{space}" for operand, operator, space in links) + "z"
        ),
        st.tuples(closed, OTHERS, spaces, closed).map(lambda each: f"{each[0]} {each[1]}{each[2]}{each[3]}"),
        st.tuples(st.sampled_from(["-", "~", "not ", "- -", "-\n", "not\n# own\nnot "]), closed).map("".join),
    )


EXPRESSIONS = st.recursive(ATOMS, lambda inner: _in_brackets(inner) | _operators(inner), max_leaves=12)
SETS = st.one_of(
    st.lists(EXPRESSIONS, max_size=3).map(lambda items: f"{{{', '.join(items)}}}"),
    st.tuples(EXPRESSIONS, EXPRESSIONS, EXPRESSIONS).map(
        lambda each: f"{{ {each[0]} for d in {each[1]} if {each[2]} }}"
    ),
)
SEPARATORS = st.sampled_from(["\n", ";", " ; # c\n", "\n\n\n", "\n# own\n", "\n\n  # far\n\n\n# near\n"])


def _block(statements: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    items = st.lists(st.tuples(statements, SEPARATORS).map("".join), max_size=3).map("".join)
    return st.tuples(st.sampled_from(["", " ", "\n", "# c\n"]), items).map(
        lambda each: f"{{{''.join(each)}}}"
    )


def _operation(body: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return st.tuples(
        st.sampled_from(["", "head: ", "init : ", "label:\n"]),
        st.sampled_from(["linear", "repeat", "conv"]),
        st.one_of(st.just(""), EXPRESSIONS.map(lambda text: f" ({text}) name 5")),
        st.one_of(st.just(""), EXPRESSIONS.map(lambda text: f" key = {text}")),
        body,
        st.one_of(st.just(""), EXPRESSIONS.map(lambda text: f" via {text}")),
    ).map("".join)


STATEMENTS = st.recursive(
    _operation(st.just("")),
    lambda inner: st.one_of(
        _operation(_block(inner).map(lambda block: f" {block}")),
        st.lists(_block(inner), min_size=1, max_size=3).map(lambda branches: f"sum {{{' '.join(branches)}}}"),
    ),
    max_leaves=5,
)
ASSERTIONS = st.tuples(EXPRESSIONS, st.sampled_from(["", ' as "reason"'])).map("".join)
CHECKS = st.one_of(ASSERTIONS, _block(ASSERTIONS).map(lambda block: f"each linear {block}"))
DEFINITIONS = st.one_of(
    st.sampled_from(['use "other.nf"']),
    EXPRESSIONS.map(lambda text: f"let a={text}"),
    EXPRESSIONS.map(lambda text: f"topology t( p , q=2 ) =\n{text}"),
    st.tuples(SETS, SETS).map(lambda each: f"mask m[o]= {each[0]} + {each[1]}"),
    EXPRESSIONS.map(lambda text: f"mask m[o,i] allow_empty={text}"),
    _block(STATEMENTS).map(lambda block: f"network n {block}"),
    _block(CHECKS).map(lambda block: f"check n {block}"),
)
PROGRAMS = st.tuples(
    SEPARATORS.map(lambda text: text.replace(";", "")),
    st.lists(st.tuples(DEFINITIONS, SEPARATORS).map("".join), max_size=4).map("".join),
).map(lambda each: f"{each[0]}nf 1\n{each[1]}")
