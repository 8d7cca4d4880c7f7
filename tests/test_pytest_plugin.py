"""pytest as a runner of `.nf` files: what is collected, what fails, and what a failure looks like."""

from __future__ import annotations

import subprocess
import sys
from importlib.metadata import entry_points

import pytest

import nfc.api
import nfc.checks
import nfc.sema.program
from nfc.cli import main
from tests.documents import ROOT

assert nfc.api, nfc.checks and nfc.sema.program  # NumPy is loaded before pytester keeps a list of modules

pytest_plugins = "pytester"

NET = """\
nf 1
param width = 8
network net {
    input 4
    pad width
    linear width via butterfly
    head: linear 3
}
check net {
    params <= 90 as "it has to fit"
    head.connected
    head.connected
    each linear { fan_in.max <= 8; connected }
}
"""


def arguments(*more: str) -> list[str]:
    installed = any(each.name == "nfc" for each in entry_points(group="pytest11"))
    plugin = [] if installed else ["-p", "nfc.pytest_plugin"]
    return [*plugin, *more]


@pytest.fixture
def repository(pytester: pytest.Pytester) -> pytest.Pytester:
    pytester.path.joinpath("net.nf").write_text(NET, "utf-8")
    return pytester


def test_nothing_is_collected_unless_asked_for(repository: pytest.Pytester) -> None:
    assert repository.runpytest_inprocess(*arguments()).ret == pytest.ExitCode.NO_TESTS_COLLECTED


def test_every_assertion_is_an_item(repository: pytest.Pytester) -> None:
    result = repository.runpytest_inprocess(*arguments("--nf", "--collect-only", "-q"))
    assert result.outlines[:6] == [
        "net.nf::elaboration",
        "net.nf::net::params <= 90",
        "net.nf::net::head.connected",
        "net.nf::net::head.connected (again 1)",
        "net.nf::net::each linear: fan_in.max <= 8",
        "net.nf::net::each linear: connected",
    ]
    repository.runpytest_inprocess(*arguments("--nf")).assert_outcomes(passed=6)


def test_the_ini_file_opts_in(repository: pytest.Pytester) -> None:
    repository.makepyprojecttoml('[tool.pytest.ini_options]\nnf = true\n[tool.nfc]\nexclude = ["other"]\n')
    repository.mkdir("other").joinpath("wrong.nf").write_text("nf 2\n", "utf-8")
    repository.runpytest_inprocess(*arguments()).assert_outcomes(passed=6)
    repository.runpytest_inprocess(*arguments("other/wrong.nf")).assert_outcomes(failed=1)


@pytest.mark.parametrize(
    "options", [["--nf"], ["--nfc"], ["--nf", "-p", "no:cacheprovider"], ["--nfc", "-p", "no:cacheprovider"]]
)
def test_the_option_opts_in_whether_pytest_has_one_of_its_name_or_not(
    repository: pytest.Pytester, options: list[str]
) -> None:
    repository.runpytest_inprocess(*arguments(*options)).assert_outcomes(passed=6)


def test_new_tests_first_does_not_opt_in(repository: pytest.Pytester) -> None:
    result = repository.runpytest_inprocess(*arguments("--new-first"))
    assert result.ret == pytest.ExitCode.NO_TESTS_COLLECTED


def test_a_failure_is_shown_as_nfc_shows_it(
    repository: pytest.Pytester, capfd: pytest.CaptureFixture[str]
) -> None:
    path = repository.path / "net.nf"
    path.write_text(NET.replace("90", "20"), "utf-8")
    assert main(["check", "net.nf"]) == 1
    shown = capfd.readouterr().err
    result = repository.runpytest_inprocess(*arguments("--nf"))
    result.assert_outcomes(passed=5, failed=1)
    assert shown.strip() in result.stdout.str()
    assert "params is 83 (it has to fit)" in shown
    assert "Traceback" not in result.stdout.str()
    assert "pytest_plugin.py" not in result.stdout.str()


