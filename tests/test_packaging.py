"""The wheel, installed into an empty environment, works: the grammar and the code pages are inside."""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
import venv
import zipfile
from pathlib import Path

import pytest

from tests.documents import ROOT


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    build = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(folder), str(ROOT)]
    subprocess.run(build, check=True, capture_output=True)
    (built,) = folder.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def environment(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An environment with the wheel; the libraries that it needs come from this one, but never nfc itself."""
    folder = tmp_path_factory.mktemp("environment")
    venv.create(folder, with_pip=False)
    site = Path(sysconfig.get_path("purelib", vars={"base": str(folder), "platbase": str(folder)}))
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(site)
    (site / "libraries.pth").write_text(sysconfig.get_path("purelib"), "utf-8")
    return folder


def run(
    environment: Path, folder: Path, *arguments: str, module: str = "nfc"
) -> subprocess.CompletedProcess[str]:
    variables = {
        name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "PYTEST"))
    }
    command = [str(environment / "bin" / "python"), "-m", module, *arguments]
    return subprocess.run(command, cwd=folder, env=variables, capture_output=True, text=True, check=False)


def test_the_wheel_holds_what_is_not_python(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
    pages = {path.relative_to(ROOT).as_posix() for path in (ROOT / "nfc" / "codes" / "pages").glob("*.md")}
    assert {"nfc/grammar/nf.lark", "nfc/py.typed", *pages} <= names
    assert not [name for name in names if name.startswith(("tests/", "examples/", "benchmarks/"))]


def test_the_installed_package_is_the_wheel(environment: Path, tmp_path: Path) -> None:
    command = [str(environment / "bin" / "python"), "-c", "import nfc; print(nfc.__file__)"]
    found = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True).stdout
    assert Path(found.strip()).is_relative_to(environment)


def test_the_installed_command_checks_and_compiles(environment: Path, tmp_path: Path) -> None:
    for arguments in (
        ("new", "tiny"),
        ("check", "tiny.nf"),
        ("compile", "tiny.nf", "--to", "onnx"),
        ("explain", "NF101"),
    ):
        done = run(environment, tmp_path, *arguments)
        assert done.returncode == 0, done.stdout + done.stderr
    assert (tmp_path / "tiny.onnx").stat().st_size > 0


def test_pytest_finds_the_installed_plugin(environment: Path, tmp_path: Path) -> None:
    assert run(environment, tmp_path, "new", "tiny").returncode == 0
    done = run(environment, tmp_path, "--nf", "-q", module="pytest")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "4 passed" in done.stdout


def test_the_version_is_the_distribution_s() -> None:
    from nfc.version import VERSION

    assert f'version = "{VERSION}"' in (ROOT / "pyproject.toml").read_text("utf-8")
