"""The topology `file`: paths, keys, folders, digests, and what is said where."""

from __future__ import annotations

import io
import os
import sys
from pathlib import Path

import numpy as np
import pytest

import nfc
from nfc.diagnostics import Diagnostic
from nfc.sema import matrix_files
from tests.matrices.reading import pattern

WANTED = np.eye(8, dtype=bool) | pattern(8, 8)


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    np.savez("m.npz", mask=WANTED, other=np.ones((4, 8), bool))
    return tmp_path


def spec(name: str, via: str, *definitions: str, outputs: int = 8) -> str:
    Path(name).parent.mkdir(parents=True, exist_ok=True)
    body = f"network n {{ input 8; linear {outputs} via {via} }}"
    Path(name).write_text("\n".join(["nf 1", *definitions, body, ""]), "utf-8")
    return name


def finding(via: str, *definitions: str, outputs: int = 8, **options: object) -> Diagnostic:
    with pytest.raises(nfc.NfcError) as caught:
        nfc.load(spec("a.nf", via, *definitions, outputs=outputs), **options)  # type: ignore[arg-type]
    (diagnostic,) = caught.value.diagnostics
    return diagnostic


def matrix(program: nfc.Program) -> np.ndarray:
    (factor,) = program["n"].layers[0].fabric.factors
    return factor.csr().toarray().astype(bool)


def pointed_at(diagnostic: Diagnostic) -> str:
    assert diagnostic.span is not None
    return diagnostic.span.text


# --- what it means ---


def test_a_file_is_a_topology() -> None:
    assert (matrix(nfc.load(spec("a.nf", 'file("m.npz")'))) == WANTED).all()
    assert matrix(nfc.load(spec("a.nf", 'file("m.npz", key="other")', outputs=4))).all()
    assert matrix(nfc.load(spec("a.nf", 'file("m.npz", "other")', outputs=4))).all()


def test_it_stands_wherever_a_topology_may() -> None:
    via = 't("m.npz") >> transpose(file(path="m.npz")) >> (file("m.npz") | diagonal) + parallel(2, file("m.npz"))'
    program = nfc.load(spec("a.nf", via, "topology t(p) = file(p)"))
    edges = [factor.edges for factor in program["n"].layers[0].fabric.factors]
    assert edges == [WANTED.sum()] * 5


def test_a_file_is_read_once(monkeypatch: pytest.MonkeyPatch) -> None:
    reads = []
    read = matrix_files.read_pattern
    monkeypatch.setattr(matrix_files, "read_pattern", lambda *arguments: reads.append(0) or read(*arguments))
    Path("link.npz").symlink_to("m.npz")
    nfc.load(spec("a.nf", 'cascade(5, file("m.npz")) >> file("./m.npz", key="mask") >> file("link.npz")'))
    assert len(reads) == 1


def test_a_wrong_file_is_read_once(monkeypatch: pytest.MonkeyPatch) -> None:
    reads = []
    read = matrix_files.read_pattern
    monkeypatch.setattr(matrix_files, "read_pattern", lambda *arguments: reads.append(0) or read(*arguments))
    Path("a.nf").write_text('nf 1\nnetwork n { input 8; repeat 9 { linear 8 via file("m.npz", "mas") } }\n')
    with pytest.raises(nfc.NfcError):
        nfc.load("a.nf")
    assert len(reads) == 1


def test_a_matrix_of_one_shape_at_a_place_of_another_is_refused_however_often_it_was_read() -> None:
    text = 'linear 8 via file("m.npz"); linear 4 via file("m.npz")'
    Path("a.nf").write_text(f"nf 1\nnetwork n {{ input 8; {text} }}\n")
    with pytest.raises(nfc.NfcError, match=r"`m\.npz` is 8 × 8; 4 outputs × 8 inputs are asked for here"):
        nfc.load("a.nf")


def test_empty_neurons_are_an_error() -> None:
    np.save("e.npy", np.eye(8, dtype=bool) & (np.arange(8) != 3))
    found = finding('file("e.npy")')
    assert found.code == "NF413"
    assert "output 3 first" in found.message
    assert nfc.load(spec("a.nf", 'file("e.npy") | diagonal'))["n"].edges == 8


# --- where files are ---


def test_a_path_is_relative_to_the_spec_that_writes_it() -> None:
    Path("in").mkdir()
    Path("in/b.nf").write_text('nf 1\ntopology t = file("x.npy")\n')
    np.save("in/x.npy", WANTED)
    np.save("x.npy", ~WANTED)
    assert (matrix(nfc.load(spec("a.nf", "t", 'use "in/b.nf"'))) == WANTED).all()


def test_the_working_directory_does_not_matter(monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    path = folder / spec("a.nf", 'file("m.npz")')
    expected = nfc.load(path)["n"].ir.source_digest
    (folder / "elsewhere").mkdir()
    monkeypatch.chdir("elsewhere")
    assert nfc.load(path)["n"].ir.source_digest == expected
    assert nfc.load("../a.nf")["n"].ir.source_digest == expected


def test_texts_without_a_folder_read_from_the_working_directory(monkeypatch: pytest.MonkeyPatch) -> None:
    text = Path(spec("in/a.nf", 'file("m.npz")')).read_text()
    assert (matrix(nfc.load(nfc.Source("text", text))) == WANTED).all()
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(text.encode())))
    assert (matrix(nfc.load("-")) == WANTED).all()
    assert nfc.topology('file("m.npz")', 8, 8).edges == WANTED.sum()


