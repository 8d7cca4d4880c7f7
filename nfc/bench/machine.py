"""What times were taken on: the processor, the memory and the versions that matter; no names, no paths."""

from __future__ import annotations

import os
import platform
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

_RUNTIMES = ("numpy", "torch", "onnxruntime")


@dataclass(frozen=True, kw_only=True)
class Machine:
    """A machine and the runtimes on it.

    Attributes:
        processor: the CPU's model as the system names it.
        cores: logical processors that this process may use.
        memory: bytes of main memory; None where the system does not say.
        system: the kernel's name and the architecture, `Linux x86_64`.
        python, numpy, torch, onnxruntime: versions; None for what is not installed.
    """

    processor: str
    cores: int
    memory: int | None
    system: str
    python: str
    numpy: str | None
    torch: str | None
    onnxruntime: str | None


def machine() -> Machine:
    """The machine that this process runs on."""
    numpy, torch, onnxruntime = map(_version, _RUNTIMES)
    return Machine(
        processor=_processor(),
        cores=_cores(),
        memory=_memory(),
        system=f"{platform.system()} {platform.machine()}",
        python=platform.python_version(),
        numpy=numpy,
        torch=torch,
        onnxruntime=onnxruntime,
    )


def _version(package: str) -> str | None:
    """The version of an installed distribution, without importing it."""
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text("utf-8", "replace").splitlines()
    except OSError:
        lines = []
    models = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(models, "") or platform.processor() or platform.machine() or "unknown"


def _cores() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _memory() -> int | None:
    try:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, ValueError, OSError):
        return None
