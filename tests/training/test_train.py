"""The training example: processes agree, and a run that is killed ends as one that is not."""

from __future__ import annotations

import csv
import errno
import importlib
import io
import os
import random
import resource
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

ROOT = Path(__file__).parents[2]
SCRIPT = ROOT / "examples" / "train.py"
SPEC = """\
nf 1

network tiny {
    input [28, 28]
    flatten
    linear 32 via random(fan_in=12, seed=1)
    relu
    dropout .1
    linear 32 via butterfly
    relu
    head: linear 10
}
"""
STEPS = 12


@pytest.fixture
def spec(tmp_path: Path) -> Path:
    path = tmp_path / "tiny.nf"
    path.write_text(SPEC)
    return path


def command(spec: Path, build: Path, *options: str, processes: int = 1) -> list[str]:
    launch = [sys.executable]
    if processes > 1:
        launch += ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node", str(processes)]
    return [
        *launch,
        str(SCRIPT),
        str(spec),
        "--build",
        str(build),
        "--steps",
        str(STEPS),
        "--batch",
        "20",
        *options,
    ]


def run(spec: Path, build: Path, *options: str, processes: int = 1) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    line = command(spec, build, *options, processes=processes)
    return subprocess.run(line, capture_output=True, text=True, env=environment, check=False)


@dataclass(frozen=True)
class Here:
    """The script run in this process, which has imported PyTorch already."""

    patch: pytest.MonkeyPatch
    output: pytest.CaptureFixture[str]

    def __call__(self, spec: Path, build: Path, *options: str) -> tuple[int, str]:
        """Its exit code and what it wrote to standard error."""
        self.patch.syspath_prepend(str(SCRIPT.parent))
        self.patch.setattr(sys, "argv", command(spec, build, *options)[1:])
        threads = torch.get_num_threads()
        try:
            code = importlib.import_module("train").main()
        except SystemExit as stop:
            if isinstance(stop.code, str):
                return 1, self.output.readouterr().err + f"{stop.code}\n"
            code = stop.code
        finally:
            torch.set_num_threads(threads)
        return code, self.output.readouterr().err


