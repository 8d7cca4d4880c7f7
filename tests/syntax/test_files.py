"""Reading sources and following `use`."""

from __future__ import annotations

import io
import os
import sys
from contextlib import chdir
from pathlib import Path

import pytest

from nfc.diagnostics import Diagnostic, NfcError, Sink
from nfc.files import Files, load, read_source, text_source
from nfc.limits import Limits
from nfc.source import Source
from tests.syntax.trees import LIMITS


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def write(name: str, *lines: str) -> str:
    Path(name).parent.mkdir(parents=True, exist_ok=True)
    Path(name).write_text("\n".join(["nf 1", *lines, ""]), "utf-8")
    return name


def failure(path: str, limits: Limits = LIMITS) -> Diagnostic:
    with pytest.raises(NfcError) as caught:
        read_source(path, limits)
    (diagnostic,) = caught.value.diagnostics
    return diagnostic


def loaded(path: str | Source, **options: bool) -> tuple[Files, list[Diagnostic]]:
    sink = Sink()
    return load(path, sink, LIMITS, **options), sink.diagnostics


def names(files: Files) -> list[str]:
    return [file.source.name for file in files.used]


# --- reading ---


def test_a_source_has_the_name_as_given(folder: Path) -> None:
    write("a.nf")
    for name in ("a.nf", "./a.nf", str(folder / "a.nf")):
        assert read_source(name, LIMITS) == Source(name, "nf 1\n")
    assert read_source(Path("a.nf"), LIMITS).name == "a.nf"


@pytest.mark.parametrize(
    "data", [b"a\nb\n", b"a\r\nb\r\n", b"\xef\xbb\xbfa\nb\n", b"\xef\xbb\xbfa\r\nb\n", b"a\rb\r"]
)
def test_newlines_and_a_byte_order_mark_are_normalised(data: bytes) -> None:
    Path("a.nf").write_bytes(data)
    assert read_source("a.nf", LIMITS).text == "a\nb\n"
    assert text_source(data.decode("utf-8"), "x") == Source("x", "a\nb\n")


def test_standard_input(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"nf 1\r\n")))
    assert read_source("-", LIMITS) == Source("<stdin>", "nf 1\n")


def test_closed_standard_input(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", None)
    assert failure("-").code == "NF702"


def test_missing_files_and_folders(folder: Path) -> None:
    write("a.nf")
    assert failure("b.nf").message == "cannot read `b.nf`: there is no such file"
    assert failure("a").hints == ("did you mean `a.nf`?",)
    assert failure(str(folder)).message == f"cannot read `{folder}`: it is a folder"
    assert failure("a.nf/b").code == failure("x\0y").code == failure("x" * 5000).code == "NF702"


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no named pipes")
def test_a_pipe_is_refused_and_does_not_block() -> None:
    os.mkfifo("pipe.nf")
    assert failure("pipe.nf").message == "cannot read `pipe.nf`: it is no regular file"


@pytest.mark.skipif(not Path("/dev/zero").exists(), reason="this system has no devices")
def test_a_device_is_refused() -> None:
    assert failure("/dev/zero").code == "NF702"


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root reads everything")
def test_a_file_without_permission() -> None:
    Path(write("a.nf")).chmod(0)
    assert failure("a.nf").code == "NF702"


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"nf 1\n\xff", "`a.nf` is not UTF-8: byte 0xff at offset 5, in line 2"),
        (b"\xef\xbb\xbfnf 1\n\xc3(", "`a.nf` is not UTF-8: byte 0xc3 at offset 8, in line 2"),
        ("nf 1".encode("utf-16"), "`a.nf` is not UTF-8: byte 0xff at offset 0, in line 1"),
        (b"nf 1\n\0", "`a.nf` is no text: a NUL character at offset 5"),
    ],
)
def test_what_is_no_text(data: bytes, message: str) -> None:
    Path("a.nf").write_bytes(data)
    assert (failure("a.nf").code, failure("a.nf").message) == ("NF703", message)


def test_the_limit_of_size(monkeypatch: pytest.MonkeyPatch) -> None:
    Path("a.nf").write_bytes(b"nf 1\n")
    assert read_source("a.nf", Limits(file_bytes=5)).text == "nf 1\n"
    assert failure("a.nf", Limits(file_bytes=4)).code == "NF704"
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"nf 1\n")))
    assert failure("-", Limits(file_bytes=4)).code == "NF704"


# --- using ---


def test_used_files_are_found_beside_their_user_each_once() -> None:
    write("root.nf", 'use "lib/a.nf"', 'use "b.nf"', 'use "lib/../b.nf"')
    write("lib/a.nf", 'use "c.nf"', 'use "../b.nf"', "let a = 1")
    write("lib/c.nf", "let c = 1")
    write("b.nf", 'use "lib/c.nf"')
    files, diagnostics = loaded("root.nf")
    assert diagnostics == []
    assert names(files) == ["lib/a.nf", "lib/c.nf", "b.nf"]
    a, c, b = files.used
    assert files.uses(files.root) == (a, b)
    assert files.uses(a) == (c, b)
    assert files.uses(b) == (c,)
    assert files.uses(c) == ()


