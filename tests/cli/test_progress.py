import io
import sys
import time

import pytest

from nfc.cli import progress


class Stream(io.StringIO):
    def __init__(self, terminal: bool) -> None:
        super().__init__()
        self.terminal = terminal

    def isatty(self) -> bool:
        return self.terminal


@pytest.mark.parametrize(
    ("terminal", "patience", "shown"), [(True, 0.0, True), (True, 60.0, False), (False, 0.0, False)]
)
def test_a_sign_of_life(
    terminal: bool, patience: float, shown: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    stream = Stream(terminal)
    monkeypatch.setattr(sys, "stderr", stream)
    monkeypatch.setattr(progress, "PATIENCE", patience)
    with progress.progress("counting"):
        deadline = time.monotonic() + 10
        while shown and "counting …" not in stream.getvalue() and time.monotonic() < deadline:
            time.sleep(0.01)
    assert ("counting … 0 s" in stream.getvalue()) == shown
    assert stream.getvalue() == "" or stream.getvalue().endswith(progress.CLEAR)


def test_an_error_passes_through_and_the_line_is_cleared(monkeypatch: pytest.MonkeyPatch) -> None:
    stream = Stream(True)
    monkeypatch.setattr(sys, "stderr", stream)
    with pytest.raises(RuntimeError), progress.progress("counting"):
        raise RuntimeError
    assert "counting" not in stream.getvalue()


def test_what_is_done_may_change(monkeypatch: pytest.MonkeyPatch) -> None:
    stream, counted = Stream(True), iter(range(10**6))
    monkeypatch.setattr(sys, "stderr", stream)
    monkeypatch.setattr(progress, "PATIENCE", 0.0)
    with progress.progress(lambda: f"counting {next(counted)} of many"):
        deadline = time.monotonic() + 10
        while "counting 1 of many" not in stream.getvalue() and time.monotonic() < deadline:
            time.sleep(0.01)
    assert "counting 0 of many" in stream.getvalue()
    assert "counting 1 of many" in stream.getvalue()
