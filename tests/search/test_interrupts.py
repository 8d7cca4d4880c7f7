"""Interrupts while processes start: kept for later, and kept from the processes."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from nfc.cli.search import LOST
from nfc.search.interrupts import deferred_interrupts
from nfc.search.workers import Workers
from tests.documents import INTERRUPTIBLE, ROOT

IS_BLOCKED = "import signal; print(signal.SIGINT in signal.pthread_sigmask(signal.SIG_BLOCK, []))"


@pytest.fixture(autouse=True)
def interruptible() -> Iterator[None]:
    """Interrupts come even where the tests run in the background."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def test_an_interrupt_comes_at_the_end() -> None:
    before = signal.getsignal(signal.SIGINT)
    done = []

    def interrupted() -> None:
        with deferred_interrupts():
            os.kill(os.getpid(), signal.SIGINT)
            done.append(1)

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert done
    assert signal.getsignal(signal.SIGINT) is before
    assert signal.SIGINT not in signal.pthread_sigmask(signal.SIG_BLOCK, [])


def test_without_one_nothing_comes() -> None:
    with deferred_interrupts():
        pass
    with pytest.raises(ZeroDivisionError), deferred_interrupts():
        _ = 1 / 0


def test_processes_that_are_started_within_get_none() -> None:
    def started() -> str:
        return subprocess.run([sys.executable, "-c", IS_BLOCKED], capture_output=True, text=True).stdout

    with deferred_interrupts():
        inside = started()
    assert (inside, started()) == ("True\n", "False\n")


def is_blocked(task: int) -> bool:
    return signal.SIGINT in signal.pthread_sigmask(signal.SIG_BLOCK, [])


def test_workers_get_none() -> None:
    pytest.importorskip("joblib")
    from joblib.externals.loky import get_reusable_executor

    get_reusable_executor(reuse=True).shutdown(wait=True, kill_workers=True)
    with Workers(2).running() as run:
        assert dict(run(is_blocked, range(3))) == {0: True, 1: True, 2: True}


@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="children are read from /proc")
def test_a_terminal_s_interrupt_at_the_first_sign_of_a_process_ends_all_in_silence() -> None:
    """Whenever it comes, it reaches the whole group, as Ctrl-C does."""
    command = [sys.executable, "-c", INTERRUPTIBLE, "search", "--in", "512", "--params", "20k", "--jobs", "2"]
    options: dict[str, Any] = {
        "stderr": subprocess.PIPE,
        "stdout": subprocess.PIPE,
        "start_new_session": True,
    }
    with subprocess.Popen(command, env={**os.environ, "PYTHONPATH": str(ROOT)}, **options) as process:
        children = Path(f"/proc/{process.pid}/task/{process.pid}/children")
        while process.poll() is None and not children.read_text().split():
            time.sleep(0.002)
        os.killpg(process.pid, signal.SIGINT)
        out, err = process.communicate(timeout=120)
    assert process.returncode == 130
    assert out == b""
    assert err.decode().strip() == LOST.strip()
