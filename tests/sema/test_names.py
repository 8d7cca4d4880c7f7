"""Which names are seen where, and what stands in each other's way."""

from __future__ import annotations

from pathlib import Path

import pytest

from nfc.diagnostics import Sink
from nfc.files import load
from nfc.limits import Limits
from nfc.sema.program import Program, elaborate
from tests.sema.programs import analyse, codes, errors, in_network, network, sound


def analyse_files(folder: Path, **texts: str) -> tuple[Program, Sink]:
    for name, text in texts.items():
        (folder / f"{name}.nf").write_text(f"nf 1\n{text}\n", "utf-8")
    sink = Sink()
    files = load(str(folder / "main.nf"), sink, Limits())
    return elaborate(files, overrides={}, sink=sink, limits=Limits()), sink


def test_definitions_stand_in_any_order() -> None:
    program = sound(in_network("input c\nlinear 4 via t", "let a = b + 1", "let b = c", "param c = 7", "topology t = u", "topology u = dense"))  # fmt: skip
    assert program.constants == {"a": 8, "b": 7, "c": 7}


@pytest.mark.parametrize(
    "definitions",
    [
        ["let a = 1", "let a = 2"],
        ["let a = 1", "topology a = dense"],
        ["mask a[o, i] = o == i", "network a { input 3 }"],
        ["let a = 1", "topology t(a) = dense"],
        ["let a = 1", "mask t[a, i] = true"],
        ["topology t(a, a) = dense"],
        ["let a = 1", "topology t = cascade(a in 0..2: dense)"],
        ["mask t[o, i] = o == i", "mask m[o] = { t for t in 0..3 }"],
    ],
)
def test_nothing_shadows(definitions: list[str]) -> None:
    assert codes("\n".join(["nf 1", *definitions])) == ["NF202"]


@pytest.mark.parametrize(
    "definition",
    ["let dense = 1", "param rows = 1", "topology max = dense", "network cascade { input 3 }", "mask auto[o, i] = true", "topology t(random) = dense"],
)  # fmt: skip
def test_names_of_the_language_are_taken(definition: str) -> None:
    assert codes(f"nf 1\n{definition}\n") == ["NF203"]


@pytest.mark.parametrize(
    "definition", ["let linear = 1", "param input = 1", "let depth = 1", "let params = 3"]
)
def test_operations_and_properties_are_free(definition: str) -> None:
    sound(f"nf 1\n{definition}\n")


@pytest.mark.parametrize(
    ("definition", "code"),
    [
        ("topology t(x) = x(3)", "NF206"),
        ("topology t = butterfly(radix=missing)", "NF201"),
        ("topology t(x) = random(y)", "NF201"),
        ("topology t = random(3, 4, 5, 6, 7)", "NF206"),
        ("topology t = random(fan_in=3, fan_in=4)", "NF206"),
        ("topology t = random", "NF206"),
        ("topology t = cascade(2)", "NF206"),
        ("topology t = parallel(s in 0..2: dense)", "NF206"),
        ("topology t = direct_sum()", "NF206"),
        ("topology t = max(3, 4)", "NF205"),
        ("topology t = 3", "NF205"),
        ("topology t = rows", "NF205"),
        ("topology t = dense * 2", "NF205"),
        ("let a = dense", "NF205"),
        ("let a = random(3)", "NF205"),
        ("let a = rows", "NF201"),
        ("let a = max", "NF205"),
        ("let a = b.c", "NF205"),
        ("let a = false and missing", "NF201"),
        ("mask m[o, i] = o == k", "NF201"),
        ("mask m(k=o)[o, i] = o == i", "NF201"),
        ("mask m[o] = { o } + o", "NF205"),
        ("mask m[o] = { o xor b for b in 0..<n }", "NF201"),
        ("topology t = t", "NF204"),
        ("let a = dense >> dense", "NF205"),
        ("let a = ~dense", "NF205"),
        ("topology t(x) = t2(x + missing)\ntopology t2(y) = y", "NF201"),
        ("topology t(x) = dense\ntopology u = t(t(dense, 3))", "NF206"),
    ],
)
def test_unused_definitions_are_checked(definition: str, code: str) -> None:
    assert codes(f"nf 1\n{definition}\n") == [code]


@pytest.mark.parametrize(
    "definition",
    [
        "topology t(x, y=x, z=dense) = x >> z",
        "topology t(s=auto) = random(3, seed=s)",
        "mask m(k=1)[o] = { o } + { o xor 2**b for b in 0..<log2(cols) if b > k }",
        "topology t = cascade(s in [1, 2, 4]: butterfly(radix=2**s))",
        "topology t(a) = a | ~a & a - a",
        "topology t(x) = u(x + dense)\ntopology u(y) = y",
        "topology t(x) = u(x + 1)\ntopology u(y) = random(y)",
    ],
)
def test_sound_definitions(definition: str) -> None:
    sound(f"nf 1\n{definition}\n")