@pytest.mark.parametrize("name", ["../m.npz", "out.npz", "down/../../m.npz", "link/m.npz"])
def test_files_outside_of_the_folder(name: str, folder: Path) -> None:
    (folder / "in").mkdir()
    Path("in/out.npz").symlink_to(folder / "m.npz")
    Path("in/link").symlink_to(folder)
    path = spec("in/a.nf", f'file("{name}")')
    with pytest.raises(nfc.NfcError) as caught:
        nfc.load(path)
    (found,) = caught.value.diagnostics
    assert found.code == "NF705"
    assert found.message == f"`{name}` lies outside of the folder of `in/a.nf`"
    assert pointed_at(found) == f'"{name}"'
    assert (matrix(nfc.load(path, allow_outside=True)) == WANTED).all()


def test_an_absolute_path(folder: Path) -> None:
    assert nfc.load(spec("a.nf", f'file("{folder}/m.npz")'))["n"].edges == WANTED.sum()
    assert finding('file("/m.npz")').code == "NF705"


def test_topologies_of_texts_stay_in_the_working_directory(monkeypatch: pytest.MonkeyPatch) -> None:
    Path("in").mkdir()
    monkeypatch.chdir("in")
    with pytest.raises(nfc.NfcError, match="NF705"):
        nfc.topology('file("../m.npz")', 8, 8)
    assert nfc.topology('file("../m.npz")', 8, 8, allow_outside=True).edges == WANTED.sum()


# --- what is wrong ---


def test_a_missing_file() -> None:
    found = finding('file("n.npz")')
    assert (found.code, found.message) == ("NF702", "cannot read `n.npz`: there is no such file")
    assert found.hints == ("did you mean `m.npz`?",)
    assert pointed_at(found) == '"n.npz"'


def test_a_missing_key() -> None:
    found = finding('file("m.npz", key="othr")')
    assert (found.code, found.message) == ("NF707", "`m.npz` has no array `othr`; it has `mask`, `other`")
    assert found.hints == ("did you mean `other`?",)
    assert pointed_at(found) == '"othr"'


def test_another_shape() -> None:
    found = finding('file("m.npz")', outputs=5)
    assert (found.code, found.message, found.hints) == (
        "NF301", "`m.npz` is 8 × 8; 5 outputs × 8 inputs are asked for here", (),
    )  # fmt: skip


def test_the_hint_for_the_reversed_shape_holds() -> None:
    stored = np.arange(24).reshape(8, 3) != 4
    np.savez("r.npz", stored=stored)
    found = finding('file("r.npz", key="stored")', outputs=3)
    (hint,) = found.hints
    via, told = hint.removeprefix("`").split("`")
    assert told == " reads it the other way round"
    assert (matrix(nfc.load(spec("a.nf", via, outputs=3))) == stored.T).all()


def test_the_definition_and_the_layer_are_shown() -> None:
    found = finding("t", 'topology t = file("n.npz")')
    assert pointed_at(found) == '"n.npz"'
    assert [label.span.text for label in found.labels] == ["t"]


@pytest.mark.parametrize(
    ("path", "why"),
    [
        ("", "its name is empty or holds a NUL character"),
        (".", "it is a folder"),
        ("m.npz/x.npz", "not a directory"),
        ("x" * 300, "file name too long"),
    ],
)
def test_what_is_no_file(path: str, why: str) -> None:
    found = finding(f'file("{path}")', allow_outside=True)
    assert (found.code, found.message) == ("NF702", f"cannot read `{path}`: {why}")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no named pipes")
def test_a_pipe_is_refused_and_does_not_block() -> None:
    os.mkfifo("p.npz")
    assert finding('file("p.npz")').message == "cannot read `p.npz`: it is no regular file"


@pytest.mark.skipif(not Path("/dev/zero").exists(), reason="this system has no devices")
def test_a_device_is_refused() -> None:
    Path("z.npy").symlink_to("/dev/zero")
    assert (
        finding('file("z.npy")', allow_outside=True).message == "cannot read `z.npy`: it is no regular file"
    )


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root reads everything")
def test_a_file_without_permission() -> None:
    Path("m.npz").chmod(0)
    assert finding('file("m.npz")').code == "NF702"


def test_a_file_that_changes_while_it_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    read = matrix_files.read_pattern

    def meanwhile(*arguments: object) -> object:
        factor = read(*arguments)  # type: ignore[arg-type]
        with Path("m.npz").open("ab") as file:
            file.write(b"more")
        return factor

    monkeypatch.setattr(matrix_files, "read_pattern", meanwhile)
    assert finding('file("m.npz")').message == "cannot read `m.npz`: it changed while it was read"


def test_limits() -> None:
    found = finding('file("m.npz")', limits=nfc.Limits(edges=7))
    assert (found.code, pointed_at(found)) == ("NF714", 'file("m.npz")')


@pytest.mark.parametrize("argument", ["3", "rows", "true", "[1]", "dense"])
def test_arguments_of_another_kind(argument: str) -> None:
    assert finding(f"file({argument})").code in ("NF401", "NF205")


# --- digests ---


def test_the_source_digest_covers_matrices() -> None:
    path = spec("a.nf", 'file("m.npz")')
    first = nfc.load(path)["n"].ir.source_digest
    np.savez_compressed("m.npz", mask=WANTED.astype(float))
    assert nfc.load(path)["n"].ir.source_digest == first
    np.savez("m.npz", mask=WANTED | WANTED.T)
    assert nfc.load(path)["n"].ir.source_digest != first


def test_the_digest_is_that_of_the_same_edges() -> None:
    np.save("b.npy", np.kron(np.eye(4, dtype=bool), np.ones((4, 2), bool)))
    assert nfc.topology('file("b.npy")', 16, 8).digest == nfc.topology("block(count=4)", 16, 8).digest
