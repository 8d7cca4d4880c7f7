"""Files are written whole or not at all."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from nfc.atomic import write_bytes, write_text
from nfc.diagnostics import NfcError


def code_and_message(error: pytest.ExceptionInfo[NfcError]) -> tuple[str, str]:
    (diagnostic,) = error.value.diagnostics
    return diagnostic.code, diagnostic.message


def test_text_is_utf8_without_newline_translation(tmp_path: Path) -> None:
    write_text(tmp_path / "a.txt", "σ²\n")
    assert (tmp_path / "a.txt").read_bytes() == "σ²\n".encode()


def test_writing_leaves_no_other_file(tmp_path: Path) -> None:
    for data in (b"first", b"second"):
        write_bytes(tmp_path / "a.bin", data)
        assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == {"a.bin": data}


def test_a_failure_on_the_way_keeps_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    target = tmp_path / "a.bin"
    target.write_bytes(b"old")

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(NfcError) as error:
        write_bytes(target, b"new")
    assert code_and_message(error) == ("NF750", f"cannot write `{target}`: no space left on device")
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == {"a.bin": b"old"}


def test_permissions_of_an_existing_file_stay(tmp_path: Path) -> None:
    target = tmp_path / "a.sh"
    target.write_bytes(b"old")
    target.chmod(0o750)
    write_bytes(target, b"new")
    assert target.stat().st_mode & 0o777 == 0o750


def test_a_new_file_has_the_permissions_of_any_new_file(tmp_path: Path) -> None:
    (tmp_path / "plain").write_bytes(b"")
    write_bytes(tmp_path / "ours", b"")
    assert (tmp_path / "ours").stat().st_mode == (tmp_path / "plain").stat().st_mode


def test_a_link_stays_a_link(tmp_path: Path) -> None:
    (tmp_path / "target").write_bytes(b"old")
    (tmp_path / "link").symlink_to("target")
    write_bytes(tmp_path / "link", b"new")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "target").read_bytes() == b"new"


def test_a_device_is_written_to() -> None:
    write_bytes("/dev/null", b"gone")
    assert not Path("/dev/null").is_file()


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("folder", "it is a folder"),
        ("missing/a.bin", "its folder does not exist"),
        ("file/a.bin", "its folder does not exist"),
    ],
)
def test_impossible_targets_are_refused(tmp_path: Path, name: str, reason: str) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(NfcError) as error:
        write_bytes(tmp_path / name, b"")
    assert code_and_message(error) == ("NF750", f"cannot write `{tmp_path / name}`: {reason}")


def test_a_write_protected_file_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    target = tmp_path / "a.bin"
    target.write_bytes(b"old")
    monkeypatch.setattr(os, "access", lambda path, mode: False)  # root may write anything
    with pytest.raises(NfcError) as error:
        write_bytes(target, b"new")
    assert code_and_message(error) == ("NF750", f"cannot write `{target}`: it is write-protected")
    assert target.read_bytes() == b"old"


def test_a_name_that_is_too_long_is_refused(tmp_path: Path) -> None:
    with pytest.raises(NfcError) as error:
        write_bytes(tmp_path / ("a" * 300), b"")
    assert code_and_message(error)[0] == "NF750"


def test_a_pipe_is_written_to() -> None:
    reading, writing = os.pipe()
    write_bytes(f"/dev/fd/{writing}", b"whole")
    os.close(writing)
    assert os.read(reading, 100) == b"whole"
    os.close(reading)
