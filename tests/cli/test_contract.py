"""Exit codes, streams and the policy of faults, for every verb."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import jsonschema
import pytest

import nfc.api
from nfc.cli.options import LIMITS
from nfc.cli.verbs import VERBS
from nfc.limits import Limits
from tests.cli.schemas import SCHEMAS
from tests.documents import ROOT
from tests.documents import nfc as run

ENVIRONMENT = {**os.environ, "PYTHONPATH": str(ROOT)}


@pytest.mark.parametrize(
    ("command", "code"),
    [
        ("check good.nf", 0),
        ("check warning.nf", 0),
        ("check good.nf several.nf", 0),
        ("check failing.nf", 1),
        ("check wrong.nf", 1),
        ("check good.nf wrong.nf", 1),
        ("check missing.nf", 1),
        ("check good.nf -D width=7", 0),
        ("check good.nf -D widht=7", 1),
        ("check good.nf -D limits=7 -D file=8", 1),
        ("check good.nf --max-edges 5", 1),
        ("check several.nf --network one", 0),
        ("show good.nf", 0),
        ("show wrong.nf", 1),
        ("compile good.nf --to torch", 0),
        ("compile good.nf --to onnx", 0),
        ("compile failing.nf --to torch", 0),
        ("compile failing.nf --to torch --check", 1),
        ("compile several.nf --to onnx --network two", 0),
        ("compile good.nf --to onnx --weights missing.safetensors", 1),
        ("compile good.nf --to onnx -o no/such/folder.onnx", 1),
        ("diff good.nf several.nf", 0),
        ("diff good.nf several.nf --breaking", 1),
        ("diff good.nf good.nf --breaking", 0),
        ("diff good.nf wrong.nf", 1),
        ("diff good.nf git:-x:good.nf", 1),
        ("diff good.nf", 2),
        ("lock good.nf several.nf", 0),
        ("lock --check good.nf", 1),
        ("lock wrong.nf", 1),
        ("lock", 2),
        ("check good.nf --artifact missing.onnx", 1),
        ("check good.nf several.nf --artifact missing.onnx", 2),
        ("new fresh", 0),
        ("new good", 1),
        ("fmt --check good.nf", 1),
        ("fmt good.nf", 0),
        ("fmt unstructured.nf mnist.nf", 0),
        ("fmt wrong.nf missing.nf", 1),
        ("fmt no_such_folder/*.nf", 1),
        ("fmt", 2),
        ("fmt good.nf --line-length 0", 2),
        ("explain NF501", 0),
        ("explain nf501", 0),
        ("explain", 0),
        ("--version", 0),
        ("--help", 0),
        ("", 2),
        ("chekc good.nf", 2),
        ("check", 2),
        ("check good.nf --no-such-option", 2),
        ("check good.nf -D width", 2),
        ("check good.nf -D 8=9", 2),
        ("check good.nf --max-edges -5", 2),
        ("check good.nf --max-edges many", 2),
        ("check good.nf --network nothing", 2),
        ("compile good.nf", 2),
        ("compile good.nf --to jax", 2),
        ("compile several.nf --to torch", 2),
        ("compile empty.nf --to torch", 2),
        ("compile good.nf --to torch -o ./good.nf", 2),
        ("compile good.nf --to torch --weights x.safetensors", 2),
        ("compile good.nf --to torch --dtype float16 --opset 20", 2),
        ("show several.nf --network three", 2),
        ("new 3d", 2),
        ("new for", 2),
        ("new ../evil", 2),
        ("explain NF000", 2),
    ],
)
def test_exit_codes(command: str, code: int) -> None:
    done = run(command.split())
    assert done.code == code, done.shown
    assert "Traceback" not in done.shown


@pytest.mark.parametrize(
    "command", ["check wrong.nf", "show wrong.nf", "compile wrong.nf --to onnx", "check failing.nf"]
)
def test_text_sends_diagnostics_to_standard_error_alone(command: str) -> None:
    done = run(command.split())
    assert re.search(r"error\[NF\d{3}\]", done.err)
    assert "error[" not in done.out


def test_an_artifact_that_cannot_be_read_is_not_called_another_topology() -> None:
    done = run(["check", "good.nf", "--artifact", "missing.onnx"])
    assert done.code == 1
    assert "missing.onnx: cannot be verified" in done.out
    assert "not the topology" not in done.shown


def test_text_sends_results_to_standard_output() -> None:
    done = run(["check", "failing.nf"])
    assert "FAIL" in done.out
    assert "1 of 2 assertions hold" in done.out


@pytest.mark.parametrize(
    "command",
    [
        "check good.nf several.nf",
        "check failing.nf",
        "check wrong.nf missing.nf",
        "show good.nf",
        "show several.nf",
        "show wrong.nf",
        "compile good.nf --to torch",
        "compile wrong.nf --to onnx",
        "diff good.nf several.nf",
        "diff good.nf failing.nf --breaking",
        "diff wrong.nf missing.nf",
        "lock good.nf wrong.nf",
        "lock --check good.nf",
        "check good.nf --artifact missing.onnx",
        "fmt good.nf wrong.nf missing.nf",
        "fmt --check good.nf",
        "new fresh",
        "new good",
        "explain NF501",
        "explain",
    ],
)
def test_json_is_one_document_on_standard_output(command: str) -> None:
    done = run([*command.split(), "--format", "json"])
    assert done.err == ""
    jsonschema.validate(json.loads(done.out), SCHEMAS[command.split()[0]])


@pytest.mark.parametrize("format", ["text", "json"])
def test_an_error_in_one_file_leaves_the_others_checked(format: str) -> None:
    done = run(["check", "wrong.nf", "several.nf", "missing.nf", "--format", format])
    assert done.code == 1
    assert "NF702" in done.shown
    assert "butterflie" in done.shown
    assert "params == 10" in done.shown


def test_quiet_prints_diagnostics_alone() -> None:
    assert run(["check", "good.nf", "-q"]).shown == ""
    done = run(["check", "failing.nf", "--quiet"])
    assert done.out == ""
    assert "NF501" in done.err


def test_colour_on_demand_only() -> None:
    assert "\x1b[" in run(["check", "wrong.nf", "--color", "always"]).err
    assert "\x1b[" in run(["check", "good.nf", "--color", "always"]).out
    assert "\x1b[" in run(["show", "good.nf", "--color", "always"]).out
    for command in (["check", "wrong.nf"], ["check", "good.nf"], ["show", "good.nf"]):
        assert "\x1b" not in run(command).shown


def test_standard_input() -> None:
    done = run(["check", "-"], "nf 1\nnetwork n { input 4; linear 2 via nothing }\n")
    assert done.code == 1
    assert "<stdin>:2:" in done.err


def test_a_call_without_a_verb_shows_the_help_once() -> None:
    done = run([])
    assert (done.code, done.out) == (2, "")
    assert done.err == run(["--help"]).out


def test_an_unknown_verb_gets_a_suggestion() -> None:
    assert "`check`" in run(["chekc"]).err
    assert "check, compile" in run(["zzz"]).err


def test_an_unknown_network_gets_a_suggestion() -> None:
    assert "`good`" in run(["show", "good.nf", "--network", "goood"]).err


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_has_help(verb: str) -> None:
    done = run([verb, "--help"])
    assert done.code == 0
    assert "--format" in done.out


def test_every_limit_has_an_option() -> None:
    assert set(LIMITS) == set(Limits.__dataclass_fields__)
    assert all(f"--max-{name.replace('_', '-')}" in run(["check", "--help"]).out for name in LIMITS)


@pytest.mark.parametrize(("text", "value"), [("5", 5), ("64k", 64_000), ("2M", 2_000_000), ("1_000", 1000)])
def test_limits_take_the_language_s_suffixes(text: str, value: int, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[Limits] = []

    def record(file: object, parameters: object, limits: Limits, **options: object) -> None:
        seen.append(limits)
        raise KeyboardInterrupt

    monkeypatch.setattr(nfc.api, "read_program", record)
    assert run(["check", "good.nf", "--max-edges", text]).code == 130
    assert seen == [Limits(edges=value)]


def test_a_fault_of_nfc_shows_no_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*arguments: object, **options: object) -> None:
        raise RuntimeError("the wheels\ncame off")

    monkeypatch.setattr(nfc.api, "read_program", fail)
    done = run(["check", "good.nf"])
    assert done.code == 2
    assert "internal fault: RuntimeError: the wheels" in done.err
    assert "NFC_DEBUG" in done.err
    assert "Traceback" not in done.shown
    monkeypatch.setenv("NFC_DEBUG", "1")
    with pytest.raises(RuntimeError):
        run(["check", "good.nf"])


def process(*arguments: str, **options: object) -> subprocess.CompletedProcess[bytes]:
    command = [sys.executable, "-m", "nfc", *arguments]
    return subprocess.run(command, env=ENVIRONMENT, capture_output=True, check=False, **options)  # type: ignore[call-overload, no-any-return]


def test_the_process_s_exit_code_is_the_verb_s() -> None:
    assert process("check", "failing.nf").returncode == 1
    assert process("chekc").returncode == 2


def test_a_closed_pipe_is_quiet() -> None:
    reader, writer = os.pipe()
    os.close(reader)
    command = [sys.executable, "-m", "nfc", "explain"]
    done = subprocess.run(command, env=ENVIRONMENT, stdout=writer, stderr=subprocess.PIPE, check=False)
    os.close(writer)
    assert done.returncode == 128 + signal.SIGPIPE
    assert done.stderr == b""


def test_a_narrow_encoding_escapes() -> None:
    Path("wide.nf").write_text("nf 1\nnetwork n { input 4; linear 漢 }\n", "utf-8")
    environment = {**ENVIRONMENT, "PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0"}
    for verb in (["check", "wide.nf"], ["show", "good.nf"]):
        command = [sys.executable, "-m", "nfc", *verb]
        done = subprocess.run(command, env=environment, capture_output=True, check=False)
        assert done.returncode in (0, 1)
        assert (done.stdout + done.stderr).isascii()
        assert b"Traceback" not in done.stderr


def test_json_survives_a_narrow_encoding() -> None:
    environment = {**ENVIRONMENT, "PYTHONIOENCODING": "latin-1", "PYTHONUTF8": "0"}
    command = [sys.executable, "-m", "nfc", "check", "missing-漢-\U0001f600.nf", "--format", "json"]
    done = subprocess.run(command, env=environment, capture_output=True, check=False)
    assert "漢-\U0001f600" in json.loads(done.stdout)["diagnostics"][0]["message"]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="the system has no /dev/full")
@pytest.mark.parametrize("arguments", [["check", "good.nf"], ["explain"], ["--help"]])
def test_a_full_device_is_no_fault_of_nfc(arguments: list[str]) -> None:
    command = [sys.executable, "-m", "nfc", *arguments]
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run(command, env=ENVIRONMENT, stdout=full, stderr=subprocess.PIPE, check=False)
    assert done.returncode == 2
    assert done.stderr == b"nfc: standard output cannot be written: no space left on device\n"


def test_a_closed_output_is_no_fault_of_nfc() -> None:
    command = ["sh", "-c", '"$0" -m nfc check good.nf >&-', sys.executable]
    done = subprocess.run(command, env=ENVIRONMENT, stderr=subprocess.PIPE, check=False)
    assert done.returncode == 2
    assert done.stderr == b"nfc: standard output cannot be written: it is closed\n"


def test_too_little_memory_is_no_fault_of_nfc(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*arguments: object, **options: object) -> None:
        raise MemoryError

    monkeypatch.setattr(nfc.api, "read_program", fail)
    done = run(["check", "good.nf"])
    assert done.code == 2
    assert "memory does not suffice" in done.err
    assert "mistake in nfc" not in done.err


@pytest.mark.parametrize("arguments", [["check"], ["compile", "--to", "torch"], ["compile", "--to", "onnx"]])
def test_deep_nesting_within_the_limit_is_well(arguments: list[str]) -> None:
    blocks = "repeat 1 { " * 190 + "linear 4" + " }" * 190
    Path("deep.nf").write_text(f"nf 1\nnetwork deep {{ input 4; {blocks} }}\n", "utf-8")
    before = sys.getrecursionlimit()
    done = run([*arguments, "deep.nf"])
    assert done.code == 0, done.err
    assert sys.getrecursionlimit() == before


def test_names_with_escapes_are_shown_safely() -> None:
    name = "o\x1b[31m.onnx"
    done = run(["compile", "good.nf", "--to", "onnx", "-o", name])
    assert done.code == 0
    assert Path(name).exists()
    wrong = run(["check", "good.nf", "--network", "\x1b[31m"])
    assert wrong.code == 2
    assert "\x1b" not in done.shown + wrong.shown


def test_a_file_name_outside_of_utf_8_compiles() -> None:
    name = os.fsdecode(b"\xff\xfe.nf")
    Path(name).write_bytes(Path("good.nf").read_bytes())
    assert run(["compile", name, "--to", "onnx"]).code == 0
