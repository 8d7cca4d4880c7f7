"""Shared by all tests: Hypothesis profiles, and the count of executor runs and skips at the end of a run."""

from __future__ import annotations

import os
from collections import Counter
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

settings.register_profile(
    "ci", deadline=None, derandomize=True, print_blob=True, suppress_health_check=[HealthCheck.too_slow]
)
settings.register_profile(
    "search", deadline=None, max_examples=1000, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "ci"))

_runs: Counter[str] = Counter()
_skips: Counter[tuple[str, str]] = Counter()


def _local_counts() -> tuple[dict[str, int], list[tuple[str, str, int]]]:
    import sys

    module = sys.modules.get("tests.agreement.executors")
    if module is None:
        return {}, []
    return dict(module.RUNS), [(name, reason, count) for (name, reason), count in module.SKIPS.items()]


def _add(runs: dict[str, int], skips: list[tuple[str, str, int]]) -> None:
    _runs.update(runs)
    for name, reason, count in skips:
        _skips[name, reason] += count


def pytest_sessionfinish(session: pytest.Session) -> None:
    output: dict[str, Any] | None = getattr(session.config, "workeroutput", None)
    if output is None:
        _add(*_local_counts())
    else:
        output["executors"] = _local_counts()


class _Collector:
    """Adds up the counts of pytest-xdist's workers."""

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any) -> None:
        runs, skips = getattr(node, "workeroutput", {}).get("executors", ({}, []))
        _add(runs, skips)


def pytest_configure(config: pytest.Config) -> None:
    config.pluginmanager.register(_Collector())


def pytest_terminal_summary(terminalreporter: Any) -> None:
    if not _runs:
        return
    terminalreporter.section("executors compared with the reference interpreter")
    for name in sorted(_runs):
        skipped = {reason: count for (executor, reason), count in _skips.items() if executor == name}
        total = sum(skipped.values())
        reasons = "".join(f" ({count}: {reason})" for reason, count in sorted(skipped.items()))
        terminalreporter.write_line(f"{name}: {_runs[name]} runs, {total} skipped{reasons}")