def test_definitions_reach_the_files_that_have_them(repository: pytest.Pytester) -> None:
    repository.path.joinpath("other.nf").write_text("nf 1\nnetwork o { input 4 }\n", "utf-8")
    result = repository.runpytest_inprocess(*arguments("--nf", "--nf-define", "width=16"))
    result.assert_outcomes(passed=5, failed=2)
    assert "params is 195" in result.stdout.str()
    wrong = repository.runpytest_inprocess(*arguments("--nf", "--nf-define", "width"))
    assert wrong.ret == pytest.ExitCode.USAGE_ERROR
    wrong.stderr.fnmatch_lines(["*--nf-define: expected NAME=VALUE, found `width`*"])


def test_one_assertion_can_be_chosen(repository: pytest.Pytester) -> None:
    chosen = repository.runpytest_inprocess(*arguments("--nf", "net.nf::net::params <= 90"))
    chosen.assert_outcomes(passed=1)
    repository.runpytest_inprocess(*arguments("--nf", "-k", "connected")).assert_outcomes(
        passed=3, deselected=3
    )


def test_a_file_that_does_not_parse_fails_once(repository: pytest.Pytester) -> None:
    repository.path.joinpath("net.nf").write_text(NET.replace("linear 3", "linear = 3"), "utf-8")
    result = repository.runpytest_inprocess(*arguments("--nf"))
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*error[[]NF1*", "*net.nf:7:*"])


def test_assertions_of_a_file_without_meaning_fail_too(repository: pytest.Pytester) -> None:
    repository.path.joinpath("net.nf").write_text(NET.replace("butterfly", "butterflie"), "utf-8")
    result = repository.runpytest_inprocess(*arguments("--nf"))
    result.assert_outcomes(failed=6)
    assert "did you mean `butterfly`?" in result.stdout.str()


def test_what_stands_outside_of_assertions_fails_the_elaboration(repository: pytest.Pytester) -> None:
    repository.path.joinpath("net.nf").write_text(f"{NET}check nobody {{ params <= 1 }}\n", "utf-8")
    result = repository.runpytest_inprocess(*arguments("--nf"))
    result.assert_outcomes(passed=6, failed=1)
    result.stdout.fnmatch_lines(["*no network `nobody`*"])


def test_ignored_failures_are_expected_ones(repository: pytest.Pytester) -> None:
    text = NET.replace('params <= 90 as "it has to fit"', "params <= 20  # nfc: ignore[NF501]")
    repository.path.joinpath("net.nf").write_text(text, "utf-8")
    repository.runpytest_inprocess(*arguments("--nf")).assert_outcomes(passed=5, xfailed=1)


def test_a_block_about_layers_that_are_not_there_is_skipped(repository: pytest.Pytester) -> None:
    """As `nfc check` holds it: a warning, no failure."""
    text = NET.replace("each linear {", "each conv {")
    repository.path.joinpath("net.nf").write_text(text, "utf-8")
    result = repository.runpytest_inprocess(*arguments("--nf"))
    result.assert_outcomes(passed=4, skipped=2)


def test_names_send_no_escapes(repository: pytest.Pytester) -> None:
    text = NET.replace("params <= 90", 'digest == "\x1b[31m"')
    repository.path.joinpath("net.nf").write_text(text, "utf-8")
    result = repository.runpytest_inprocess(*arguments("--nf"))
    assert "\x1b" not in result.stdout.str()


def test_processes_of_xdist_agree(repository: pytest.Pytester) -> None:
    result = repository.runpytest_subprocess(*arguments("--nf", "-n", "2"))
    result.assert_outcomes(passed=6)


def test_the_plugin_imports_nothing_heavy() -> None:
    script = "import sys, nfc.pytest_plugin; print(*sys.modules)"
    command = [sys.executable, "-c", script]
    found = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout.split()
    assert not {"numpy", "lark", "click", "torch", "onnx", "scipy"} & set(found)
    others = [name for name in found if name.startswith("nfc") and not name.startswith("nfc.pytest_plugin")]
    assert set(others) <= {"nfc", "nfc.version"}


def test_the_entry_point_leads_to_the_plugin() -> None:
    assert 'pytest11]\nnfc = "nfc.pytest_plugin"' in (ROOT / "pyproject.toml").read_text("utf-8")