def test_equal_files_are_told_apart() -> None:
    write("root.nf", 'use "a/x.nf"', 'use "b/x.nf"')
    for name in ("a", "b"):
        write(f"{name}/x.nf", 'use "y.nf"')
        write(f"{name}/y.nf")
    files, _ = loaded("root.nf")
    assert names(files) == ["a/x.nf", "a/y.nf", "b/x.nf", "b/y.nf"]
    assert [files.uses(file)[0].source.name for file in files.used[::2]] == ["a/y.nf", "b/y.nf"]


def test_a_root_in_another_folder() -> None:
    write("deep/er/root.nf", 'use "a.nf"')
    write("deep/er/a.nf")
    assert names(loaded("deep/er/root.nf")[0]) == ["deep/er/a.nf"]
    with chdir("deep"):
        assert names(loaded("er/root.nf")[0]) == ["er/a.nf"]


def test_standard_input_uses_files_of_the_working_directory() -> None:
    write("a.nf", "let a = 1")
    files, diagnostics = loaded(Source("<stdin>", 'nf 1\nuse "a.nf"\n'))
    assert (names(files), diagnostics) == (["a.nf"], [])


def test_mistakes_in_used_files_are_reported_there() -> None:
    write("root.nf", 'use "a.nf"', "let = 1")
    write("a.nf", "let a 1")
    _, diagnostics = loaded("root.nf")
    assert [(each.span.source.name, each.code) for each in diagnostics] == [
        ("root.nf", "NF111"),
        ("a.nf", "NF111"),
    ]


def test_a_missing_root_is_an_error_of_its_own() -> None:
    with pytest.raises(NfcError):
        loaded("missing.nf")


def test_a_missing_used_file_is_reported_at_its_path_and_the_others_are_read() -> None:
    write("root.nf", 'use "missing.nf"', 'use "a.nf"', 'use "missing.nf"')
    write("a.nf")
    Path("folder").mkdir()
    files, diagnostics = loaded("root.nf")
    (diagnostic,) = diagnostics
    assert (diagnostic.code, diagnostic.span.text, diagnostic.span.line) == ("NF702", '"missing.nf"', 2)
    assert names(files) == ["a.nf"]
    for path in ("folder", "", "a\\0"):
        write("root.nf", f'use "{path}"')
        assert [each.code for each in loaded("root.nf")[1]] == ["NF702"]


def test_a_circle_is_shown_whole() -> None:
    write("root.nf", 'use "a.nf"')
    write("a.nf", 'use "b.nf"')
    write("b.nf", 'use "a.nf"')
    files, (diagnostic,) = loaded("root.nf")
    assert diagnostic.code == "NF706"
    assert diagnostic.message == "files use each other in a circle: a.nf → b.nf → a.nf"
    assert (diagnostic.span.source.name, diagnostic.span.text) == ("b.nf", '"a.nf"')
    assert [(label.span.source.name, label.span.text) for label in diagnostic.labels] == [("a.nf", '"b.nf"')]
    assert names(files) == ["a.nf", "b.nf"]


def test_a_file_that_uses_itself() -> None:
    write("a.nf", 'use "./a.nf"')
    files, (diagnostic,) = loaded("a.nf")
    assert (diagnostic.code, diagnostic.message, files.used) == ("NF706", "`a.nf` uses itself", ())


def test_what_lies_outside_is_refused_unless_allowed() -> None:
    write("in/root.nf", 'use "../out.nf"')
    write("out.nf", "let a = 1")
    files, (diagnostic,) = loaded("in/root.nf")
    assert (diagnostic.code, diagnostic.span.text, files.used) == ("NF705", '"../out.nf"', ())
    assert names(loaded("in/root.nf", allow_outside=True)[0]) == ["out.nf"]


def test_absolute_paths_are_measured_the_same_way(folder: Path) -> None:
    write("a.nf")
    write("root.nf", f'use "{folder / "a.nf"}"')
    assert loaded("root.nf")[1] == []
    write("root.nf", 'use "/etc/passwd"')
    assert [each.code for each in loaded("root.nf")[1]] == ["NF705"]


def test_a_folder_whose_name_only_starts_alike_is_outside() -> None:
    write("in/root.nf", 'use "../inner/a.nf"')
    write("inner/a.nf")
    assert [each.code for each in loaded("in/root.nf")[1]] == ["NF705"]


@pytest.mark.skipif(sys.platform == "win32", reason="symbolic links need rights there")
def test_symbolic_links_are_followed(folder: Path) -> None:
    write("in/root.nf", 'use "link.nf"', 'use "alias.nf"', 'use "a.nf"')
    write("in/a.nf")
    write("out.nf")
    (folder / "in" / "link.nf").symlink_to(folder / "out.nf")
    (folder / "in" / "alias.nf").symlink_to("a.nf")
    files, (diagnostic,) = loaded("in/root.nf")
    assert (diagnostic.code, diagnostic.span.text) == ("NF705", '"link.nf"')
    assert names(files) == ["in/alias.nf"]


def test_a_long_chain_of_files() -> None:
    for index in range(1500):
        write(f"f{index}.nf", f'use "f{index + 1}.nf"')
    write("f1500.nf")
    files, diagnostics = loaded("f0.nf")
    assert (len(files.used), diagnostics) == (1500, [])