@pytest.fixture
def here(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Here:
    return Here(monkeypatch, capfd)


def weights(build: Path) -> dict[str, torch.Tensor]:
    return load_file(build / "weights.safetensors")


def logged(build: Path) -> list[list[str]]:
    with (build / "log.csv").open(newline="") as file:
        return list(csv.reader(file))


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The spec without dropout, which differs from process to process, trained beside it by one process."""
    path = tmp_path_factory.mktemp("plain") / "plain.nf"
    path.write_text(SPEC.replace("    dropout .1\n", ""))
    found = run(path, path.with_name("one"))
    assert found.returncode == 0, found.stderr
    return path


@pytest.mark.parametrize("parallel", ["ddp", "fsdp"])
def test_two_processes_take_the_steps_of_one(plain: Path, tmp_path: Path, parallel: str) -> None:
    found = run(plain, tmp_path, "--parallel", parallel, processes=2)
    assert found.returncode == 0, found.stderr
    one, two = weights(plain.with_name("one")), weights(tmp_path)
    assert one.keys() == two.keys()
    for key, value in one.items():
        torch.testing.assert_close(two[key], value, rtol=0, atol=1e-5)
    for mine, theirs in zip(logged(plain.with_name("one"))[1:], logged(tmp_path)[1:], strict=True):
        assert mine[:2] == theirs[:2]
        assert float(mine[2]) == pytest.approx(float(theirs[2]), abs=1e-5)


def test_bfloat16_takes_nearly_the_same_steps(plain: Path, tmp_path: Path, here: Here) -> None:
    code, said = here(plain, tmp_path, "--dtype", "bfloat16")
    assert code == 0, said
    exact, rounded = (
        [float(value) for _, name, value in logged(build)[1:] if name == "loss"]
        for build in (plain.with_name("one"), tmp_path)
    )
    assert exact != rounded
    assert rounded == pytest.approx(exact, abs=0.1)


def test_a_killed_run_ends_as_one_that_is_not(spec: Path, tmp_path: Path, here: Here) -> None:
    options = ("--checkpoint-every", "1", "--evaluate-every", "6")
    code, said = here(spec, tmp_path / "whole", *options)
    assert code == 0, said
    moments = random.Random(0)
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    killed = 0
    while killed < 2:
        process = subprocess.Popen(
            command(spec, tmp_path / "killed", *options), env=environment, stderr=subprocess.DEVNULL
        )
        checkpoint = tmp_path / "killed" / "checkpoint.pt"
        before = checkpoint.stat().st_mtime_ns if checkpoint.exists() else 0
        while process.poll() is None and not (checkpoint.exists() and checkpoint.stat().st_mtime_ns > before):
            time.sleep(0.001)
        time.sleep(moments.uniform(0, 0.01))
        process.send_signal(signal.SIGKILL)
        killed += 1
        if process.wait() == 0:
            break
    code, said = here(spec, tmp_path / "killed", *options)
    assert code == 0, said
    whole, resumed = weights(tmp_path / "whole"), weights(tmp_path / "killed")
    assert all(torch.equal(resumed[key], value) for key, value in whole.items())
    assert logged(tmp_path / "whole") == logged(tmp_path / "killed")


def test_a_checkpoint_of_another_recipe_is_refused(spec: Path, tmp_path: Path, here: Here) -> None:
    build = tmp_path / "build"
    code, said = here(spec, build)
    assert code == 0, said
    before = (build / "checkpoint.pt").read_bytes()
    spec.write_text(SPEC.replace("fan_in=12", "fan_in=13"))
    code, said = here(spec, build, "--learning-rate", "0.1")
    assert code == 1
    assert "is of another digest and module and learning_rate; remove it" in said
    spec.write_text(SPEC.replace("relu", "gelu"))
    code, said = here(spec, build)
    assert code == 1
    assert "is of another module; remove it" in said
    assert (build / "checkpoint.pt").read_bytes() == before


@pytest.mark.parametrize("harm", ["none", "cut", "changed", "empty", "other"])
def test_a_damaged_checkpoint_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, harm: str) -> None:
    """Also where PyTorch would read it: it looks at no checksums."""
    monkeypatch.syspath_prepend(str(SCRIPT.parent))
    path = tmp_path / "checkpoint.pt"
    state = {"model": {"weight": torch.ones(4096)}, "optimizer": {}, "step": 3, "recipe": {}}
    torch.save({"state": state} if harm == "other" else state, path)
    content = bytearray(path.read_bytes())
    if harm == "changed":
        content[len(content) // 2] ^= 1
        torch.load(io.BytesIO(content), weights_only=True)
    path.write_bytes({"cut": content[:-100], "empty": b""}.get(harm, content))
    if harm == "none":
        assert importlib.import_module("train").checkpoint(path)["step"] == 3
        return
    with pytest.raises(SystemExit, match=r"checkpoint\.pt is damaged, or no checkpoint; remove it"):
        importlib.import_module("train").checkpoint(path)


def test_a_file_that_finds_no_room_is_named_and_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(str(SCRIPT.parent))
    path = tmp_path / "checkpoint.pt"
    path.write_bytes(b"old")
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (2**20, limits[1]))
    try:
        with pytest.raises(OSError, match="too large") as caught:
            importlib.import_module("train").replace(path, bytes(2**21))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert (caught.value.filename, caught.value.errno) == (str(path), errno.EFBIG)
    assert [(each.name, each.read_bytes()) for each in tmp_path.iterdir()] == [("checkpoint.pt", b"old")]


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
def test_a_gpu_that_is_not_there_is_named(spec: Path, tmp_path: Path, here: Here) -> None:
    code, said = here(spec, tmp_path / "build", "--device", "cuda")
    assert code == 1
    assert said == "each process needs a GPU, PyTorch finds 0 here; --device cpu needs none\n"
    assert not (tmp_path / "build").exists()


def test_a_folder_that_cannot_be_written_is_named(spec: Path, tmp_path: Path, here: Here) -> None:
    (tmp_path / "file").touch()
    code, said = here(spec, tmp_path / "file" / "build")
    assert code == 1
    assert said == f"cannot read or write {tmp_path / 'file' / 'build'}: Not a directory\n"
    (tmp_path / "tiny.py").mkdir()
    code, said = here(spec, tmp_path)
    assert code == 1
    assert "error[NF750]: cannot write" in said
    assert "Traceback" not in said


def test_a_network_of_tokens_is_trained_on_the_text(spec: Path, tmp_path: Path, here: Here) -> None:
    spec.write_text("nf 1\nnetwork tiny {\n    input 8\n    embed 63 4\n    linear 63\n}\n")
    code, said = here(spec, tmp_path)
    assert code == 0, said
    names = {name for _, name, _ in logged(tmp_path)[1:]}
    assert names == {"loss", "test_loss", "test_accuracy"}


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("head: linear 10", "head: linear 7", "needs an output of shape [10], the network's is [7]"),
        (
            SPEC,
            "nf 1\nnetwork tiny { input 8; embed 5 4; linear 63 }\n",
            "the text has 63 characters, the network's `embed` 5",
        ),
        (
            SPEC,
            "nf 1\nnetwork tiny { input 60000; embed 63 1; linear 63 }\n",
            "50006 characters are for testing, too few for a network that reads 60000",
        ),
        ("head: linear 10", "head: linier 10", "NF"),
    ],
)
def test_a_network_that_does_not_fit_is_refused(
    spec: Path, tmp_path: Path, here: Here, old: str, new: str, expected: str
) -> None:
    spec.write_text(SPEC.replace(old, new))
    code, said = here(spec, tmp_path)
    assert code == 1
    assert expected in said
    assert "Traceback" not in said


def test_counts_are_at_least_one(spec: Path, tmp_path: Path, here: Here) -> None:
    code, said = here(spec, tmp_path, "--checkpoint-every", "0")
    assert code == 2
    assert "argument --checkpoint-every: 0 is not at least 1" in said


def test_a_network_without_a_task_is_refused(spec: Path, tmp_path: Path, here: Here) -> None:
    spec.write_text(SPEC.replace("[28, 28]", "[5, 28]"))
    code, said = here(spec, tmp_path / "shape")
    assert code == 1
    assert "no task has inputs of shape [5, 28]" in said
