"""The gallery: masks equal the standard topologies at many sizes, and those without a twin a closed form."""

from __future__ import annotations

import re
from contextlib import chdir
from pathlib import Path

import numpy as np
import pytest

from nfc import load
from nfc.source import Source
from tests.build import dense_pattern
from tests.documents import ROOT, blocks, console, nfc

GALLERY = ROOT / "examples" / "topologies"
FILES = sorted(GALLERY.glob("*.nf"))

SIZES: dict[str, list[str]] = {
    "algebra": ["width=16 size=4 window=1", "width=96 size=12 window=9"],
    "band": [
        "inputs=50 outputs=50 reach=1",
        "inputs=50 outputs=52 reach=4",
        "inputs=12 outputs=10 reach=2",
        "inputs=512 outputs=512 reach=7",
    ],
    "benes": ["width=4", "width=8", "width=256"],
    "block": [
        "inputs=64 outputs=64 size=8 count=8",
        "inputs=7 outputs=7 size=3 count=4",
        "inputs=130 outputs=127 size=12 count=9",
        "inputs=512 outputs=512 size=64 count=16",
    ],
    "butterfly": ["width=512", "width=81 radix=3", "width=256 radix=16", "width=125 radix=5"],
    "butterfly_blocks": ["width=16 group=2", "width=96 group=3", "width=512 group=16"],
    "butterfly_mixed": ["first=2 second=2 third=2", "first=7 second=2 third=8", "first=2 second=9 third=16"],
    "causal": ["steps=8 window=3", "steps=128 window=50"],
    "circulant": ["width=33", "width=64", "width=257"],
    "clos": ["width=16 inputs=4", "width=60 inputs=10", "width=240 inputs=3"],
    "dense": ["inputs=1 outputs=1 rank=1", "inputs=7 outputs=300 rank=9", "inputs=100 outputs=6 rank=20"],
    "diagonal": ["width=1", "width=7", "width=700"],
    "dilated": ["steps=2", "steps=256"],
    "file": [],
    "hypercube": [
        "inputs=2 outputs=2",
        "inputs=512 outputs=512 depth=1",
        "inputs=200 outputs=100",
        "inputs=65 outputs=128 depth=3",
    ],
    "kron": ["width=12 size=4", "width=250 size=10"],
    "monarch": ["short=2 long=2", "short=7 long=8", "short=16 long=16"],
    "n_of_m": ["inputs=32 outputs=32 some=3", "inputs=40 outputs=25 some=3 of=5", "outputs=64 some=4 of=8"],
    "pixelfly": [
        "inputs=42 outputs=44 levels=1 bits=1",
        "inputs=100 outputs=128 group=8 levels=4 bits=5",
        "inputs=8 outputs=8 group=1 levels=0 rank=1 bits=3",
    ],
    "radix_net": [
        "inputs=12 outputs=12",
        "inputs=10 outputs=40 first=2 second=5",
        "inputs=90 outputs=15 first=5 second=3",
    ],
    "shuffle_exchange": ["width=8 radix=2", "width=256 radix=2", "width=125 radix=5"],
    "small_world": [
        "inputs=128 outputs=50 nearby=3",
        "inputs=9 outputs=9 nearby=2",
        "inputs=31 outputs=200 nearby=8",
    ],
    "torus": ["side=2", "side=3", "side=5 inputs=100 outputs=115", "side=7 inputs=343 outputs=300"],
}

WITH_TWINS = [path for path in FILES if "standard:" in path.read_text("utf-8")]
EACH_SIZE = [(path, sizes) for path in FILES for sizes in ("", *SIZES[path.stem])]


@pytest.mark.parametrize(("path", "sizes"), EACH_SIZE, ids=lambda part: getattr(part, "stem", part))
def test_checks_hold_at_every_size(path: Path, sizes: str) -> None:
    overrides = [word for size in sizes.split() for word in ("-D", size)]
    done = nfc(["check", str(path), *overrides])
    assert (done.code, done.err) == (0, "")
    assert "assertions hold" in done.out


@pytest.mark.parametrize("path", WITH_TWINS, ids=lambda path: path.stem)
def test_every_standard_twin_is_compared(path: Path) -> None:
    """A layer labelled `standard` takes part in a comparison of digests."""
    program = load(path)
    names = [layer.name for network in program.networks.values() for layer in network.layers]
    twins = [name for name in names if name.endswith(".standard")]
    compared = re.findall(r"^    (\S+)\.digest == ", path.read_text("utf-8"), re.M)
    assert set(twins) <= set(compared)


def pattern(file: str, layer: str, **sizes: int) -> np.ndarray:
    """The path counts of a layer, [rows, cols]."""
    return dense_pattern(load(GALLERY / f"{file}.nf", **sizes).network[layer].fabric.ir)


def grid(rows: int, cols: int) -> tuple[np.ndarray, np.ndarray]:
    return np.arange(rows)[:, None], np.arange(cols)[None, :]