def test_a_cycle_is_reported_at_its_first_definition() -> None:
    _, (found,) = analyse("nf 1\nlet z = c\nlet c = b\nlet b = a\nlet a = c\n")
    assert found.code == "NF204"
    assert found.span is not None
    assert (found.span.line, found.span.text) == (3, "c")
    assert "`c` → `b` → `a` → `c`" in found.message


def test_a_circle_of_networks() -> None:
    _, (found,) = analyse(
        "nf 1\nnetwork a { input 3; b }\nnetwork b { input 3; a }\nnetwork c { input 3; a }\n"
    )
    assert found.code == "NF204"
    assert found.span is not None
    assert found.span.line == 2


# --- several files -------------------------------------------------------------------------------


def test_used_files(tmp_path: Path) -> None:
    program, sink = analyse_files(
        tmp_path,
        main='use "blocks.nf"\nlet twice = 2 * size\nnetwork n { input size; part; linear 8 via mix(2) }',
        blocks='use "sizes.nf"\nlet size = base\ntopology mix(r) = butterfly(radix=r + step)\n'
        "network part { input size; relu }\nnetwork other { input 3; linear 4 }",
        sizes="param base = 8\nlet step = 0",
    )
    assert sink.diagnostics == []
    assert program.constants == {"twice": 16, "size": 8}
    assert list(program.networks) == ["n"]


def test_files_see_what_they_use_directly(tmp_path: Path) -> None:
    _, sink = analyse_files(tmp_path, main='use "a.nf"\nlet x = base', a='use "b.nf"', b="let base = 8")
    assert [(d.code, d.message) for d in sink.diagnostics] == [("NF201", "unknown name `base`")]


def test_clashes_between_files_show_both_places(tmp_path: Path) -> None:
    _, sink = analyse_files(
        tmp_path, main='use "a.nf"\nuse "b.nf"\nlet x = 1\n', a="let x = 2\nlet y = 3", b="let y = 4"
    )
    found = [
        (d.code, d.span.source.name[-7:], d.labels[0].span.source.name[-4:])
        for d in sink.diagnostics
        if d.span
    ]
    assert found == [("NF202", "main.nf", "a.nf"), ("NF202", str(tmp_path / "b.nf")[-7:], "a.nf")]


def test_a_file_used_on_two_ways_is_one(tmp_path: Path) -> None:
    _, sink = analyse_files(
        tmp_path,
        main='use "a.nf"\nuse "b.nf"\nuse "c.nf"\nlet x = base',
        a='use "c.nf"\nlet y = base',
        b='use "c.nf"',
        c="let base = 8",
    )
    assert sink.diagnostics == []


def test_an_unreadable_file_explains_unknown_names(tmp_path: Path) -> None:
    _, sink = analyse_files(
        tmp_path, main='use "gone.nf"\nlet x = base\nnetwork n { input x; linear 3 via ring }'
    )
    assert [d.code for d in sink.diagnostics] == ["NF702"]


def test_mistakes_in_used_files_are_reported_there(tmp_path: Path) -> None:
    program, sink = analyse_files(
        tmp_path,
        main='use "a.nf"\nnetwork n { input 4; linear 4 via t }\nnetwork m { input 4; part }',
        a="topology t = random(5)\nnetwork part { input 4; pad 3 }",
    )
    assert [(d.code, d.span.source.name[-4:]) for d in sink.diagnostics if d.span] == [("NF301", "a.nf")] * 2
    assert program.networks == {}


# --- bad definitions -----------------------------------------------------------------------------


def test_malformed_definitions_are_not_followed_up() -> None:
    text = in_network(
        "input a\nlinear 4 via t\nm", "let a 1", "topology t = >> dense", "network m { input 3 } }"
    )
    assert {code[:3] for code in errors(text)} == {"NF1"}


def test_a_malformed_statement_before_the_input_is_not_followed_up() -> None:
    assert {code[:3] for code in errors(in_network("linear = 4\ninput 4\nrelu"))} == {"NF1"}


def test_sizes_are_at_hand_in_topologies() -> None:
    layer = network("input 16\nlinear 8 via t", "topology t = random(cols // rows, seed=1)").body[0]
    assert layer.fabric.edges == 16  # type: ignore[attr-defined]
