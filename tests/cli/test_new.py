from pathlib import Path

import pytest

from tests.documents import nfc


def test_the_new_file_passes_its_own_checks_and_compiles() -> None:
    done = nfc(["new", "fresh"])
    assert "nfc check fresh.nf" in done.out
    for command in (
        "check fresh.nf",
        "show fresh.nf",
        "compile fresh.nf --to torch",
        "compile fresh.nf --to onnx",
    ):
        run = nfc(command.split())
        assert (run.code, run.err) == (0, ""), run.shown


def test_the_commands_that_it_names_work() -> None:
    out = nfc(["new", "fresh.nf"]).out
    commands = [line.split()[1:] for line in out.splitlines() if line.startswith("  nfc ")]
    assert len(commands) == 3
    assert all(nfc(command).code == 0 for command in commands)


@pytest.mark.parametrize("name", ["good", "good.nf"])
def test_an_existing_file_stays(name: str) -> None:
    before = Path("good.nf").read_bytes()
    assert nfc(["new", name]).code == 1
    assert Path("good.nf").read_bytes() == before


def test_a_parameter_of_the_new_file_can_be_overridden() -> None:
    nfc(["new", "fresh"])
    assert nfc(["show", "fresh.nf", "-D", "width=512"]).code == 0


@pytest.mark.parametrize("name", ["dense", "file", "permute", "log2", "rows", "width"])
def test_names_that_the_language_uses_are_refused(name: str, tmp_path: Path) -> None:
    assert nfc(["new", name]).code == 2
    assert not Path(f"{name}.nf").exists()