@pytest.mark.parametrize("width", [16, 64])
def test_wiring_that_looks_back(width: int) -> None:
    outputs, inputs = grid(width, width)
    age = outputs - inputs
    assert np.array_equal(pattern("causal", "all", steps=width), age >= 0)
    assert np.array_equal(pattern("causal", "near", steps=width, window=5), (age >= 0) & (age < 5))
    powers = 2 ** np.arange(int(np.log2(width)))
    assert np.array_equal(pattern("causal", "sparse", steps=width), np.isin(age, [0, *powers]))
    assert np.array_equal(pattern("dilated", "heard", steps=width), age >= 0)


@pytest.mark.parametrize(("width", "size"), [(16, 4), (60, 5)])
def test_products(width: int, size: int) -> None:
    groups = width // size
    ring = sum(np.roll(np.eye(groups), step, axis=1) for step in (-1, 0, 1)) > 0
    sizes = {"width": width, "size": size}
    assert np.array_equal(pattern("kron", "image", **sizes), np.kron(ring, np.ones((size, size))))
    assert np.array_equal(
        pattern("kron", "strided.1.product", **sizes), np.kron(np.ones((groups, groups)), np.eye(size))
    )
    assert np.array_equal(pattern("kron", "mixed", **sizes), np.ones((width, width)))


@pytest.mark.parametrize(("width", "size"), [(16, 4), (96, 12)])
def test_algebra(width: int, size: int) -> None:
    outputs, inputs = grid(width, width)
    block, past = outputs // size == inputs // size, inputs <= outputs
    sizes = {"width": width, "size": size}
    assert np.array_equal(pattern("algebra", "parts.2.written", **sizes), block & past)
    assert np.array_equal(pattern("algebra", "parts.1.joined", **sizes), block)
    text = pattern("algebra", "text", **sizes, window=3)
    surely = (abs(outputs - inputs) <= 3) | (inputs < 2) | (outputs < 2)
    assert text[surely].all()
    assert (text.sum(axis=1) <= surely.sum(axis=1) + 3).all()


@pytest.mark.parametrize(("inputs", "outputs", "n", "m"), [(32, 24, 2, 4), (30, 20, 1, 5)])
def test_rules_that_choose_n_of_m(inputs: int, outputs: int, n: int, m: int) -> None:
    found = pattern("n_of_m", "all.0.predicate", inputs=inputs, outputs=outputs, some=n, of=m)
    assert (found.reshape(outputs, inputs // m, m).sum(axis=2) == n).all()
    assert np.array_equal(found[1:, 1:], found[:-1, :-1])


def test_circulants_turn() -> None:
    found = pattern("circulant", "powers.0.predicate", width=40)
    assert np.flatnonzero(found[0]).tolist() == [0, 1, 2, 4, 8, 16]
    assert all(np.array_equal(np.roll(found[0], output), found[output]) for output in range(40))


def test_petersens_graph() -> None:
    """It has girth 5 and diameter 2: A² + A = 2·I + all ones."""
    found = pattern("file", "both.0.read")
    assert np.array_equal(found, found.T)
    assert np.array_equal(found @ found + found, 2 * np.eye(10) + 1)


TWINS = [
    ("block(size=8)", "m", "mask m[o, i] = o // 8 == i // 8"),
    ("block(size=8)", "m", "mask m[o] = { o // 8 * 8 + k for k in 0..<8 }"),
    ("hypercube", "m", "mask m[o] = { o } + { o xor 2**b for b in 0..<log2(cols) }"),
    (
        "butterfly(radix=8)",
        "m(1) >> m(8)",
        "mask m(s)[o, i] = o // (8 * s) == i // (8 * s) and o % s == i % s",
    ),
    ("band(2, wrap=true)", "m", "mask m[o, i] = (o - i + 2) % cols <= 4"),
    ("shuffle_exchange(depth=2)", "m >> m", "mask m[o, i] = o // 2 == i % (cols // 2)"),
]


@pytest.mark.parametrize(("standard", "written", "mask"), TWINS, ids=[mask for _, _, mask in TWINS])
def test_the_same_program_is_emitted(standard: str, written: str, mask: str) -> None:
    """But for the file's digest and the wiring as written."""
    assert emitted(standard) == emitted(written, mask)


def emitted(wiring: str, *definitions: str) -> str:
    text = "\n".join(["nf 1", *definitions, f"network n {{ input 64; linear 64 via {wiring}; relu }}"])
    source = load(Source("n.nf", text)).network.torch_source().text
    return re.sub(r"source's digest is \S+|# topology: .*", "", source)


def test_the_document_lists_every_file() -> None:
    listed = re.findall(r"\]\(([^)]+\.nf)\)", (GALLERY / "README.md").read_text("utf-8"))
    assert sorted(listed) == [path.name for path in FILES]


def test_the_commands_of_the_document_run() -> None:
    text = (GALLERY / "README.md").read_text("utf-8")
    commands = [words for block in blocks(text) for words, _ in console(block.text)]
    with chdir(ROOT):
        assert [nfc(words[1:]).code for words in commands] == [0, 0]


def test_the_document_speaks_of_every_standard_topology() -> None:
    from nfc.topologies import FAMILIES

    text = (GALLERY / "README.md").read_text("utf-8")
    assert [name for name in FAMILIES if f"`{name}`" not in text] == []
